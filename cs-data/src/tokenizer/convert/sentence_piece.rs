//! The files of SentencePiece (Kudo and Richardson 2018, <https://arxiv.org/abs/1808.06226>).

use std::path::{Path, PathBuf};

use prost::Message;

use crate::error::{Error, Result};

/// The longest piece, in characters: each is looked at for every way to cut it in two.
/// SentencePiece makes pieces of 16.
const MOST_CHARS: usize = 256;

/// A SentencePiece model: pieces, and how a text becomes one of them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SentencePiece {
    #[prost(message, repeated, tag = "1")]
    pub(super) pieces: Vec<Piece>,
    #[prost(message, required, tag = "2")]
    pub(super) trainer: Trainer,
    #[prost(message, required, tag = "3")]
    pub(super) normalizer: Normalizer,
}

/// A piece, whose id is its place.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Piece {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    /// The logarithm of its probability, or minus its rank among the merges.
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(enumeration = "Kind", optional, tag = "3", default = "Normal")]
    kind: Option<i32>,
}

impl Piece {
    pub(super) fn new(text: &str, score: f32, kind: Kind) -> Self {
        Self {
            text: Some(text.to_owned()),
            score: Some(score),
            kind: Some(kind.into()),
        }
    }
}

/// What a piece stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Kind {
    Normal = 1,
    /// Text that no piece stands for.
    Unknown = 2,
    /// No text.
    Control = 3,
    /// A text that stays whole.
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// What the trainer was told, as far as it matters.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Trainer {
    #[prost(enumeration = "Algorithm", optional, tag = "3", default = "Unigram")]
    algorithm: Option<i32>,
    #[prost(bool, optional, tag = "35")]
    byte_fallback: Option<bool>,
    #[prost(int32, optional, tag = "40")]
    unk_id: Option<i32>,
    #[prost(string, optional, tag = "45", default = "<unk>")]
    unk_piece: Option<String>,
    #[prost(string, optional, tag = "46", default = "<s>")]
    bos_piece: Option<String>,
    #[prost(string, optional, tag = "47", default = "</s>")]
    eos_piece: Option<String>,
    #[prost(int32, optional, tag = "41", default = "1")]
    bos_id: Option<i32>,
    #[prost(int32, optional, tag = "42", default = "2")]
    eos_id: Option<i32>,
}

/// How words are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Algorithm {
    Unigram = 1,
    Bpe = 2,
    Word = 3,
    Char = 4,
}

/// How a text is changed before it is cut.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Normalizer {
    /// The table of characters, in the layout of `darts-clone`.
    #[prost(bytes = "vec", optional, tag = "2")]
    charsmap: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3", default = "true")]
    add_dummy_prefix: Option<bool>,
    #[prost(bool, optional, tag = "4", default = "true")]
    remove_extra_whitespaces: Option<bool>,
    #[prost(bool, optional, tag = "5", default = "true")]
    escape_whitespaces: Option<bool>,
}

/// A SentencePiece model, and the file it is from.
pub(super) struct Opened {
    pub(super) model: SentencePiece,
    pub(super) path: PathBuf,
}

impl Opened {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bytes = super::read(path)?;
        let model = SentencePiece::decode(&*bytes)
            .map_err(|fault| Error::file(path, fault.to_string(), "a SentencePiece model"))?;
        let opened = Self {
            model,
            path: path.to_owned(),
        };
        opened.check()?;
        Ok(opened)
    }

    /// A model that pairs of pieces are joined by, the piece with this id for what is none.
    pub(super) fn of_pieces(pieces: Vec<Piece>, unknown: u32, path: &Path) -> Result<Self> {
        let trainer = Trainer {
            algorithm: Some(Algorithm::Bpe.into()),
            byte_fallback: Some(true),
            unk_id: i32::try_from(unknown).ok(),
            ..Trainer::default()
        };
        let opened = Self {
            model: SentencePiece {
                pieces,
                trainer,
                normalizer: Normalizer::default(),
            },
            path: path.to_owned(),
        };
        opened.check()?;
        Ok(opened)
    }

    fn check(&self) -> Result<()> {
        let refuse = |found: String, expected: &str| Err(Error::file(&self.path, found, expected));
        let pieces = &self.model.pieces;
        if !matches!(
            self.model.trainer.algorithm(),
            Algorithm::Unigram | Algorithm::Bpe
        ) {
            let found = format!("a model of {:?}", self.model.trainer.algorithm());
            return refuse(found, "Unigram or Bpe");
        }
        for (id, piece) in pieces.iter().enumerate() {
            if piece.text().is_empty() {
                return refuse(format!("an empty piece {id}"), "a text");
            }
            if !piece.score().is_finite() {
                return refuse(
                    format!("piece {id} with the score {}", piece.score()),
                    "a finite one",
                );
            }
            if piece.text().chars().nth(MOST_CHARS).is_some() {
                return refuse(format!("a longer piece {id}"), "at most 256 characters");
            }
        }
        let unknown = usize::try_from(self.model.trainer.unk_id()).ok();
        if unknown.and_then(|id| pieces.get(id)).is_none() {
            let found = format!(
                "unk_id {} of {} pieces",
                self.model.trainer.unk_id(),
                pieces.len()
            );
            return refuse(found, "the id of a piece");
        }
        Ok(())
    }

    /// The id of a piece by its text.
    pub(super) fn id(&self, text: &str) -> Option<u32> {
        let at = self
            .model
            .pieces
            .iter()
            .position(|piece| piece.text() == text)?;
        u32::try_from(at).ok()
    }
}
