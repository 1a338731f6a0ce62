//! Why keys and a vault cannot be used.

use std::path::PathBuf;

use cs_data::file::FrameError;

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

/// The reason why a vault cannot be used. It never says what a key or a value is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There are keys of tags alone.
    #[error("no key of a vault, expected a third one beside those of values and customers")]
    NoKey,
    /// The vault was made with another key, or somebody has changed it.
    #[error("{}: made with another key, or changed; expected the key that it was made with", .path.display())]
    WrongKey {
        /// The vault's file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for a vault")]
    Random,
    /// The file cannot be opened or read.
    #[error(transparent)]
    File(#[from] FrameError),
    /// The file cannot be written.
    #[error("{}: {source}", .path.display())]
    Write {
        /// The vault's file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
}
