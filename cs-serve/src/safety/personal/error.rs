//! Why keys cannot be used.

use std::path::PathBuf;

/// The reason why there are no keys. It never says what a key is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// A file is not one of keys.
    #[error("{}:{line}:1: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there, and what was expected.
        problem: String,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for keys: {source}")]
    Random {
        /// The error that the system gave.
        source: getrandom::Error,
    },
}
