//! A file's header, read from front to back, each length checked against what is left.

use std::fmt::Display;
use std::path::Path;

use super::value::{Value, ValueType};
use crate::error::{Error, Result};
use crate::file::OpenFile;

/// The number of bytes that are read at a time.
const WINDOW_BYTES: u64 = 1 << 18;
/// The most bytes of a header, several times those of a vocabulary of 256,000 tokens.
const MOST_BYTES: u64 = 64 << 20;

/// The place in a file up to which its header was read.
pub(super) struct Reader<'a> {
    file: &'a OpenFile,
    path: &'a Path,
    /// Some bytes of the file.
    window: Vec<u8>,
    /// Where in the file the window begins.
    start: u64,
    /// Where in the window the next value begins.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a OpenFile, path: &'a Path) -> Self {
        Self {
            file,
            path,
            window: Vec::new(),
            start: 0,
            at: 0,
        }
    }

    /// The byte of the file at which the next value begins.
    pub(super) fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// The number of bytes after it.
    fn left(&self) -> u64 {
        self.file
            .size()
            .min(MOST_BYTES)
            .saturating_sub(self.offset())
    }

    /// Makes the error for what the next value is.
    pub(super) fn error(
        &self,
        what: impl Display,
        found: impl Display,
        expected: impl Display,
    ) -> Error {
        Error::Gguf {
            path: self.path.to_owned(),
            offset: self.offset(),
            reason: format!("{what} is {found}, expected {expected}"),
        }
    }

    fn take(&mut self, len: u64, what: &str) -> Result<&[u8]> {
        if len > self.left() {
            let (size, most) = (self.file.size(), MOST_BYTES >> 20);
            let expected = format!(
                "at most the {} that are left of {size}, or of the {most} MiB of a header",
                self.left()
            );
            return Err(self.error(what, format!("{len} bytes long"), expected));
        }
        // No more than the header may have.
        let len = len as usize;
        if self.window.len() - self.at < len {
            self.start = self.offset();
            self.at = 0;
            self.window = self.file.read(self.start, WINDOW_BYTES.max(len as u64))?;
        }
        let found = self.at..self.at + len;
        self.at += len;
        self.window.get(found).ok_or_else(|| {
            let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            Error::io(self.path)(ended)
        })
    }

    pub(super) fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N as u64, what)?);
        Ok(bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes(what)?))
    }

    /// Reads the number of things to come, each of at least `least` bytes.
    pub(super) fn count(&mut self, what: &str, least: u64, most: u64) -> Result<usize> {
        let (before, at) = (self.start, self.at);
        let count = self.u64(what)?;
        let most = most.min(self.left() / least);
        if count > most {
            // The place of the number itself, if it is still there.
            if self.start == before {
                self.at = at;
            }
            let expected = format!("at most {most}, for which there are bytes or room");
            return Err(self.error(what, count, expected));
        }
        Ok(count as usize)
    }

    /// Reads a text, which has to be UTF-8.
    pub(super) fn text(&mut self, what: &str) -> Result<String> {
        let len = self.u64(what)?;
        let bytes = self.take(len, what)?.to_vec();
        String::from_utf8(bytes).map_err(|fault| {
            let at = fault.utf8_error().valid_up_to();
            self.error(
                what,
                format!("bytes that are not UTF-8 from {at} on"),
                "a text",
            )
        })
    }

    /// Reads the value of a key.
    pub(super) fn value(&mut self, key: &str) -> Result<Value> {
        match self.value_type(key)? {
            ValueType::Array => self.array(key),
            one => self.scalar(one, key),
        }
    }

    fn value_type(&mut self, key: &str) -> Result<ValueType> {
        let number = self.u32(key)?;
        ValueType::of(number)
            .ok_or_else(|| self.error(key, format!("of the type {number}"), "a type from 0 to 12"))
    }

    fn scalar(&mut self, of: ValueType, key: &str) -> Result<Value> {
        Ok(match of {
            ValueType::Text => Value::Text(self.text(key)?),
            ValueType::Bool => Value::Bool(self.bool(key)?),
            ValueType::F32 | ValueType::F64 => Value::Float(self.float(of, key)?),
            _ => Value::Integer(self.integer(of, key)?),
        })
    }

    fn array(&mut self, key: &str) -> Result<Value> {
        let of = self.value_type(key)?;
        if of == ValueType::Array {
            return Err(self.error(key, "a list of lists", "a list of one level"));
        }
        let count = self.count(key, of.least_bytes(), MOST_BYTES)?;
        Ok(match of {
            ValueType::Text => {
                Value::Texts((0..count).map(|_| self.text(key)).collect::<Result<_>>()?)
            }
            ValueType::Bool => {
                Value::Bools((0..count).map(|_| self.bool(key)).collect::<Result<_>>()?)
            }
            ValueType::F32 | ValueType::F64 => Value::Floats(
                (0..count)
                    .map(|_| self.float(of, key))
                    .collect::<Result<_>>()?,
            ),
            _ => Value::Integers(
                (0..count)
                    .map(|_| self.short(of, key))
                    .collect::<Result<_>>()?,
            ),
        })
    }

    fn bool(&mut self, key: &str) -> Result<bool> {
        match self.bytes(key)? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.error(key, format!("the flag {other}"), "0 or 1")),
        }
    }

    fn float(&mut self, of: ValueType, key: &str) -> Result<f64> {
        Ok(match of {
            ValueType::F32 => f32::from_le_bytes(self.bytes(key)?).into(),
            _ => f64::from_le_bytes(self.bytes(key)?),
        })
    }

    fn integer(&mut self, of: ValueType, key: &str) -> Result<i128> {
        Ok(match of {
            ValueType::U8 => u8::from_le_bytes(self.bytes(key)?).into(),
            ValueType::I8 => i8::from_le_bytes(self.bytes(key)?).into(),
            ValueType::U16 => u16::from_le_bytes(self.bytes(key)?).into(),
            ValueType::I16 => i16::from_le_bytes(self.bytes(key)?).into(),
            ValueType::U32 => u32::from_le_bytes(self.bytes(key)?).into(),
            ValueType::I32 => i32::from_le_bytes(self.bytes(key)?).into(),
            ValueType::U64 => u64::from_le_bytes(self.bytes(key)?).into(),
            _ => i64::from_le_bytes(self.bytes(key)?).into(),
        })
    }

    fn short(&mut self, of: ValueType, key: &str) -> Result<i64> {
        let value = self.integer(of, key)?;
        i64::try_from(value).map_err(|_| self.error(key, value, "less than 2^63"))
    }
}
