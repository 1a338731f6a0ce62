//! The vocabulary in a GGUF file.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

use super::byte_pairs::{BytePairs, QWEN2_WORDS, split};
use super::document::{Document, Edge, template};
use super::pieces::SPACE;
use super::sentence_piece::{Kind, Opened, Piece};
use super::settings::{Settings, added};

/// Llama 3's words: Qwen2's, but for up to three digits at a time.
const LLAMA3_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The tokenizer of a GGUF file, as its keys `tokenizer.ggml.*` tell it.
///
/// ```
/// use cs_data::{GgmlVocabulary, Tokenizer};
///
/// let tokens = ["<|end|>", "a", "b", "ab"].map(str::to_owned);
/// let vocabulary = GgmlVocabulary {
///     model: "gpt2",
///     pre: Some("gpt-2"),
///     tokens: &tokens,
///     token_types: &[3, 1, 1, 1],
///     merges: &["a b".to_owned()],
///     ..GgmlVocabulary::default()
/// };
/// let tokenizer = Tokenizer::from_ggml(&vocabulary, "model.gguf".as_ref())?;
/// assert_eq!(tokenizer.encode_prompt("aab<|end|>")?, [1, 3, 0]);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct GgmlVocabulary<'a> {
    /// How a text is cut: `gpt2`, by pairs of bytes, or `llama`, as SentencePiece does.
    pub model: &'a str,
    /// Of `gpt2`, what words are: `gpt-2`, `smollm`, `qwen2` or `llama-bpe`.
    pub pre: Option<&'a str>,
    /// The texts of the tokens, whose ids are their places.
    pub tokens: &'a [String],
    /// The kind of each token, from 1 to 6: normal, unknown, control, user-defined, unused, byte.
    /// Empty where all are normal.
    pub token_types: &'a [i64],
    /// Of `llama`, the score of each token: pairs of a higher one are joined first.
    pub scores: &'a [f64],
    /// Of `gpt2`, the pairs that are joined, with a space between, the first ones first. Those that
    /// are not of tokens into a token are left out, with a warning of their number (feature `tracing`).
    pub merges: &'a [String],
    /// The token that begins a text.
    pub bos: Option<u32>,
    /// The token that ends a text.
    pub eos: Option<u32>,
    /// The token of what there is no other for.
    pub unknown: Option<u32>,
    /// Whether `bos` stands before every text; `None`: as its kind has it.
    pub add_bos: Option<bool>,
    /// Whether `eos` stands after every text; `None`: it does not.
    pub add_eos: Option<bool>,
    /// Of `llama`, whether a text begins with a space of its own; `None`: it does.
    pub add_space_prefix: Option<bool>,
}

