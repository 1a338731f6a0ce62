//! [`TrainPrecision`] and [`LossScaler`]: training in half precision.

use serde::{Deserialize, Serialize};

/// The number format of the products in forward and backward. Weights, gradients, moments, norms
/// and losses stay in fp32 (Micikevicius et al. 2018, <https://arxiv.org/abs/1710.03740>).
///
/// ```
/// use cs_train::schedule::TrainPrecision;
/// assert_eq!("bf16".parse(), Ok(TrainPrecision::Bf16));
/// assert!("int8".parse::<TrainPrecision>().is_err());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainPrecision {
    /// 32 bits throughout.
    #[default]
    Fp32,
    /// bfloat16: the range of fp32, 8 bits of precision.
    Bf16,
    /// IEEE half: 11 bits of precision and little range, so the loss is scaled ([`LossScaler`]).
    Fp16,
}

impl std::str::FromStr for TrainPrecision {
    type Err = String;

    /// Reads `fp32`, `bf16` or `fp16`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fp32" => Ok(Self::Fp32),
            "bf16" => Ok(Self::Bf16),
            "fp16" => Ok(Self::Fp16),
            _ => Err(format!("{text:?}, expected fp32, bf16 or fp16")),
        }
    }
}

/// Dynamic loss scaling by the rule of `torch.amp.GradScaler`: start at 65536; halve and skip the
/// step when a gradient overflows; double after 2000 steps in a row without.
///
/// ```
/// use cs_train::schedule::LossScaler;
///
/// let mut scaler = LossScaler::default();
/// assert_eq!(scaler.scale(), 65536.0);
/// scaler.update(true);
/// assert_eq!(scaler.scale(), 32768.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossScaler {
    scale: f64,
    good_steps: u32,
}

impl Default for LossScaler {
    fn default() -> Self {
        Self {
            scale: 65536.0,
            good_steps: 0,
        }
    }
}

impl LossScaler {
    const GROWTH_INTERVAL: u32 = 2000;

    /// The factor of the loss. A power of two: multiplying by it costs no precision.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Takes note of a step.
    pub fn update(&mut self, overflowed: bool) {
        if overflowed {
            self.scale *= 0.5;
            self.good_steps = 0;
            return;
        }
        self.good_steps += 1;
        if self.good_steps == Self::GROWTH_INTERVAL {
            // As GradScaler does, within fp32.
            self.scale = (self.scale * 2.0).min(f64::from(f32::MAX));
            self.good_steps = 0;
        }
    }

    /// Whether scaling down helps no more: the loss itself, or a gradient, is not finite.
    #[cfg(feature = "torch")]
    pub(crate) fn exhausted(&self) -> bool {
        self.scale < 1.0
    }
}
