//! Hugging Face tokenizers: reading, training, trimming, and texts as tokens with their words.

mod bert;
mod convert;
mod decode;
mod encoding;
mod json;
mod model;
mod plain;
mod prompt;
mod renumbered;
#[allow(
    clippy::module_inception,
    reason = "the type that the folder is about, in a file of its own"
)]
mod tokenizer;
mod trie;
mod trim;
mod vocabulary;
mod word_rule;
mod wordpiece;

pub use convert::GgmlVocabulary;
pub use decode::TokenBytes;
pub use encoding::{Encoding, Word};
pub use tokenizer::Tokenizer;
pub(crate) use tokenizer::each;
pub use word_rule::WordRule;
