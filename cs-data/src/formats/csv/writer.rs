//! Writing CSV and TSV.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::dataset::json_of;
use crate::error::{Error, Result};
use crate::file::{Output, failed, shown};
use crate::formats::columns::Column;
use crate::formats::options::Format;
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{SOURCE, Utterance};

use super::record::Dialect;

/// Writes a column for each field and each string of `extra` that occurs; what else `extra` has
/// goes into the column `extra`, as JSON.
///
/// Which columns occur is known at the end only, so records wait in a temporary file; the ones
/// written before a column came up are filled up when they are copied.
pub(crate) struct TableWriter {
    path: PathBuf,
    dialect: Dialect,
    out: Output,
    waiting: BufWriter<File>,
    names: Vec<String>,
    /// Position of each name.
    index: HashMap<String, usize>,
    /// How many records have how many fields.
    widths: Vec<(usize, usize)>,
}

impl TableWriter {
    pub(crate) fn create(path: &Path, format: Format) -> Result<Self> {
        let waiting = tempfile::tempfile().map_err(failed(path))?;
        Ok(TableWriter {
            path: path.into(),
            dialect: Dialect::of(format),
            out: Output::create(path)?,
            waiting: BufWriter::with_capacity(1 << 16, waiting),
            names: Vec::new(),
            index: HashMap::new(),
            widths: Vec::new(),
        })
    }

    /// Puts the cells in the order of the columns.
    fn arrange<'a>(&mut self, cells: Vec<(Cow<'_, str>, Cow<'a, str>)>) -> Vec<Cow<'a, str>> {
        let mut record = vec![Cow::Borrowed(""); self.names.len()];
        for (name, cell) in cells {
            let at = match self.index.get(&*name) {
                Some(&at) => at,
                None => {
                    self.index.insert(name.to_string(), self.names.len());
                    self.names.push(name.into_owned());
                    record.push(Cow::Borrowed(""));
                    self.names.len() - 1
                }
            };
            record[at] = cell;
        }
        record
    }

    /// Whether a field can stand in the file.
    fn holds(&self, cell: &str) -> bool {
        self.dialect.is_csv() || !cell.contains(['\t', '\n', '\r'])
    }

    /// A string of `extra` that can be a column of its own.
    fn is_column(&self, name: &str, value: &str) -> bool {
        let is_field = Column::ALL.iter().any(|column| column.name() == name);
        let plain = !name.is_empty() && name.trim() == name && !name.starts_with('\u{feff}');
        plain && !is_field && !value.is_empty() && self.holds(name) && self.holds(value)
    }

    /// A cell for each field that is set and fits.
    fn cells<'a>(
        &self,
        row: &'a Utterance,
        lost: &mut Losses,
    ) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let mut cells: Vec<(Cow<str>, Cow<str>)> = Vec::with_capacity(8);
        // The first two stand on every row, so that none is an empty line.
        let id = if self.holds(&row.id) { &*row.id } else { "" };
        if id.is_empty() {
            lost.add("id");
        }
        cells.extend([
            ("id".into(), id.into()),
            ("text".into(), (&*row.text).into()),
        ]);
        let mut put = |name: &'static str, cell: Option<Cow<'a, str>>, reads: bool| {
            let Some(cell) = cell else { return };
            let fits = !cell.is_empty() && self.holds(&cell);
            if !reads || !fits {
                lost.add(name);
            }
            if fits {
                cells.push((name.into(), cell));
            }
        };
        let plain = |text: &'a str| Some(Cow::Borrowed(text));
        if row.is_tagged() {
            let spans = row.to_json().remove("spans").unwrap_or_default();
            put("spans", Some(spans.to_string().into()), true);
        }
        if let Some(intent) = &row.intent {
            put("intent", plain(intent), intent.trim() == intent);
        }
        if let Some(sentiment) = row.sentiment {
            put("sentiment", Some(sentiment.to_string().into()), true);
        }
        put("reply", row.reply.as_deref().and_then(plain), true);
        if let Some(turn) = &row.dialogue {
            put("dialogue_id", plain(&turn.dialogue_id), true);
            if !turn.dialogue_id.is_empty() && self.holds(&turn.dialogue_id) {
                put("turn", Some(turn.turn.to_string().into()), true);
                put("speaker", turn.speaker.as_deref().and_then(plain), true);
            }
        }
        if row.origin != SOURCE {
            put("origin", plain(&row.origin), true);
        }
        put("parent", row.parent.as_deref().and_then(plain), true);
        let mut packed = Map::new();
        for (name, value) in &row.extra {
            match value {
                Value::String(value) if self.is_column(name, value) => {
                    cells.push((name.as_str().into(), value.as_str().into()));
                }
                _ => drop(packed.insert(name.clone(), value.clone())),
            }
        }
        if !packed.is_empty() {
            cells.push(("extra".into(), json_of(&packed).into()));
        }
        cells
    }
}

