//! A `tokenizer.json`, read once, and refused where the crate `tokenizers` would panic on it.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokenizers::{
    AddedToken, DecoderWrapper, ModelWrapper, NormalizerWrapper, PaddingParams,
    PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl, TruncationParams,
};

use crate::error::{Error, Result};
use crate::file::position;

use super::model::{Model, Unigram, WordPiece};
use super::vocabulary::Vocabulary;

/// The crate's tokenizer with our models.
pub(crate) type Inner = TokenizerImpl<
    Model,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// A tokenizer without padding and truncation, and the padding token that its file gives.
pub(super) struct Loaded {
    pub(super) inner: Inner,
    pub(super) padding: Option<u32>,
}

#[derive(Deserialize)]
struct File<'a> {
    version: Option<String>,
    /// Read to be checked.
    #[serde(rename = "truncation")]
    _truncation: Option<TruncationParams>,
    padding: Option<PaddingParams>,
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    decoder: Option<Value>,
    #[serde(borrow)]
    model: ModelFields<'a>,
}

/// A token beside those of the model; its id follows from the vocabulary.
#[derive(Deserialize)]
struct Added {
    #[serde(rename = "id")]
    _id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

/// The fields of the models that are ours.
#[derive(Deserialize)]
struct ModelFields<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    max_input_chars_per_word: Option<usize>,
    unk_id: Option<u32>,
    byte_fallback: Option<bool>,
    #[serde(borrow)]
    vocab: Option<Words<'a>>,
}

