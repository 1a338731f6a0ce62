//! Sums and maxima over rows of numbers, in lanes.

pub(super) fn finite(logit: f32) -> f64 {
    let most = 1e30;
    if logit.is_nan() {
        -most
    } else {
        f64::from(logit).clamp(-most, most)
    }
}

/// Writes `exp(score - largest)` of each score to `out`.
pub(super) fn relative(scores: &[f64], out: &mut [f64]) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (out, score) in out.iter_mut().zip(scores) {
        *out = (score - largest).exp();
    }
}

/// Divides weights by the largest, so that they stay in the range of `f64`; zeros stay zeros.
pub(super) fn normalise(weights: &mut [f64]) {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest > 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= largest);
    }
}

/// The number of sums that are added beside each other, which the compiler turns into vector
/// instructions.
const LANES: usize = 8;

pub(super) fn largest_sum(x: &[f64], y: &[f64]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; LANES];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            let sum = x[lane] + y[lane];
            lanes[lane] = if sum > lanes[lane] { sum } else { lanes[lane] };
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(x, y)| x + y);
    lanes
        .into_iter()
        .chain(rest)
        .fold(f64::NEG_INFINITY, f64::max)
}

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}
