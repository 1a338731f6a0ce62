//! Tokens as text.

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
        let model = self.inner.get_model();
        let text = match model {
            Model::Renumbered(model) => {
                let added = self.inner.get_added_vocabulary();
                model.decode(ids, |token| added.is_special_token(token), skip_special)
            }
            _ => self
                .inner
                .decode(ids, skip_special)
                .map_err(Error::tokenizer)?,
        };
        let is_bpe =
            matches!(model, Model::Library(model) if matches!(**model, ModelWrapper::BPE(_)));
        Ok(if self.clean_up && !is_bpe {
            tidy(text)
        } else {
            text
        })
    }
}

fn tidy(text: String) -> String {
    TIDY.iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
