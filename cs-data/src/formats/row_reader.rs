//! What a reader hands out, and lines from a stream.

use std::io::{BufRead, ErrorKind};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;

use crate::dataset::{Builder, SCHEMA};
use crate::error::{Error, Result};
use crate::text::SpanError;
use crate::text::Utterance;

use super::input;
use super::input::Charset;

/// The longest line of a text file, or record of a CSV file, in bytes (16 MiB).
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Why there is no row. Lenient reading goes on after the first kind.
#[derive(Debug)]
pub(crate) enum Fault {
    /// One row is broken; the reader stands after it.
    Row(Error),
    /// Nothing more can be read.
    File(Error),
}

impl Fault {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Fault::Row(error) | Fault::File(error) => error,
        }
    }
}

/// A format's reader.
pub(crate) trait RowReader {
    /// The next row, `None` at the end. After [`Fault::Row`] the reader stands after the broken
    /// row, after [`Fault::File`] it is not asked again.
    fn next(&mut self) -> Option<Result<Utterance, Fault>>;

    /// The line on which the last row begins, from 1, where the format has lines.
    fn line(&self) -> Option<usize> {
        None
    }
}

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The line on which the row begins, from 1; 0 where the format has no lines.
    pub(crate) line: usize,
    /// Number of the row, from 0, broken ones included.
    pub(crate) row: usize,
}

/// Some rows of a file.
pub(crate) struct Chunk {
    pub(crate) batch: RecordBatch,
    /// Where each row stands.
    pub(crate) places: Vec<Place>,
    /// Whether any row brings its own id.
    pub(crate) named: bool,
    /// What is wrong with rows that are not in the batch.
    pub(crate) faults: Vec<Error>,
}

/// Reads a file in pieces.
pub(crate) trait ChunkReader {
    /// The next rows; `None` at the end.
    fn next_chunk(&mut self) -> Option<Result<Chunk>>;

    /// The number of the row after all that were read, broken ones included.
    fn rows(&self) -> usize;

    /// The file that the last chunk is from.
    fn path(&self) -> &Path;

    /// What a file without any row is told.
    fn no_rows(&self) -> Error;
}

/// Collects rows of a [`RowReader`].
pub(crate) struct RowChunks {
    path: PathBuf,
    reader: Box<dyn RowReader>,
    lenient: bool,
    row: usize,
    ended: bool,
}

impl RowChunks {
    const ROWS: usize = 4096;

    /// Reads rows by `reader`; `row` is the number of the first one.
    pub(crate) fn new(path: &Path, reader: Box<dyn RowReader>, lenient: bool, row: usize) -> Self {
        RowChunks {
            path: path.into(),
            reader,
            lenient,
            row,
            ended: false,
        }
    }

    fn fill(&mut self, builder: &mut Builder, chunk: &mut Chunk) -> Result<()> {
        while builder.len() < Self::ROWS {
            match self.reader.next() {
                None => {
                    self.ended = true;
                    break;
                }
                Some(Err(Fault::Row(fault))) => {
                    chunk.faults.push(fault);
                    self.ended = !self.lenient;
                    if self.ended {
                        break;
                    }
                }
                Some(Err(Fault::File(error))) => return Err(error),
                Some(Ok(row)) => {
                    let line = self.reader.line().unwrap_or_default();
                    builder.push(&row)?;
                    chunk.places.push(Place {
                        line,
                        row: self.row,
                    });
                }
            }
            self.row += 1;
        }
        Ok(())
    }
}

impl ChunkReader for RowChunks {
    fn next_chunk(&mut self) -> Option<Result<Chunk>> {
        if self.ended {
            return None;
        }
        let mut builder = Builder::default();
        let mut chunk = Chunk {
            batch: RecordBatch::new_empty(SCHEMA.clone()),
            places: Vec::new(),
            named: true,
            faults: Vec::new(),
        };
        let filled = self.fill(&mut builder, &mut chunk);
        let finished = filled.and_then(|()| builder.finish());
        Some(finished.map(|batch| Chunk { batch, ..chunk }))
    }

    fn rows(&self) -> usize {
        self.row
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn no_rows(&self) -> Error {
        no_rows(&self.path)
    }
}

/// A line with its number, from 1.
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) text: &'a str,
}

