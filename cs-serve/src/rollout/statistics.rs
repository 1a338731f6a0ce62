//! Confidence sequences: intervals that hold at all times at once, so that one may look as often as one likes
//! and stop when one likes. `docs/rollout.md` of this crate has the derivation.

use serde::{Deserialize, Deserializer, Serialize};

/// The mean of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The number of values.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// The variance of one value.
    pub variance: f64,
}

impl Mean {
    fn squared_error(&self) -> f64 {
        self.variance / self.count
    }
}

/// A one-sided bound that holds at all times at once but for a risk: the normal mixture of Robbins ("Statistical
/// methods related to the law of the iterated logarithm", 1970) in its one-sided form (Howard, Ramdas,
/// McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021, proposition
/// 6), with a variance that is estimated (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
/// central limit theory and asymptotic confidence sequences", 2024).
///
/// ```
/// use cs_serve::rollout::Sequence;
///
/// // At one look, 1 % is 2.33 standard errors; at all looks together it is more, least where it is tuned to.
/// let sequence = Sequence::new(0.01, 0.07);
/// assert!((3.1..3.4).contains(&sequence.errors(4000.0)));
/// assert!(sequence.errors(40.0) > sequence.errors(4000.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    risk: f64,
    /// The precision of the normal distribution over which the sequence is mixed, in units of information.
    precision: f64,
}

/// At so many standard errors an effect is mostly seen, so that is where sequences are tuned to.
const TUNED_AT: f64 = 5.4;
/// The information that a sequence is tuned to, in precisions: about where its bound is least, for risks of
/// some thousandths (Howard et al., section 3.5).
const INFORMATION: f64 = 14.0;

impl Sequence {
    /// Makes the sequence that is narrowest about where an effect of this size becomes visible. `risk` is
    /// above 0 and at most 0.1, `effect` above 0.
    #[must_use]
    pub fn new(risk: f64, effect: f64) -> Self {
        Self {
            risk,
            precision: (TUNED_AT / effect).powi(2) / INFORMATION,
        }
    }

    /// Gives how many standard errors an estimate is from its bound when it has this much information, which
    /// is 1 over the squared standard error.
    ///
    /// The root of z² / 2 + ln Φ(z) = ln(1 / 2 risk) + ln((information + precision) / precision) / 2 is needed,
    /// times √(1 + precision / information). For Φ(z) stands its lower bound 1 − φ(z₀) / z₀ (Mills' ratio),
    /// where z₀ < z is the root without it: 0.3 % too much at a risk of 0.1, less than 0.01 % at 0.001.
    #[must_use]
    pub fn errors(&self, information: f64) -> f64 {
        let spread = (information + self.precision) / self.precision;
        let needed = (1.0 / (2.0 * self.risk)).ln() + spread.ln() / 2.0;
        let root = (2.0 * needed).sqrt();
        let above = (-needed).exp() / (std::f64::consts::TAU.sqrt() * root);
        let corrected = (2.0 * (needed - (-above).ln_1p())).sqrt();
        corrected * (1.0 + self.precision / information).sqrt()
    }
}

/// How the mean of one sample relates to that of another, with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The relative change: -0.1 if 0.8 has become 0.72.
    pub estimate: f64,
    /// The change is at least this, but for the risk of the lower sequence. In JSON, null is minus infinity.
    #[serde(deserialize_with = "lower_bound")]
    pub lower: f64,
    /// The change is at most this, but for the risk of the upper sequence. In JSON, null is infinity.
    #[serde(deserialize_with = "upper_bound")]
    pub upper: f64,
}

fn lower_bound<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NEG_INFINITY))
}

fn upper_bound<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::INFINITY))
}

impl Change {
    /// Compares two means of values in 0..=1, by Fieller's method: a ratio is within the bounds if `canary` −
    /// ratio · `stable` may be 0. Each side has a sequence of its own. None if the samples are too few for
    /// bounds.
    #[must_use]
    pub fn of(canary: &Mean, stable: &Mean, lower: &Sequence, upper: &Sequence) -> Option<Self> {
        Some(Self {
            estimate: canary.mean / stable.mean - 1.0,
            lower: bound(canary, stable, lower, -1.0)?,
            upper: bound(canary, stable, upper, 1.0)?,
        })
    }
}

/// The information that two samples have about `canary` − ratio · `stable`.
pub(super) fn information(canary: &Mean, stable: &Mean, ratio: f64) -> f64 {
    1.0 / (canary.squared_error() + ratio * ratio * stable.squared_error())
}

/// Where the difference is so many standard errors from 0: a root of (c − r s)² = z² (σc² + r² σs²), where z itself
/// depends a little on r.
fn bound(canary: &Mean, stable: &Mean, sequence: &Sequence, side: f64) -> Option<f64> {
    /// Each round leaves a hundredth of what is off.
    const ROUNDS: usize = 5;
    let (c, s) = (canary.mean, stable.mean);
    let (errors_c, errors_s) = (canary.squared_error(), stable.squared_error());
    let mut ratio = 1.0;
    for _ in 0..ROUNDS {
        let z = sequence.errors(information(canary, stable, ratio)).powi(2);
        let under = errors_c * s * s + errors_s * c * c - z * errors_c * errors_s;
        let divisor = s * s - z * errors_s;
        if under < 0.0 || divisor <= 0.0 {
            return None;
        }
        ratio = (c * s + side * z.sqrt() * under.sqrt()) / divisor;
    }
    Some(ratio - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_are_infinite_come_back_from_json() {
        let change = Change {
            estimate: 0.0,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
    }
}
