//! What can go wrong between a text and its answer.

#[cfg(feature = "engine")]
use std::time::Duration;

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

/// Why the [engine](crate::engine) has no answer. Nothing of a text is in it, unless a backend's own
/// error has it.
#[cfg(feature = "engine")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A configuration that cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The value's name.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A thread could not be started.
    #[error("a thread of the engine: {source}")]
    Thread {
        /// Why.
        source: std::io::Error,
    },
    /// As much waits as may, or as this caller may have waiting.
    #[error("the queue is full: {waiting} texts wait; try again in {} ms", .retry_after.as_millis())]
    Full {
        /// Texts that wait.
        waiting: usize,
        /// When there will be room: half of it is done by then.
        retry_after: Duration,
    },
    /// At the present rate, the answer would be late.
    #[error(
        "too much waits: the answer would take {} ms, expected at most {}",
        .needed.as_millis(), .left.as_millis()
    )]
    Overloaded {
        /// How long it would take.
        needed: Duration,
        /// How long it may.
        left: Duration,
    },
    /// A request that would not even fit into the empty queue.
    #[error(
        "a request of {texts} texts with {tokens} tokens, expected at most {most_texts} with \
         {most_tokens}"
    )]
    TooLarge {
        /// Its texts, windows of long ones included.
        texts: usize,
        /// Their tokens.
        tokens: usize,
        /// As many texts may wait.
        most_texts: usize,
        /// As many tokens may wait.
        most_tokens: usize,
    },
    /// The answer was not there in time.
    #[error("no answer within {} ms", .after.as_millis())]
    Deadline {
        /// The time there was.
        after: Duration,
    },
    /// The engine drains, or has ended.
    #[error("the engine takes no more requests")]
    Closed,
    /// The backend panicked. What it said is not repeated here, as it might quote a text.
    #[error("backend {name} panicked")]
    Panicked {
        /// The backend's name.
        name: String,
    },
    /// The text could not be read, or the backend failed.
    #[error(transparent)]
    Model(#[from] Error),
}

#[cfg(feature = "engine")]
impl EngineError {
    /// When the same request may do better, of those that were refused for want of room or time.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after, .. } => Some(*retry_after),
            Self::Overloaded { needed, left } => Some(needed.saturating_sub(*left)),
            _ => None,
        }
    }
}
