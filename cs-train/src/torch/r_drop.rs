//! R-Drop: two passes with different dropout should agree.

use tch::{Kind, Tensor};

use crate::error::Result;

/// Half the symmetric Kullback-Leibler divergence of two predictions,
/// `(KL(p, q) + KL(q, p)) / 2`, summed over rows (Liang et al. 2021, <https://arxiv.org/abs/2106.14448>,
/// equation 2, as in the authors' code).
///
/// # Shapes
/// `[2M, C]` logits, the second pass below the first, and which of the `M` rows count. `None` if none does.
pub(crate) fn disagreement(logits: &Tensor, counts: &[bool]) -> Result<Option<Tensor>> {
    let rows: Vec<i64> = (0..counts.len())
        .filter(|&row| counts[row])
        .map(|row| row as i64)
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let first = Tensor::f_from_slice(&rows)?.f_to_device(logits.device())?;
    let second = first.f_add_scalar(counts.len() as i64)?;
    let log = |rows: &Tensor| -> Result<Tensor> {
        let logits = logits.f_index_select(0, rows)?;
        Ok(logits
            .f_to_kind(Kind::Float)?
            .f_log_softmax(-1, Kind::Float)?)
    };
    let (p, q) = (log(&first)?, log(&second)?);
    // KL(p, q) + KL(q, p) = Σ (P - Q) (log P - log Q)
    let terms = p.f_exp()?.f_sub(&q.f_exp()?)?.f_mul(&p.f_sub(&q)?)?;
    Ok(Some(terms.f_sum(Kind::Float)?.f_mul_scalar(0.5)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_disagreement_is_the_authors() {
        let text = include_str!("../../tests/reference/training.json");
        let mut stored: Value = serde_json::from_str(text).unwrap();
        let stored = stored["r_drop"].take();
        let matrix = |value: &Value| {
            let rows: Vec<Vec<f32>> = serde_json::from_value(value.clone()).unwrap();
            Tensor::from_slice2(&rows)
        };
        let counts: Vec<bool> = serde_json::from_value(stored["counts"].clone()).unwrap();
        let logits = matrix(&stored["logits"]).set_requires_grad(true);
        let loss = disagreement(&logits, &counts).unwrap().unwrap();
        assert!((loss.double_value(&[]) - stored["loss"].as_f64().unwrap()).abs() < 1e-6);
        loss.backward();
        let off = (logits.grad() - matrix(&stored["gradient"])).abs().max();
        assert!(off.double_value(&[]) < 1e-6);
        assert!(disagreement(&logits, &[false; 4]).unwrap().is_none());
    }
}
