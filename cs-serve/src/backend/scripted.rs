//! A test double for a backend.

use std::fmt;

use cs_data::TokenBatch;
use cs_model::HeadOutput;

use super::Backend;
use crate::error::BackendError;

/// A test double of a backend, which answers with whatever a closure makes of the batch.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{HeadOutput, Matrix};
/// use cs_serve::{Backend, ScriptedBackend};
///
/// let first_of_two = ScriptedBackend::new(|batch: &TokenBatch| {
///     let sequences = batch.sequences();
///     let logits = Matrix::new(sequences, 2, [5.0, -5.0].repeat(sequences))?;
///     Ok(HeadOutput { intent: Some(logits), ..Default::default() })
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
    /// Makes a backend that answers with what `script` makes of a batch.
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
