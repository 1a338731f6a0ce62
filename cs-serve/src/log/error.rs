//! Why a log cannot be kept or read.

use std::io;
use std::path::{Path, PathBuf};

use cs_data::file::FrameError;

#[cfg(feature = "parquet")]
use crate::error::BackendError;

/// The reason why a log cannot be written, read or changed. The text of those about a file starts with its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
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
    /// A file or folder cannot be made, read or removed.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error that the system gave.
        source: io::Error,
    },
    /// Another process, or another handle of this one, does the same with the folder.
    #[error("{}: another process {what}, expected one at a time", .path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
        /// What the other one does.
        what: &'static str,
    },
    /// A writer has not begun another file when it was asked to.
    #[cfg(feature = "parquet")]
    #[error("{}: who writes this log did not begin another file within {seconds} s", .path.display())]
    Waiting {
        /// The folder.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A file of Parquet cannot be read or written, or is not one of a log.
    #[cfg(feature = "parquet")]
    #[error("{}: {source}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: BackendError,
    },
    /// A row of Parquet is whole, but its reader refuses it.
    #[cfg(feature = "parquet")]
    #[error("{}: row {number}: {source}", .path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The number of the row, from 1.
        number: u64,
        /// Why it was refused.
        source: BackendError,
    },
    /// A file of rows is none, is damaged, or holds something else.
    #[error("{0}{hint}", hint = hint(.0))]
    Frames(#[from] FrameError),
    /// The log was begun with other keys than these.
    #[error("{}: the log is by other keys, expected those; new ones need a folder of their own", .path.display())]
    Keys {
        /// The file that says by which keys it is.
        path: PathBuf,
    },
    /// A thread could not be started.
    #[error("a thread of the log: {source}")]
    Thread {
        /// The error that the system gave.
        source: io::Error,
    },
}

/// What can be done about a file that cannot be read.
fn hint(error: &FrameError) -> &'static str {
    match error {
        FrameError::Damaged { .. } => "; a salvage keeps the rows that are whole",
        _ => "",
    }
}

impl LogError {
    /// Gives the error that an operating system's error becomes.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
