//! One vector for each sequence.
//!
//! `N` packed tokens, `B` sequences, `H` hidden.

use tch::Tensor;

use super::PackedInput;
use crate::error::Result;
use crate::heads::Pooling;

/// # Shapes
/// `[N, H]` to `[B, H]`.
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
