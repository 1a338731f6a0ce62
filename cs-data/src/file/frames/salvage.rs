//! Whole frames out of a file that is damaged.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::FrameError;
use super::frame::{self, FRAME_HEAD, FrameHead, FrameKind, HEAD};
use super::scan::{BUFFER_BYTES, read_head};
use super::{Frames, is_at, lock};

/// The bytes whose sums are looked at between two whole frames: some seconds' worth. A megabyte of chance takes fewer, as one
/// place in 256 begins with a length that a frame may have, of 8 MiB on average.
const MAX_SUMMED_BYTES: u64 = 1 << 36;

/// What a salvage has made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Salvaged {
    /// The frames that are there now.
    pub frames: u64,
    /// The bytes that were no frame, which are lost; 0 if the file was whole and stays as it was.
    pub lost_bytes: u64,
}

pub(super) fn salvage(path: &Path, kind: FrameKind) -> Result<Salvaged, FrameError> {
    let io = |source| FrameError::io(path)(source);
    let mut file = File::open(path).map_err(io)?;
    lock(&file, path)?;
    if !is_at(&file, path).map_err(io)? {
        // Its writer has written it anew meanwhile, and has it.
        let path = path.to_owned();
        return Err(FrameError::Taken { path });
    }
    let length = file.metadata().map_err(io)?.len();
    let lost_head = match read_head(&mut file, kind, path)? {
        true => 0,
        false => length.min(HEAD as u64),
    };
    let begin = file.stream_position().map_err(io)?;
    let rest = length - begin;
    let mut found = copy(&file, rest, &mut |_| Ok(())).map_err(io)?;
    found.lost_bytes += lost_head;
    if found.lost_bytes > 0 {
        file.seek(SeekFrom::Start(begin)).map_err(io)?;
        let written = Frames::replace(path, kind, |put| copy(&file, rest, put).map(drop));
        written.map_err(io)?;
    }
    Ok(found)
}

/// Hands on each whole frame of the `rest` bytes from here on.
fn copy(
    file: impl Read,
    mut rest: u64,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Salvaged> {
    let mut window = Window {
        file: file.take(rest),
        bytes: Vec::new(),
        start: 0,
    };
    let mut found = Salvaged::default();
    let mut summed = 0;
    while let Some(head) = window.ahead(FRAME_HEAD)?.first_chunk() {
        let length = FrameHead::of(*head).length().unwrap_or(0);
        if let Some(payload) = frame::whole(window.ahead(FRAME_HEAD + length)?) {
            each(payload)?;
            let bytes = FRAME_HEAD + payload.len();
            window.pass(bytes);
            rest -= bytes as u64;
            found.frames += 1;
            summed = 0;
            continue;
        }
        if (FRAME_HEAD + length) as u64 <= rest {
            summed += length as u64;
        }
        if summed > MAX_SUMMED_BYTES {
            let message = "too much is damaged at one place, some megabytes";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        window.pass(1);
        rest -= 1;
        found.lost_bytes += 1;
    }
    found.lost_bytes += rest;
    Ok(found)
}

/// A stretch of a file that moves towards its end.
struct Window<R> {
    file: R,
    bytes: Vec<u8>,
    /// What comes before it in `bytes` has been passed.
    start: usize,
}

impl<R: Read> Window<R> {
    /// Gives so many bytes, or fewer where the file ends.
    fn ahead(&mut self, count: usize) -> io::Result<&[u8]> {
        let held = self.bytes.len() - self.start;
        if held < count {
            if self.start > held {
                self.bytes.drain(..self.start);
                self.start = 0;
            }
            let more = (count - held).max(BUFFER_BYTES) as u64;
            self.file.by_ref().take(more).read_to_end(&mut self.bytes)?;
        }
        let held = &self.bytes[self.start..];
        Ok(&held[..count.min(held.len())])
    }

    fn pass(&mut self, count: usize) {
        self.start += count;
    }
}
