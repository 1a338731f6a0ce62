//! A model whose pieces get their ids from a vocabulary of its own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokenizers::{Model as LibraryModel, Result, Token};

use crate::error::Error;

use super::model::Model;
use super::vocabulary::Vocabulary;

/// What the merges of BlenderbotSmall end a word with.
pub(super) const END_OF_WORD: &str = "</w>";
/// What the vocabulary of BlenderbotSmall ends other pieces with.
pub(super) const CONTINUED: &str = "@@";

/// A model that cuts texts, and the vocabulary that numbers its pieces.
#[derive(Debug, Clone)]
pub(crate) struct Renumbered {
    pieces: Box<Model>,
    pub(super) vocabulary: Vocabulary,
    /// The vocabulary of texts that are decoded, if it is another one.
    target: Option<Vocabulary>,
    pub(super) unknown: u32,
    spelling: Spelling,
}

/// How a vocabulary writes pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// As SentencePiece does.
    Marian,
    /// By `@@` after a piece that does not end its word.
    BlenderbotSmall,
}

impl Renumbered {
    /// Marian's SentencePiece model; `origin` is the file of the ids.
    pub(super) fn marian(
        pieces: Model,
        ids: &HashMap<String, u32>,
        target: Option<&HashMap<String, u32>>,
        unknown: u32,
        origin: &Path,
    ) -> crate::Result<Model> {
        let target = target.map(|ids| vocabulary(ids, origin)).transpose()?;
        Ok(Model::Renumbered(Arc::new(Self {
            pieces: Box::new(pieces),
            vocabulary: vocabulary(ids, origin)?,
            target,
            unknown,
            spelling: Spelling::Marian,
        })))
    }

    /// BlenderbotSmall's byte-pair encoding; `origin` is the file of the ids.
    pub(super) fn blenderbot_small(
        pieces: Model,
        ids: &HashMap<String, u32>,
        unknown: u32,
        origin: &Path,
    ) -> crate::Result<Model> {
        Ok(Model::Renumbered(Arc::new(Self {
            pieces: Box::new(pieces),
            vocabulary: vocabulary(ids, origin)?,
            target: None,
            unknown,
            spelling: Spelling::BlenderbotSmall,
        })))
    }

    /// The largest id, of texts and of what is decoded.
    pub(super) fn last_id(&self) -> Option<u32> {
        let target = self.target.as_ref().and_then(Vocabulary::last_id);
        self.vocabulary.last_id().max(target)
    }

    pub(super) fn tokenize(&self, word: &str) -> Result<Vec<Token>> {
        let mut tokens = self.pieces.tokenize(word)?;
        for token in &mut tokens {
            let name = self.name(token, word);
            token.id = self.vocabulary.id(&name).unwrap_or(self.unknown);
            token.value = name;
        }
        Ok(tokens)
    }

    /// What the vocabulary calls a piece of a word.
    fn name(&self, token: &Token, word: &str) -> String {
        if self.is_marian() {
            return token.value.clone();
        }
        let (start, end) = token.offsets;
        let text = word.get(start..end).unwrap_or_default();
        match end == word.len() {
            true => text.to_owned(),
            false => [text, CONTINUED].concat(),
        }
    }

    pub(super) fn is_marian(&self) -> bool {
        self.spelling == Spelling::Marian
    }

    /// Splits the language code off a text that begins with one, such as `>>cmn<<`: its id, and the
    /// length of the code in bytes.
    pub(super) fn language_code(&self, text: &str) -> Option<(u32, usize)> {
        if !self.is_marian() || !text.starts_with(">>") {
            return None;
        }
        let end = text.find("<<")? + 2;
        Some((
            self.vocabulary.id(&text[..end]).unwrap_or(self.unknown),
            end,
        ))
    }

    /// Puts tokens together, without special ones if they are to be skipped.
    pub(super) fn decode(
        &self,
        ids: &[u32],
        is_special: impl Fn(&str) -> bool,
        skip_special: bool,
    ) -> String {
        let vocabulary = self.target.as_ref().unwrap_or(&self.vocabulary);
        let unknown = self.vocabulary.word(self.unknown).unwrap_or_default();
        let tokens = ids.iter().map(|&id| vocabulary.word(id).unwrap_or(unknown));
        let tokens = tokens.filter(|token| !(skip_special && is_special(token)));
        match self.spelling {
            Spelling::Marian => joined(tokens, &is_special),
            Spelling::BlenderbotSmall => {
                let tokens: Vec<&str> = tokens.collect();
                let text = tokens.join(" ").replace("@@ ", "");
                text.trim().to_owned()
            }
        }
    }
}

/// SentencePiece's pieces as text, special tokens with a space after them.
fn joined<'a>(tokens: impl Iterator<Item = &'a str>, is_special: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut begins = true;
    for token in tokens {
        if is_special(token) {
            text.push_str(token);
            text.push(' ');
        } else {
            let rest = token.strip_prefix('\u{2581}').filter(|_| begins);
            text.push_str(&rest.unwrap_or(token).replace('\u{2581}', " "));
        }
        begins = is_special(token);
    }
    text.trim().to_owned()
}

fn vocabulary(ids: &HashMap<String, u32>, origin: &Path) -> crate::Result<Vocabulary> {
    let mut words: Vec<(Cow<'_, str>, u32)> = ids
        .iter()
        .map(|(word, id)| (Cow::from(word), *id))
        .collect();
    words.sort_unstable_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    let found = "a vocabulary with ids or texts beyond 32 bits";
    Vocabulary::new(&words).ok_or_else(|| Error::file(origin, found, "a smaller one"))
}
