//! Tokens as text.

use serde_json::Value;
use tokenizers::models::ModelWrapper;

use crate::error::{Error, Result};

use super::tokenizer::{Model, Tokenizer};

/// What is replaced, one after the other, where a text is tidied: spaces before punctuation and
/// before the ends of English contractions.
const TIDY: [(&str, &str); 10] = [
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
];

/// The bytes of text that a token stands for, perhaps a part of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBytes {
    /// Those at the beginning of a text, where SentencePiece's space is left out.
    pub first: Vec<u8>,
    /// Those after another token.
    pub later: Vec<u8>,
}

/// How pieces are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// A character for each byte.
    ByteLevel,
    /// A sign for a space.
    SentencePiece {
        /// Whether a text begins with one that is left out.
        strips: bool,
        /// Whether there are pieces such as `<0x0A>`.
        bytes: bool,
    },
}

impl Tokenizer {
    /// Gives the text of tokens, as `decode` of `transformers` does, with or without special
    /// tokens; an id that is no token's stands for no text. Bytes that make up no character become
    /// `U+FFFD`. Marian's tokens are of the target language. The text is tidied if
    /// `clean_up_tokenization_spaces` says so in a folder, and the model is no byte-pair encoding.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["my order is late", "my order"].into_iter(), 60)?;
    /// let ids = tokenizer.encode("My order", 16)?.ids;
    /// assert_eq!(tokenizer.decode(&ids, false)?, "[CLS] my order [SEP]");
    /// assert_eq!(tokenizer.decode(&ids, true)?, "my order");
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A decoder of the file that fails on these tokens.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let added = self.inner.get_added_vocabulary();
        let is_written = |token: &String| !(skip_special && added.is_special_token(token));
        // Some decoders of the crate panic on no tokens at all.
        let mut written = ids
            .iter()
            .filter_map(|&id| self.token(id))
            .filter(is_written);
        if written.next().is_none() {
            return Ok(String::new());
        }
        let added = self.inner.get_added_vocabulary();
        let is_special = |token: &str| added.is_special_token(token);
        let mut written = ids.iter().filter_map(|&id| self.token(id));
        let model = self.inner.get_model();
        let text = match model {
            Model::Renumbered(model) => model.decode(ids, is_special, skip_special),
            // Some decoders of the crate panic on no tokens at all.
            _ if written.all(|token| skip_special && is_special(&token)) => String::new(),
            _ => {
                let decoded = self.inner.decode(ids, skip_special);
                decoded.map_err(Error::tokenizer)?
            }
        };
        let is_bpe =
            matches!(model, Model::Library(model) if matches!(**model, ModelWrapper::BPE(_)));
        Ok(if self.clean_up && !is_bpe {
            tidy(text)
        } else {
            text
        })
    }

    /// Gives for each id the bytes that its token adds to a text, so that those of a text's tokens
    /// one after the other are what [`decode`](Self::decode) makes of them; `None` for special
    /// tokens, and for ids that are no token's.
    ///
    /// # Errors
    ///
    /// A tokenizer whose tokens add a text that depends on those before: WordPiece's,
    /// BlenderbotSmall's.
    pub fn token_bytes(&self) -> Result<Vec<Option<TokenBytes>>> {
        let spelling = self.spelling().ok_or_else(|| {
            let expected = "one that is byte-level or SentencePiece's";
            Error::argument(
                "tokenizer",
                "one whose tokens have no text of their own",
                expected,
            )
        })?;
        let added = self.inner.get_added_tokens_decoder();
        let ids = 0..self.vocab_size() as u32;
        let bytes = ids.map(|id| match added.get(&id) {
            Some(token) if token.special => None,
            _ => Some(spelling.bytes(&self.token(id)?)),
        });
        Ok(bytes.collect())
    }

    fn spelling(&self) -> Option<Spelling> {
        if let Model::Renumbered(model) = self.inner.get_model() {
            let sentence_piece = Spelling::SentencePiece {
                strips: true,
                bytes: false,
            };
            return model.is_marian().then_some(sentence_piece);
        }
        let decoder = serde_json::to_value(self.inner.get_decoder()?).ok()?;
        let parts = decoder.get("decoders").and_then(Value::as_array);
        let parts = parts.map_or(std::slice::from_ref(&decoder), Vec::as_slice);
        let has = |kind: &str| parts.iter().find(|part| part["type"] == kind);
        if has("ByteLevel").is_some() {
            return Some(Spelling::ByteLevel);
        }
        let metaspace = has("Metaspace");
        let replaces = has("Replace").is_some_and(|part| part["pattern"]["String"] == SPACE);
        let always = metaspace.is_some_and(|part| part["prepend_scheme"] != "never");
        (metaspace.is_some() || replaces).then(|| Spelling::SentencePiece {
            strips: always || has("Strip").is_some(),
            bytes: has("ByteFallback").is_some(),
        })
    }
}

/// SentencePiece's sign for a space.
const SPACE: &str = "\u{2581}";

impl Spelling {
    fn bytes(self, piece: &str) -> TokenBytes {
        match self {
            Self::ByteLevel => {
                // A piece with a character that stands for no byte is itself.
                let bytes = piece.chars().map(byte_of).collect::<Option<Vec<u8>>>();
                let bytes = bytes.unwrap_or_else(|| piece.into());
                TokenBytes {
                    first: bytes.clone(),
                    later: bytes,
                }
            }
            Self::SentencePiece { strips, bytes } => {
                let byte = piece
                    .strip_prefix("<0x")
                    .and_then(|rest| rest.strip_suffix('>'));
                let byte = byte
                    .filter(|_| bytes)
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let later =
                    byte.map_or_else(|| piece.replace(SPACE, " ").into_bytes(), |byte| vec![byte]);
                let first = later
                    .strip_prefix(b" ")
                    .filter(|_| strips)
                    .unwrap_or(&later);
                TokenBytes {
                    first: first.to_vec(),
                    later,
                }
            }
        }
    }
}

/// The byte that a character stands for in a byte-level piece: itself if it is printable, others
/// are numbered from 256 on (`bytes_to_unicode` of GPT-2).
fn byte_of(char: char) -> Option<u8> {
    let is_printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u8::try_from(char) {
        Ok(byte) => Some(byte).filter(is_printable),
        Err(_) => {
            let place = (char as usize).checked_sub(256)?;
            (0..=u8::MAX).filter(|byte| !is_printable(byte)).nth(place)
        }
    }
}

fn tidy(text: String) -> String {
    TIDY.iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