/// The lines of a text file, one at a time, with their numbers. Takes the memory of one line.
///
/// [`advance`](Self::advance) goes to the next line, [`line`](Self::line) shows it:
///
/// ```ignore
/// while let Some(result) = lines.advance() {
///     result?;
///     let line = lines.line();
///     // ... lines.error(byte_in_line, found, expected)
/// }
/// ```
pub(crate) struct LineSource {
    path: PathBuf,
    input: Box<dyn BufRead>,
    /// The current line, without its end.
    line: String,
    /// Number of the current line, from 1; 0 before the first.
    number: usize,
}

impl LineSource {
    pub(crate) fn open(path: &Path, charset: Option<Charset>) -> Result<Self> {
        Ok(Self::new(path, input::open(path, charset)?))
    }

    /// Reads the lines of `input`; `path` is only for errors.
    pub(crate) fn new(path: &Path, input: Box<dyn BufRead>) -> Self {
        LineSource {
            path: path.into(),
            input,
            line: String::new(),
            number: 0,
        }
    }

    /// Goes to the next line; `None` at the end of the input. A line with a NUL byte, invalid
    /// UTF-8 or more than [`MAX_LINE_BYTES`] is a [`Fault::Row`], and reads as empty.
    pub(crate) fn advance(&mut self) -> Option<Result<(), Fault>> {
        let mut bytes = std::mem::take(&mut self.line).into_bytes();
        bytes.clear();
        self.number += 1;
        let length = match self.read_line(&mut bytes) {
            Ok(0) => return None,
            Ok(length) => length,
            Err(source) => {
                return Some(Err(Fault::File(input::failed(&self.path, source))));
            }
        };
        if self.number == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(.."\u{feff}".len());
        }
        Some(self.check(bytes, length).map_err(Fault::Row))
    }

    /// Appends a line without its end to `bytes`, but at most about [`MAX_LINE_BYTES`] of it, and
    /// gives its length with the end.
    fn read_line(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
        let mut length = 0;
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            };
            let end = memchr::memchr(b'\n', available);
            let taken = end.map_or(available.len(), |at| at + 1);
            if bytes.len() <= MAX_LINE_BYTES {
                bytes.extend_from_slice(&available[..end.unwrap_or(taken)]);
            }
            let finished = end.is_some() || taken == 0;
            self.input.consume(taken);
            length += taken;
            if finished {
                break;
            }
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        Ok(length)
    }

    fn check(&mut self, bytes: Vec<u8>, length: usize) -> Result<()> {
        if bytes.len() > MAX_LINE_BYTES {
            let found = format!("a line of {length} bytes");
            return Err(self.error(0, found, format!("at most {MAX_LINE_BYTES}")));
        }
        match String::from_utf8(bytes) {
            Ok(line) => self.line = line,
            Err(fault) => {
                let at = fault.utf8_error().valid_up_to();
                let found = format!("the byte 0x{:02x}", fault.as_bytes()[at]);
                let valid = String::from_utf8_lossy(&fault.as_bytes()[..at]);
                let expected = crate::file::expected_encoding(fault.as_bytes());
                return Err(self.error_in(
                    Line {
                        number: self.number,
                        text: &valid,
                    },
                    at,
                    found,
                    expected,
                ));
            }
        }
        match memchr::memchr(0, self.line.as_bytes()) {
            Some(at) => {
                let error = self.error(at, "a NUL byte", "text");
                self.line.clear();
                Err(error)
            }
            None => Ok(()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The current line without its end.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// The number of the current line, from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// An error at a byte of the current line (or just past its end).
    pub(crate) fn error(
        &self,
        byte: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let line = Line {
            number: self.number,
            text: &self.line,
        };
        self.error_in(line, byte, found, expected)
    }

    /// An error at a byte of a line that the caller kept.
    pub(crate) fn error_in(
        &self,
        Line { number, text }: Line<'_>,
        byte: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let before = text.get(..byte).unwrap_or(text);
        Error::Text {
            path: self.path.clone(),
            line: number,
            column: before.chars().count() + 1,
            found: found.into(),
            expected: expected.into(),
            labels: false,
        }
    }

    /// `rule` as an error at a byte of the current line.
    pub(crate) fn broken(&self, byte: usize, rule: &SpanError) -> Error {
        let (found, expected) = (rule.found(), rule.expected());
        let error = self.error(byte, found, expected);
        match rule.index() {
            Some(_) => error.of_labels(),
            None => error,
        }
    }
}

pub(crate) fn no_rows(path: &Path) -> Error {
    Error::file(path, "no rows", "at least one row")
}
