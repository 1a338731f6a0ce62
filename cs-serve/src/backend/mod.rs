//! Whatever computes the heads' numbers, and whatever continues conversations.
//!
//! In the shapes, `B` is the number of sequences, `N` that of packed tokens, `C` that of intents
//! and `T` that of slot tags.

mod generation;
mod native;
mod scripted;
mod scripted_generation;
#[cfg(feature = "torch")]
mod torch;

use cs_data::TokenBatch;
use cs_model::HeadOutput;

pub use self::generation::GenerationBackend;
pub use self::native::NativeBackend;
pub use self::scripted::ScriptedBackend;
pub use self::scripted_generation::ScriptedGeneration;
#[cfg(feature = "torch")]
pub use self::torch::TorchBackend;
use crate::error::BackendError;

/// A backend computes the heads' numbers for a packed batch. Implement it to answer from elsewhere;
/// [`ScriptedBackend`] takes the part of a model in tests.
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

    /// Computes the heads' results for a batch.
    ///
    /// # Shapes
    /// `N` tokens of `B` sequences give intent logits `[B, C]`, slot logits `[N, T]` and sentiment
    /// `[B]`; one of these for each task of the bundle. The caller checks them.
    ///
    /// # Errors
    /// Whatever the backend fails with.
    fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput, BackendError>;
}