/// A record with its end of line.
fn line(dialect: Dialect, cells: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            line.push(char::from(dialect.delimiter));
        }
        let cell = cell.as_ref();
        let needs_quotes = match dialect.is_csv() {
            true => cell.contains([',', '"', '\r', '\n']),
            false => cell.starts_with('"'),
        };
        if needs_quotes {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line + "\n"
}

/// Records of several widths that shall become as wide as the last.
struct Waiting {
    records: BufReader<File>,
    dialect: Dialect,
    widths: Vec<(usize, usize)>,
}

impl Waiting {
    fn copy(mut self, out: &mut Output) -> std::io::Result<()> {
        let last = self.widths.last().map_or(0, |&(_, width)| width);
        let mut record = Vec::new();
        for &(count, width) in &self.widths {
            if width == last {
                return std::io::copy(&mut self.records, out).map(drop);
            }
            let missing = vec![self.dialect.delimiter; last - width];
            for _ in 0..count {
                record.clear();
                read_record(&mut self.records, self.dialect.is_csv(), &mut record)?;
                record.pop();
                out.write_all(&record)?;
                out.write_all(&missing)?;
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

/// A record that this writer wrote: every quote is doubled or quotes a field, so that a record ends
/// at the first line end after an even number of them.
fn read_record(
    input: &mut impl BufRead,
    quotes: bool,
    record: &mut Vec<u8>,
) -> std::io::Result<()> {
    while input.read_until(b'\n', record)? > 0 {
        if !quotes || memchr::memchr_iter(b'"', record).count().is_multiple_of(2) {
            break;
        }
    }
    Ok(())
}

impl RowWriter for TableWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        if !self.holds(&row.text) {
            return Err(Error::Unwritable {
                id: row.id.clone(),
                found: format!("the text {}", shown(&row.text)),
                expected: "one without tabs and line ends for TSV".into(),
            });
        }
        let cells = self.cells(row, lost);
        let record = self.arrange(cells);
        match self.widths.last_mut() {
            Some((count, width)) if *width == record.len() => *count += 1,
            _ => self.widths.push((1, record.len())),
        }
        let line = line(self.dialect, record.iter());
        self.waiting
            .write_all(line.as_bytes())
            .map_err(failed(&self.path))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let TableWriter {
            path,
            dialect,
            mut out,
            waiting,
            names,
            widths,
            ..
        } = *self;
        let names = match names.is_empty() {
            true => vec!["id".into(), "text".into()],
            false => names,
        };
        out.text(&line(dialect, names.iter()))?;
        let waiting = waiting.into_inner();
        let copied = waiting
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|mut file| {
                file.rewind()?;
                let waiting = Waiting {
                    records: BufReader::with_capacity(1 << 16, file),
                    dialect,
                    widths,
                };
                waiting.copy(&mut out)
            });
        copied.map_err(failed(&path))?;
        out.finish()
    }
}
