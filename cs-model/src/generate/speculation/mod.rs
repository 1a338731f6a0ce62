//! Speculative decoding (Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via
//! Speculative Decoding"), for greedy continuations: tokens are proposed, read at once, and kept as
//! far as each is what would have been chosen anyway. What comes is the same, token for token.

mod budget;
mod draft;
mod lookup;

pub(super) use budget::{Budget, price};
pub(super) use draft::Draft;
pub(super) use lookup::{Lookup, lookup};

use crate::error::Result;

/// What proposes tokens.
pub(super) trait Proposer {
    /// The part of a step that proposing a token takes.
    fn price(&self) -> f64;

    /// Proposes what may follow each text, up to `most` tokens of each.
    ///
    /// # Errors
    /// What keeps a model from computing them.
    fn propose(&mut self, texts: &[&[u32]], most: &[usize]) -> Result<Vec<Vec<u32>>>;
}
