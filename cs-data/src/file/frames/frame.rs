//! How frames lie in a file.

use crc::{CRC_32_ISCSI, Crc, Table};

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// The most bytes that a frame holds: 16 MiB.
pub const MAX_FRAME_BYTES: usize = 1 << 24;

/// The bytes of a file before its first frame: eight that name the kind, the version, and the sum of both.
pub(super) const HEAD: usize = 16;

/// The bytes of a frame before what it holds: the length, and the sum of the length and of what it holds.
pub(super) const FRAME_HEAD: usize = 8;

/// What a file's frames are: eight bytes that name it, and the latest version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameKind {
    /// The first eight bytes of a file of this kind.
    pub magic: [u8; 8],
    /// The version that is written, and the latest that is read.
    pub version: u32,
}

impl FrameKind {
    /// Gives the first bytes of a file of this kind.
    pub(super) fn head(self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(&self.magic);
        head[8..12].copy_from_slice(&self.version.to_le_bytes());
        let sum = CRC32C.checksum(&head[..12]);
        head[12..].copy_from_slice(&sum.to_le_bytes());
        head
    }

    /// Gives the version that a file's first bytes say, if they are of this kind.
    pub(super) fn version_of(self, head: &[u8; HEAD]) -> Option<u32> {
        let version = u32_at(head, 8)?;
        let same = Self { version, ..self }.head() == *head;
        same.then_some(version)
    }
}

/// Puts a frame behind what is in `out`. Its length is at most [`MAX_FRAME_BYTES`].
pub(super) fn put(payload: &[u8], out: &mut Vec<u8>) {
    let length = (payload.len() as u32).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&sum(length, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

/// The head of a frame: how much it holds, and its sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHead {
    length: [u8; 4],
    sum: u32,
}

impl FrameHead {
    pub(super) fn of(bytes: [u8; FRAME_HEAD]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self {
            length: [a, b, c, d],
            sum: u32::from_le_bytes([e, f, g, h]),
        }
    }

    /// Gives the number of bytes that the frame holds, if it may hold as many.
    pub(super) fn length(self) -> Option<usize> {
        let length = u32::from_le_bytes(self.length) as usize;
        (length <= MAX_FRAME_BYTES).then_some(length)
    }

    /// Whether these bytes are what the frame held when it was written.
    pub(super) fn fits(self, payload: &[u8]) -> bool {
        sum(self.length, payload) == self.sum
    }
}

/// Gives what the frame that begins with `bytes` holds, if a whole one does.
pub(super) fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_first_chunk::<FRAME_HEAD>()?;
    let head = FrameHead::of(*head);
    let payload = rest.get(..head.length()?)?;
    head.fits(payload).then_some(payload)
}

fn sum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut digest = CRC32C.digest();
    digest.update(&length);
    digest.update(payload);
    digest.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}
