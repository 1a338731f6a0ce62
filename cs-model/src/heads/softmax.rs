//! Probabilities of labels, computed from their logits.

/// Gives the index of the largest logit, of equal ones the first, and its softmax probability. NaN
/// counts as minus infinity.
pub(super) fn most_likely(logits: &[f32], temperature: f32) -> (usize, f32) {
    let mut best = 0;
    let mut largest = f32::NEG_INFINITY;
    for (i, &logit) in logits.iter().enumerate() {
        if logit > largest {
            (best, largest) = (i, logit);
        }
    }
    (best, Softmax::new(logits, temperature).probability(largest))
}

/// A softmax over logits, in which NaN counts as minus infinity.
pub(super) struct Softmax {
    largest: f32,
    sum: f32,
    temperature: f32,
}

impl Softmax {
    pub(super) fn new(logits: &[f32], temperature: f32) -> Self {
        let finite = || logits.iter().filter(|logit| !logit.is_nan());
        let largest = finite().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = finite().map(|logit| ((logit - largest) / temperature).exp());
        Self {
            largest,
            sum: powers.sum(),
            temperature,
        }
    }

    /// Gives the probability of one of the logits; 0 if the logits do not allow for any.
    pub(super) fn probability(&self, logit: f32) -> f32 {
        let power = ((logit - self.largest) / self.temperature).exp();
        let probability = power / self.sum;
        if probability.is_finite() {
            probability
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_softmax_at_the_temperature() {
        let (best, p) = most_likely(&[1.0, 3.0, 2.0], 1.0);
        assert_eq!(best, 1);
        assert!((p - 0.665_240_94).abs() < 1e-6, "{p}");
        let (_, p) = most_likely(&[1.0, 3.0, 2.0], 2.0);
        assert!((p - 0.506_480_4).abs() < 1e-6, "{p}");
        assert_eq!(most_likely(&[5.0, 5.0], 1.0), (0, 0.5));
        assert_eq!(most_likely(&[1e30, -1e30], 1.0), (0, 1.0));
    }

    #[test]
    fn numbers_that_are_not_finite_never_panic_nor_win() {
        assert_eq!(most_likely(&[f32::NAN, 1.0], 1.0), (1, 1.0));
        assert_eq!(most_likely(&[f32::NAN, f32::NAN], 1.0), (0, 0.0));
        assert_eq!(most_likely(&[0.0, f32::INFINITY], 1.0), (1, 0.0));
        assert_eq!(most_likely(&[f32::NEG_INFINITY; 2], 1.0), (0, 0.0));
        assert_eq!(most_likely(&[], 1.0), (0, 0.0));
    }
}
