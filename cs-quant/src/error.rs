//! What can go wrong while quantising, loading and running.

use std::path::{Path, PathBuf};

use cs_model::EncoderConfig;

/// An error of this crate. The text of those about a file begins with its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bundle, its configuration or its weights could not be read or written.
    #[error(transparent)]
    Model(#[from] cs_model::Error),
    /// A text cannot be tokenised.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// A tensor is there but cannot be used.
    #[error("{}: tensor {tensor}: {found}, expected {expected}", path.display())]
    Tensor {
        /// The path of the safetensors file.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
        /// What the tensor is.
        found: String,
        /// What the tensor should be.
        expected: String,
    },
    /// The artefact was written by a newer version, or by something else.
    #[error("{}: artefact format {found:?}, expected {expected:?}", path.display())]
    Format {
        /// The path of the artefact.
        path: PathBuf,
        /// The version in the artefact's metadata; empty if it has none.
        found: String,
        /// The version that this crate reads.
        expected: &'static str,
    },
    /// The folder holds no weights of the wanted precision.
    #[error("{}: no {wanted} weights in this folder", path.display())]
    NoWeights {
        /// The path of the folder.
        path: PathBuf,
        /// The weights that were looked for.
        wanted: &'static str,
    },
    /// A head was to be judged, and there was nothing to judge it by.
    #[error("{}: the {head} head was not judged, expected a figure for each head", path.display())]
    Unjudged {
        /// The path of the folder.
        path: PathBuf,
        /// The name of the head.
        head: &'static str,
    },
    /// A file could not be written or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// The kernel that was asked for does not run on this machine.
    #[error("the {kernel} kernel needs instructions this machine does not have")]
    UnsupportedKernel {
        /// The name of the kernel.
        kernel: &'static str,
    },
    /// No kernel or precision has this name.
    #[error("unknown {what} {found:?}, expected {expected}")]
    UnknownName {
        /// The kind of name that was being parsed.
        what: &'static str,
        /// The text that was given.
        found: String,
        /// The names that there are.
        expected: &'static str,
    },
    /// A sequence of the batch does not fit the model.
    #[error("sequence {sequence}: {problem}")]
    Input {
        /// The index of the sequence in the batch.
        sequence: usize,
        /// The value that was found, and what was expected.
        problem: String,
    },
    /// The batch contradicts itself (offsets, lengths).
    #[error("malformed batch: {problem}")]
    Batch {
        /// The parts that contradict each other.
        problem: String,
    },
    /// The conversations need more pages for keys and values than they may have.
    #[error("the cache is full: {pages} pages of 32 tokens, expected at most {most}")]
    CacheFull {
        /// The number of pages that all conversations would have.
        pages: usize,
        /// The number of pages that they may have.
        most: usize,
    },
    /// A setting is out of its range.
    #[error("{setting}: {found}, expected {expected}")]
    Config {
        /// The name of the setting.
        setting: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are allowed.
        expected: &'static str,
    },
    /// Heads or neurons were asked for of a model that has no transformer blocks.
    #[error(
        "model_type: {model_type}, expected {}, which has heads and neurons",
        EncoderConfig::TRANSFORMERS
    )]
    NoBlocks {
        /// The family of the model.
        model_type: &'static str,
    },
    /// The system does not have the memory that a request takes.
    #[error("no memory for {bytes} bytes that this request takes")]
    Memory {
        /// The size in bytes of the buffer that was refused.
        bytes: usize,
    },
    /// The operating system refused to start a worker thread.
    #[error("cannot start a worker thread: {source}")]
    Thread {
        /// The error that the system gave.
        source: std::io::Error,
    },
}

impl Error {
    /// Makes the error for a setting out of its range.
    pub(crate) fn config(
        setting: &'static str,
        found: impl Into<String>,
        expected: &'static str,
    ) -> Self {
        Self::Config {
            setting,
            found: found.into(),
            expected,
        }
    }

    /// Makes the error for a file or folder from the system's.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl From<Error> for cs_model::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Model(error) => error,
            other => Self::Runtime(Box::new(other)),
        }
    }
}

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
