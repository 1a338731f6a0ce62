//! Opening a trained bundle for answers, with the backend asked for.

use std::path::Path;

use cs_model::{Bundle, Matrix};
use cs_quant::RuntimeConfig;
use cs_serve::Assistant;
use serde::Serialize;

use crate::cli::{BackendKind, LengthArgs};
use crate::error::{Error, Result};

/// Opens a bundle with heads.
///
/// # Errors
///
/// A folder that cannot be read, or has no heads.
pub fn open_bundle(dir: &Path) -> Result<Bundle> {
    let bundle = Bundle::open(dir)?;
    if bundle.tasks().is_empty() {
        let found = "a model without heads".to_owned();
        return Err(Error::Unfit {
            path: dir.to_owned(),
            found,
            expected: "what `train` writes",
        });
    }
    Ok(bundle)
}

/// Opens a bundle on `backend`, and reads texts up to `length`.
///
/// # Errors
///
/// As [`open_bundle`] and [`LengthArgs::apply`]; weights that are missing or damaged.
pub fn open(dir: &Path, backend: BackendKind, length: LengthArgs) -> Result<Assistant> {
    let bundle = length.apply(open_bundle(dir)?)?;
    match backend {
        BackendKind::Native => Ok(Assistant::open_native(bundle, &RuntimeConfig::default())?),
        #[cfg(feature = "torch")]
        BackendKind::Torch => {
            let backend = cs_serve::TorchBackend::open(&bundle, cs_model::Device::auto())?;
            Ok(Assistant::new(bundle, Box::new(backend))?)
        }
    }
}

/// What the heads put out for one text: a logit an intent, a row of tag logits a token, and the
/// sentiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logits {
    /// In the order of the bundle's intents.
    pub intent: Option<Vec<f32>>,
    /// In the order of the bundle's tags; special tokens included.
    pub slots: Option<Vec<Vec<f32>>>,
    /// Already in 0 to 1.
    pub sentiment: Option<f32>,
}

impl Logits {
    /// Runs the model on one text.
    ///
    /// # Errors
    ///
    /// If the text cannot be answered.
    pub fn of(assistant: &Assistant, text: &str) -> Result<Self> {
        let output = assistant.logits(text)?;
        let rows = |matrix: Matrix| {
            (0..matrix.rows)
                .map(|row| matrix.row(row).to_vec())
                .collect()
        };
        Ok(Self {
            intent: output.intent.map(|matrix| matrix.row(0).to_vec()),
            slots: output.slots.map(rows),
            sentiment: output.sentiment.and_then(|all| all.first().copied()),
        })
    }
}
