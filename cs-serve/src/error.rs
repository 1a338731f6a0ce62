//! What can go wrong between a text and its answer.

use cs_data::MAX_TEXT_BYTES;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a [`Backend`](crate::Backend) fails with; its own error, whatever that is.
pub type BackendError = Box<dyn std::error::Error + Send + Sync>;

/// An error of this crate. Those about a file start with its path.
///
/// ```
/// let error = cs_serve::Assistant::open("no/such/folder".as_ref()).unwrap_err();
/// assert!(matches!(error, cs_serve::Error::Model(_)));
/// assert_eq!(error.to_string(), "no/such/folder: no such folder, expected a model's folder");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's folder, or its numbers' shape.
    #[error(transparent)]
    Model(#[from] cs_model::Error),
    /// A text could not be tokenised.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// A text is longer than [`MAX_TEXT_BYTES`].
    #[error("a text of {bytes} bytes, expected at most {MAX_TEXT_BYTES}")]
    TextTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The native runtime refused the model.
    #[error(transparent)]
    Native(#[from] cs_quant::Error),
    /// A backend failed.
    #[error("backend {name}: {source}")]
    Backend {
        /// Its name.
        name: String,
        /// Its error.
        source: BackendError,
    },
}
