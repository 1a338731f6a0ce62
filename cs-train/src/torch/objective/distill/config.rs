//! [`DistillConfig`]: what counts how much in distillation.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a student learns from its teacher.
///
/// ```
/// use cs_train::objective::DistillConfig;
/// let config: DistillConfig = serde_json::from_str(r#"{"temperature": 4}"#)?;
/// assert_eq!((config.temperature, config.soft), (4.0, 1.0));
/// assert!(DistillConfig { temperature: 0.0, ..config }.validate().is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DistillConfig {
    /// Both models' logits, and the transitions of a conditional random field, are divided by it
    /// (Hinton et al. 2015, section 2): the higher, the more the teacher's second choices count.
    /// Default 2.
    pub temperature: f64,
    /// Weight of the teacher's answers. Default 1.
    pub soft: f64,
    /// Weight of the rows' own labels. Default 0.5.
    pub hard: f64,
    /// Weight of the hidden states' distance; see
    /// [`Distill::imitate`](crate::objective::Distill::imitate). Default 0.
    pub hidden: f64,
    /// Weight of the attention scores' distance; see
    /// [`Distill::imitate`](crate::objective::Distill::imitate). Default 0.
    pub attention: f64,
}

impl Default for DistillConfig {
    fn default() -> Self {
        Self {
            temperature: 2.0,
            soft: 1.0,
            hard: 0.5,
            hidden: 0.0,
            attention: 0.0,
        }
    }
}

impl DistillConfig {
    /// Checks that the temperature and one of the weights are above 0.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the setting.
    pub fn validate(&self) -> Result<()> {
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            let expected = "a number above 0";
            return Err(Error::config("temperature", self.temperature, expected));
        }
        let weights = [
            ("soft", self.soft),
            ("hard", self.hard),
            ("hidden", self.hidden),
            ("attention", self.attention),
        ];
        for (field, value) in weights {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::config(field, value, "0 or more"));
            }
        }
        match self.soft + self.hard > 0.0 {
            true => Ok(()),
            false => Err(Error::config("soft + hard", 0.0, "above 0")),
        }
    }
}