/// A vocabulary as it is written.
enum Words<'a> {
    Ids(Vec<(Cow<'a, str>, u32)>),
    Scores(Vec<(Cow<'a, str>, f64)>),
}

/// A text that is borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The tokenizer in the bytes of a file; `origin` is the path for errors.
pub(super) fn load(bytes: &[u8], origin: &Path) -> Result<Loaded> {
    load_as(bytes, origin, Ok)
}

/// The same, with what is made `of` the file's model in its stead.
pub(super) fn load_as(
    bytes: &[u8],
    origin: &Path,
    of: impl FnOnce(Model) -> Result<Model>,
) -> Result<Loaded> {
    let text = position::utf8(origin, bytes)?;
    let file: File<'_> =
        serde_json::from_str(text).map_err(|fault| position::json_error(origin, bytes, &fault))?;
    check(&file, origin)?;
    let ours = file.model.ours();
    let ours = ours.map_err(|found| {
        Error::file(origin, found, "the fields of a WordPiece or Unigram model")
    })?;
    let model = match ours {
        Some(model) => model,
        None => library_model(text, origin)?,
    };
    let mut inner = Inner::new(of(model)?);
    // Before the tokens, which it is applied to.
    inner
        .with_normalizer(part::<NormalizerWrapper>(file.normalizer, origin)?)
        .map_err(|source| refused(origin, source))?;
    inner.with_pre_tokenizer(part::<PreTokenizerWrapper>(file.pre_tokenizer, origin)?);
    inner.with_post_processor(part::<PostProcessorWrapper>(file.post_processor, origin)?);
    inner.with_decoder(part::<DecoderWrapper>(file.decoder, origin)?);
    let added = file.added_tokens.into_iter().map(|added| added.token);
    let added = inner.add_tokens(added);
    added.map_err(|source| refused(origin, source))?;
    Ok(Loaded {
        inner,
        padding: file.padding.map(|padding| padding.pad_id),
    })
}

/// Refuses what the crate would panic on.
fn check(file: &File<'_>, origin: &Path) -> Result<()> {
    if let Some(version) = file.version.as_ref().filter(|version| *version != "1.0") {
        return Err(Error::file(
            origin,
            format!("version {version:?}"),
            "version \"1.0\"",
        ));
    }
    if let Some(piece) = file.post_processor.as_ref().and_then(unknown_piece) {
        let expected = "the sequence A and tokens in special_tokens";
        return Err(Error::file(
            origin,
            format!("a template with {piece}"),
            expected,
        ));
    }
    if file.normalizer.as_ref().is_some_and(has_broken_charsmap) {
        let found = "a precompiled_charsmap that leads nowhere";
        return Err(Error::file(
            origin,
            found,
            "SentencePiece's table of characters",
        ));
    }
    if file.decoder.as_ref().is_some_and(has_stripped_ends) {
        return Err(Error::file(
            origin,
            "a decoder that strips characters of the end",
            "Strip with stop 0",
        ));
    }
    if file.pre_tokenizer.as_ref().is_some_and(has_empty_pieces) {
        return Err(Error::file(
            origin,
            "pieces of length 0",
            "FixedLength of 1 or more",
        ));
    }
    Ok(())
}

fn refused(origin: &Path, source: tokenizers::Error) -> Error {
    Error::TokenizerFile {
        path: origin.into(),
        source,
    }
}

/// A component of the crate. From a value, as text that is no number or no string makes it panic.
fn part<T: DeserializeOwned>(value: Option<Value>, origin: &Path) -> Result<Option<T>> {
    let part = value.map(serde_json::from_value).transpose();
    part.map_err(|fault: serde_json::Error| refused(origin, fault.into()))
}

/// A model that only the crate has.
fn library_model(text: &str, origin: &Path) -> Result<Model> {
    #[derive(Deserialize)]
    struct File {
        model: Value,
    }
    let File { model } = serde_json::from_str(text)
        .map_err(|fault| position::json_error(origin, text.as_bytes(), &fault))?;
    if let Some(merge) = broken_merge(&model) {
        return Err(Error::file(
            origin,
            format!("the merge {merge}"),
            "merges of tokens into tokens",
        ));
    }
    let model = part::<ModelWrapper>(Some(model), origin)?;
    model
        .map(|model| Model::Library(Arc::new(model)))
        .ok_or_else(|| Error::file(origin, "no model", "a model"))
}

impl ModelFields<'_> {
    /// The model if it is one of ours, or what is wrong with it.
    fn ours(self) -> std::result::Result<Option<Model>, &'static str> {
        match self.kind.as_deref() {
            Some("WordPiece") => self.word_piece().map(Some),
            Some("Unigram") => self.unigram().map(Some),
            _ => Ok(None),
        }
    }

    fn word_piece(self) -> std::result::Result<Model, &'static str> {
        let Some(Words::Ids(words)) = self.vocab else {
            return Err("a WordPiece model without a map of ids as vocab");
        };
        let prefix = self.continuing_subword_prefix;
        Ok(Model::WordPiece(Arc::new(WordPiece {
            vocabulary: Vocabulary::new(&words).ok_or(TOO_LARGE)?,
            unknown: self
                .unk_token
                .ok_or("a WordPiece model without unk_token")?,
            prefix: prefix.ok_or("a WordPiece model without continuing_subword_prefix")?,
            most_chars: self
                .max_input_chars_per_word
                .ok_or("a WordPiece model without max_input_chars_per_word")?,
        })))
    }

    fn unigram(self) -> std::result::Result<Model, &'static str> {
        let words = match self.vocab {
            Some(Words::Scores(words)) => words,
            _ => return Err("a Unigram model without a list of scores as vocab"),
        };
        let count = u32::try_from(words.len()).map_err(|_| TOO_LARGE)?;
        if self.unk_id.is_some_and(|id| id >= count) {
            return Err("a Unigram model whose unk_id is beyond its vocab");
        }
        let scores = words.iter().map(|&(_, score)| score).collect();
        let words = words.into_iter().map(|(word, _)| word);
        let words: Vec<(Cow<'_, str>, u32)> = words.zip(0..).collect();
        let vocabulary = Vocabulary::new(&words).ok_or(TOO_LARGE)?;
        let bytes = self.byte_fallback.unwrap_or(false);
        let model = Unigram::new(vocabulary, scores, self.unk_id, bytes);
        Ok(Model::Unigram(Arc::new(model)))
    }
}

const TOO_LARGE: &str = "a vocabulary with ids or texts beyond 32 bits";

impl<'de: 'a, 'a> Deserialize<'de> for Words<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of words to ids or a list of words with scores")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut words = Vec::new();
        while let Some((Text(word), id)) = map.next_entry()? {
            words.push((word, id));
        }
        Ok(Words::Ids(words))
    }

    fn visit_seq<A: SeqAccess<'de>>(
        self,
        mut seq: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut words = Vec::new();
        while let Some((Text(word), score)) = seq.next_element()? {
            words.push((word, score));
        }
        Ok(Words::Scores(words))
    }
}

/// A piece of a template, at any depth, that cannot be filled in.
fn unknown_piece(processor: &Value) -> Option<&Value> {
    let tokens = processor.get("special_tokens");
    let mut single = list(processor, "single");
    single
        .find(|piece| !is_known(piece, tokens))
        .or_else(|| list(processor, "processors").find_map(unknown_piece))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let items = value.get(key).and_then(Value::as_array);
    items.into_iter().flatten()
}

