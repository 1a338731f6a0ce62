//! Which values of a JSON file are rows.

use std::ops::Range;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::file::position;
use crate::file::position::Position;
use crate::formats::row_reader::MAX_LINE_BYTES;

use super::cursor::{Cursor, Kind, Raw};

/// A column is in memory as a whole: 1 GiB at most.
const MAX_COLUMN_BYTES: usize = 1 << 30;

/// Where in a JSON file the rows are: keys (or numbers, in arrays) separated by dots, `*` for each
/// member.
///
/// ```
/// use cs_data::RecordPath;
/// let path: RecordPath = "*.messages.*".parse()?;
/// assert_eq!(path.to_string(), "*.messages.*");
/// assert!("train..*".parse::<RecordPath>().is_err());
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordPath(Vec<String>);

impl RecordPath {
    pub(crate) const ANY: &'static str = "*";

    pub(crate) fn of(steps: &[&str]) -> Self {
        RecordPath(steps.iter().map(|&step| step.to_owned()).collect())
    }

    /// Each element of an array that is the file.
    fn elements() -> Self {
        RecordPath(vec![Self::ANY.into()])
    }
}

impl FromStr for RecordPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(Error::argument(
                "records",
                format!("{text:?}"),
                "keys or * separated by dots, such as train.*",
            ));
        }
        Ok(RecordPath(steps))
    }
}

impl std::fmt::Display for RecordPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A value that is to become a row.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) raw: Raw,
    /// What the stars of the path stand for.
    pub(crate) keys: Vec<String>,
    /// Under which key of the file the list of rows stands.
    pub(crate) list: Option<String>,
    /// Number of the row where the file has columns.
    row: Option<usize>,
}

/// The records of a file, one at a time.
pub(crate) struct Records {
    cursor: Cursor,
    layout: Layout,
    /// The value of `features` or `dataset_info`, as far as read.
    pub(crate) features: Option<Value>,
    columns: Vec<Column>,
    started: bool,
    /// Whether the file itself has a text.
    is_row: bool,
}

/// After the value that is the file, only white space may follow.
fn end(cursor: &mut Cursor) -> Result<()> {
    let Err(error) = cursor.end() else {
        return Ok(());
    };
    match cursor.kind() {
        Ok(Kind::Object) => {
            Err(cursor.wrong("the end of the file, or --from jsonl for an object a line"))
        }
        _ => Err(error),
    }
}

enum Layout {
    Path(RecordPath),
    /// An object that holds lists of rows; inside one or not.
    Lists {
        inside: bool,
    },
    /// An object of columns, all read; the next row.
    Columns {
        next: usize,
    },
}

/// An array that is perhaps a column: its elements as ranges of what stands in the file.
struct Column {
    name: String,
    raw: Raw,
    items: Vec<Range<usize>>,
}

impl Records {
    /// Without a path: the elements of an array; of the arrays of objects in an object; or the
    /// rows of an object of columns, which are kept in memory.
    pub(crate) fn new(mut cursor: Cursor, path: Option<&RecordPath>) -> Result<Self> {
        let layout = match path {
            Some(path) => Layout::Path(path.clone()),
            None => match cursor.kind()? {
                Kind::Array => Layout::Path(RecordPath::elements()),
                Kind::Object => Layout::Lists { inside: false },
                Kind::Scalar => return Err(cursor.wrong("an array or object of rows")),
            },
        };
        Ok(Records {
            cursor,
            layout,
            features: None,
            columns: Vec::new(),
            started: false,
            is_row: false,
        })
    }

