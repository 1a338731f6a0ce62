//! What can be wrong with a file of frames.

use std::io;
use std::path::{Path, PathBuf};

/// The reason why a file of frames cannot be used. The text starts with the file's path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The file cannot be made, read, cut or locked.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error that the system gave.
        source: io::Error,
    },
    /// Another process, or another writer of this one, has the file.
    #[error("{}: another writer has this file, expected one at a time", .path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// The file begins as no file of the kind does.
    #[error("{}: the first {} bytes are not those of such a file, expected {expected:?}", .path.display(), super::frame::HEAD)]
    Kind {
        /// The file.
        path: PathBuf,
        /// What a file of the kind begins with.
        expected: String,
    },
    /// The file is of a later version than this program knows.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that the file has.
        found: u32,
        /// The latest version that can be read.
        newest: u32,
    },
    /// A stretch of the file is no frame, and it is not its end, which a crash may have torn. What is whole is kept by
    /// [`Frames::salvage`](super::Frames::salvage).
    #[error(
        "{}: at byte {at}: {bytes} bytes are no frame, expected one; they are no torn end, as {behind}",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the stretch begins.
        at: u64,
        /// The number of bytes to the next frame, or to the end of the file if none was looked for.
        bytes: u64,
        /// Why this is not a torn end.
        behind: &'static str,
    },
    /// A frame is whole, but its reader refuses what it holds.
    #[error("{}: at byte {at}: {source}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Where the frame begins.
        at: u64,
        /// Why it was refused.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl FrameError {
    /// Gives the error an operating system's error becomes.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
