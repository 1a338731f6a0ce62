//! Importance without data or gradients: how large the weights are.

use cs_model::names::Role;
use cs_model::{Bundle, Importance};

use super::blocks_of;
use crate::error::Result;
use crate::format::source::require_fp32;

/// Scores heads and neurons by the size of the weights on the way through them: a head gets
/// `|V_h| |O_h|` (Frobenius norms of its rows of the value matrix and its columns of the output
/// matrix), a neuron `|in_n| |out_n|`. The squares of a layer's heads add up to 1, and so do those
/// of its neurons, because sizes of different kinds do not compare.
///
/// Scores from gradients are better: cs-train's Taylor scores lose less for the same latency.
///
/// # Errors
///
/// The model is a BiLSTM, which has neither heads nor neurons, or weights are missing or damaged.
pub fn magnitude(bundle: &Bundle) -> Result<Importance> {
    let stack = blocks_of(bundle.config())?;
    require_fp32(bundle, "fp32")?;
    let weights = bundle.weights()?;
    let hidden = stack.hidden_size;
    let mut importance = Importance::default();
    for (layer, block) in stack.blocks.iter().enumerate() {
        let names = bundle.config().names().layer(layer);
        let matrix = |role, shape: [usize; 2]| weights.f32(&names.weight(role), &shape);
        let (heads, inner) = (block.heads, block.inner_size);
        let across = heads * stack.head_size;
        let value = matrix(Role::Value, [across, hidden])?;
        let output = matrix(Role::AttentionOutput, [hidden, across])?;
        importance
            .heads
            .push(scores(&value, &output, [heads, hidden]));
        let intermediate = matrix(Role::FeedForwardIn, [inner, hidden])?;
        let output = matrix(Role::FeedForwardOut, [hidden, inner])?;
        importance
            .neurons
            .push(scores(&intermediate, &output, [inner, hidden]));
    }
    Ok(importance)
}

/// Gives, for each of `parts` equal shares of the rows of `into` `[C, H]` and of the columns of
/// `out` `[H, C]`, the product of their norms, scaled so that the squares add up to 1.
fn scores(into: &[f32], out: &[f32], [parts, hidden]: [usize; 2]) -> Vec<f64> {
    let square = |x: &f32| f64::from(*x) * f64::from(*x);
    let across = out.len() / hidden;
    let into = into.chunks_exact(into.len() / parts);
    let into: Vec<f64> = into.map(|rows| rows.iter().map(square).sum()).collect();
    let mut from = vec![0.0; parts];
    for row in out.chunks_exact(across) {
        for (sum, share) in from.iter_mut().zip(row.chunks_exact(across / parts)) {
            *sum += share.iter().map(square).sum::<f64>();
        }
    }
    let products: Vec<f64> = into.iter().zip(from).map(|(a, b)| (a * b).sqrt()).collect();
    let norm = products.iter().map(|x| x * x).sum::<f64>().sqrt();
    let whole = if norm > 0.0 { norm } else { 1.0 };
    products
        .into_iter()
        .map(|product| product / whole)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_worth_its_way_in_and_out() {
        // Two parts of one row each, H = 2.
        let into = [3.0, 4.0, 0.0, 1.0];
        let out = [2.0, 0.0, 0.0, 5.0];
        let norm = f64::sqrt(10.0 * 10.0 + 5.0 * 5.0);
        assert_eq!(scores(&into, &out, [2, 2]), [10.0 / norm, 5.0 / norm]);
        assert_eq!(scores(&[0.0; 4], &out, [2, 2]), [0.0, 0.0]);
    }
}
