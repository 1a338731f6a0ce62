//! The libtorch backend.

use std::sync::{Mutex, PoisonError};

use cs_data::TokenBatch;
use cs_model::{Bundle, Device, HeadOutput, Model};

use super::Backend;
use crate::error::{BackendError, Result};

/// A libtorch model in fp32 as a backend, on CPU or CUDA. It computes one batch at a time: its
/// tensors cannot be shared between threads, so calls wait for each other.
///
/// ```no_run
/// use cs_model::{Bundle, Device};
/// use cs_serve::{Assistant, TorchBackend};
///
/// let bundle = Bundle::open("models/support".as_ref())?;
/// let backend = TorchBackend::open(&bundle, Device::Cpu)?;
/// let assistant = Assistant::new(bundle, Box::new(backend))?;
/// # Ok::<(), cs_serve::Error>(())
/// ```
#[derive(Debug)]
pub struct TorchBackend {
    model: Mutex<Model>,
}

impl TorchBackend {
    /// Loads the bundle's fp32, fp16 or bf16 weights.
    ///
    /// # Errors
    /// A file is missing, damaged or in another format, or the device is not there.
    pub fn open(bundle: &Bundle, device: Device) -> Result<Self> {
        Ok(Self {
            model: Mutex::new(Model::open(bundle, device)?),
        })
    }
}

impl Backend for TorchBackend {
    fn name(&self) -> &str {
        "torch"
    }

    fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput, BackendError> {
        // A forward changes nothing in the model, so one that panicked left it whole.
        let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(model.predict(batch)?)
    }
}
