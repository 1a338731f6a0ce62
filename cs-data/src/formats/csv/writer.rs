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
use crate::formats::format::Format;
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{SOURCE, Turn, Utterance};

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
    runs: Vec<Run>,
}

/// Records one after the other that have the same number of fields.
struct Run {
    records: usize,
    fields: usize,
}

/// The cells of a row, each with the name of its column.
struct Cells<'a, 'b> {
    writer: &'b TableWriter,
    lost: &'b mut Losses,
    cells: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Cells<'a, '_> {
    /// Adds a cell that fits; `reads`: whether it reads back as it is.
    fn put(&mut self, name: &'static str, cell: impl Into<Cow<'a, str>>, reads: bool) {
        let cell = cell.into();
        let fits = !cell.is_empty() && self.writer.holds(&cell);
        if !reads || !fits {
            self.lost.add(name);
        }
        if fits {
            self.cells.push((name.into(), cell));
        }
    }

    /// The first two stand on every row, so that none is an empty line.
    fn id_and_text(&mut self, row: &'a Utterance) {
        let holds_id = self.writer.holds(&row.id);
        let id = if holds_id { &*row.id } else { "" };
        if id.is_empty() {
            self.lost.add("id");
        }
        self.cells.push(("id".into(), id.into()));
        self.cells.push(("text".into(), (&*row.text).into()));
    }

    fn fields(&mut self, row: &'a Utterance) {
        if row.is_tagged() {
            let spans = row.to_json().remove("spans").unwrap_or_default();
            self.put("spans", spans.to_string(), true);
        }
        if let Some(intent) = &row.intent {
            self.put("intent", intent, intent.trim() == intent);
        }
        if let Some(sentiment) = row.sentiment {
            self.put("sentiment", sentiment.to_string(), true);
        }
        if let Some(reply) = &row.reply {
            self.put("reply", reply, true);
        }
        if let Some(turn) = &row.dialogue {
            self.turn(turn);
        }
        if row.origin != SOURCE {
            self.put("origin", &row.origin, true);
        }
        if let Some(parent) = &row.parent {
            self.put("parent", parent, true);
        }
    }

    fn turn(&mut self, turn: &'a Turn) {
        self.put("dialogue_id", &turn.dialogue_id, true);
        if !turn.dialogue_id.is_empty() && self.writer.holds(&turn.dialogue_id) {
            self.put("turn", turn.turn.to_string(), true);
            if let Some(speaker) = &turn.speaker {
                self.put("speaker", speaker, true);
            }
        }
    }

    fn extra(&mut self, extra: &'a Map<String, Value>) {
        let mut packed = Map::new();
        for (name, value) in extra {
            match value {
                Value::String(value) if self.writer.is_column(name, value) => {
                    self.cells
                        .push((name.as_str().into(), value.as_str().into()));
                }
                _ => drop(packed.insert(name.clone(), value.clone())),
            }
        }
        if !packed.is_empty() {
            self.cells.push(("extra".into(), json_of(&packed).into()));
        }
    }
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
            runs: Vec::new(),
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
        let mut cells = Cells {
            writer: self,
            lost,
            cells: Vec::with_capacity(8),
        };
        cells.id_and_text(row);
        cells.fields(row);
        cells.extra(&row.extra);
        cells.cells
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
    runs: Vec<Run>,
}

impl Waiting {
    fn copy(mut self, out: &mut Output) -> std::io::Result<()> {
        let last = self.runs.last().map_or(0, |run| run.fields);
        let mut record = Vec::new();
        for run in &self.runs {
            if run.fields == last {
                return std::io::copy(&mut self.records, out).map(drop);
            }
            let missing = vec![self.dialect.delimiter; last - run.fields];
            for _ in 0..run.records {
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
            return Err(Error::unwritable(
                &row.id,
                format!("the text {}", shown(&row.text)),
                "one without tabs and line ends for TSV",
            ));
        }
        let cells = self.cells(row, lost);
        let record = self.arrange(cells);
        match self.runs.last_mut() {
            Some(run) if run.fields == record.len() => run.records += 1,
            _ => self.runs.push(Run {
                records: 1,
                fields: record.len(),
            }),
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
            runs,
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
                    runs,
                };
                waiting.copy(&mut out)
            });
        copied.map_err(failed(&path))?;
        out.finish()
    }
}
