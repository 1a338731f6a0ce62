//! The end of a file, where frames are put.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};

use super::frame::{self, HEAD, MAX_FRAME_BYTES};

/// What frames are written to: a file, or what fails as one does when a disk is full.
pub(super) trait Storage: Write + Seek {
    /// Cuts it to a number of bytes.
    fn cut(&mut self, length: u64) -> Result<()>;
}

impl Storage for File {
    fn cut(&mut self, length: u64) -> Result<()> {
        self.set_len(length)
    }
}

/// Writes frames at the end, whole or not at all.
#[derive(Debug)]
pub(super) struct Tail<S> {
    pub(super) storage: S,
    /// The end of the last whole frame.
    end: u64,
    /// Whether something may stand behind it.
    is_torn: bool,
    buffer: Vec<u8>,
}

impl<S: Storage> Tail<S> {
    pub(super) fn new(storage: S, end: u64) -> Self {
        Self {
            storage,
            end,
            is_torn: true,
            buffer: Vec::new(),
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Cuts what is behind the last whole frame.
    pub(super) fn mend(&mut self) -> Result<()> {
        if self.is_torn {
            self.storage.cut(self.end)?;
            self.storage.seek(SeekFrom::Start(self.end))?;
            self.is_torn = false;
        }
        Ok(())
    }

    /// Puts bytes that are no frame.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.mend()?;
        self.is_torn = true;
        match self.storage.write_all(bytes) {
            Ok(()) => {
                self.end += bytes.len() as u64;
                self.is_torn = false;
                Ok(())
            }
            Err(error) => {
                // If this fails as well, the next append tries again before it writes.
                let _ = self.mend();
                Err(error)
            }
        }
    }

    pub(super) fn append(&mut self, payload: &[u8]) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let put = frame_of(payload, &mut buffer).and_then(|()| self.put(&buffer));
        self.buffer = buffer;
        put
    }
}

impl Tail<File> {
    /// Writes a file's head anew where it is another one, and says whether it was.
    pub(super) fn set_head(&mut self, head: &[u8; HEAD]) -> Result<bool> {
        let mut found = [0; HEAD];
        self.storage.seek(SeekFrom::Start(0))?;
        self.storage.read_exact(&mut found)?;
        if found != *head {
            self.storage.seek(SeekFrom::Start(0))?;
            self.storage.write_all(head)?;
        }
        self.storage.seek(SeekFrom::Start(self.end))?;
        Ok(found != *head)
    }
}

/// Puts a frame of its own into `buffer`, or refuses it.
pub(super) fn frame_of(payload: &[u8], buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    let found = payload.len();
    if found > MAX_FRAME_BYTES {
        let message = format!("a frame of {found} bytes, expected at most {MAX_FRAME_BYTES}");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    frame::put(payload, buffer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A disk with room for so many bytes.
    struct Small {
        bytes: Cursor<Vec<u8>>,
        room: usize,
        cuts: bool,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let left = self.room.saturating_sub(self.bytes.position() as usize);
            match bytes.len().min(left) {
                0 if !bytes.is_empty() => Err(ErrorKind::StorageFull.into()),
                some => self.bytes.write(&bytes[..some]),
            }
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl Seek for Small {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            self.bytes.seek(to)
        }
    }

    impl Storage for Small {
        fn cut(&mut self, length: u64) -> Result<()> {
            match self.cuts {
                true => self.bytes.get_mut().truncate(length as usize),
                false => return Err(ErrorKind::Other.into()),
            }
            Ok(())
        }
    }

    #[test]
    fn on_a_full_disk_nothing_is_torn_and_with_room_again_it_goes_on() {
        for room in 0..40 {
            let bytes = Cursor::default();
            let mut tail = Tail::new(
                Small {
                    bytes,
                    room,
                    cuts: true,
                },
                0,
            );
            let whole = [b"first".as_slice(), b"second", b"third"]
                .iter()
                .take_while(|it| tail.append(it).is_ok())
                .count();
            assert_eq!(whole, [13, 27, 40].iter().filter(|&&it| it <= room).count());
            assert_eq!(tail.end(), tail.storage.bytes.get_ref().len() as u64);
            tail.storage.room = 1000;
            tail.append(b"later").unwrap();
            let written = tail.storage.bytes.into_inner();
            assert_eq!(
                frame::whole(&written[written.len() - 13..]).unwrap(),
                b"later"
            );
        }
    }

    #[test]
    fn what_cannot_be_cut_is_cut_before_the_next_frame() {
        let mut tail = Tail::new(
            Small {
                bytes: Cursor::default(),
                room: 16,
                cuts: true,
            },
            0,
        );
        tail.append(b"first").unwrap();
        tail.storage.cuts = false;
        tail.append(b"second").unwrap_err();
        tail.storage.room = 1000;
        tail.append(b"second").unwrap_err();
        tail.storage.cuts = true;
        tail.append(b"third").unwrap();
        let written = tail.storage.bytes.into_inner();
        assert_eq!(frame::whole(&written).unwrap(), b"first");
        assert_eq!(frame::whole(&written[13..]).unwrap(), b"third");
        assert_eq!(written.len(), 26);
    }
}
