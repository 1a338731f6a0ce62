//! WordPiece and Unigram as the crate `tokenizers` computes them, to the id and the byte, over a
//! vocabulary that loads some twenty times as fast and takes a thirtieth of the memory: the crate
//! keeps a hash map for each node of its trie. Whatever else a file has is the crate's.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::ser::{Error as _, SerializeStruct};
use serde::{Serialize, Serializer};
use tokenizers::models::wordpiece::WordPieceTrainer;
use tokenizers::models::{ModelWrapper, TrainerWrapper};
use tokenizers::{Model as LibraryModel, Offsets, Result, Token};

use super::renumbered::Renumbered;
use super::trie::Trie;
use super::vocabulary::Vocabulary;

/// What cuts words into tokens. A clone shares it.
#[derive(Debug, Clone)]
pub(crate) enum Model {
    WordPiece(Arc<WordPiece>),
    Unigram(Arc<Unigram>),
    /// One whose ids are not those of its pieces.
    Renumbered(Arc<Renumbered>),
    /// Any other model, as the crate has it.
    Library(Arc<ModelWrapper>),
}

/// The longest piece of the vocabulary first (Wu et al. 2016, <https://arxiv.org/abs/1609.08144>).
#[derive(Debug, Clone)]
pub(crate) struct WordPiece {
    pub(super) vocabulary: Vocabulary,
    pub(crate) unknown: String,
    /// What the pieces but a word's first begin with.
    pub(crate) prefix: String,
    /// Longer words are unknown.
    pub(super) most_chars: usize,
}

/// The most probable pieces (Kudo 2018, <https://arxiv.org/abs/1804.10959>).
#[derive(Debug, Clone)]
pub(crate) struct Unigram {
    /// The pieces, with ids from 0 on.
    pub(super) vocabulary: Vocabulary,
    /// Logarithms of probabilities, by id.
    scores: Vec<f64>,
    /// The score of an unknown character.
    unknown_score: f64,
    unknown: Option<u32>,
    /// Whether unknown characters become the tokens of their bytes.
    bytes: bool,
}

/// The best way to cut a text up to some byte.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f64,
    /// The byte at which its last piece begins, if there is a way at all.
    start: Option<u32>,
    id: u32,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy)]
struct TextSlice {
    start: usize,
    end: usize,
    /// The id of the piece; `None` where no word of the vocabulary was found.
    id: Option<u32>,
}

/// What an unknown character costs more than the least probable word.
const UNKNOWN_PENALTY: f64 = 10.0;

const MISSING: &str = "the text has an unknown character, and the model no unk_id";

impl Model {
    /// One more than the largest id.
    pub(super) fn ids(&self) -> usize {
        let last = match self {
            Self::WordPiece(model) => model.vocabulary.last_id(),
            Self::Unigram(model) => model.vocabulary.last_id(),
            Self::Renumbered(model) => model.last_id(),
            Self::Library(model) => model.get_vocab().into_values().max(),
        };
        last.map_or(0, |id| id as usize + 1)
    }

    /// The id of what is unknown, where the model has one of its own.
    pub(super) fn unknown(&self) -> Option<u32> {
        match self {
            Self::Renumbered(model) => Some(model.unknown),
            _ => None,
        }
    }

    fn vocabulary(&self) -> std::result::Result<&Vocabulary, &ModelWrapper> {
        match self {
            Self::WordPiece(model) => Ok(&model.vocabulary),
            Self::Unigram(model) => Ok(&model.vocabulary),
            Self::Renumbered(model) => Ok(&model.vocabulary),
            Self::Library(model) => Err(model),
        }
    }
}

impl LibraryModel for Model {
    type Trainer = TrainerWrapper;

