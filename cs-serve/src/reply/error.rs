//! Why there is no reply.

use std::path::PathBuf;

use super::template::TemplateError;
use crate::error::{BackendError, EngineError};
use crate::knowledge::KnowledgeError;

/// The reason why replies cannot be read, or one cannot be given. Nothing of a customer's text is in
/// it, unless a model's own error quotes it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// A place of a file is not what it should be.
    #[error("{}:{line}:{column}: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in Unicode scalar values, counted from 1.
        column: usize,
        /// What is wrong there, and what was expected.
        problem: String,
    },
    /// A setting cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The name of the setting.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: &'static str,
    },
    /// A customer's text is longer than [`MAX_TEXT_BYTES`](cs_data::MAX_TEXT_BYTES).
    #[error(
        "a text of {bytes} bytes, expected at most {}",
        cs_data::MAX_TEXT_BYTES
    )]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The text of a reply fails with the values that there are.
    #[error("the reply {id:?}: {source}")]
    Template {
        /// The reply.
        id: String,
        /// What is wrong with it, or missing.
        source: TemplateError,
    },
    /// The facts cannot be asked.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The answered questions cannot be searched.
    #[error("the index of questions: {source}")]
    Index {
        /// The error of the index.
        source: BackendError,
    },
    /// A text has no vector.
    #[error("the embedder {version}: {source}")]
    Embedder {
        /// What tells the embedder from others.
        version: String,
        /// The error that it gave.
        source: BackendError,
    },
    /// A prompt cannot be written.
    #[error("the prompt: {0}")]
    Prompt(cs_model::Error),
    /// The language model does not answer.
    #[error(transparent)]
    Generation(#[from] EngineError),
}
