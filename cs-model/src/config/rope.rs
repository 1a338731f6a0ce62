//! Rotary positions as `config.json` has them.

use serde::{Deserialize, Serialize};

use super::rotary::{Llama3Scaling, RotaryScaling, YarnScaling};
use crate::error::{Error, Result};

/// The rotary positions of a `config.json`, under `rope_parameters` or, in older files,
/// `rope_scaling`. Names are Hugging Face's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RopeParameters {
    /// The kind of scaling.
    #[serde(alias = "type")]
    pub rope_type: RopeType,
    /// The base of the frequencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rope_theta: Option<f64>,
    /// The divisor of scaled frequencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// The length that the model was first trained on; `None`: that of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_max_position_embeddings: Option<usize>,
    /// The turns below which a frequency of `llama3` is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_freq_factor: Option<f64>,
    /// The turns above which a frequency of `llama3` is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_freq_factor: Option<f64>,
    /// The factor of `yarn` for turned queries and keys; `None`: that of its authors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention_factor: Option<f64>,
    /// The turns above which a frequency of `yarn` is left alone; `None`: 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta_fast: Option<f64>,
    /// The turns below which a frequency of `yarn` is low; `None`: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta_slow: Option<f64>,
    /// The weight of the factor's logarithm in the numerator of `yarn`'s `attention_factor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mscale: Option<f64>,
    /// The weight of the factor's logarithm in the denominator of `yarn`'s `attention_factor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mscale_all_dim: Option<f64>,
    /// Whether the bounds of `yarn` are rounded to whole pairs; `None`: they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<bool>,
    /// The share of a head that is turned: 1 where it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial_rotary_factor: Option<f64>,
}

/// The kind of scaling of rotary positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RopeType {
    /// None.
    #[default]
    Default,
    /// One divisor for all frequencies.
    Linear,
    /// Another base for sequences that are longer than `max_position_embeddings`; as there are none
    /// here, none.
    Dynamic,
    /// Llama 3.1's.
    Llama3,
    /// YaRN's.
    Yarn,
}

impl RopeParameters {
    /// Checks that the values that the kind needs are there and in range; `field` is the name of
    /// these parameters.
    pub(super) fn validate(&self, field: &str) -> Result<()> {
        let wrong = |name: &str, found: Option<f64>, expected: &str| {
            let found = found.map_or("missing".to_owned(), |found| found.to_string());
            Err(Error::field(format!("{field}.{name}"), found, expected))
        };
        let positive = |name: &str, found: Option<f64>| match found {
            Some(found) if found > 0.0 && found.is_finite() => Ok(()),
            _ => wrong(name, found, "above 0"),
        };
        if self.partial_rotary_factor.is_some_and(|share| share != 1.0) {
            return wrong("partial_rotary_factor", self.partial_rotary_factor, "1");
        }
        if self.rope_type != RopeType::Default {
            positive("factor", self.factor)?;
        }
        if self.rope_type == RopeType::Llama3 {
            positive("low_freq_factor", self.low_freq_factor)?;
            if self.high_freq_factor <= self.low_freq_factor {
                let expected = "above low_freq_factor";
                return wrong("high_freq_factor", self.high_freq_factor, expected);
            }
        }
        if self.original_max_position_embeddings == Some(0) {
            let name = "original_max_position_embeddings";
            return wrong(name, Some(0.0), "above 0");
        }
        for (name, value) in [
            ("attention_factor", self.attention_factor),
            ("beta_fast", self.beta_fast),
            ("beta_slow", self.beta_slow),
            ("mscale", self.mscale),
            ("mscale_all_dim", self.mscale_all_dim),
        ] {
            if value.is_some() {
                positive(name, value)?;
            }
        }
        Ok(())
    }

    /// Gives the scaling; `length` is the longest sequence of the model.
    pub(super) fn scaling(&self, length: usize) -> RotaryScaling {
        let factor = self.factor.unwrap_or(1.0);
        let original_length = self.original_max_position_embeddings.unwrap_or(length) as f64;
        match self.rope_type {
            RopeType::Default | RopeType::Dynamic => RotaryScaling::None,
            RopeType::Linear => RotaryScaling::Linear { factor },
            RopeType::Llama3 => RotaryScaling::Llama3(Llama3Scaling {
                factor,
                low: self.low_freq_factor.unwrap_or(1.0),
                high: self.high_freq_factor.unwrap_or(4.0),
                original_length,
            }),
            RopeType::Yarn => RotaryScaling::Yarn(YarnScaling {
                factor,
                attention_factor: self.yarn_attention_factor(factor),
                beta_fast: self.beta_fast.unwrap_or(32.0),
                beta_slow: self.beta_slow.unwrap_or(1.0),
                truncate: self.truncate.unwrap_or(true),
                original_length,
            }),
        }
    }

    fn yarn_attention_factor(&self, factor: f64) -> f64 {
        let enlarged = |weight: f64| 1.0 + 0.1 * weight * factor.max(1.0).ln();
        self.attention_factor
            .unwrap_or_else(|| match (self.mscale, self.mscale_all_dim) {
                (Some(over), Some(under)) => enlarged(over) / enlarged(under),
                _ => enlarged(1.0),
            })
    }
}
