//! `vocab.json` and `merges.txt`: byte-pair encodings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Result;
use crate::file::position;

use super::document::{Document, Edge, template};
use super::settings::Settings;

/// The files of a byte-pair encoding (Sennrich et al. 2016, <https://arxiv.org/abs/1508.07909>).
pub(super) struct BytePairs {
    pub(super) path: PathBuf,
    pub(super) vocabulary: HashMap<String, u32>,
    /// The pairs, those that are merged first at the beginning.
    pub(super) merges: Vec<(String, String)>,
}

impl BytePairs {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("vocab.json");
        let vocabulary = super::parse(&path, &super::read(&path)?)?;
        let merges = dir.join("merges.txt");
        let merges = merges_of(&merges, &super::read(&merges)?)?;
        Ok(Self {
            path,
            vocabulary,
            merges,
        })
    }

    /// The encoding of the bytes of a text, each of which is written as a character (Radford et al.
    /// 2019, "Language Models are Unsupervised Multitask Learners", section 2.2), as the family
    /// has it: GPT-2, RoBERTa, BART, Blenderbot or Qwen2.
    pub(super) fn byte_level(self, settings: &Settings) -> Result<Document> {
        let family = Family::of(settings);
        let prefix = settings
            .flag("add_prefix_space")
            .unwrap_or(family == Family::Blenderbot);
        let qwen = family == Family::Qwen2;
        let bytes = |regex: bool| json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": regex});
        let pre_tokenizer = match qwen {
            true => json!({"type": "Sequence", "pretokenizers": [
                split(QWEN2_WORDS), bytes(false)]}),
            false => bytes(true),
        };
        Ok(Document {
            normalizer: if qwen {
                json!({"type": "NFC"})
            } else {
                Value::Null
            },
            pre_tokenizer,
            post_processor: self.edges(family, settings, prefix)?,
            decoder: bytes(true),
            added_tokens: settings.added_tokens(family.tokens()),
            padding: None,
            model: Self::model(&self.vocabulary, &self.merges, false),
        })
    }

    /// The model of bytes' pairs; with `whole`, a word that is a token stays one.
    pub(super) fn model(
        vocabulary: &impl Serialize,
        merges: &impl Serialize,
        whole: bool,
    ) -> Value {
        json!({"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": whole,
            "vocab": vocabulary, "merges": merges})
    }

    fn edges(&self, family: Family, settings: &Settings, prefix: bool) -> Result<Value> {
        let edge = |role: &'static str| {
            let default = family.tokens().iter().find(|(of, _)| *of == role);
            let token = settings.token(role).or(default.map(|(_, token)| *token));
            let id = |token: &str| self.vocabulary.get(token).copied();
            Edge::new(token.unwrap_or(role), id, &self.path)
        };
        if family == Family::Roberta {
            let (sep, cls) = (edge("sep_token")?.pair(), edge("cls_token")?.pair());
            return Ok(json!({"type": "RobertaProcessing", "sep": sep, "cls": cls,
                "trim_offsets": true, "add_prefix_space": prefix}));
        }
        let wanted = |flag: &str| settings.flag(flag) == Some(true);
        let head = wanted("add_bos_token")
            .then(|| edge("bos_token"))
            .transpose()?;
        let tail = wanted("add_eos_token")
            .then(|| edge("eos_token"))
            .transpose()?;
        Ok(template(head.as_slice(), tail.as_slice()))
    }
}

/// The families whose byte-pair encodings differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Gpt2,
    /// BART's are RoBERTa's.
    Roberta,
    Blenderbot,
    Qwen2,
}

impl Family {
    fn of(settings: &Settings) -> Self {
        if settings.is_of(&["RobertaTokenizer", "BartTokenizer", "roberta", "bart"]) {
            Self::Roberta
        } else if settings.is_of(&["BlenderbotTokenizer", "blenderbot"]) {
            Self::Blenderbot
        } else if settings.is_of(&["Qwen2Tokenizer", "qwen2", "qwen3"]) {
            Self::Qwen2
        } else {
            Self::Gpt2
        }
    }

    /// The tokens that the family's tokenizer has where its files name no others.
    fn tokens(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Gpt2 => &[
                ("bos_token", "<|endoftext|>"),
                ("eos_token", "<|endoftext|>"),
                ("unk_token", "<|endoftext|>"),
            ],
            Self::Qwen2 => &[
                ("eos_token", "<|endoftext|>"),
                ("unk_token", "<|endoftext|>"),
                ("pad_token", "<|endoftext|>"),
            ],
            Self::Roberta | Self::Blenderbot => &[
                ("bos_token", "<s>"),
                ("eos_token", "</s>"),
                ("unk_token", "<unk>"),
                ("sep_token", "</s>"),
                ("pad_token", "<pad>"),
                ("cls_token", "<s>"),
                ("mask_token", "<mask>"),
            ],
        }
    }
}

/// The words of Qwen2: as GPT-2's, but each digit is one, and letters take one other sign before them.
pub(super) const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A step that cuts a text into words that match an expression, and what is between them.
pub(super) fn split(words: &str) -> Value {
    json!({"type": "Split", "pattern": {"Regex": words}, "behavior": "Isolated", "invert": false})
}

/// A pair a line; the first line may tell the version.
fn merges_of(path: &Path, bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let mut merges = Vec::new();
    let mut at = 0;
    for line in position::utf8(path, bytes)?.split_inclusive('\n') {
        let pair = line.trim_end_matches(['\n', '\r']);
        if !pair.is_empty() && !pair.starts_with("#version") {
            let parts = pair
                .split_once(' ')
                .filter(|(_, second)| !second.contains(' '));
            let wrong = || {
                position::error(
                    path,
                    bytes,
                    at,
                    format!("{pair:?}"),
                    "two pieces with a space between",
                )
            };
            let (first, second) = parts.ok_or_else(wrong)?;
            merges.push((first.to_owned(), second.to_owned()));
        }
        at += line.len();
    }
    Ok(merges)
}
