//! What a runtime does for generation.

use crate::error::Result;
use crate::heads::Matrix;

/// A runtime's model that continues sequences of tokens, several at once and each of its own
/// length: a batch is never padded.
///
/// An encoder-decoder is one of these once its encoder has read the sources: sequence `i` of
/// [`prefill`](Self::prefill) attends to source `i`, and its prompt is what the decoder starts with.
pub trait Decoder {
    /// Gives the number of tokens that there are, which is the width of a row of logits.
    fn vocab_size(&self) -> usize;

    /// Gives the number of positions that a sequence can have, `None` if it has no end.
    fn max_positions(&self) -> Option<usize>;

    /// Forgets every sequence, reads these instead, and gives a row of logits for the token after
    /// each. None of them is empty.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix>;

    /// Appends a token to each sequence, in their order, and gives a row of logits for the token
    /// after it.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn step(&mut self, tokens: &[u32]) -> Result<Matrix>;

    /// Makes sequence `i` what sequence `sources[i]` was, for as many sequences as there are
    /// sources: one that is not named is dropped, one that is named twice goes on twice.
    ///
    /// # Errors
    /// What keeps the runtime from copying its state.
    fn reorder(&mut self, sources: &[usize]) -> Result<()>;
}
