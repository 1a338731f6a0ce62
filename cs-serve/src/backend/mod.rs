//! Whatever computes the heads' numbers.
//!
//! `B` sequences, `N` packed tokens, `C` intents, `T` slot tags.

mod native;
mod scripted;
#[cfg(feature = "torch")]
mod torch;

use cs_data::TokenBatch;
use cs_model::HeadOutput;

pub use self::native::NativeBackend;
pub use self::scripted::ScriptedBackend;
#[cfg(feature = "torch")]
pub use self::torch::TorchBackend;
use crate::error::BackendError;

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