    /// The next record, `None` at the end. All errors are final.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        if !self.started {
            self.started = true;
            if self.cursor.kind()? == Kind::Scalar {
                return Err(self.cursor.wrong("an array or object of rows"));
            }
            self.cursor.enter()?;
        }
        match &mut self.layout {
            Layout::Path(_) => self.next_by_path(),
            Layout::Lists { .. } => self.next_in_lists(),
            Layout::Columns { next } => {
                *next += 1;
                let row = *next - 1;
                Ok(self.of_columns(row))
            }
        }
    }

    fn next_by_path(&mut self) -> Result<Option<Record>> {
        let Layout::Path(RecordPath(steps)) = &self.layout else {
            return Ok(None);
        };
        let cursor = &mut self.cursor;
        while cursor.depth() > 0 {
            if !cursor.next_member()? {
                continue;
            }
            let depth = cursor.depth();
            let step = &steps[depth - 1];
            if step != RecordPath::ANY && step != cursor.key_at(depth) {
                cursor.skip()?;
            } else if depth == steps.len() {
                let stars = (1..=depth).filter(|at| steps[at - 1] == RecordPath::ANY);
                let keys = stars.map(|at| cursor.key_at(at).to_owned()).collect();
                let raw = cursor.keep(MAX_LINE_BYTES)?;
                return Ok(Some(Record {
                    raw,
                    keys,
                    ..Record::default()
                }));
            } else if cursor.kind()? == Kind::Scalar {
                cursor.skip()?;
            } else {
                cursor.enter()?;
            }
        }
        end(cursor)?;
        Ok(None)
    }

    fn next_in_lists(&mut self) -> Result<Option<Record>> {
        loop {
            let cursor = &mut self.cursor;
            let inside = matches!(self.layout, Layout::Lists { inside: true });
            if !cursor.next_member()? {
                if inside {
                    self.layout = Layout::Lists { inside: false };
                    continue;
                }
                end(cursor)?;
                self.check_lengths()?;
                self.check_single()?;
                self.layout = Layout::Columns { next: 1 };
                return Ok(self.of_columns(0));
            }
            if inside {
                let raw = cursor.keep(MAX_LINE_BYTES)?;
                let keys = vec![cursor.key_at(2).to_owned()];
                let list = Some(cursor.key_at(1).to_owned());
                return Ok(Some(Record {
                    raw,
                    keys,
                    list,
                    row: None,
                }));
            }
            let name = cursor.key_at(1).to_owned();
            match cursor.kind()? {
                Kind::Scalar => {
                    self.is_row |= name == "text";
                    cursor.skip()?;
                }
                Kind::Object if name == "text" => {
                    let expected =
                        "an array of texts, or of objects (orient=\"records\" in pandas)";
                    return Err(cursor.wrong(expected));
                }
                Kind::Object => self.metadata(&name)?,
                Kind::Array => self.list(name)?,
            }
        }
    }

    fn metadata(&mut self, name: &str) -> Result<()> {
        if name != "features" && name != "dataset_info" {
            return self.cursor.skip();
        }
        let raw = self.cursor.keep(MAX_LINE_BYTES)?;
        let value: Value = serde_json::from_slice(&raw.bytes).map_err(|fault| {
            self.cursor
                .error_at(raw.position(), fault.to_string(), "JSON")
        })?;
        self.features = Some(value.get("features").cloned().unwrap_or(value));
        Ok(())
    }

    /// An array of objects is a list of rows unless columns of texts came before.
    fn list(&mut self, name: String) -> Result<()> {
        let mut names = self.columns.iter().map(|column| &*column.name);
        let is_table = names.any(|name| matches!(name, "text" | "tokens"));
        let kept = if is_table {
            Some(self.cursor.keep(MAX_COLUMN_BYTES)?)
        } else {
            self.cursor.enter_or_keep(MAX_COLUMN_BYTES)?
        };
        let Some(raw) = kept else {
            self.columns.clear();
            self.layout = Layout::Lists { inside: true };
            return Ok(());
        };
        let items: Vec<&RawValue> = serde_json::from_slice(&raw.bytes).map_err(|fault| {
            self.cursor
                .error_at(raw.position(), fault.to_string(), "JSON")
        })?;
        let start = raw.bytes.as_ptr() as usize;
        let items = items.iter().map(|item| {
            let at = item.get().as_ptr() as usize - start;
            at..at + item.get().len()
        });
        let items = items.collect();
        self.columns.push(Column { name, raw, items });
        Ok(())
    }

    /// Refuses an object that is a row, not a list of rows.
    fn check_single(&self) -> Result<()> {
        if !self.is_row || !self.columns.is_empty() {
            return Ok(());
        }
        let found = "one object with a text";
        let expected = "an array of such, or --from jsonl for one a line";
        Err(self
            .cursor
            .error_at(Position { line: 1, column: 1 }, found, expected))
    }

    fn check_lengths(&self) -> Result<()> {
        let Some(first) = self.columns.first() else {
            return Ok(());
        };
        let mut columns = self.columns.iter();
        match columns.find(|column| column.items.len() != first.items.len()) {
            None => Ok(()),
            Some(column) => Err(self.cursor.error_at(
                column.raw.position(),
                format!("{} values of {}", column.items.len(), column.name),
                format!("{}, as of {}", first.items.len(), first.name),
            )),
        }
    }

    /// Row `row` as an object, and where in it each column's value starts.
    fn object(&self, row: usize) -> Option<(Vec<u8>, Vec<usize>)> {
        let mut object = Vec::from(b"{");
        let mut starts = Vec::new();
        for column in &self.columns {
            let item = column.items.get(row)?;
            if !starts.is_empty() {
                object.push(b',');
            }
            object.extend_from_slice(Value::from(&*column.name).to_string().as_bytes());
            object.push(b':');
            starts.push(object.len());
            object.extend_from_slice(&column.raw.bytes[item.clone()]);
        }
        object.push(b'}');
        (!starts.is_empty()).then_some((object, starts))
    }

    fn of_columns(&self, row: usize) -> Option<Record> {
        let (bytes, _) = self.object(row)?;
        Some(Record {
            raw: Raw {
                bytes,
                ..Raw::default()
            },
            keys: vec![row.to_string()],
            list: None,
            row: Some(row),
        })
    }

    /// Line and column in the file of a byte of a record.
    fn place(&self, record: &Record, byte: usize) -> Position {
        let (raw, byte) = match record.row.and_then(|row| Some((row, self.object(row)?.1))) {
            None => (&record.raw, byte),
            Some((row, starts)) => {
                let at = starts
                    .partition_point(|start| *start <= byte)
                    .saturating_sub(1);
                let column = &self.columns[at];
                (
                    &column.raw,
                    column.items[row].start + byte.saturating_sub(starts[at]),
                )
            }
        };
        let within = position::line_column(&raw.bytes, byte);
        Position {
            line: raw.line + within.line - 1,
            column: match within.line {
                1 => raw.column + within.column - 1,
                _ => within.column,
            },
        }
    }

    /// An error with line and column in a record as one with line and column in the file.
    pub(crate) fn relocated(&self, record: &Record, error: Error) -> Error {
        let Error::Text {
            line,
            column,
            found,
            expected,
            labels,
            ..
        } = error
        else {
            return error;
        };
        let text = String::from_utf8_lossy(&record.raw.bytes);
        let before: usize = text
            .split_inclusive('\n')
            .take(line - 1)
            .map(str::len)
            .sum();
        let within: usize = text[before..]
            .chars()
            .take(column - 1)
            .map(char::len_utf8)
            .sum();
        let place = self.place(record, before + within);
        match self.cursor.error_at(place, found, expected) {
            error if labels => error.of_labels(),
            error => error,
        }
    }

    /// An error about a record as a whole.
    pub(crate) fn error(
        &self,
        record: &Record,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        self.cursor.error_at(self.place(record, 0), found, expected)
    }

    /// The line on which a record, or the first column, begins, from 1.
    pub(crate) fn line(&self, record: &Record) -> usize {
        match record.row {
            None => record.raw.line,
            // The exact line of each row would take a walk through the column.
            Some(_) => self.columns.first().map_or(1, |column| column.raw.line),
        }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.cursor.path()
    }
}
