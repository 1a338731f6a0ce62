//! A model's folder and its files: opened, verified and written.

mod files;
mod folder;
mod manifest;
mod sentence;
mod shards;
mod switch;
mod weights;
mod writer;

pub use folder::Bundle;
pub use manifest::{FileSum, Manifest};
pub use sentence::Prompts;
pub(crate) use switch::sync;
pub use weights::{Dtype, RawTensor, Weights, write_safetensors};
pub use writer::BundleWriter;
