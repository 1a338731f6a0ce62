//! JSON Lines whose objects are not yet in our shape: fields by name or path, tokens with tags.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::file::TextSlice;
use crate::formats::row_reader::{Fault, LineSource, RowReader};
use crate::text::Utterance;

use super::object;
use super::row::{Around, Shape};
use super::whole::{has_only_tokens, never_found};

/// Blank lines are skipped. Errors of a line in another shape stand at its start.
pub(crate) struct JsonLinesReader {
    lines: LineSource,
    shape: Shape,
    rows: usize,
    /// Whether all rows have been read.
    ended: bool,
}

impl JsonLinesReader {
    /// Reads `lines`; `rows` is the number of the first row.
    pub(crate) fn new(lines: LineSource, shape: Shape, rows: usize) -> Self {
        Self {
            lines,
            shape,
            rows,
            ended: false,
        }
    }

    fn row(&mut self) -> Result<Utterance> {
        let line = self.lines.line();
        let piece = TextSlice {
            path: self.lines.path(),
            line: self.lines.number(),
            bytes: line.as_bytes(),
        };
        if self.shape.is_plain() && !has_only_tokens(line) {
            return object::parse(piece, self.rows);
        }
        // The careful reader knows where the line is no JSON object.
        let record: Value = match serde_json::from_str(line) {
            Ok(record) => record,
            Err(_) => return object::parse(piece, self.rows),
        };
        let around = Around {
            row: self.rows,
            ..Around::default()
        };
        let row = self.shape.row(record, &around);
        row.map_err(|wrong| {
            wrong.into_error(|found, expected| self.lines.error(0, found, expected))
        })
    }

    /// After the last row: a mapped field that none had.
    fn end(&mut self) -> Option<Error> {
        let ended = std::mem::replace(&mut self.ended, true);
        let fault = never_found(&self.shape, self.lines.path())?;
        (!ended && self.rows > 0).then_some(fault)
    }
}

impl RowReader for JsonLinesReader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        loop {
            let row = match self.lines.advance() {
                None => return self.end().map(|fault| Err(Fault::File(fault))),
                Some(Ok(())) if self.lines.line().trim().is_empty() => continue,
                Some(Ok(())) => self.row().map_err(Fault::Row),
                Some(Err(fault)) => Err(fault),
            };
            self.rows += 1;
            return Some(row);
        }
    }

    fn line(&self) -> Option<usize> {
        Some(self.lines.number())
    }
}

/// Whether the first object of a file needs this reader although nothing is mapped.
pub(crate) fn needs_shape(start: &[u8]) -> bool {
    let mut lines = start.split(|byte| *byte == b'\n');
    let first = lines.find(|line| !line.iter().all(u8::is_ascii_whitespace));
    let first = first.and_then(|line| std::str::from_utf8(line).ok());
    first.is_some_and(has_only_tokens)
}
