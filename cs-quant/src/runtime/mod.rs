//! A model in memory, and its forward.

mod bilstm;
mod block;
mod cache;
pub(crate) mod causal_lm;
pub(crate) mod config;
mod decoder;
mod embedding;
mod encoder;
mod heads;
mod loader;
pub(crate) mod model;
mod prefix;
mod scratch;
mod split;
mod transformer;
