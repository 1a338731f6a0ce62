//! Writing rows in any format.

use std::fmt;
use std::path::Path;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::file::Output;
use crate::tags::Scheme;
use crate::text::Utterance;

use super::annotation::{DoccanoWriter, LabelStudioWriter};
use super::check::check_write;
use super::conll::ConllWriter;
use super::csv::TableWriter;
use super::format::Format;
use super::json::{JsonWriter, JsonlWriter};
use super::markup::MarkupWriter;
use super::options::WriteOptions;
use super::parquet::{ParquetWriter, Partitioned};
use super::rasa::{RasaJsonWriter, RasaWriter};
use super::row_writer::{Losses, RowWriter};
use super::seq::SeqWriter;
use super::text::TextWriter;

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
    /// Begins a file that replaces what is at `path`, or a folder where none is.
    ///
    /// # Errors
    ///
    /// An unknown ending, a path that cannot be written, a folder that is not empty, a column that
    /// files cannot be partitioned by, an option that has no effect on the format.
    pub fn create(path: &Path, options: &WriteOptions) -> Result<Self> {
        let format = options.format.map_or_else(|| Format::of(path), Ok)?;
        check_write(options, format)?;
        let scheme = options.scheme.unwrap_or(Scheme::Iob2);
        let inner: Box<dyn RowWriter> = match (format, &options.partition_by) {
            (Format::Parquet, Some(column)) => Box::new(Partitioned::create(path, column)?),
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

    /// The fields that the format could not hold so far.
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