    fn tokenize(&self, word: &str) -> Result<Vec<Token>> {
        match self {
            Self::WordPiece(model) => model.tokenize(word),
            Self::Unigram(model) => model.tokenize(word),
            Self::Renumbered(model) => model.tokenize(word),
            Self::Library(model) => model.tokenize(word),
        }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        match self.vocabulary() {
            Ok(vocabulary) => vocabulary.id(token),
            Err(model) => model.token_to_id(token),
        }
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        match self.vocabulary() {
            Ok(vocabulary) => vocabulary.word(id).map(str::to_owned),
            Err(model) => model.id_to_token(id),
        }
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        match self.vocabulary() {
            Ok(vocabulary) => {
                let words = vocabulary.iter().map(|(word, id)| (word.to_owned(), id));
                words.collect()
            }
            Err(model) => model.get_vocab(),
        }
    }

    fn get_vocab_size(&self) -> usize {
        match self {
            Self::WordPiece(model) => model.vocabulary.len(),
            Self::Unigram(model) => model.scores.len(),
            Self::Renumbered(model) => model.vocabulary.len(),
            Self::Library(model) => model.get_vocab_size(),
        }
    }

    fn save(&self, _: &Path, _: Option<&str>) -> Result<Vec<PathBuf>> {
        Err("a model is saved with its tokenizer".into())
    }

    /// Nothing here is trained by the crate.
    fn get_trainer(&self) -> TrainerWrapper {
        match self {
            Self::Library(model) => model.get_trainer(),
            _ => WordPieceTrainer::default().into(),
        }
    }
}

/// Writes models as the crate does. A renumbered one has no place in a `tokenizer.json`.
impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::WordPiece(model) => {
                let mut fields = serializer.serialize_struct("WordPiece", 5)?;
                fields.serialize_field("type", "WordPiece")?;
                fields.serialize_field("unk_token", &model.unknown)?;
                fields.serialize_field("continuing_subword_prefix", &model.prefix)?;
                fields.serialize_field("max_input_chars_per_word", &model.most_chars)?;
                fields.serialize_field("vocab", &model.vocabulary)?;
                fields.end()
            }
            Self::Unigram(model) => {
                let words = model.vocabulary.iter().map(|(word, _)| word);
                let vocab: Vec<(&str, f64)> = words.zip(model.scores.iter().copied()).collect();
                let mut fields = serializer.serialize_struct("Unigram", 4)?;
                fields.serialize_field("type", "Unigram")?;
                fields.serialize_field("unk_id", &model.unknown)?;
                fields.serialize_field("vocab", &vocab)?;
                fields.serialize_field("byte_fallback", &model.bytes)?;
                fields.end()
            }
            Self::Renumbered(_) => Err(S::Error::custom(
                "the ids of Marian's and BlenderbotSmall's pieces have no place in a tokenizer.json",
            )),
            Self::Library(model) => model.serialize(serializer),
        }
    }
}

impl WordPiece {
    fn tokenize(&self, word: &str) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut found = 0;
        for (Range { start, end }, id) in self.longest_pieces(word) {
            let prefix = if start == 0 { "" } else { &self.prefix };
            let value = [prefix, &word[start..end]].concat();
            tokens.push(Token::new(id, value, (start, end)));
            found = end;
        }
        if found == word.len() {
            return Ok(tokens);
        }
        let missing = || format!("the vocabulary lacks {:?}, the unknown token", self.unknown);
        let id = self.vocabulary.id(&self.unknown).ok_or_else(missing)?;
        Ok(vec![Token::new(id, self.unknown.clone(), (0, word.len()))])
    }

    /// The longest piece that a word begins with, the longest that it goes on with, and so on, as
    /// far as there are any, with the bytes they stand for; none of a word that is too long.
    pub(crate) fn longest_pieces(&self, word: &str) -> impl Iterator<Item = (Range<usize>, u32)> {
        let too_long = word.chars().nth(self.most_chars).is_some();
        let word = if too_long { "" } else { word };
        let mut start = 0;
        std::iter::from_fn(move || {
            let from = match start {
                0 => Trie::ROOT,
                _ => self.vocabulary.node(&self.prefix)?,
            };
            let rest = &word.as_bytes()[start..];
            let (length, id) = self.vocabulary.prefixes(from, rest).last()?;
            let piece = start..start + length;
            start = piece.end;
            Some((piece, id))
        })
    }
}

