//! Figures of merit, in plain Rust: no tensors, no model.
//!
//! Each equals the field's reference implementation: scikit-learn for labels, seqeval for
//! spans, the 15-bin expected calibration error of [Guo et al.](https://arxiv.org/abs/1706.04599)
//! for confidences.

mod calibration;
mod labels;
mod spans;

pub use calibration::expected_calibration_error;
pub use labels::{accuracy, macro_f1};
pub use spans::{ScoredTags, SpanCounts, scored_tags};

/// The mean squared difference of pairs `(gold, predicted)`; `None` without pairs.
///
/// ```
/// let mse = cs_train::metrics::mean_squared_error([(0.0, 0.5), (1.0, 1.0)]);
/// assert_eq!(mse, Some(0.125));
/// ```
pub fn mean_squared_error(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    mean(
        pairs
            .into_iter()
            .map(|(gold, predicted)| (gold - predicted).powi(2)),
    )
}

/// The mean of some values; `None` without values.
fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}
