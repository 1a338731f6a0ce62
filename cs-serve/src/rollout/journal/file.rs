//! Events in a file, for one process.

use std::path::{Path, PathBuf};

use cs_data::file::{FrameKind, Frames, Torn};

use super::{Journal, Reader, decode, encode};
use crate::rollout::error::JournalError;
use crate::rollout::state::Event;

const KIND: FrameKind = FrameKind {
    magic: *b"cs-rolls",
    version: 3, // whose events are of format 2
};

/// A journal in a file, locked for one process. An event is some 100 bytes, and a conversation has at least two; once there
/// are many, a file that begins with a snapshot takes its place (`FILE.next` until then). What
/// is written outlasts the process at once, and the machine from the next decision on: between them it may lose
/// assignments, which makes the conversations in question stable ones. Names of conversations are not in it, but the key
/// of their hashes is.
#[derive(Debug)]
pub struct FileJournal {
    frames: Frames,
    torn: Option<Torn>,
    /// Whether the events in the file have been given. Those that are written afterwards are at once.
    is_read: bool,
    /// Whether what was written may be lost, so that nothing is written any more.
    is_lost: bool,
    written: u64,
    /// How long the file is at least when it is tried again to write it anew, after that has failed.
    again: u64,
}

impl FileJournal {
    /// Makes the file, or opens it. An event at its end that a crash has torn is cut off.
    ///
    /// # Errors
    /// [`JournalError::Frames`] if another process has it, or it is no such file or damaged.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let every = |_: u64, _: &[u8]| Ok::<(), JournalError>(());
        let (frames, torn) = Frames::open(path, KIND, every)?;
        Ok(Self {
            frames,
            torn,
            is_read: false,
            is_lost: false,
            written: 0,
            again: 0,
        })
    }

    /// Gives what was cut off when the file was opened.
    #[must_use]
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    /// Reads the events of a file that a process may be writing.
    ///
    /// # Errors
    /// [`JournalError::Frames`] if it is missing, no such file or damaged.
    pub fn read(path: &Path, read: Reader<'_>) -> Result<(), JournalError> {
        let place = path.display().to_string();
        let each = |_: u64, bytes: &[u8]| decode(bytes, &place).map(&mut *read);
        Frames::read(path, KIND, each)?;
        Ok(())
    }

    fn write(&mut self, event: &Event) -> Result<(), JournalError> {
        let path = self.frames.path().to_owned();
        if self.is_lost {
            let lost = "what was written last may be lost, so nothing more is written";
            return Err(failed(path, lost));
        }
        let bytes = encode(event, &path.display().to_string())?;
        let appended = self.frames.append(&bytes);
        appended.map_err(|error| failed(path, error))?;
        self.written += 1;
        Ok(())
    }
}

fn failed(path: PathBuf, source: impl Into<crate::BackendError>) -> JournalError {
    let source = source.into();
    JournalError::Write { path, source }
}

impl Journal for FileJournal {
    fn catch_up(&mut self, read: Reader<'_>) -> Result<(), JournalError> {
        if !self.is_read {
            let mut written = 0;
            Self::read(self.frames.path(), &mut |event| {
                written += 1;
                read(event);
            })?;
            (self.is_read, self.written) = (true, written);
        }
        Ok(())
    }

    fn append(&mut self, event: &Event, _epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.write(event)?;
        read(event.clone());
        Ok(())
    }

    fn decide(&mut self, event: &Event, _epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.write(event)?;
        if let Err(error) = self.frames.sync() {
            self.is_lost = true;
            return Err(failed(self.frames.path().to_owned(), error));
        }
        read(event.clone());
        Ok(())
    }

    fn claim(&mut self, _insists: bool) -> Result<bool, JournalError> {
        Ok(true)
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn written(&self) -> u64 {
        match self.is_lost || self.frames.len() < self.again {
            true => 0,
            false => self.written,
        }
    }

    fn compact(&mut self, snapshot: &[Event]) -> Result<(), JournalError> {
        let path = self.frames.path().to_owned();
        let place = path.display().to_string();
        let renewed = self.frames.renew(KIND, |put| {
            snapshot.iter().try_for_each(|event| {
                let bytes = encode(event, &place).map_err(std::io::Error::other)?;
                put(&bytes)
            })
        });
        if let Err(error) = renewed {
            self.again = 2 * self.frames.len();
            return Err(failed(path, error));
        }
        self.written = snapshot.len() as u64;
        Ok(())
    }
}
