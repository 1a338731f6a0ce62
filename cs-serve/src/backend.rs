//! Whatever computes the heads' numbers.
//!
//! `B` sequences, `N` packed tokens, `C` intents, `T` slot tags.

use std::fmt;

use cs_data::TokenBatch;
use cs_model::{Bundle, HeadOutput};
use cs_quant::{NativeModel, RuntimeConfig};

use crate::error::{BackendError, Result};

/// Computes a packed batch. Implement it to answer from elsewhere; [`ScriptedBackend`] stands in
/// for a model in tests.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::HeadOutput;
/// use cs_serve::{Backend, BackendError};
///
/// struct Neutral;
///
/// impl Backend for Neutral {
///     fn name(&self) -> &str {
///         "neutral"
///     }
///     fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput, BackendError> {
///         let sentiment = Some(vec![0.5; batch.sequences()]);
///         Ok(HeadOutput { sentiment, ..HeadOutput::default() })
///     }
/// }
///
/// let output = Neutral.forward(&TokenBatch::pack([&[2, 3][..]]))?;
/// assert_eq!(output.sentiment, Some(vec![0.5]));
/// # Ok::<(), BackendError>(())
/// ```
pub trait Backend: Send + Sync {
    /// A short name, for logs and errors.
    fn name(&self) -> &str;

    /// The heads' results.
    ///
    /// # Shapes
    /// `N` tokens of `B` sequences to intent logits `[B, C]`, slot logits `[N, T]`, sentiment `[B]`;
    /// one for each task of the bundle. The caller checks them.
    ///
    /// # Errors
    /// Whatever the backend fails with.
    fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput, BackendError>;
}

/// The native runtime: int8 if the bundle has it, else fp32; no libtorch.
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
    /// A missing, damaged or foreign file; a kernel this machine cannot run.
    pub fn open(bundle: &Bundle, config: &RuntimeConfig) -> Result<Self> {
        Ok(Self {
            model: NativeModel::open(bundle, config)?,
        })
    }

    /// The model.
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

/// A test double: answers with whatever a closure makes of the batch.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{HeadOutput, Matrix};
/// use cs_serve::{Backend, ScriptedBackend};
///
/// let first_of_two = ScriptedBackend::new(|batch: &TokenBatch| {
///     let logits = [5.0, -5.0].repeat(batch.sequences());
///     Ok(HeadOutput { intent: Some(Matrix::new(batch.sequences(), 2, logits)?), ..Default::default() })
/// });
/// let output = first_of_two.forward(&TokenBatch::pack([&[2, 3][..], &[2, 9, 3]]))?;
/// assert_eq!(output.intent.unwrap().row(1), [5.0, -5.0]);
/// # Ok::<(), cs_serve::BackendError>(())
/// ```
pub struct ScriptedBackend {
    script: Box<Script>,
}

type Script = dyn Fn(&TokenBatch) -> Result<HeadOutput, BackendError> + Send + Sync;

impl ScriptedBackend {
    /// Answers as `script` says.
    pub fn new(
        script: impl Fn(&TokenBatch) -> Result<HeadOutput, BackendError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Box::new(script),
        }
    }
}

impl fmt::Debug for ScriptedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedBackend").finish_non_exhaustive()
    }
}

impl Backend for ScriptedBackend {
    fn name(&self) -> &str {
        "scripted"
    }

    fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput, BackendError> {
        (self.script)(batch)
    }
}
