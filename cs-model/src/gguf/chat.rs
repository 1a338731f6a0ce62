//! The format of conversations out of the metadata.

use std::collections::BTreeMap;

use super::container::Gguf;
use crate::chat::{ChatFormat, ChatTemplate};
use crate::error::Result;

const TEMPLATE: &str = "tokenizer.chat_template";
/// The special tokens that a template may name, and their keys.
const SPECIAL: [(&str, &str); 4] = [
    ("bos_token", "tokenizer.ggml.bos_token_id"),
    ("eos_token", "tokenizer.ggml.eos_token_id"),
    ("unk_token", "tokenizer.ggml.unknown_token_id"),
    ("pad_token", "tokenizer.ggml.padding_token_id"),
];

impl Gguf {
    /// How the model wants conversations written: by the chat template in the file.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) without a template, or for a token that is none;
    /// [`Error::Template`](crate::Error::Template) for a source that does not parse.
    pub fn chat_format(&self) -> Result<ChatFormat> {
        let source = self.text(TEMPLATE)?;
        let source = source.ok_or_else(|| self.wrong(TEMPLATE, "a chat template"))?;
        let template = ChatTemplate::new(source, self.path())?;
        let tokens = self.texts("tokenizer.ggml.tokens")?.unwrap_or_default();
        let mut special = BTreeMap::new();
        for (name, key) in SPECIAL {
            let Some(id) = self.size(key)? else {
                continue;
            };
            let text = tokens.get(id as usize);
            let text =
                text.ok_or_else(|| self.wrong(key, format!("less than {}", tokens.len())))?;
            special.insert(name.to_owned(), text.clone());
        }
        let template = template.with_special_tokens(special);
        Ok(ChatFormat::Template(Box::new(template)))
    }
}
