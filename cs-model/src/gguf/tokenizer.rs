//! The tokenizer out of the metadata, and what a text ends with.

use cs_data::{GgmlVocabulary, Tokenizer};

use super::container::Gguf;
use super::value::Value;
use crate::error::Result;
use crate::generate::GenerateConfig;

const MODEL: &str = "tokenizer.ggml.model";
const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";
const SCORES: &str = "tokenizer.ggml.scores";
/// The tokens that end a text, or a turn.
const ENDS: [&str; 2] = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"];

impl Gguf {
    /// The tokenizer in the file: of the model `gpt2` with words as `gpt-2`, `smollm`, `qwen2` or
    /// `llama-bpe` have them, or of the model `llama`.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) for a key that is missing or of another type;
    /// [`Error::Data`](crate::Error::Data) for lists that do not fit each other, and a kind of
    /// tokenizer that is not read.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        let model = self.text(MODEL)?;
        let tokens = self.texts(TOKENS)?;
        let vocabulary = GgmlVocabulary {
            model: model.ok_or_else(|| self.wrong(MODEL, "gpt2 or llama"))?,
            pre: self.text("tokenizer.ggml.pre")?,
            tokens: tokens.ok_or_else(|| self.wrong(TOKENS, "a list of texts"))?,
            token_types: match self.value(TYPES) {
                None => &[],
                Some(Value::Integers(types)) => types,
                Some(_) => return Err(self.wrong(TYPES, "a list of integers")),
            },
            scores: match self.value(SCORES) {
                None => &[],
                Some(Value::Floats(scores)) => scores,
                Some(_) => return Err(self.wrong(SCORES, "a list of numbers")),
            },
            merges: self.texts("tokenizer.ggml.merges")?.unwrap_or_default(),
            bos: self.size("tokenizer.ggml.bos_token_id")?,
            eos: self.size(ENDS[0])?,
            unknown: self.size("tokenizer.ggml.unknown_token_id")?,
            add_bos: self.flag("tokenizer.ggml.add_bos_token")?,
            add_eos: self.flag("tokenizer.ggml.add_eos_token")?,
            add_space_prefix: self.flag("tokenizer.ggml.add_space_prefix")?,
        };
        Ok(Tokenizer::from_ggml(&vocabulary, self.path())?)
    }

    /// How texts are continued: until a token of the file that ends a text or a turn.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) for a token that is no number.
    pub fn generate_config(&self) -> Result<GenerateConfig> {
        let mut config = GenerateConfig::default();
        for key in ENDS {
            let end = self.size(key)?;
            let is_new = |end: &u32| !config.eos_token_id.contains(end);
            config
                .eos_token_id
                .extend(end.filter(is_new).as_slice().to_vec());
        }
        Ok(config)
    }
}
