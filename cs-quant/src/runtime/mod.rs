//! A model in memory, and its forward.

mod bilstm;
pub(crate) mod config;
mod embedding;
mod encoder;
mod heads;
mod loader;
pub(crate) mod model;
mod scratch;
mod split;
mod transformer;
