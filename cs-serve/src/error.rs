//! What can go wrong between a text and its answer.

#[cfg(feature = "http")]
use std::path::PathBuf;
#[cfg(feature = "engine")]
use std::time::Duration;

use cs_data::MAX_TEXT_BYTES;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error that a [`Backend`](crate::Backend) fails with, of whatever type.
pub type BackendError = Box<dyn std::error::Error + Send + Sync>;

/// An error of this crate. The text of those about a file starts with its path.
///
/// ```
/// let error = cs_serve::Assistant::open("no/such/folder".as_ref()).unwrap_err();
/// assert!(matches!(error, cs_serve::Error::Model(_)));
/// assert_eq!(error.to_string(), "no/such/folder: no such folder, expected a model's folder");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's folder cannot be used, or its numbers have the wrong shape.
    #[error(transparent)]
    Model(#[from] cs_model::Error),
    /// A text could not be tokenised.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// A text is longer than [`MAX_TEXT_BYTES`].
    #[error("a text of {bytes} bytes, expected at most {MAX_TEXT_BYTES}")]
    TextTooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The native runtime refused the model.
    #[error(transparent)]
    Native(#[from] cs_quant::Error),
    /// A backend failed to compute a batch.
    #[error("backend {name}: {source}")]
    Backend {
        /// The name of the backend.
        name: String,
        /// The error that the backend gave.
        source: BackendError,
    },
}

/// The reason why the [engine](crate::engine) has no answer. Nothing of a text is in it, unless a
/// backend's own error quotes it.
#[cfg(feature = "engine")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A configuration cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The name of the value that is wrong.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: &'static str,
    },
    /// A thread could not be started.
    #[error("a thread of the engine: {source}")]
    Thread {
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// As many texts or tokens wait as may, or as this caller may have waiting.
    #[error("the queue is full: {waiting} texts wait; try again in {} ms", .retry_after.as_millis())]
    Full {
        /// The number of texts that wait.
        waiting: usize,
        /// The time after which there will be room: half of what waits is done by then.
        retry_after: Duration,
    },
    /// At the present rate, the answer would be late.
    #[error(
        "too much waits: the answer would take {} ms, expected at most {}",
        .needed.as_millis(), .left.as_millis()
    )]
    Overloaded {
        /// The time that the answer would take.
        needed: Duration,
        /// The time that is left.
        left: Duration,
    },
    /// A request would not even fit into the empty queue.
    #[error(
        "a request of {texts} texts with {tokens} tokens, expected at most {most_texts} with \
         {most_tokens}"
    )]
    TooLarge {
        /// The number of the request's texts, windows of long ones included.
        texts: usize,
        /// The number of the request's tokens.
        tokens: usize,
        /// The number of texts that may wait.
        most_texts: usize,
        /// The number of tokens that may wait.
        most_tokens: usize,
    },
    /// A prompt and what may come after it have no room, even if nobody else is there.
    #[error("a prompt of {prompt} tokens and {new} to come, expected at most {most} together")]
    TooLong {
        /// The number of the prompt's tokens.
        prompt: usize,
        /// The number of tokens that may come.
        new: usize,
        /// The number of tokens that there is room for.
        most: usize,
    },
    /// The answer was not there in time.
    #[error("no answer within {} ms", .after.as_millis())]
    Deadline {
        /// The time that the request was given.
        after: Duration,
    },
    /// The engine lets no more requests in because it drains or has ended.
    #[error("the engine takes no more requests")]
    Closed,
    /// The backend panicked. Its message is not repeated here, as it might quote a text.
    #[error("backend {name} panicked")]
    Panicked {
        /// The name of the backend.
        name: String,
    },
    /// The text could not be read, or the backend failed.
    #[error(transparent)]
    Model(#[from] Error),
}

#[cfg(feature = "engine")]
impl EngineError {
    /// Gives the time after which the same request may do better, if it was refused for want of
    /// room or time.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after, .. } => Some(*retry_after),
            Self::Overloaded { needed, left } => Some(needed.saturating_sub(*left)),
            _ => None,
        }
    }
}

/// The reason why a threshold or distance could not be [fitted](crate::route) to its budget, or
/// cannot be used.
#[cfg(feature = "route")]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// A value of the budget is no probability.
    #[error("{name} = {found}, expected a number above 0 and below 1")]
    Budget {
        /// The name of the value.
        name: &'static str,
        /// The value that was given.
        found: f64,
    },
    /// A setting of what was fitted is out of range.
    #[error("{name} = {found}, expected {expected}")]
    Setting {
        /// The name of the setting.
        name: &'static str,
        /// The value that was given.
        found: f32,
        /// The values that are possible.
        expected: &'static str,
    },
    /// There are too few rows to show that the budget is kept, even if nothing is lost.
    #[error("{found} rows, expected at least {needed}: fewer cannot show that the budget is kept")]
    Few {
        /// The number of rows.
        found: usize,
        /// The number that is needed if nothing is lost.
        needed: usize,
    },
    /// No distance finds any of the pairs that ask the same: each differs in what counts.
    #[error(
        "{pairs} pairs that ask the same, expected some that differ by words that may differ alone"
    )]
    Unlike {
        /// The number of pairs that ask the same.
        pairs: usize,
    },
    /// Of the thresholds that were tested, even the best loses too much.
    #[error(
        "of the {kept} surest rows {losses} are lost, which may be {loss_upper:.4} of them, expected \
         at most {max_loss}{}", .needed.map(would_do).unwrap_or_default()
    )]
    Loss {
        /// The number of rows that the threshold keeps.
        kept: usize,
        /// The number of losses among them.
        losses: usize,
        /// The upper bound of the probability of a loss.
        loss_upper: f64,
        /// The loss that was allowed.
        max_loss: f64,
        /// The number of rows that would show that the budget is kept, if as few of them are lost;
        /// `None` if no number would.
        needed: Option<usize>,
    },
}

#[cfg(feature = "route")]
fn would_do(rows: usize) -> String {
    format!("; some {rows} rows might show that, if as few of them are lost")
}

/// The reason why a cache could not be shared by Redis.
#[cfg(feature = "redis")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The address is none.
    #[error("the address of Redis: {problem}, expected redis://HOST:PORT or redis+unix:///PATH")]
    Redis {
        /// What is wrong with it. The address itself may have a password.
        problem: String,
    },
    /// A thread could not be started.
    #[error("a thread for Redis: {source}")]
    Thread {
        /// The error that the system gave.
        source: std::io::Error,
    },
}

/// The reason why an [HTTP interface](crate::http) cannot be set up. The text of those about a file
/// starts with its path.
#[cfg(feature = "http")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// A configuration cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The name of the value that is wrong.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: &'static str,
    },
    /// A file or folder cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// A file of API keys has something else in it.
    #[error("{}:{line}:1: expected {expected}", .path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// Spans cannot be exported.
    #[cfg(feature = "otel")]
    #[error("spans to {endpoint}: {source}")]
    SpanExport {
        /// The collector's address.
        endpoint: String,
        /// The error of the exporter.
        source: BackendError,
    },
    /// A candidate cannot take the place of the models that answer.
    #[error("the candidate: {problem}")]
    Candidate {
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// The interface's document cannot be written.
    #[error("the OpenAPI document: {source}")]
    Document {
        /// The error of the JSON writer.
        #[from]
        source: serde_json::Error,
    },
}