impl Best {
    fn new(score: f64, start: usize, id: u32) -> Self {
        let start = Some(start as u32);
        Self { score, start, id }
    }

    /// Of equal ways the first stays.
    fn is_worse(&self, score: f64) -> bool {
        self.start.is_none() || score > self.score
    }
}

impl Unigram {
    pub(super) fn new(
        vocabulary: Vocabulary,
        scores: Vec<f64>,
        unknown: Option<u32>,
        bytes: bool,
    ) -> Self {
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        Self {
            vocabulary,
            scores,
            unknown_score: least - UNKNOWN_PENALTY,
            unknown,
            bytes,
        }
    }

    /// The best cut by Viterbi's algorithm; unknown characters side by side are one piece.
    fn pieces(&self, text: &str) -> Result<Vec<TextSlice>> {
        let best = self.best(text)?;
        let mut pieces: Vec<TextSlice> = Vec::new();
        let mut end = text.len();
        while end > 0 {
            // Every character can be reached, from the one before it if not otherwise.
            let node = best[end];
            let start = node.start.map_or(0, |start| start as usize);
            let id = Some(node.id).filter(|&id| Some(id) != self.unknown);
            match pieces.last_mut() {
                Some(last) if id.is_none() && last.id.is_none() => last.start = start,
                _ => pieces.push(TextSlice { start, end, id }),
            }
            end = start;
        }
        pieces.reverse();
        Ok(pieces)
    }

    /// For every end of a character, the best way there.
    fn best(&self, text: &str) -> Result<Vec<Best>> {
        let none = Best {
            score: 0.0,
            start: None,
            id: 0,
        };
        let mut best = vec![none; text.len() + 1];
        for (start, char) in text.char_indices() {
            let so_far = best[start].score;
            let mut known = false;
            let rest = &text.as_bytes()[start..];
            for (length, id) in self.vocabulary.prefixes(Trie::ROOT, rest) {
                let score = self.scores[id as usize] + so_far;
                let node = &mut best[start + length];
                if node.is_worse(score) {
                    *node = Best::new(score, start, id);
                }
                known |= length == char.len_utf8();
            }
            let score = self.unknown_score + so_far;
            let node = &mut best[start + char.len_utf8()];
            if !known && node.is_worse(score) {
                *node = Best::new(score, start, self.unknown.ok_or(MISSING)?);
            }
        }
        Ok(best)
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        if u32::try_from(text.len()).is_err() {
            return Err("a text of more than 4 GB".into());
        }
        let mut tokens = Vec::new();
        for TextSlice { start, end, id } in self.pieces(text)? {
            let (value, offsets) = (&text[start..end], (start, end));
            // Unknown characters may be a word when put together.
            let id = id.or_else(|| self.vocabulary.id(value));
            if let Some(id) = id {
                tokens.push(Token::new(id, value.to_owned(), offsets));
            } else if let Some(bytes) = self.byte_tokens(value, offsets) {
                tokens.extend(bytes);
            } else {
                let unknown = self.unknown.ok_or(MISSING)?;
                tokens.push(Token::new(unknown, value.to_owned(), offsets));
            }
        }
        Ok(tokens)
    }

    /// A token for each byte, if all are in the vocabulary.
    fn byte_tokens(&self, value: &str, offsets: Offsets) -> Option<Vec<Token>> {
        if !self.bytes {
            return None;
        }
        let token = |byte: u8| {
            let word = format!("<0x{byte:02X}>");
            Some(Token::new(self.vocabulary.id(&word)?, word, offsets))
        };
        value.bytes().map(token).collect()
    }
}
