//! Marian's files: pieces by `source.spm`, their ids by `vocab.json`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Result;

use super::super::json::{self, Loaded};
use super::super::renumbered::Renumbered;
use super::document::{Document, Edge, template};
use super::sentence_piece::{Kind, Opened};
use super::settings::Settings;

const TOKENS: [(&str, &str); 3] = [
    ("eos_token", "</s>"),
    ("unk_token", "<unk>"),
    ("pad_token", "<pad>"),
];

/// The tokenizer of source texts, which decodes target texts, and the file of its ids.
pub(super) fn load(dir: &Path, settings: &Settings) -> Result<(Loaded, PathBuf)> {
    let source = Opened::open(&dir.join("source.spm"))?;
    Opened::open(&dir.join("target.spm"))?;
    let path = dir.join("vocab.json");
    let ids = vocabulary(&path)?;
    let target = match settings.flag("separate_vocabs") {
        Some(true) => Some(vocabulary(&dir.join("target_vocab.json"))?),
        _ => None,
    };
    let token = |role: &'static str| {
        let default = TOKENS
            .iter()
            .find(|(of, _)| *of == role)
            .map(|(_, token)| *token);
        settings.token(role).or(default).unwrap_or(role)
    };
    let id = |token: &str| ids.get(token).copied();
    let eos = Edge::new(token("eos_token"), id, &path)?;
    let unknown = Edge::new(token("unk_token"), id, &path)?;
    let document = Document {
        normalizer: source.normalizer(true),
        pre_tokenizer: source.pre_tokenizer(true),
        post_processor: template(&[], &[eos]),
        decoder: Value::Null,
        model: source.unigram(
            found_pieces(&source),
            0,
            source.model.trainer.byte_fallback(),
        ),
        added_tokens: settings.added_tokens(&TOKENS),
        padding: id(token("pad_token")),
    };
    let renumber = |model| Renumbered::marian(model, &ids, target.as_ref(), unknown.id(), &path);
    Ok((
        json::load_as(&document.into_bytes(), &source.path, renumber)?,
        path,
    ))
}

fn vocabulary(path: &Path) -> Result<HashMap<String, u32>> {
    super::parse(path, &super::read(path)?)
}

/// The pieces that SentencePiece looks for in a text, after the one for what is unknown. A symbol of
/// the user is preferred to whatever else its text could be cut into.
fn found_pieces(source: &Opened) -> Vec<(&str, f32)> {
    let pieces = &source.model.pieces;
    let trainer = &source.model.trainer;
    let normal = pieces.iter().filter(|piece| piece.kind() == Kind::Normal);
    let best = normal
        .map(|piece| piece.score())
        .fold(f32::NEG_INFINITY, f32::max);
    let mut found = vec![(trainer.unk_piece(), 0.0)];
    found.extend(pieces.iter().filter_map(|piece| match piece.kind() {
        Kind::Normal => Some((piece.text(), piece.score())),
        Kind::UserDefined => Some((piece.text(), piece.text().len() as f32 * best - 0.1)),
        Kind::Byte if trainer.byte_fallback() => Some((piece.text(), piece.score())),
        _ => None,
    }));
    found
}