impl GgmlVocabulary<'_> {
    /// The `tokenizer.json` that does the same; `origin` is the file for errors.
    pub(in crate::tokenizer) fn tokenizer_json(&self, origin: &Path) -> Result<Vec<u8>> {
        self.check(origin)?;
        let document = match self.model {
            "gpt2" => self.byte_pairs(origin),
            "llama" => self.sentence_piece(origin),
            other => {
                let found = format!("tokenizer.ggml.model {other:?}");
                Err(Error::file(origin, found, "gpt2 or llama"))
            }
        };
        Ok(document?.into_bytes())
    }

    fn check(&self, origin: &Path) -> Result<()> {
        let refuse = |found: String, expected: &str| Err(Error::file(origin, found, expected));
        let (count, kinds) = (self.tokens.len(), self.token_types.len());
        if kinds != 0 && kinds != count {
            let found = format!("{kinds} of tokenizer.ggml.token_type for {count} tokens");
            return refuse(found, "one for each");
        }
        if let Some(kind) = self
            .token_types
            .iter()
            .find(|kind| !(1..=6).contains(*kind))
        {
            let found = format!("{kind} in tokenizer.ggml.token_type");
            return refuse(found, "kinds from 1 to 6");
        }
        let mut seen = HashMap::new();
        for (id, text) in self.used() {
            if let Some(before) = seen.insert(text, id) {
                let found = format!("the token {text:?} as {before} and {id}");
                return refuse(found, "tokens that differ");
            }
        }
        Ok(())
    }

    fn kind(&self, id: usize) -> Kind {
        let kind = self
            .token_types
            .get(id)
            .and_then(|&kind| i32::try_from(kind).ok());
        kind.and_then(|kind| Kind::try_from(kind).ok())
            .unwrap_or(Kind::Normal)
    }

    /// The tokens that stand for something, with their ids; the others fill up a table.
    fn used(&self) -> impl Iterator<Item = (usize, &str)> {
        let tokens = self.tokens.iter().enumerate();
        tokens
            .filter(|(id, _)| self.kind(*id) != Kind::Unused)
            .map(|(id, text)| (id, text.as_str()))
    }

    fn text(&self, id: Option<u32>, key: &str, origin: &Path) -> Result<Option<&str>> {
        let Some(id) = id else {
            return Ok(None);
        };
        let text = self.tokens.get(id as usize).map(String::as_str);
        let wrong = || {
            let found = format!("tokenizer.ggml.{key} {id}");
            Error::file(origin, found, format!("less than {}", self.tokens.len()))
        };
        text.map(Some).ok_or_else(wrong)
    }

    fn byte_pairs(&self, origin: &Path) -> Result<Document> {
        let (mut normalizer, mut whole) = (Value::Null, false);
        let pre_tokenizer = match self.pre {
            Some("gpt-2") => byte_level(true),
            Some("smollm") => in_turn(
                json!({"type": "Digits", "individual_digits": true}),
                byte_level(true),
            ),
            Some("qwen2") => {
                normalizer = json!({"type": "NFC"});
                in_turn(split(QWEN2_WORDS), byte_level(false))
            }
            Some("llama-bpe") => {
                whole = true;
                in_turn(split(LLAMA3_WORDS), byte_level(false))
            }
            other => {
                let found = format!("tokenizer.ggml.pre {:?}", other.unwrap_or("missing"));
                return Err(Error::file(
                    origin,
                    found,
                    "gpt-2, smollm, qwen2 or llama-bpe",
                ));
            }
        };
        let vocabulary: HashMap<&str, usize> = self.used().map(|(id, text)| (text, id)).collect();
        Ok(Document {
            normalizer,
            pre_tokenizer,
            post_processor: self.edges(whole, origin)?,
            decoder: byte_level(true),
            model: BytePairs::model(&vocabulary, &self.pairs(&vocabulary, origin)?, whole),
            added_tokens: self.added_tokens(),
            padding: None,
        })
    }

    /// The merges of tokens into a token. Others can give none, and are left out: a converter has
    /// them where it put a special token in a word's place.
    fn pairs(&self, vocabulary: &HashMap<&str, usize>, origin: &Path) -> Result<Vec<(&str, &str)>> {
        let mut pairs = Vec::with_capacity(self.merges.len());
        for (at, merge) in self.merges.iter().enumerate() {
            let parts = merge.split_once(' ');
            let wrong = || {
                let found = format!("{merge:?} at {at} of tokenizer.ggml.merges");
                Error::file(origin, found, "two tokens with a space between")
            };
            let (first, second) = parts
                .filter(|(_, second)| !second.contains(' '))
                .ok_or_else(wrong)?;
            let joined = [first, second].concat();
            let is_token = |text: &str| vocabulary.contains_key(text);
            if [first, second, &joined].into_iter().all(is_token) {
                pairs.push((first, second));
            }
        }
        #[cfg(feature = "tracing")]
        if pairs.len() < self.merges.len() {
            tracing::warn!(
                "{}: {} of {} tokenizer.ggml.merges left out, as they are not of tokens into a token",
                origin.display(),
                self.merges.len() - pairs.len(),
                self.merges.len(),
            );
        }
        Ok(pairs)
    }

    /// The special tokens around a text.
    fn edges(&self, begins: bool, origin: &Path) -> Result<Value> {
        let edge = |wanted: bool, id: Option<u32>, key: &str| {
            let text = self.text(id.filter(|_| wanted), key, origin)?;
            text.map(|text| Edge::new(text, |_| id, origin)).transpose()
        };
        let head = edge(self.add_bos.unwrap_or(begins), self.bos, "bos_token_id")?;
        let tail = edge(self.add_eos == Some(true), self.eos, "eos_token_id")?;
        Ok(template(head.as_slice(), tail.as_slice()))
    }

    /// The tokens that no text is cut into: control symbols, which are special, and the user's.
    fn added_tokens(&self) -> Vec<Value> {
        let token = |(id, text)| match self.kind(id) {
            Kind::Control | Kind::Unknown => Some(added(text, true)),
            Kind::UserDefined => {
                let mut token = added(text, false);
                token["normalized"] = false.into();
                Some(token)
            }
            _ => None,
        };
        self.used().filter_map(token).collect()
    }

    /// As Llama's tokenizer, which joins pairs of pieces.
    fn sentence_piece(&self, origin: &Path) -> Result<Document> {
        let (count, scores) = (self.tokens.len(), self.scores.len());
        if scores != count {
            let found = format!("{scores} of tokenizer.ggml.scores for {count} tokens");
            return Err(Error::file(origin, found, "one for each"));
        }
        let pieces = self.tokens.iter().zip(self.scores).enumerate();
        let pieces =
            pieces.map(|(id, (text, &score))| Piece::new(text, score as f32, self.kind(id)));
        let unknown = self.unknown.unwrap_or(0);
        let opened = Opened::of_pieces(pieces.collect(), unknown, origin)?;
        let mut fields = Map::new();
        for (role, id) in [
            ("bos_token", self.bos),
            ("eos_token", self.eos),
            ("unk_token", Some(unknown)),
        ] {
            let text = self.text(id, &format!("{role}_id"), origin)?;
            fields.insert(role.to_owned(), text.into());
        }
        fields.insert(
            "add_bos_token".to_owned(),
            self.add_bos.unwrap_or(true).into(),
        );
        fields.insert(
            "add_eos_token".to_owned(),
            (self.add_eos == Some(true)).into(),
        );
        let prefix = self.add_space_prefix.unwrap_or(true);
        fields.insert("add_prefix_space".to_owned(), prefix.into());
        let settings = Settings::of_fields(fields);
        let mut document = opened.llama(&settings, &opened.merges_by_score())?;
        if prefix {
            // Metaspace puts none before a text that begins with one.
            document.pre_tokenizer = Value::Null;
            document.normalizer = json!({"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": SPACE},
                {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]});
        }
        Ok(document)
    }
}

fn byte_level(splits: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": splits})
}

fn in_turn(first: Value, second: Value) -> Value {
    json!({"type": "Sequence", "pretokenizers": [first, second]})
}
