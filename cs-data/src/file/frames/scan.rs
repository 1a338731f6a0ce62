//! A file of frames from its beginning: what is whole, and where a tear begins.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use super::Torn;
use super::error::FrameError;
use super::frame::{self, FRAME_HEAD, FrameHead, FrameKind, HEAD};

pub(super) const BUFFER_BYTES: usize = 1 << 16;

/// The longest end of a file that may be a torn one: more is not between two syncs.
const MAX_TORN_BYTES: u64 = 1 << 26;

/// The bytes whose sums are looked at when frames are looked for behind a bad one. Real files take few, as a
/// length of at most 16 MiB is rare in a text; those that are made to take more are no torn ends.
pub(super) const MAX_SUMMED_BYTES: usize = 1 << 28;

/// A file that is read.
pub(super) struct Scan<'a> {
    path: &'a Path,
    kind: FrameKind,
    file: &'a mut File,
    /// The number of bytes that there are, beyond which nothing is looked at.
    pub(super) length: u64,
}

impl<'a> Scan<'a> {
    /// Begins with a file as long as it is now.
    pub(super) fn of(
        path: &'a Path,
        kind: FrameKind,
        file: &'a mut File,
    ) -> Result<Self, FrameError> {
        let length = file.metadata().map_err(FrameError::io(path))?.len();
        Ok(Self {
            path,
            kind,
            file,
            length,
        })
    }

    /// Hands on each frame, and gives the end that is torn.
    pub(super) fn run<E>(
        self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<Option<Torn>, FrameError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let io = |source| FrameError::io(self.path)(source);
        let file = self.file.take(self.length);
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
        let torn = |at, bytes: u64| Ok((bytes > 0).then_some(Torn { at, bytes }));
        if !read_head(&mut reader, self.kind, self.path)? {
            // The head is synced before the first frame: with anything behind it, it was not torn by a crash.
            let is_empty = self.length <= MAX_TORN_BYTES && is_zeros(&mut reader).map_err(io)?;
            return match is_empty {
                true => torn(0, self.length),
                false => Err(other_kind(self.kind, self.path)),
            };
        }
        let mut at = HEAD as u64;
        let mut payload = Vec::new();
        loop {
            let left = self.length.saturating_sub(at);
            let (bad, whole) = read_frame(&mut reader, left, &mut payload).map_err(io)?;
            if whole {
                each(at, &payload).map_err(|source| FrameError::Content {
                    path: self.path.to_owned(),
                    at,
                    source: source.into(),
                })?;
                at += (FRAME_HEAD + payload.len()) as u64;
                continue;
            }
            let damaged = |bytes, behind| FrameError::Damaged {
                path: self.path.to_owned(),
                at,
                bytes,
                behind,
            };
            if left > MAX_TORN_BYTES {
                return Err(damaged(left, "no tear is as long"));
            }
            let mut end = bad;
            reader.read_to_end(&mut end).map_err(io)?;
            return match next_whole(&end) {
                Next::None => torn(at, end.len() as u64),
                Next::At(next) => Err(damaged(next as u64, "a whole frame comes behind them")),
                Next::Unknown => Err(damaged(left, "what may be frames comes behind them")),
            };
        }
    }
}

/// Reads a file's first bytes; false if it ends before them, or has only zeros, as after a crash.
pub(super) fn read_head(
    reader: &mut impl Read,
    kind: FrameKind,
    path: &Path,
) -> Result<bool, FrameError> {
    let mut head = Vec::new();
    let read = reader.take(HEAD as u64).read_to_end(&mut head);
    read.map_err(FrameError::io(path))?;
    let is_torn = kind.head().starts_with(&head) || head.iter().all(|&it| it == 0);
    let version = head.first_chunk().map(|head| kind.version_of(head));
    match version {
        Some(Some(version)) if version <= kind.version => Ok(true),
        Some(Some(found)) => Err(FrameError::Version {
            path: path.to_owned(),
            found,
            newest: kind.version,
        }),
        _ if is_torn => Ok(false),
        _ => Err(other_kind(kind, path)),
    }
}

fn other_kind(kind: FrameKind, path: &Path) -> FrameError {
    FrameError::Kind {
        path: path.to_owned(),
        expected: kind.magic.escape_ascii().to_string(),
    }
}

/// Whether all bytes that are left are zeros.
fn is_zeros(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() || bytes.iter().any(|&it| it != 0) {
            return Ok(bytes.is_empty());
        }
        let read = bytes.len();
        reader.consume(read);
    }
}

/// Reads a frame into `payload`, of which a file has `left` bytes. If it is none, gives the bytes that were read, and
/// false.
fn read_frame(
    reader: &mut impl Read,
    left: u64,
    payload: &mut Vec<u8>,
) -> io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::with_capacity(FRAME_HEAD);
    reader.take(FRAME_HEAD as u64).read_to_end(&mut head)?;
    let Some(bytes) = head.first_chunk() else {
        return Ok((head, false));
    };
    let frame = FrameHead::of(*bytes);
    let room = left.saturating_sub(FRAME_HEAD as u64);
    let Some(length) = frame.length().filter(|&it| it as u64 <= room) else {
        return Ok((head, false));
    };
    payload.resize(length, 0);
    match reader.read_exact(payload) {
        Ok(()) if frame.fits(payload) => return Ok((Vec::new(), true)),
        Ok(()) => head.extend_from_slice(payload),
        // The file has been cut since.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    Ok((head, false))
}

enum Next {
    None,
    At(usize),
    Unknown,
}

/// Looks for a whole frame behind the first byte.
fn next_whole(bytes: &[u8]) -> Next {
    let mut left = MAX_SUMMED_BYTES;
    for at in 1..bytes.len().saturating_sub(FRAME_HEAD - 1) {
        let Some(head) = bytes[at..].first_chunk() else {
            break;
        };
        let room = bytes.len() - at - FRAME_HEAD;
        let length = FrameHead::of(*head).length();
        let Some(length) = length.filter(|&it| it <= room) else {
            continue;
        };
        let Some(rest) = left.checked_sub(length) else {
            return Next::Unknown;
        };
        left = rest;
        if frame::whole(&bytes[at..]).is_some() {
            return Next::At(at);
        }
    }
    Next::None
}
