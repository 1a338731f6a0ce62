//! The tokenizer of a folder, in whichever files its family ships it. Each kind becomes the
//! `tokenizer.json` that the converter of `transformers` would write, and is then read as one.

mod blenderbot_small;
mod byte_pairs;
mod document;
mod ggml;
mod marian;
mod pieces;
mod sentence_piece;
mod settings;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::file::position;

use super::json::{self, Loaded};
use super::wordpiece::{self, Flavour};

use byte_pairs::BytePairs;
pub use ggml::GgmlVocabulary;
use sentence_piece::Opened;
pub(super) use settings::Settings;

/// The names that SentencePiece files go by.
const SENTENCE_PIECE: [&str; 4] = [
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.model",
];

const KINDS: &str =
    "tokenizer.json, source.spm, a SentencePiece .model, vocab.json with merges.txt, or vocab.txt";

/// A tokenizer and the file that it is mostly from.
pub(super) struct Found {
    pub(super) loaded: Loaded,
    pub(super) origin: PathBuf,
    /// Whether decoded text is tidied.
    pub(super) clean_up: bool,
}

pub(super) fn open(dir: &Path) -> Result<Found> {
    let settings = Settings::open(dir)?;
    let has = |name: &&str| dir.join(name).is_file();
    let sentence_piece = SENTENCE_PIECE.iter().find(|name| has(name));
    let has_pairs = has(&"vocab.json") && has(&"merges.txt");
    let (loaded, origin) = if has(&"source.spm") {
        marian::load(dir, &settings)?
    } else if has_pairs && settings.is_of(&["BlenderbotSmallTokenizer", "blenderbot-small"]) {
        blenderbot_small::load(BytePairs::open(dir)?, &settings)?
    } else if has(&"tokenizer.json") {
        let path = dir.join("tokenizer.json");
        (json::load(&read(&path)?, &path)?, path)
    } else if let Some(name) = sentence_piece {
        let opened = Opened::open(&dir.join(name))?;
        let document = opened.document(&settings)?;
        (
            json::load(&document.into_bytes(), &opened.path)?,
            opened.path,
        )
    } else if has_pairs {
        let files = BytePairs::open(dir)?;
        let path = files.path.clone();
        (
            json::load(&files.byte_level(&settings)?.into_bytes(), &path)?,
            path,
        )
    } else if has(&"vocab.txt") {
        let path = dir.join("vocab.txt");
        let entries = wordpiece::read_vocab(&path, &read(&path)?)?;
        let json = Flavour::of(&settings).tokenizer_json(&entries, &path)?;
        (json::load(&json, &path)?, path)
    } else {
        return Err(Error::file(dir, "no tokenizer", KINDS));
    };
    let clean_up = settings.flag("clean_up_tokenization_spaces") == Some(true);
    Ok(Found {
        loaded,
        origin,
        clean_up,
    })
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io {
        path: path.into(),
        source,
    })
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T> {
    let text = position::utf8(path, bytes)?;
    serde_json::from_str(text).map_err(|fault| position::json_error(path, bytes, &fault))
}
