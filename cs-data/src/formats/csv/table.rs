//! CSV and TSV: the header, and which of its columns fill what.

use std::path::Path;

use crate::error::{Error, Result};
use crate::file::{TextSlice, position, shown};
use crate::formats::blocks::{Block, Blocks, Records, Rows};
use crate::formats::columns::{Column, Columns};
use crate::formats::options::{Format, ReadOptions};
use crate::formats::row_reader::{Fault, Place};

use super::cells::Cells;
use super::record::{Dialect, Field, cell, line_ends};
use super::separator;
use super::separator::Separator;

/// A file's dialect and columns.
pub(crate) struct Table {
    pub(crate) dialect: Dialect,
    pub(crate) names: Vec<String>,
    /// Positions of the columns that fill something, by [`Column`].
    pub(crate) at: [Option<usize>; Column::COUNT],
    /// Positions of the others.
    pub(crate) others: Vec<usize>,
    /// Line and column where the header ends.
    end: (usize, usize),
}

impl Table {
    /// Takes the header off the file.
    pub(crate) fn open(blocks: &mut Blocks, format: Format, options: &ReadOptions) -> Result<Self> {
        let dialect = dialect(blocks, format, options)?;
        let (end, first) = blocks.until(|bytes, last| {
            let first = dialect.records(bytes, last).next().unwrap_or(0..0);
            (first.end, first)
        })?;
        if end == 0 {
            return Err(crate::formats::row_reader::no_rows(blocks.path()));
        }
        let before = &blocks.piece().bytes[..first.start];
        let piece = TextSlice {
            line: 1 + lines(before),
            bytes: &blocks.piece().bytes[first],
            ..blocks.piece()
        };
        let mut fields = Vec::new();
        let record = piece.text()?;
        if let Some(quote) = dialect.split(piece.bytes, &mut fields) {
            return Err(open_quote(&piece, quote));
        }
        let names: Vec<String> = if options.no_header {
            (1..=fields.len())
                .map(|number| number.to_string())
                .collect()
        } else {
            let name = |field| cell(record, field).trim().to_owned();
            fields.iter().map(name).collect()
        };
        let at = Header {
            piece,
            names: &names,
            fields: &fields,
            columns: &options.columns,
        }
        .positions()?;
        let (line, column) = position::line_column(piece.bytes, record.trim_end().len());
        let header_end = (piece.line + line - 1, column);
        if !options.no_header {
            blocks.take(end);
        }
        let others = (0..names.len()).filter(|&other| !at.contains(&Some(other)));
        Ok(Table {
            dialect: dialect.with_fields(names.len()),
            others: others.collect(),
            names,
            at,
            end: header_end,
        })
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.at[column as usize].is_some()
    }

    fn push(&self, cells: &Cells, rows: &mut Rows, place: Place) -> Result<(), Fault> {
        let found = cells.fields.len();
        if found != self.names.len() {
            let found = format!("a row of {found} fields");
            let error = cells.piece.error(0, found, self.names.len().to_string());
            return Err(Fault::Row(error));
        }
        cells.push(rows, place)
    }
}

/// The dialect that was asked for, that Excel's first line says, or that the header shows.
fn dialect(blocks: &mut Blocks, format: Format, options: &ReadOptions) -> Result<Dialect> {
    let usual = Dialect::of(format);
    let mut separator = options.separator;
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
    let (_, first) = blocks.until(|bytes, last| {
        let first = usual.records(bytes, last).next().unwrap_or(0..0);
        (first.end, first)
    })?;
    let record = &blocks.piece().bytes[first];
    Ok(separator::detect(
        usual,
        record,
        &options.columns,
        !options.no_header,
    ))
}

/// How many lines end in `bytes`.
fn lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

pub(crate) fn open_quote(piece: &TextSlice, quote: usize) -> Error {
    piece.error(quote, "a quote that never closes", "a closing quote")
}

impl Records for Table {
    fn cut(&self, bytes: &[u8], last: bool) -> (usize, usize) {
        let (mut end, mut rows) = (0, 0);
        for record in self.dialect.records(bytes, last) {
            end = record.end;
            rows += 1;
        }
        (if last { bytes.len() } else { end }, rows)
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
            let pushed = record.map_err(Fault::Row).and_then(|record| {
                let cells = Cells {
                    table: self,
                    piece,
                    record,
                    fields: &fields,
                };
                self.push(&cells, rows, Place { line, row })
            });
            match pushed {
                Ok(()) => {}
                Err(Fault::File(error)) => return Err(error),
                Err(Fault::Row(fault)) => {
                    if !rows.skip(fault) {
                        return Ok(());
                    }
                }
            }
            // Only quotes hold the end of a line.
            if fields.iter().any(|field| field.quoted) {
                line += lines(piece.bytes);
            }
            (at, row) = (end, row + 1);
        }
    }

    fn no_rows(&self, path: &Path) -> Error {
        let (line, column) = self.end;
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

struct Header<'a> {
    piece: TextSlice<'a>,
    names: &'a [String],
    fields: &'a [Field],
    columns: &'a Columns,
}

impl Header<'_> {
    /// Where the columns stand that fill something.
    fn positions(&self) -> Result<[Option<usize>; Column::COUNT]> {
        let mut at = [None; Column::COUNT];
        for column in Column::ALL {
            at[column as usize] = self.find(column)?;
        }
        // Half of a turn or of a span says nothing: such columns are kept as they are.
        let turn = [Column::DialogueId, Column::Turn];
        if !self.is_whole(&turn, &at)? {
            let whole = [Column::DialogueId, Column::Turn, Column::Speaker];
            whole.iter().for_each(|&column| at[column as usize] = None);
        }
        if !self.is_whole(&Column::SPAN, &at)? {
            Column::SPAN
                .iter()
                .for_each(|&column| at[column as usize] = None);
        }
        Ok(at)
    }

    fn find(&self, column: Column) -> Result<Option<usize>> {
        let Some(name) = self.columns.source(column) else {
            return Ok(None);
        };
        let mut found = (0..self.names.len()).filter(|&at| self.names[at] == name);
        let first = found.next();
        if let Some(again) = found.next() {
            let place = self.fields[again].range.start;
            let expected = format!("the column {name} once");
            return Err(self.piece.error(place, shown(&self.names[again]), expected));
        }
        if first.is_none() && self.columns.is_required(column) {
            return Err(self.lacks(column));
        }
        Ok(first)
    }

    fn lacks(&self, column: Column) -> Error {
        let field = column.name();
        let found = format!("the columns {}", shown(&self.names.join(",")));
        let expected = if self.columns.is_mapped(column) {
            format!("a column {} for {field}", self.columns.column(field))
        } else {
            format!("a column {field}, or another by --columns {field}=NAME")
        };
        let likely = match self.names {
            [only] => separator::likely(only),
            _ => Vec::new(),
        };
        let hint = likely
            .iter()
            .map(|one| format!(", or --separator \"{one}\""));
        let expected = expected + &hint.collect::<String>();
        self.piece.error(0, found, expected)
    }

    /// Whether all columns of a group are there; a lack where one of them was mapped is an error.
    fn is_whole(&self, group: &[Column], at: &[Option<usize>]) -> Result<bool> {
        let lacking = group.iter().find(|column| at[**column as usize].is_none());
        let mapped = group.iter().any(|column| self.columns.is_mapped(*column));
        match lacking {
            Some(column) if mapped => Err(self.lacks(*column)),
            lacking => Ok(lacking.is_none()),
        }
    }
}
