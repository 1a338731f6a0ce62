//! [`LinearWarmup`]: the learning rate's course over a run.

/// Linear warm-up, then linear decay to zero: the usual course of fine-tuning.
///
/// A pure function from step to factor of the peak rate. With `w` warm-up steps of `n`, the
/// factor of step `s` (from 0) is `(s + 1) / (w + 1)` for `s < w`, and `(n - s) / (n - w)`
/// from there: no step is wasted on a rate of zero, and the peak is reached once, at `s = w`.
///
/// ```
/// use cs_train::LinearWarmup;
///
/// let schedule = LinearWarmup::new(500, 1000);
/// assert_eq!(schedule.warmup_steps(), 100);
/// assert_eq!(schedule.shortened_from(), Some(500));
/// assert_eq!(schedule.factor(100), 1.0);
/// assert!(schedule.factor(0) > 0.0 && schedule.factor(999) > 0.0);
/// assert_eq!(schedule.factor(1000), 0.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearWarmup {
    requested: usize,
    warmup: usize,
    steps: usize,
}

impl LinearWarmup {
    /// A schedule over `steps` steps. A warm-up longer than a tenth of them is shortened to
    /// that, since a short run would otherwise never learn at its full rate.
    #[must_use]
    pub fn new(warmup_steps: usize, steps: usize) -> Self {
        Self {
            requested: warmup_steps,
            warmup: warmup_steps.min(steps / 10),
            steps,
        }
    }

    /// The warm-up used, in steps.
    #[must_use]
    pub fn warmup_steps(&self) -> usize {
        self.warmup
    }

    /// The warm-up asked for, if it was shortened.
    #[must_use]
    pub fn shortened_from(&self) -> Option<usize> {
        (self.requested > self.warmup).then_some(self.requested)
    }

    /// The factor of the peak rate at `step` (from 0), in 0..=1; 0 after the last step.
    #[must_use]
    pub fn factor(&self, step: usize) -> f64 {
        if step < self.warmup {
            (step + 1) as f64 / (self.warmup + 1) as f64
        } else if step < self.steps {
            (self.steps - step) as f64 / (self.steps - self.warmup) as f64
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_one_and_falls_in_equal_steps() {
        let schedule = LinearWarmup::new(4, 40);
        assert_eq!(schedule.shortened_from(), None);
        let factors: Vec<f64> = (0..=40).map(|s| schedule.factor(s)).collect();
        assert_eq!(&factors[..5], &[0.2, 0.4, 0.6, 0.8, 1.0]);
        for pair in factors[4..].windows(2) {
            assert!((pair[0] - pair[1] - 1.0 / 36.0).abs() < 1e-12);
        }
        assert_eq!(factors[40], 0.0);
    }

    #[test]
    fn a_run_too_short_for_a_warm_up_has_none() {
        let schedule = LinearWarmup::new(500, 9);
        assert_eq!((schedule.warmup_steps(), schedule.factor(0)), (0, 1.0));
        assert_eq!(LinearWarmup::new(0, 0).factor(0), 0.0);
    }
}
