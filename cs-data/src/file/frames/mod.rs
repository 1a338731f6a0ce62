//! Files that grow by checksummed frames.

mod error;
mod frame;
mod salvage;
mod scan;
mod tail;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use error::FrameError;
pub use frame::{FrameKind, MAX_FRAME_BYTES};
pub use salvage::Salvaged;

use super::atomic::{AtomicFile, folder_of, sync};
use scan::Scan;
use tail::Tail;

/// The end of a file that is no whole frame: what a crash has left of the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Where it begins.
    pub at: u64,
    /// The number of its bytes.
    pub bytes: u64,
}

/// Writes a file that grows: a frame after the other, each with its length and a checksum (CRC-32C). A frame is there
/// whole or not at all, whenever the process or the machine stops. The file is locked, so that there is one writer.
///
/// ```
/// use cs_data::file::{FrameKind, Frames};
///
/// const KIND: FrameKind = FrameKind { magic: *b"cs-notes", version: 1 };
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes");
/// let mut notes = Vec::new();
/// let mut note = |_place: u64, it: &[u8]| String::from_utf8(it.to_vec()).map(|it| notes.push(it));
/// let (mut frames, torn) = Frames::open(&path, KIND, &mut note)?;
/// assert_eq!(torn, None);
/// frames.append(b"one")?;
/// frames.append(b"two")?;
/// frames.sync()?;
/// assert!(Frames::open(&path, KIND, &mut note).is_err()); // one writer at a time
/// drop(frames);
///
/// // A crash cuts the last frame short: the next start cuts it off.
/// let bytes = std::fs::read(&path)?;
/// std::fs::write(&path, &bytes[..bytes.len() - 1])?;
/// let (_, torn) = Frames::open(&path, KIND, &mut note)?;
/// assert_eq!(torn.map(|it| it.bytes), Some(10));
/// assert_eq!(notes, ["one"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Frames {
    path: PathBuf,
    tail: Tail<File>,
}

impl Frames {
    /// Makes a file, or opens one and hands each of its frames to `each`, with the place at which it begins. An end
    /// that is no whole frame is cut off, which is told. A new file is its owner's alone to read (Unix). One of an earlier
    /// version is of this one from then on, so that no earlier program reads what is put behind its frames.
    ///
    /// # Errors
    ///
    /// [`FrameError::Taken`] if another writer has the file; a file of another kind or a later version; a bad frame
    /// that has a good one behind it; the error of `each`. Nothing of the file is changed then.
    pub fn open<E>(
        path: &Path,
        kind: FrameKind,
        each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(Self, Option<Torn>), FrameError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let io = |source| FrameError::io(path)(source);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = private(options).open(path).map_err(io)?;
        lock(&file, path)?;
        if !is_at(&file, path).map_err(io)? {
            // Its writer has written it anew meanwhile, and has it.
            let path = path.to_owned();
            return Err(FrameError::Taken { path });
        }
        let scan = Scan::of(path, kind, &mut file)?;
        let length = scan.length;
        let torn = scan.run(each)?;
        remove(&next_to(path)).map_err(io)?;
        let mut tail = Tail::new(file, torn.map_or(length, |torn| torn.at));
        tail.mend().map_err(io)?;
        if tail.end() == 0 {
            tail.put(&kind.head()).map_err(io)?;
            tail.storage.sync_all().map_err(io)?;
            sync(folder_of(path)).map_err(io)?;
        } else if tail.set_head(&kind.head()).map_err(io)? || torn.is_some() {
            tail.storage.sync_all().map_err(io)?;
        }
        // What a link leads to is written anew, not the link.
        let path = path.canonicalize().map_err(io)?;
        Ok((Self { path, tail }, torn))
    }

    /// Hands each frame of a file to `each`, with the place at which it begins, and gives the end that is no whole
    /// frame; a writer may be at it just now. Nothing is locked or changed.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for a writer that has the file; a file that is missing.
    pub fn read<E>(
        path: &Path,
        kind: FrameKind,
        each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<Option<Torn>, FrameError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut file = File::open(path).map_err(FrameError::io(path))?;
        Scan::of(path, kind, &mut file)?.run(each)
    }

