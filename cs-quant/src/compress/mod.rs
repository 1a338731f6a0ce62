//! Smaller and faster models out of given ones: the int8 artefact and what judges it, pruning,
//! trimming.

mod companions;
pub(crate) mod decoder_gate;
pub(crate) mod edited;
pub(crate) mod gate;
mod kept_tokens;
pub(crate) mod prune;
pub(crate) mod quantize;
pub(crate) mod quantize_decoder;
pub(crate) mod questions;
pub(crate) mod sensitivity;
pub(crate) mod timing;
pub(crate) mod trim;
