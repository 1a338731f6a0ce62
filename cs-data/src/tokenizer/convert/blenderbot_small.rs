//! BlenderbotSmall's byte-pair encoding of characters, whose pieces say by `@@` that a word goes on.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::Result;

use super::super::json::{self, Loaded};
use super::super::renumbered::{CONTINUED, END_OF_WORD, Renumbered};
use super::byte_pairs::BytePairs;
use super::document::{Document, Edge};
use super::pieces::replaced;
use super::settings::Settings;

const TOKENS: [(&str, &str); 4] = [
    ("bos_token", "__start__"),
    ("eos_token", "__end__"),
    ("unk_token", "__unk__"),
    ("pad_token", "__null__"),
];

pub(super) fn load(files: BytePairs, settings: &Settings) -> Result<(Loaded, PathBuf)> {
    let BytePairs {
        path,
        vocabulary,
        merges,
    } = files;
    let token = |role: &'static str| {
        let default = TOKENS
            .iter()
            .find(|(of, _)| *of == role)
            .map(|(_, token)| *token);
        settings.token(role).or(default).unwrap_or(role)
    };
    let id = |token: &str| vocabulary.get(token).copied();
    let unknown = Edge::new(token("unk_token"), id, &path)?;
    let document = Document {
        normalizer: normalizer(),
        pre_tokenizer: json!({"type": "WhitespaceSplit"}),
        post_processor: Value::Null,
        decoder: Value::Null,
        model: json!({"type": "BPE", "dropout": null, "unk_token": token("unk_token"),
            "continuing_subword_prefix": null, "end_of_word_suffix": END_OF_WORD, "fuse_unk": false,
            "byte_fallback": false, "vocab": pieces(&vocabulary, &merges, token("unk_token")), "merges": merges}),
        added_tokens: settings.added_tokens(&TOKENS),
        padding: id(token("pad_token")),
    };
    let renumber = |model| Renumbered::blenderbot_small(model, &vocabulary, unknown.id(), &path);
    let loaded = json::load_as(&document.into_bytes(), &path, renumber)?;
    Ok((loaded, path))
}

/// Lower case, a space before punctuation, the end of a line as a word.
fn normalizer() -> Value {
    // A line that ends with an apostrophe or white space goes on.
    let mut steps = vec![replaced(json!({"Regex": r"(?<=[^\s'])\n"}), " __newln__ ")];
    let signs = [
        (".", " ."),
        (",", " ,"),
        ("!", " !"),
        ("?", " ?"),
        ("(", " ("),
        (")", " )"),
        ("'", " ' "),
    ];
    steps.extend(signs.map(|(sign, apart)| replaced(json!({"String": sign}), apart)));
    steps.push(json!({"type": "Lowercase"}));
    json!({"type": "Sequence", "normalizers": steps})
}

/// Every piece that may come up, as the merges write it, with a number of its own.
fn pieces(
    vocabulary: &HashMap<String, u32>,
    merges: &[(String, String)],
    unknown: &str,
) -> HashMap<String, usize> {
    let mut names: Vec<String> = vocabulary
        .keys()
        .map(|name| match name.strip_suffix(CONTINUED) {
            Some(piece) => piece.to_owned(),
            None => format!("{name}{END_OF_WORD}"),
        })
        .collect();
    names.sort_unstable();
    let merged = merges
        .iter()
        .flat_map(|(first, second)| [first.clone(), second.clone(), [&**first, second].concat()]);
    let mut pieces = HashMap::from([(unknown.to_owned(), 0)]);
    for name in names.into_iter().chain(merged) {
        let number = pieces.len();
        pieces.entry(name).or_insert(number);
    }
    pieces
}
