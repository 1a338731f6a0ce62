//! Tests of the crate's public interface, a module for each of its modules.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic, in its helpers too"
)]

mod artefact;
mod causal_lm;
mod common;
mod continuous;
mod decoder_gate;
mod encoders;
mod gate;
mod model;
mod prune;
mod quantize;
mod sensitivity;
mod seq2seq;
mod speculation;
mod trim;
