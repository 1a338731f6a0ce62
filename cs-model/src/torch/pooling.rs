//! One vector for each sequence.
//!
//! In the shapes, `N` is the number of packed tokens, `B` that of sequences, and `H` the hidden
//! width.

use tch::Tensor;

use super::PackedInput;
use crate::error::Result;
use crate::heads::Pooling;

/// Pools the hidden states of each sequence to one vector.
///
/// # Shapes
/// `[N, H]` gives `[B, H]`.
pub(super) fn pool(hidden: &Tensor, input: &PackedInput, pooling: Pooling) -> Result<Tensor> {
    let (reduce, initial) = match pooling {
        Pooling::Cls => return Ok(hidden.f_index_select(0, &input.first_rows()?)?),
        Pooling::Mean => ("mean", 0.0),
        Pooling::Max => ("max", f64::NEG_INFINITY),
    };
    let lengths = input.lengths_tensor()?;
    // The lengths need no check: they are at least 1 and add up to N.
    let pooled =
        Tensor::f_segment_reduce(hidden, reduce, Some(&lengths), None, None, 0, true, initial)?;
    Ok(pooled)
}
