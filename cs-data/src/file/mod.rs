//! Files as a whole: how they are written, and where in them something stands.
//!
//! What is written appears whole or not at all, with the permissions that any new file gets, and
//! outlasts a crash of the machine: a single file by [`write()`] or [`AtomicFile`], several
//! together in a [`StagingFolder`]. What grows does so by [`Frames`]. Errors are the operating system's; the caller adds the path.

mod atomic;
mod bounded;
mod frames;
#[cfg(feature = "arrow")]
mod output;
pub(crate) mod position;
mod staging;
#[cfg(feature = "arrow")]
mod text_file;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use atomic::{AtomicFile, sync, write, write_synced};
pub use bounded::read_at_most;
pub use frames::{FrameError, FrameKind, Frames, MAX_FRAME_BYTES, Salvaged, Torn};
#[cfg(feature = "arrow")]
pub(crate) use output::{Output, OutputFolder, failed, write_output};
pub use position::{Position, line_column};
#[cfg(feature = "arrow")]
pub(crate) use position::{TextSlice, expected_encoding};
pub use staging::StagingFolder;
#[cfg(feature = "arrow")]
pub(crate) use text_file::{TextFile, shown};
