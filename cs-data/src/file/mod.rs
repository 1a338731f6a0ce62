//! Files as a whole: how they are written, and where in them something stands.

#[cfg(feature = "arrow")]
mod atomic;
pub(crate) mod position;
#[cfg(feature = "arrow")]
mod text_file;

#[cfg(feature = "arrow")]
pub(crate) use atomic::{Draft, Folder, failed, write};
#[cfg(feature = "arrow")]
pub(crate) use position::Piece;
#[cfg(feature = "arrow")]
pub(crate) use text_file::{Source, shown};
