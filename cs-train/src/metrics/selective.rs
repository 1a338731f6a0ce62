//! What a threshold on the confidence buys: fewer answers, more of them right.

use serde::{Deserialize, Serialize};

/// What is left above a threshold.
///
/// ```
/// let curve = cs_train::metrics::coverage_curve([(0.9, true), (0.4, false)], 2).unwrap();
/// let at_half = curve[1];
/// assert_eq!((at_half.threshold, at_half.coverage, at_half.accuracy), (0.5, 0.5, Some(1.0)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// Answers at least this sure are given.
    pub threshold: f64,
    /// Share of rows that are answered.
    pub coverage: f64,
    /// Share of answers that are right; `None` if none is given.
    pub accuracy: Option<f64>,
}

/// Coverage and accuracy of pairs (confidence, right or wrong) at the `steps + 1` thresholds 0 to 1
/// in equal steps: the risk–coverage curve of El-Yaniv and Wiener, "On the Foundations of
/// Noise-free Selective Classification" (JMLR 2010), by threshold.
///
/// `None` without pairs or steps, or if a confidence is NaN. O(rows · log rows + steps · log rows).
pub fn coverage_curve(
    answers: impl IntoIterator<Item = (f64, bool)>,
    steps: usize,
) -> Option<Vec<CoveragePoint>> {
    let mut answers: Vec<(f64, bool)> = answers.into_iter().collect();
    if answers.is_empty() || steps == 0 || answers.iter().any(|(sure, _)| sure.is_nan()) {
        return None;
    }
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Right answers among the most certain ones.
    let mut right = vec![0usize];
    right.extend(answers.iter().scan(0, |sum, (_, is_right)| {
        *sum += usize::from(*is_right);
        Some(*sum)
    }));
    let point = |step: usize| {
        let threshold = step as f64 / steps as f64;
        let given = answers.partition_point(|(confidence, _)| *confidence >= threshold);
        CoveragePoint {
            threshold,
            coverage: given as f64 / answers.len() as f64,
            accuracy: (given > 0).then(|| right[given] as f64 / given as f64),
        }
    };
    Some((0..=steps).map(point).collect())
}
