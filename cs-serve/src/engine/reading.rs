//! What is to be computed for a request's texts, and how the answers to them are put together.

use std::ops::Range;

use cs_data::Encoding;
use cs_model::Understanding;

use super::config::Windows;
use super::merge::{Answered, merge};
use super::policy::Size;
use super::windows::windows;
use crate::assistant::Assistant;
use crate::error::Result;

/// A request's texts, cut into pieces that the model can read. Most texts are one piece.
#[derive(Default)]
pub(super) struct Reading {
    texts: Vec<Text>,
    pieces: Vec<Piece>,
}

struct Text {
    text: String,
    /// The number of pieces.
    pieces: usize,
    /// Whether the pieces leave some of the text unread; `None` if the model itself can tell.
    truncated: Option<bool>,
}

struct Piece {
    text: usize,
    bytes: Range<usize>,
    tokens: usize,
}

impl Reading {
    /// Reads the texts, and gives the pieces' encodings in their order.
    ///
    /// # Errors
    /// A text is too long, or the tokenizer fails on it.
    pub(super) fn new(
        texts: Vec<String>,
        assistant: &Assistant,
        config: Option<Windows>,
    ) -> Result<(Self, Vec<Encoding>)> {
        let mut reading = Self::default();
        let mut encodings = Vec::with_capacity(texts.len());
        for text in texts {
            let encoding = assistant.encode(&text)?;
            let before = encodings.len();
            let truncated = match config.filter(|_| encoding.truncated) {
                Some(config) => {
                    let (windows, truncated) = windows(assistant, &text, encoding, config)?;
                    for window in windows {
                        reading.push(window.bytes, &window.encoding);
                        encodings.push(window.encoding);
                    }
                    Some(truncated)
                }
                None => {
                    reading.push(0..text.len(), &encoding);
                    encodings.push(encoding);
                    None
                }
            };
            reading.texts.push(Text {
                text,
                pieces: encodings.len() - before,
                truncated,
            });
        }
        Ok((reading, encodings))
    }

    fn push(&mut self, bytes: Range<usize>, encoding: &Encoding) {
        self.pieces.push(Piece {
            text: self.texts.len(),
            bytes,
            tokens: encoding.ids.len(),
        });
    }

    /// Counts the pieces and the tokens in them.
    pub(super) fn size(&self) -> Size {
        Size {
            texts: self.pieces.len(),
            tokens: self.pieces.iter().map(|piece| piece.tokens).sum(),
        }
    }

    /// Gives the text of a piece.
    pub(super) fn piece(&self, piece: usize) -> &str {
        let Piece { text, bytes, .. } = &self.pieces[piece];
        &self.texts[*text].text[bytes.clone()]
    }

    /// Gives the answers to the texts, made of those to their pieces.
    pub(super) fn answers(
        &self,
        turns: Vec<Understanding>,
        assistant: &Assistant,
    ) -> Vec<Understanding> {
        let mut turns = turns.into_iter();
        let mut pieces = self.pieces.iter();
        let mut answers = Vec::with_capacity(self.texts.len());
        for text in &self.texts {
            let mut windows = pieces.by_ref().zip(turns.by_ref()).take(text.pieces);
            let Some(truncated) = text.truncated else {
                answers.extend(windows.next().map(|(_, turn)| turn));
                continue;
            };
            let windows = windows.map(|(piece, turn)| Answered {
                bytes: piece.bytes.clone(),
                tokens: piece.tokens,
                turn,
            });
            let (whole, windows) = (text.text.clone(), windows.collect());
            answers.push(merge(whole, windows, assistant.calibration(), truncated));
        }
        answers
    }
}
