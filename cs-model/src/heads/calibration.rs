//! [`Calibration`]: how logits become confidences and decisions, whatever computed them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A calibration states how logits become confidences and decisions. cs-train fits it on validation
/// data.
///
/// The temperatures change confidences only, never which label wins.
///
/// ```
/// use cs_model::Calibration;
///
/// assert_eq!(Calibration::default().intent_temperature, 1.0);
/// assert!(Calibration { slot_temperature: 0.0, ..Default::default() }.validate().is_err());
/// // Format 1 had one temperature, the intents'.
/// let old: Calibration = serde_json::from_str(r#"{"temperature": 1.5}"#)?;
/// assert_eq!((old.intent_temperature, old.slot_temperature), (1.5, 1.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calibration {
    /// The intent logits are divided by this before the softmax (Guo et al. 2017, section 4.2); 1
    /// leaves them as they are.
    #[serde(alias = "temperature")]
    pub intent_temperature: f32,
    /// The slot logits are divided by this before the softmax. Those of a conditional random field
    /// stay as they are.
    pub slot_temperature: f32,
    /// An intent whose confidence is below this is not answered. `None` never abstains.
    pub abstain_below: Option<f32>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            intent_temperature: 1.0,
            slot_temperature: 1.0,
            abstain_below: None,
        }
    }
}

impl Calibration {
    /// Checks that the temperatures are positive and that the threshold is a probability.
    ///
    /// # Errors
    /// [`Error::Field`] names the value that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, found) in [
            ("intent_temperature", self.intent_temperature),
            ("slot_temperature", self.slot_temperature),
        ] {
            if !(found > 0.0 && found.is_finite()) {
                let field = format!("calibration.{name}");
                return Err(Error::field(field, found, "a number above 0"));
            }
        }
        match self.abstain_below {
            Some(found) if !(0.0..=1.0).contains(&found) => {
                Err(Error::field("calibration.abstain_below", found, "0 to 1"))
            }
            _ => Ok(()),
        }
    }
}