    /// Writes a file as a whole, which appears with all frames that `content` puts, or not at all, in the place of
    /// what was there. Nobody may have that open to write. It is its owner's alone to read (Unix).
    ///
    /// # Errors
    ///
    /// The error of `content`, a frame of more than [`MAX_FRAME_BYTES`], or a failure to write; a file that was there
    /// before stays as it was.
    pub fn replace(
        path: &Path,
        kind: FrameKind,
        content: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = AtomicFile::create_private(path)?;
        file.write_all(&kind.head())?;
        let mut buffer = Vec::new();
        content(&mut |payload| {
            tail::frame_of(payload, &mut buffer)?;
            file.write_all(&buffer)
        })?;
        file.finish()
    }

    /// Takes what is damaged out of a file: whole frames stay, in their order, and what is none goes, wherever it
    /// stands. Where nothing has to go, the file stays as it is. It is read twice and written anew; memory is some
    /// 32 MiB at the most.
    ///
    /// # Errors
    ///
    /// [`FrameError::Taken`] if a writer has the file; a file of another kind or a later version, unless its beginning
    /// was lost to zeros; more damage at one place than can be searched in some seconds, which takes megabytes; a failure to
    /// read or write. The file is as it was then.
    pub fn salvage(path: &Path, kind: FrameKind) -> Result<Salvaged, FrameError> {
        salvage::salvage(path, kind)
    }

    /// Writes a frame. It outlasts the process at once, and a crash of the machine after the next [`sync`](Self::sync).
    ///
    /// # Errors
    ///
    /// More than [`MAX_FRAME_BYTES`], or a failure to write: nothing of the frame is in the file then. If not even
    /// that can be reached, it is before the next frame.
    pub fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        self.tail.append(payload)
    }

    /// Writes the file anew, with all frames that `content` puts, in the place of what was there: it has the one or the
    /// other, whenever the process or the machine stops. The file stays this writer's. Until it is whole, the new one is
    /// beside it, by the name with `.next` at its end.
    ///
    /// # Errors
    ///
    /// The error of `content`, a frame of more than [`MAX_FRAME_BYTES`], or a failure to write; the file stays as it was.
    /// Where only the folder cannot be synced in the end, it is the new one, and a crash of the machine may undo that.
    pub fn renew(
        &mut self,
        kind: FrameKind,
        content: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<()> {
        let next = next_to(&self.path);
        let written = write_next(&next, kind, content).and_then(|tail| {
            // A folder that cannot be synced is found out before the file is in it.
            sync(folder_of(&self.path))?;
            std::fs::rename(&next, &self.path)?;
            Ok(tail)
        });
        match written {
            Ok(tail) => self.tail = tail,
            Err(error) => {
                // It is removed when the file is opened next, if not now.
                let _ = remove(&next);
                return Err(error);
            }
        }
        sync(folder_of(&self.path))
    }

    /// Makes all frames so far outlast a crash of the machine; some milliseconds.
    ///
    /// # Errors
    ///
    /// A failure to sync. What was written since the last time may be lost then, even if a later one succeeds.
    pub fn sync(&mut self) -> io::Result<()> {
        self.tail.storage.sync_data()
    }

    /// Gives the number of bytes of the file.
    #[must_use]
    #[allow(
        clippy::len_without_is_empty,
        reason = "a file has its head at the least"
    )]
    pub fn len(&self) -> u64 {
        self.tail.end()
    }

    /// Gives the path at which the file was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Where the file is that takes a file's place.
fn next_to(path: &Path) -> PathBuf {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    next.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file of frames that nobody knows yet, and has it.
fn write_next(
    path: &Path,
    kind: FrameKind,
    content: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
) -> io::Result<Tail<File>> {
    remove(path)?;
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create_new(true);
    let file = private(options).open(path)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
        TryLockError::Error(source) => source,
    })?;
    let mut tail = Tail::new(file, 0);
    tail.put(&kind.head())?;
    content(&mut |payload| tail.append(payload))?;
    tail.storage.sync_all()?;
    Ok(tail)
}

/// Whether a file is still the one at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let identity = |it: &std::fs::Metadata| (it.dev(), it.ino());
    let there = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    Ok(identity(&file.metadata()?) == identity(&there))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Takes a file until it is closed.
fn lock(file: &File, path: &Path) -> Result<(), FrameError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => FrameError::Taken {
            path: path.to_owned(),
        },
        TryLockError::Error(source) => FrameError::io(path)(source),
    })
}

/// Has a file that is made be its owner's alone, as temporary ones are.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