/// Whether a piece of a template is the sequence A or one of the special `tokens`.
fn is_known(piece: &Value, tokens: Option<&Value>) -> bool {
    let token = piece.pointer("/SpecialToken/id").and_then(Value::as_str);
    let sequence = piece.pointer("/Sequence/id").and_then(Value::as_str);
    token.is_none_or(|token| tokens.is_some_and(|tokens| tokens.get(token).is_some()))
        && sequence.is_none_or(|id| id == "A")
}

/// Whether a component, or one at any depth in it, is so.
pub(super) fn any_part(part: &Value, is_so: &impl Fn(&Value) -> bool) -> bool {
    let inner = match part {
        Value::Object(fields) => fields.values().any(|value| any_part(value, is_so)),
        Value::Array(items) => items.iter().any(|value| any_part(value, is_so)),
        _ => false,
    };
    inner || is_so(part)
}

/// Whether a component is of a type.
pub(super) fn is_of(part: &Value, kind: &str) -> bool {
    part.get("type").and_then(Value::as_str) == Some(kind)
}

/// Whether characters are taken off the ends of tokens, which may have fewer.
fn has_stripped_ends(decoder: &Value) -> bool {
    any_part(decoder, &|part| {
        let stop = part.get("stop").and_then(Value::as_u64);
        is_of(part, "Strip") && stop != Some(0)
    })
}

/// Whether a fixed length of pieces is 0.
fn has_empty_pieces(pre_tokenizer: &Value) -> bool {
    any_part(pre_tokenizer, &|part| {
        let length = part.get("length").and_then(Value::as_u64);
        // The crate takes one without a type for one of this type.
        let is_fixed = is_of(part, "FixedLength") || part.get("type").is_none();
        is_fixed && length == Some(0)
    })
}

/// Whether a table of characters is none.
fn has_broken_charsmap(normalizer: &Value) -> bool {
    any_part(normalizer, &|part| {
        let map = part.get("precompiled_charsmap").and_then(Value::as_str);
        is_of(part, "Precompiled") && !map.is_some_and(is_charsmap)
    })
}

/// Whether a table keeps within itself: the size of a trie, its units, and texts that end with 0.
/// The layout is that of `darts-clone`: a unit's children lie in the 256 units that its offset
/// leads to.
fn is_charsmap(base64: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(base64) else {
        return false;
    };
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
        return false;
    };
    let Some((trie, texts)) = rest.split_at_checked(u32::from_le_bytes(*size) as usize / 4 * 4)
    else {
        return false;
    };
    let Ok(texts) = std::str::from_utf8(texts) else {
        return false;
    };
    let units: Vec<usize> = trie
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&unit| u32::from_le_bytes(unit) as usize)
        .collect();
    !units.is_empty() && (0..units.len()).all(|at| keeps_within(&units, at, texts))
}

/// Whether a unit leads to units and texts that are there.
fn keeps_within(units: &[usize], at: usize, texts: &str) -> bool {
    let unit = units[at];
    let child = at ^ ((unit >> 10) << ((unit & (1 << 9)) >> 6));
    // The search does not ask whether the root, which it begins at, is a value.
    let is_value = at > 0 && unit >> 31 == 1;
    let has_text = unit >> 8 & 1 == 1;
    if is_value || (child | 0xff) >= units.len() {
        return is_value;
    }
    !has_text || texts.is_char_boundary(units[child] & ((1 << 31) - 1))
}

/// A merge of a byte-pair encoding that makes no token.
fn broken_merge(model: &Value) -> Option<&Value> {
    let vocab = model.get("vocab")?.as_object()?;
    let merges = model.get("merges")?.as_array()?;
    let prefix = model.get("continuing_subword_prefix");
    let prefix = prefix.and_then(Value::as_str).unwrap_or_default();
    let mut merges = merges.iter().filter(|merge| !is_version(merge));
    merges.find(|merge| {
        let token = merged(merge, prefix.len());
        token.is_none_or(|token| !vocab.contains_key(&token))
    })
}

/// Whether a merge is the first line of `merges.txt`.
fn is_version(merge: &Value) -> bool {
    merge
        .as_str()
        .is_some_and(|line| line.starts_with("#version"))
}

/// The token that a merge makes of two, of which the second loses so many bytes of a prefix.
fn merged(merge: &Value, prefix: usize) -> Option<String> {
    let (first, second) = match merge {
        Value::String(pair) => pair.split_once(' ')?,
        _ => (merge.get(0)?.as_str()?, merge.get(1)?.as_str()?),
    };
    Some([first, second.get(prefix..)?].concat())
}
