//! One file of a checkpoint.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

use crate::error::Result;
use crate::file::{self, OpenFile};

/// One of the files.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) path: PathBuf,
    pub(super) content: Content,
    /// The position in the file where the header ends.
    pub(super) start: usize,
    /// The sha256 that the whole file must have, if it is known.
    pub(super) sum: Option<String>,
}

/// Where the bytes of a file are.
#[derive(Debug)]
pub(super) enum Content {
    Memory(Vec<u8>),
    /// The file is read anew for each tensor, so that no copy of all weights is ever held.
    File(OpenFile),
}

impl Shard {
    /// Reads a part of what comes after the header.
    pub(super) fn data(&self, part: Range<usize>) -> Result<Cow<'_, [u8]>> {
        let (from, to) = (self.start + part.start, self.start + part.end);
        match &self.content {
            Content::Memory(bytes) => Ok(Cow::Borrowed(&bytes[from..to])),
            // All of it is read: the offsets lie within the file's size.
            Content::File(file) => Ok(Cow::Owned(file.read(from as u64, part.len() as u64)?)),
        }
    }

    /// Reads what comes `start` bytes after the header into a buffer.
    #[cfg(feature = "torch")]
    pub(super) fn read_into(&self, start: usize, buffer: &mut [u8]) -> Result<()> {
        let start = self.start + start;
        match &self.content {
            Content::Memory(bytes) => {
                buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
                Ok(())
            }
            Content::File(file) => file.read_into(start as u64, buffer),
        }
    }

    pub(super) fn verify(&self) -> Result<()> {
        match (&self.content, &self.sum) {
            (Content::File(file), Some(sum)) => {
                file::same(&self.path, "sha256", sum, file.sha256()?)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn size(&self) -> u64 {
        match &self.content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(file) => file.size(),
        }
    }
}
