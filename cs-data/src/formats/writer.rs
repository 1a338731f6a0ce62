//! Writing rows in any format, and what it could not hold.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::file::Output;
use crate::tags::Scheme;
use crate::text::Utterance;

use super::annotation::{DoccanoWriter, LabelStudioWriter};
use super::conll::ConllWriter;
use super::csv::TableWriter;
use super::json::{JsonWriter, JsonlWriter};
use super::markup::MarkupWriter;
use super::options::{Format, WriteOptions};
use super::parquet::{ParquetWriter, Partitioned};
use super::rasa::{RasaJsonWriter, RasaWriter};
use super::seq::SeqWriter;
use super::text::TextWriter;

/// What a format could not hold: how many rows lost each field.
///
/// ```
/// use cs_data::{Dataset, Format, Losses, Utterance, WriteOptions};
/// let folder = tempfile::tempdir()?;
/// let data = Dataset::from_utterances([
///     Utterance::new("a7", "hello").with_intent("greet").with_sentiment(0.5),
/// ])?;
/// let options = WriteOptions { format: Some(Format::Seq), ..WriteOptions::default() };
/// let lost: Losses = data.save(&folder.path().join("three"), &options)?;
/// assert_eq!(lost.rows("sentiment"), 1);
/// assert_eq!(lost.to_string(), "id in 1 row, sentiment in 1 row");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    fields: BTreeMap<&'static str, usize>,
}

impl Losses {
    /// Notes that a row lost this field; once for a row and field.
    pub(crate) fn add(&mut self, field: &'static str) {
        *self.fields.entry(field).or_default() += 1;
    }

    /// Notes every field of `row` that is set and not among `held`, by the names of the columns.
    /// The id is left to the caller, who knows the number of the row.
    pub(crate) fn add_all_but(&mut self, held: &[&str], row: &Utterance) {
        let set = [
            ("spans", !row.spans.is_empty()),
            ("intent", row.intent.is_some()),
            ("sentiment", row.sentiment.is_some()),
            ("reply", row.reply.is_some()),
            ("dialogue_id", row.dialogue.is_some()),
            ("origin", row.origin != crate::SOURCE),
            ("parent", row.parent.is_some()),
            ("extra", !row.extra.is_empty()),
        ];
        for (field, is_set) in set {
            if is_set && !held.contains(&field) {
                self.add(field);
            }
        }
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// How many rows lost `field`, a column of [`Dataset`].
    pub fn rows(&self, field: &str) -> usize {
        self.fields.get(field).copied().unwrap_or_default()
    }

    /// The fields and how many rows lost them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.fields.iter().map(|(&field, &rows)| (field, rows))
    }
}

impl fmt::Display for Losses {
    /// `spans in 3 rows, sentiment in 1 row`, or `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (at, (field, rows)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let s = if rows == 1 { "" } else { "s" };
            write!(f, "{comma}{field} in {rows} row{s}")?;
        }
        Ok(())
    }
}

/// A format's writer.
pub(crate) trait RowWriter {
    /// Writes a row, which is valid. What the format cannot hold is added to `lost`; a text that it
    /// cannot hold is [`Error::Unwritable`](crate::Error::Unwritable).
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()>;

    /// Writes what is left, syncs, and gives the file its name.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Writes rows in any format, one after another in constant memory. The file (or folder) appears
/// with [`finish`](Self::finish), whole; without it, nothing stays.
///
/// ```
/// use cs_data::{Dataset, ReadOptions, Utterance, WriteOptions, Writer};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("rows.parquet");
/// let mut writer = Writer::create(&path, &WriteOptions::default())?;
/// writer.write(&Utterance::new("1", "你好"))?;
/// assert!(!path.exists());
/// assert!(writer.finish()?.is_empty()); // Parquet holds everything
/// assert_eq!(Dataset::open(&path, &ReadOptions::default())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer {
    inner: Box<dyn RowWriter>,
    lost: Losses,
    rows: usize,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("lost", &self.lost)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a file in place of what is at `path`, or a folder where none is.
    ///
    /// # Errors
    ///
    /// An unknown ending, a place that cannot be written, a folder that is not empty, a column that
    /// files cannot be partitioned by.
    pub fn create(path: &Path, options: &WriteOptions) -> Result<Self> {
        let format = options.format.map_or_else(|| Format::of(path), Ok)?;
        let scheme = options.scheme.unwrap_or(Scheme::Iob2);
        let inner: Box<dyn RowWriter> = match (format, &options.partition_by) {
            (Format::Parquet, Some(column)) => Box::new(Partitioned::create(path, column)?),
            (format, Some(_)) => {
                return Err(Error::Argument {
                    name: "partition_by",
                    found: format!("set for {format}"),
                    expected: "the format parquet".into(),
                });
            }
            (Format::Parquet, None) => Box::new(ParquetWriter::create(path)?),
            (Format::Jsonl, _) => Box::new(JsonlWriter(Output::create(path)?)),
            (Format::Csv | Format::Tsv, _) => Box::new(TableWriter::create(path, format)?),
            (Format::Conll, _) => Box::new(ConllWriter::create(path, scheme)?),
            (Format::Markup, _) => Box::new(MarkupWriter::create(path)?),
            (Format::Rasa, _) => Box::new(RasaWriter::create(path)?),
            (Format::Json, _) => Box::new(JsonWriter::create(path)?),
            (Format::Doccano, _) => Box::new(DoccanoWriter(Output::create(path)?)),
            (Format::LabelStudio, _) => Box::new(LabelStudioWriter::create(path)?),
            (Format::RasaJson, _) => Box::new(RasaJsonWriter::create(path)?),
            (Format::Text, _) => Box::new(TextWriter(Output::create(path)?)),
            (Format::Seq, _) => Box::new(SeqWriter::create(path, scheme)?),
        };
        Ok(Writer {
            inner,
            lost: Losses::default(),
            rows: 0,
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    ///
    /// A row that breaks [`Utterance::validate`] or has a text that the format cannot hold; a file
    /// that cannot be written.
    pub fn write(&mut self, row: &Utterance) -> Result<()> {
        row.validate().map_err(|source| Error::Row {
            row: self.rows,
            id: row.id.clone(),
            source,
        })?;
        self.rows += 1;
        self.inner.write(row, &mut self.lost)
    }

    /// Writes rows.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_all(&mut self, rows: &Dataset) -> Result<()> {
        rows.iter().try_for_each(|row| self.write(&row))
    }

    /// What the format could not hold so far.
    pub fn lost(&self) -> &Losses {
        &self.lost
    }

    /// Makes the file appear, and says what it could not hold.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn finish(self) -> Result<Losses> {
        self.inner.finish()?;
        Ok(self.lost)
    }
}
