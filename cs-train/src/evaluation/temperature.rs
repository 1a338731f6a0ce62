//! [`fit_temperature`]: how sure logits should be.

/// Temperatures lie within this and its inverse.
const MOST: f64 = 20.0;
/// Newton steps of [`fit_temperature`]; each at least halves the interval.
const STEPS: usize = 100;

/// The temperature at which the logits' softmax is most likely to have given the targets: it
/// minimises the mean negative log-likelihood (Guo et al. 2017, section 4.2), which is convex in
/// its inverse. O(rows · C) a step, some ten steps.
///
/// Lies in 1/20 to 20. Stays 1 without rows, and where there is no minimum because every row is
/// right and so the surer the better: such data cannot tell how sure is too sure.
///
/// ```
/// let temperature = cs_train::evaluation::fit_temperature([(&[4.0, 0.0][..], 0), (&[4.0, 0.0], 0)]);
/// assert_eq!(temperature, 1.0);
/// ```
///
/// # Panics
///
/// If a target is not the index of a logit.
#[must_use]
pub fn fit_temperature<'a>(rows: impl IntoIterator<Item = (&'a [f32], usize)>) -> f64 {
    let rows: Vec<_> = rows.into_iter().collect();
    let (mut low, mut high) = (1.0 / MOST, MOST);
    if rows.is_empty() || Slopes::of_rows(&rows, high).first <= 0.0 {
        return 1.0;
    }
    if Slopes::of_rows(&rows, low).first >= 0.0 {
        return MOST;
    }
    let mut inverse: f64 = 1.0;
    for _ in 0..STEPS {
        let Slopes { first, second } = Slopes::of_rows(&rows, inverse);
        if first > 0.0 {
            high = inverse;
        } else {
            low = inverse;
        }
        let newton = inverse - first / second;
        let next = if newton > low && newton < high {
            newton
        } else {
            (low + high) / 2.0
        };
        let moved = (next - inverse).abs();
        inverse = next;
        if moved <= 1e-12 * inverse {
            break;
        }
    }
    1.0 / inverse
}

/// The first and second derivative of the negative log-likelihood by the inverse temperature.
struct Slopes {
    first: f64,
    second: f64,
}

impl Slopes {
    /// The derivatives summed over rows.
    fn of_rows(rows: &[(&[f32], usize)], inverse: f64) -> Self {
        let mut sum = Self {
            first: 0.0,
            second: 0.0,
        };
        for (logits, target) in rows {
            let row = Self::of_row(logits, *target, inverse);
            sum.first += row.first;
            sum.second += row.second;
        }
        sum
    }

    /// The derivatives of one row: how far the expected logit lies above the target's, and the
    /// logits' variance.
    fn of_row(logits: &[f32], target: usize, inverse: f64) -> Self {
        let largest = largest(logits);
        let (mut weight, mut mean, mut square) = (0.0, 0.0, 0.0);
        for &logit in logits {
            let below = f64::from(logit) - largest;
            let probability = (below * inverse).exp();
            weight += probability;
            mean += probability * below;
            square += probability * below * below;
        }
        let mean = mean / weight;
        let target = f64::from(logits[target]) - largest;
        Self {
            first: mean - target,
            second: (square / weight - mean * mean).max(0.0),
        }
    }
}

/// The largest of some logits.
pub(super) fn largest(logits: &[f32]) -> f64 {
    f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max))
}
