//! A model in memory, and its forward.

mod batch_encoder;
mod bilstm;
mod block;
mod cache;
pub(crate) mod causal_lm;
pub(crate) mod config;
pub(crate) mod conversations;
mod decoder;
mod decoder_space;
mod embedding;
mod encoder;
mod heads;
mod loader;
mod machine;
pub(crate) mod model;
mod own_text;
mod positions;
mod prefix;
mod scratch;
pub(crate) mod seq2seq;
mod split;
mod text_reader;
mod transformer;
