//! Tests of the crate's public interface, a module for each of its modules.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic, in its helpers too"
)]

mod bundle;
mod bundle_damage;
#[cfg(feature = "chat")]
mod chat;
mod common;
mod crf;
#[cfg(feature = "torch")]
mod decoders;
#[cfg(feature = "torch")]
mod encoders;
mod generate;
mod gguf;
#[cfg(feature = "torch")]
mod masked_lm;
#[cfg(feature = "torch")]
mod model;
#[cfg(feature = "torch")]
mod model_layer_sizes;
#[cfg(feature = "torch")]
mod model_precision;
#[cfg(feature = "torch")]
mod model_reference;
mod plain_folder;
#[cfg(feature = "torch")]
mod seq2seq;
