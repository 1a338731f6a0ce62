//! A model's folder and its files: opened, verified and written.

mod files;
mod folder;
mod manifest;
mod numbers;
mod plain;
mod safetensors;
mod sentence;
mod seq2seq;
mod shard;
mod shards;
mod switch;
mod weights;
mod writer;

pub use self::safetensors::{Dtype, RawTensor, write_safetensors};
pub use folder::Bundle;
pub use manifest::{FileSum, Manifest};
pub use sentence::Prompts;
pub use weights::Weights;
pub use writer::BundleWriter;
