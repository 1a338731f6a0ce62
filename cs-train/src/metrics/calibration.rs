//! Whether confidences tell the truth.

const BINS: usize = 15;

/// Expected calibration error over 15 bins of equal width, from pairs of (confidence, right
/// or wrong); `None` without pairs.
///
/// Bins are `(lower, upper]`; the error is the mean gap between a bin's accuracy and its mean
/// confidence, weighted by the bin's size (Guo et al. 2017, equation 3).
///
/// ```
/// use cs_train::metrics::expected_calibration_error;
///
/// // Four answers at 75 %, three of them right: well calibrated.
/// let answers = [(0.75, true), (0.75, true), (0.75, true), (0.75, false)];
/// assert_eq!(expected_calibration_error(answers), Some(0.0));
/// ```
pub fn expected_calibration_error(answers: impl IntoIterator<Item = (f64, bool)>) -> Option<f64> {
    let mut bins = [(0usize, 0.0f64, 0usize); BINS];
    let mut total = 0usize;
    for (confidence, right) in answers {
        let upper_edge = (confidence * BINS as f64).ceil();
        let bin = &mut bins[(upper_edge.max(1.0) as usize).min(BINS) - 1];
        bin.0 += 1;
        bin.1 += confidence;
        bin.2 += usize::from(right);
        total += 1;
    }
    let gaps = bins
        .iter()
        .map(|&(_, confidence, right)| (confidence - right as f64).abs());
    (total > 0).then(|| gaps.sum::<f64>() / total as f64)
}
