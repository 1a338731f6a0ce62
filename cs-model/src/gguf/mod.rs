//! GGUF, the files of llama.cpp: a whole model in one file, weights, configuration, tokenizer and
//! chat template (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>).

mod blocks;
#[cfg(feature = "chat")]
mod chat;
mod config;
mod container;
mod reader;
mod tensor_type;
mod tokenizer;
mod value;
mod weights;

pub use container::Gguf;
pub use weights::FourBits;
