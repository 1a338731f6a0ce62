//! Files read whole or in parts, and hashed.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The number of bytes that are read at a time when a file's sum is computed: small enough for a
/// second-level cache.
const BLOCK_BYTES: usize = 1 << 18;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::io(path))
}

pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8], origin: &Path) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|source| Error::json(origin, bytes, source))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Gives the sum and the length of a file, which is read in blocks.
pub(crate) fn sha256_of_file(path: &Path) -> Result<(String, u64)> {
    let file = OpenFile::open(path)?;
    Ok((file.sha256()?, file.size()))
}

/// An open file that is read in parts, all of the same content: a part that is read after somebody
/// wrote to the file is an error. (A file that is renamed over it is another file, and not read.)
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    path: PathBuf,
    /// The size in bytes and the time of the last change, as they were when the file was opened.
    size: u64,
    modified: SystemTime,
}

impl OpenFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let (size, modified) = file.metadata().and_then(stamp).map_err(Error::io(path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            size,
            modified,
        })
    }

    /// The size of the file in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Computes the sum of the whole file, read in blocks.
    pub(crate) fn sha256(&self) -> Result<String> {
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK_BYTES];
        let mut start = 0;
        loop {
            let read = self.fill(start, &mut block)?;
            hash.update(&block[..read]);
            if read < block.len() {
                break;
            }
            start += read as u64;
        }
        self.same_as_before()?;
        Ok(format!("{:x}", hash.finalize()))
    }

    /// Reads up to `most` bytes from `start` on, fewer where the file ends.
    pub(crate) fn read(&self, start: u64, most: u64) -> Result<Vec<u8>> {
        let len = most.min(self.size.saturating_sub(start));
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        let read = self.fill(start, &mut bytes)?;
        bytes.truncate(read);
        self.same_as_before()?;
        Ok(bytes)
    }

    /// Reads what lies from `start` on into a buffer, which the file has to fill.
    #[cfg(feature = "torch")]
    pub(crate) fn read_into(&self, start: u64, buffer: &mut [u8]) -> Result<()> {
        if self.fill(start, buffer)? < buffer.len() {
            let ended = std::io::Error::from(ErrorKind::UnexpectedEof);
            return Err(Error::io(&self.path)(ended));
        }
        self.same_as_before()
    }

    /// Reads from `start` on until the buffer is full or the file ends; several threads may at
    /// once.
    fn fill(&self, start: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_at(&self.file, &mut buffer[filled..], start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(&self.path)(error)),
            }
        }
        Ok(filled)
    }

    fn same_as_before(&self) -> Result<()> {
        let now = self
            .file
            .metadata()
            .and_then(stamp)
            .map_err(Error::io(&self.path))?;
        if now == (self.size, self.modified) {
            return Ok(());
        }
        let changed = std::io::Error::other("the file was written to while it was being read");
        Err(Error::io(&self.path)(changed))
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], start: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, start)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], start: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, start)
}

/// Gives what changes when a file is written to: its length and the time of the change.
fn stamp(metadata: Metadata) -> std::io::Result<(u64, SystemTime)> {
    Ok((metadata.len(), metadata.modified()?))
}

/// Refuses a file of which `what` is not as it was listed.
pub(crate) fn same(path: &Path, what: &'static str, expected: &str, found: String) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Sum {
        path: path.to_owned(),
        what,
        expected: expected.to_owned(),
        found,
    })
}
