//! Tokens into text, as they come.

use crate::error::Result;

/// Turns the tokens of one text into it.
pub type Decode<'a> = dyn Fn(&[u32]) -> Result<String> + Send + Sync + 'a;

/// Turns tokens that come one by one into pieces of text that never split a character, where one
/// may take several tokens (byte-level vocabularies, byte fallback).
///
/// Only the last few tokens are decoded each time. The pieces together are the text of all tokens,
/// if decoding some tokens more changes nothing of what was decoded but characters that were
/// incomplete, a sign that a word goes on (`@@`), and a space before punctuation or `'s` and the like.
///
/// ```
/// use cs_model::generate::Detokenizer;
///
/// // A vocabulary of bytes.
/// let decode = |tokens: &[u32]| {
///     let bytes: Vec<u8> = tokens.iter().map(|&token| token as u8).collect();
///     Ok(String::from_utf8_lossy(&bytes).into_owned())
/// };
/// let mut pieces = Detokenizer::default();
/// let given = "a好".bytes().map(|byte| pieces.push(byte.into(), &decode));
/// assert_eq!(given.collect::<Result<Vec<_>, _>>()?, ["a", "", "", "好"]);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Detokenizer {
    /// The tokens of the last piece, as the first may be written otherwise at the start of a text,
    /// and those after it.
    window: Vec<u32>,
    /// The number of tokens of the window at which its text was last complete.
    complete: usize,
    /// The number of bytes of the window's text that were given.
    given: usize,
    /// Whole characters that were not given, as what comes may change them.
    held: String,
}

impl Detokenizer {
    /// Takes the next token, and gives the text that is complete with it.
    ///
    /// # Errors
    /// What `decode` fails with.
    pub fn push(&mut self, token: u32, decode: &Decode<'_>) -> Result<String> {
        self.window.push(token);
        let text = decode(&self.window)?;
        let whole = sure(&text);
        self.held = without_torn(&text[whole.len()..]).to_owned();
        let piece = self.piece(whole);
        if whole.len() == text.len() && !piece.is_empty() {
            self.window.drain(..self.complete);
            self.complete = self.window.len();
            self.given = decode(&self.window)?.len();
        }
        Ok(piece)
    }

    /// Gives the end of the text so far that is held back, but for incomplete characters.
    pub(super) fn held(&self) -> &str {
        &self.held
    }

    /// Gives what was held back, as there are no more tokens: the characters that stayed
    /// incomplete.
    ///
    /// # Errors
    /// What `decode` fails with.
    pub fn finish(&mut self, decode: &Decode<'_>) -> Result<String> {
        let piece = self.piece(&decode(&self.window)?);
        *self = Self::default();
        Ok(piece)
    }

    /// Gives what of a text was not given, and counts it as given.
    fn piece(&mut self, text: &str) -> String {
        let mut start = self.given.min(text.len());
        while !text.is_char_boundary(start) {
            start += 1;
        }
        self.given = self.given.max(text.len());
        text[start..].to_owned()
    }
}

/// What may come after the last space where `transformers` takes the space away once it is followed
/// by `'s`, `n't` and others (`clean_up_tokenization_spaces`).
const BEGUN: [&str; 6] = ["", "'", "n", "n'", "'v", "'r"];

/// Gives what of a text stays whatever comes after.
fn sure(text: &str) -> &str {
    let whole = without_torn(text);
    let whole = whole.strip_suffix("@@").unwrap_or(whole);
    match whole.rsplit_once(' ') {
        Some((before, begun)) if BEGUN.contains(&begun) => before,
        _ => whole,
    }
}

fn without_torn(text: &str) -> &str {
    text.trim_end_matches(char::REPLACEMENT_CHARACTER)
}
