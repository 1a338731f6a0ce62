//! R-Drop: two passes with different dropout should agree.

use cs_model::Crf;
use tch::{Kind, Tensor};

use super::tag_lessons::log_probabilities;
use crate::error::Result;

/// Half the symmetric Kullback-Leibler divergence of two predictions, `(KL(p, q) + KL(q, p)) / 2`,
/// summed over rows (Liang et al. 2021, <https://arxiv.org/abs/2106.14448>, equation 2, as in the
/// authors' code).
///
/// # Shapes
/// `[2M, C]` logits, the second pass below the first, and which of the `M` rows count. `None` if
/// none does.
pub(crate) fn disagreement(logits: &Tensor, counts: &[bool]) -> Result<Option<Tensor>> {
    let rows: Vec<usize> = (0..counts.len()).filter(|&row| counts[row]).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    of_words(logits, None, &[rows], counts.len()).map(Some)
}

/// The same of the tags of words, by a conditional random field those given each whole text.
///
/// # Shapes
/// `[2N, T]` logits, the second pass below the first; of each text of a pass, the rows of its
/// words.
pub(crate) fn tag_disagreement(
    logits: &Tensor,
    crf: Option<&Crf>,
    texts: &[Vec<usize>],
) -> Result<Option<Tensor>> {
    if texts.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    let tokens = logits.size2()?.0 as usize / 2;
    of_words(logits, crf, texts, tokens).map(Some)
}

fn of_words(
    logits: &Tensor,
    crf: Option<&Crf>,
    texts: &[Vec<usize>],
    below: usize,
) -> Result<Tensor> {
    let second = texts
        .iter()
        .map(|rows| rows.iter().map(|row| row + below).collect());
    let second: Vec<Vec<usize>> = second.collect();
    let both = log_probabilities(logits, crf, &[texts, &second].concat(), 1.0)?;
    let words = both.size2()?.0 / 2;
    let (p, q) = (both.f_narrow(0, 0, words)?, both.f_narrow(0, words, words)?);
    // KL(p, q) + KL(q, p) = Σ (P - Q) (log P - log Q)
    let terms = p.f_exp()?.f_sub(&q.f_exp()?)?.f_mul(&p.f_sub(&q)?)?;
    Ok(terms.f_sum(Kind::Float)?.f_mul_scalar(0.5)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_disagreement_is_the_authors() {
        let text = include_str!("../../../tests/reference/training.json");
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

    #[test]
    fn passes_that_say_the_same_of_whole_texts_agree() {
        let tags = cs_data::TagSet::of_labels(["city"], cs_data::Scheme::Iob2).unwrap();
        let numbers = |seed: i64, shape: &[i64]| {
            let count = shape.iter().product::<i64>();
            let numbers: Vec<f32> = (0..count).map(|i| ((i * 7 + seed) % 5) as f32).collect();
            Tensor::from_slice(&numbers).reshape(shape)
        };
        let crf = Crf::new(
            &tags,
            numbers(1, &[3, 3]),
            numbers(2, &[3]),
            numbers(3, &[3]),
        )
        .unwrap();
        let texts = [vec![0, 2], vec![3]];
        let first = numbers(4, &[4, 3]);
        // Another constant for each word changes no probability; token 1 is no word.
        let second = &first + Tensor::from_slice2(&[[2.0f32], [0.0], [-1.0], [5.0]]);
        let both = |second: &Tensor| {
            let logits = Tensor::cat(&[&first, second], 0);
            let sum = tag_disagreement(&logits, Some(&crf), &texts).unwrap();
            sum.unwrap().double_value(&[])
        };
        assert!(both(&second).abs() < 1e-6, "{}", both(&second));
        // Nor do logits of a tag that IOB2 forbids there.
        let forbidden =
            Tensor::from_slice2(&[[0.0f32, 0.0, 9.0], [0.0; 3], [0.0; 3], [0.0, 0.0, -9.0]]);
        assert!(both(&(&first + forbidden)).abs() < 1e-6);
        let other = numbers(8, &[4, 3]);
        let p = crf.log_marginals(&first, &texts, 1.0).unwrap();
        let q = crf.log_marginals(&other, &texts, 1.0).unwrap();
        let expected = (p.exp() - q.exp()) * (p - q) * 0.5;
        let expected = expected.sum(Kind::Float).double_value(&[]);
        assert!((both(&other) - expected).abs() < 1e-5 * expected && expected > 0.1);
        let none = tag_disagreement(&numbers(4, &[4, 3]), Some(&crf), &[vec![], vec![]]);
        assert!(none.unwrap().is_none());
    }
}
