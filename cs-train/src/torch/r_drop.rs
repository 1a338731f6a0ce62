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
