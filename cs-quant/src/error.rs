//! What can go wrong while quantising, loading and running.

use std::path::{Path, PathBuf};

/// Errors of this crate. Those about a file begin with its path.
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
        /// The safetensors file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The artefact was written by a newer (or foreign) version.
    #[error("{}: artefact format {found:?}, expected {expected:?}", path.display())]
    Format {
        /// The artefact.
        path: PathBuf,
        /// The version in its metadata, empty if it has none.
        found: String,
        /// The version this crate reads.
        expected: &'static str,
    },
    /// The folder holds no weights of the wanted precision.
    #[error("{}: no {wanted} weights in this folder", path.display())]
    NoWeights {
        /// The folder.
        path: PathBuf,
        /// Which weights were looked for.
        wanted: &'static str,
    },
    /// A head was to be judged, and there was nothing to judge it by.
    #[error("{}: the {head} head was not judged, expected a figure for each head", path.display())]
    Unjudged {
        /// The folder.
        path: PathBuf,
        /// The head.
        head: &'static str,
    },
    /// A file could not be written or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The forced kernel does not run on this machine.
    #[error("the {kernel} kernel needs instructions this machine does not have")]
    UnsupportedKernel {
        /// The name of the kernel asked for.
        kernel: &'static str,
    },
    /// No kernel or precision has this name.
    #[error("unknown {what} {found:?}, expected {expected}")]
    UnknownName {
        /// What was being parsed.
        what: &'static str,
        /// The text given.
        found: String,
        /// The names there are.
        expected: &'static str,
    },
    /// The batch does not fit the model.
    #[error("sequence {sequence}: {problem}")]
    Input {
        /// Index of the sequence in the batch.
        sequence: usize,
        /// The value and what was expected.
        problem: String,
    },
    /// The batch contradicts itself (offsets, lengths).
    #[error("malformed batch: {problem}")]
    Batch {
        /// What does not fit.
        problem: String,
    },
    /// A setting is out of its range.
    #[error("{setting}: {found}, expected {expected}")]
    Config {
        /// The setting's name.
        setting: &'static str,
        /// The value given.
        found: String,
        /// The values allowed.
        expected: &'static str,
    },
    /// The system has not the memory that a request takes.
    #[error("no memory for {bytes} bytes that this request takes")]
    Memory {
        /// Bytes of the buffer that was refused.
        bytes: usize,
    },
    /// The operating system refused to start a worker thread.
    #[error("cannot start a worker thread: {source}")]
    Thread {
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// The error of a file or folder, made of the system's.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
