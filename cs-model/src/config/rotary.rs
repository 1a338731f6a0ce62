//! Rotary positions.

use std::f64::consts::TAU;

/// Positions told by turning queries and keys (Su et al. 2021, "RoFormer"): numbers `i` and
/// `i + D/2` of a head are a pair, turned by the position times the pair's frequency.
///
/// ```
/// use cs_model::{Rotary, RotaryScaling};
///
/// let rotary = Rotary { theta: 10_000.0, scaling: RotaryScaling::None };
/// assert_eq!(rotary.frequencies(4), [1.0, 0.01]);
/// assert_eq!(rotary.attention_factor(), 1.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rotary {
    /// The base of the frequencies, `theta ^ (-2i/D)`.
    pub theta: f64,
    /// How frequencies are changed for longer sequences.
    pub scaling: RotaryScaling,
}

/// How frequencies are changed so that a model reads longer sequences than it was trained on.
#[derive(Debug, Clone, PartialEq)]
pub enum RotaryScaling {
    /// Not at all.
    None,
    /// All divided by a factor (Chen et al. 2023, "Position Interpolation").
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// The low ones divided by a factor, as Llama 3.1 does.
    Llama3(Llama3Scaling),
    /// The low ones divided by a factor, and queries and keys enlarged (Peng et al. 2023, "YaRN").
    Yarn(YarnScaling),
}

/// The scaling of Llama 3.1.
#[derive(Debug, Clone, PartialEq)]
pub struct Llama3Scaling {
    /// The divisor of low frequencies.
    pub factor: f64,
    /// The turns within the old length below which a frequency is low.
    pub low: f64,
    /// The turns within the old length above which a frequency is left alone.
    pub high: f64,
    /// The length that the model was first trained on.
    pub original_length: f64,
}

/// The scaling of YaRN.
#[derive(Debug, Clone, PartialEq)]
pub struct YarnScaling {
    /// The divisor of low frequencies.
    pub factor: f64,
    /// The factor of the turned queries and keys.
    pub attention_factor: f64,
    /// The turns within the old length above which a frequency is left alone.
    pub beta_fast: f64,
    /// The turns within the old length below which a frequency is low.
    pub beta_slow: f64,
    /// Whether the bounds between high and low are whole pairs.
    pub truncate: bool,
    /// The length that the model was first trained on.
    pub original_length: f64,
}

impl Rotary {
    /// Computes the frequency of each pair in radians a position, `D/2` numbers.
    pub fn frequencies(&self, head_size: usize) -> Vec<f32> {
        let pairs = (0..head_size / 2).map(|pair| {
            let frequency = self.theta.powf(-2.0 * pair as f64 / head_size as f64);
            match &self.scaling {
                RotaryScaling::None => frequency,
                RotaryScaling::Linear { factor } => frequency / factor,
                RotaryScaling::Llama3(scaling) => scaling.scale(frequency),
                RotaryScaling::Yarn(scaling) => {
                    let share = scaling.low_share(pair as f64, head_size as f64, self.theta);
                    frequency * (share / scaling.factor + 1.0 - share)
                }
            }
        });
        pairs.map(|frequency| frequency as f32).collect()
    }

    /// The factor of turned queries and keys.
    pub fn attention_factor(&self) -> f64 {
        match &self.scaling {
            RotaryScaling::Yarn(scaling) => scaling.attention_factor,
            _ => 1.0,
        }
    }
}

impl Llama3Scaling {
    fn scale(&self, frequency: f64) -> f64 {
        let turns = self.original_length * frequency / TAU;
        let kept = ((turns - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        frequency * ((1.0 - kept) / self.factor + kept)
    }
}

impl YarnScaling {
    /// Gives how far a pair counts as one of low frequency, from 0 to 1.
    fn low_share(&self, pair: f64, head_size: f64, theta: f64) -> f64 {
        let bound = |turns: f64| {
            head_size * (self.original_length / (turns * TAU)).ln() / (2.0 * theta.ln())
        };
        let (mut first, mut last) = (bound(self.beta_fast), bound(self.beta_slow));
        if self.truncate {
            (first, last) = (first.floor(), last.ceil());
        }
        let (first, mut last) = (first.max(0.0), last.min(head_size - 1.0));
        if first == last {
            last += 0.001;
        }
        ((pair - first) / (last - first)).clamp(0.0, 1.0)
    }
}
