//! CSV and TSV: the header, and which of its columns fill what.

use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Result};
use crate::file::TextSlice;
use crate::file::position;
use crate::file::position::Position;
use crate::formats::blocks::{Block, Blocks, Cut, Records, Rows};
use crate::formats::columns::Columns;
use crate::formats::format::Format;
use crate::formats::row_reader::{Fault, Place, no_rows};

use super::cells::Cells;
use super::header::Header;
use super::record::{Dialect, line_ends};
use super::separator;
use super::separator::Separator;

/// What is known of a file before it is read.
pub(crate) struct Layout<'a> {
    pub(crate) format: Format,
    pub(crate) separator: Option<Separator>,
    pub(crate) columns: &'a Columns,
    pub(crate) has_header: bool,
}

/// A file's dialect and columns.
pub(crate) struct Table {
    dialect: Dialect,
    header: Header,
    /// Where the header ends.
    end: Position,
}

impl Table {
    /// Takes the header off the file.
    pub(crate) fn open(blocks: &mut Blocks, layout: &Layout<'_>) -> Result<Self> {
        let dialect = dialect(blocks, layout)?;
        let first = first_record(blocks, dialect)?;
        if first.end == 0 {
            return Err(no_rows(blocks.path()));
        }
        let before = &blocks.piece().bytes[..first.start];
        let piece = TextSlice {
            line: 1 + lines(before),
            bytes: &blocks.piece().bytes[first.clone()],
            ..blocks.piece()
        };
        let mut fields = Vec::new();
        let record = piece.text()?;
        if let Some(quote) = dialect.split(piece.bytes, &mut fields) {
            return Err(open_quote(&piece, quote));
        }
        let names = separator::names(record, &fields, layout.has_header);
        let header = Header::new(piece, names, &fields, layout.columns)?;
        let end = position::line_column(piece.bytes, record.trim_end().len());
        let end = Position {
            line: piece.line + end.line - 1,
            ..end
        };
        if layout.has_header {
            blocks.take(first.end);
        }
        Ok(Table {
            dialect: dialect.with_fields(header.names.len()),
            header,
            end,
        })
    }
}

/// Where the first record is; at 0 if there is none.
fn first_record(blocks: &mut Blocks, dialect: Dialect) -> Result<Range<usize>> {
    let (_, first) = blocks.until(|bytes, last| {
        let first = dialect.records(bytes, last).next().unwrap_or(0..0);
        (first.end, first)
    })?;
    Ok(first)
}

/// The dialect that was asked for, that Excel's first line says, or that the header shows.
fn dialect(blocks: &mut Blocks, layout: &Layout<'_>) -> Result<Dialect> {
    let usual = Dialect::of(layout.format);
    let mut separator = layout.separator;
    if let Some((said, length)) = separator::of_first_line(blocks.piece().bytes) {
        if let Some(named) = separator.filter(|named| *named != said) {
            let found = format!("the separator {said}");
            let expected = format!("{named}, as --separator says");
            return Err(blocks.piece().error(0, found, expected));
        }
        separator = Some(said);
        blocks.take(length);
    }
    if let Some(Separator(delimiter)) = separator {
        return Ok(Dialect { delimiter, ..usual });
    }
    let first = first_record(blocks, usual)?;
    let record = &blocks.piece().bytes[first];
    let detected = separator::detect(usual, record, layout.columns, layout.has_header);
    Ok(detected)
}

/// How many lines end in `bytes`.
fn lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

pub(crate) fn open_quote(piece: &TextSlice, quote: usize) -> Error {
    piece.error(quote, "a quote that never closes", "a closing quote")
}

impl Records for Table {
    fn cut(&self, bytes: &[u8], last: bool) -> Cut {
        let (mut end, mut rows) = (0, 0);
        for record in self.dialect.records(bytes, last) {
            end = record.end;
            rows += 1;
        }
        if last {
            end = bytes.len();
        }
        Cut { end, rows }
    }

    fn parse(&self, block: &Block, rows: &mut Rows) -> Result<()> {
        let whole = TextSlice {
            path: &block.path,
            line: block.first_line,
            bytes: &block.bytes,
        };
        let text = whole.text().ok();
        let mut fields = Vec::new();
        let (mut at, mut line, mut row) = (0, block.first_line, block.first_row);
        loop {
            let ends = line_ends(&block.bytes[at..]);
            line += lines(ends);
            at += ends.len();
            if at == block.bytes.len() {
                return Ok(());
            }
            let quote = self.dialect.split(&block.bytes[at..], &mut fields);
            let end = at + fields.last().map_or(0, |field| field.range.end);
            let piece = TextSlice {
                line,
                bytes: &block.bytes[at..end],
                ..whole
            };
            let record = match (quote, text) {
                (Some(quote), _) => Err(open_quote(&piece, quote)),
                (None, Some(text)) => Ok(&text[at..end]),
                (None, None) => piece.text(),
            };
            let cells = record.map(|record| Cells {
                header: &self.header,
                piece,
                record,
                fields: &fields,
            });
            match cells
                .map_err(Fault::Row)
                .and_then(|cells| cells.push(rows, Place { line, row }))
            {
                Err(Fault::File(error)) => return Err(error),
                Err(Fault::Row(fault)) => {
                    if !rows.skip(fault) {
                        return Ok(());
                    }
                }
                Ok(()) => {}
            }
            // Only quotes hold the end of a line.
            if fields.iter().any(|field| field.quoted) {
                line += lines(piece.bytes);
            }
            (at, row) = (end, row + 1);
        }
    }

    fn no_rows(&self, path: &Path) -> Error {
        let Position { line, column } = self.end;
        Error::Text {
            path: path.into(),
            line,
            column,
            found: "no rows below the header".into(),
            expected: "at least one row".into(),
            labels: false,
        }
    }
}
