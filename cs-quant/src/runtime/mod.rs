//! A model in memory, and its forward.

mod bilstm;
pub(crate) mod config;
pub(crate) mod encoder;
mod heads;
pub(crate) mod model;
mod split;
mod transformer;
