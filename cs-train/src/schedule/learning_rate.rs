//! [`Schedule`]: the learning rate's course over a run.

use serde::{Deserialize, Serialize};

/// How the rate goes on after the warm-up.
///
/// ```
/// use cs_train::schedule::Decay;
/// let decay: Decay = serde_json::from_str(r#""inverse_sqrt""#)?;
/// assert_eq!(decay, Decay::InverseSqrt);
/// assert_eq!("cosine".parse(), Ok(Decay::Cosine));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// In equal steps to zero: the usual course of fine-tuning.
    #[default]
    Linear,
    /// Along half a cosine to zero
    /// ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1608.03983), without restarts).
    Cosine,
    /// The rate stays at its peak.
    Constant,
    /// With the square root of the steps (Vaswani et al. 2017, section 5.3): for runs whose end is
    /// not known. The scale is the warm-up, or 10,000 steps without one.
    InverseSqrt,
}

impl std::str::FromStr for Decay {
    type Err = String;

    /// Reads `linear`, `cosine`, `constant` or `inverse-sqrt`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "linear" => Ok(Self::Linear),
            "cosine" => Ok(Self::Cosine),
            "constant" => Ok(Self::Constant),
            "inverse-sqrt" => Ok(Self::InverseSqrt),
            _ => Err(format!(
                "{text:?}, expected linear, cosine, constant or inverse-sqrt"
            )),
        }
    }
}

/// Linear warm-up, then a [`Decay`]: a pure function from step to factor of the peak rate.
///
/// The factors are those of `transformers.get_scheduler`: with `w` warm-up steps, that of step `s`
/// (from 0) is `s / w`, so the very first step only fills the optimiser's moments, and the peak is
/// reached at `s = w`.
///
/// ```
/// use cs_train::schedule::{Decay, Schedule};
///
/// let schedule = Schedule::new(Decay::Linear, 500, 1000);
/// assert_eq!(schedule.warmup_steps(), 100);
/// assert_eq!(schedule.shortened_from(), Some(500));
/// assert_eq!(schedule.factor(100), 1.0);
/// assert_eq!(schedule.factor(50), 0.5);
/// assert_eq!(schedule.factor(1000), 0.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    decay: Decay,
    requested: usize,
    warmup: usize,
    steps: usize,
}

impl Schedule {
    /// A schedule over `steps` steps. A warm-up longer than a tenth of them is shortened to
    /// that, since a short run would otherwise never learn at its full rate.
    #[must_use]
    pub fn new(decay: Decay, warmup_steps: usize, steps: usize) -> Self {
        Self {
            decay,
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
        if step >= self.steps {
            return 0.0;
        }
        if step < self.warmup {
            return step as f64 / self.warmup as f64;
        }
        let (after, whole) = (step - self.warmup, self.steps - self.warmup);
        match self.decay {
            Decay::Linear => (whole - after) as f64 / whole as f64,
            Decay::Cosine => {
                let progress = after as f64 / whole as f64;
                0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
            Decay::Constant => 1.0,
            Decay::InverseSqrt => {
                let scale = if self.warmup == 0 {
                    10_000
                } else {
                    self.warmup
                };
                ((after + scale) as f64 / scale as f64).sqrt().recip()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_one_and_falls_in_equal_steps() {
        let schedule = Schedule::new(Decay::Linear, 4, 40);
        assert_eq!(schedule.shortened_from(), None);
        let factors: Vec<f64> = (0..=40).map(|s| schedule.factor(s)).collect();
        assert_eq!(&factors[..5], &[0.0, 0.25, 0.5, 0.75, 1.0]);
        for pair in factors[4..].windows(2) {
            assert!((pair[0] - pair[1] - 1.0 / 36.0).abs() < 1e-12);
        }
        assert_eq!(factors[40], 0.0);
    }

    #[test]
    fn a_run_too_short_for_a_warm_up_has_none() {
        let schedule = Schedule::new(Decay::Linear, 500, 9);
        assert_eq!((schedule.warmup_steps(), schedule.factor(0)), (0, 1.0));
        assert_eq!(Schedule::new(Decay::Linear, 0, 0).factor(0), 0.0);
    }
}
