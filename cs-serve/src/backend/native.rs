//! The native backend.

use cs_data::TokenBatch;
use cs_model::{Bundle, HeadOutput};
use cs_quant::{NativeModel, RuntimeConfig};

use super::Backend;
use crate::error::{BackendError, Result};

/// The native runtime as a backend: int8 if the bundle has such weights, else fp32; no libtorch.
///
/// ```no_run
/// use cs_model::Bundle;
/// use cs_serve::{Assistant, NativeBackend, RuntimeConfig};
///
/// let bundle = Bundle::open("models/support".as_ref())?;
/// let config = RuntimeConfig { threads: std::num::NonZero::new(2), ..Default::default() };
/// let backend = NativeBackend::open(&bundle, &config)?;
/// let assistant = Assistant::new(bundle, Box::new(backend))?;
/// # Ok::<(), cs_serve::Error>(())
/// ```
#[derive(Debug)]
pub struct NativeBackend {
    model: NativeModel,
}

impl NativeBackend {
    /// Loads the bundle's weights.
    ///
    /// # Errors
    /// A file is missing, damaged or in another format, or this machine cannot run the kernel.
    pub fn open(bundle: &Bundle, config: &RuntimeConfig) -> Result<Self> {
        Ok(Self {
            model: NativeModel::open(bundle, config)?,
        })
    }

    /// The loaded model.
    pub fn model(&self) -> &NativeModel {
        &self.model
    }
}

impl Backend for NativeBackend {
    fn name(&self) -> &str {
        "native"
    }

    fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput, BackendError> {
        Ok(self.model.forward(batch)?)
    }
}
