//! Reading Parquet, batch by batch in constant memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use crate::dataset::Builder;
use crate::error::{Error, Result};
use crate::file::{failed, shown};
use crate::formats::columns::Columns;
use crate::formats::options::ReadOptions;
use crate::formats::row_reader::{Chunk, ChunkReader, Place, no_rows};

use super::cells::Broken;
use super::pages;
use super::partition::{Part, parts};
use super::table::Table;
use super::writer::{VERSION, VERSION_KEY, parquet_failed};

/// Rows that take more are handed out in several pieces, in bytes.
const CHUNK_BYTES: usize = 64 << 20;

/// Reads a file, or the files of a folder by name.
pub(crate) struct ParquetReader {
    root: PathBuf,
    columns: Columns,
    lenient: bool,
    parts: std::vec::IntoIter<Part>,
    current: Option<(Part, ParquetRecordBatchReader)>,
    /// A batch of which the first rows have been handed out.
    pending: Option<(RecordBatch, usize)>,
    /// Rows read before this batch, of all files and of this one.
    row: usize,
    row_of_part: usize,
}

impl ParquetReader {
    pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        Ok(ParquetReader {
            root: path.into(),
            columns: options.columns.clone(),
            lenient: options.lenient,
            parts: parts(path)?.into_iter(),
            current: None,
            pending: None,
            row: 0,
            row_of_part: 0,
        })
    }

    /// The next batch of any file.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some((part, reader)) = &mut self.current {
                match reader.next() {
                    Some(Ok(batch)) => return Ok(Some(batch)),
                    Some(Err(error)) => {
                        return Err(Error::file(
                            &part.path,
                            error.to_string(),
                            "a whole Parquet file",
                        ));
                    }
                    None => {}
                }
            }
            let Some(part) = self.parts.next() else {
                return Ok(None);
            };
            let reader = open(&part.path)?;
            self.current = Some((part, reader));
            self.row_of_part = 0;
        }
    }

    /// The rows of a batch from `first` on, as many as a piece holds.
    fn chunk(&mut self, batch: RecordBatch, first: usize) -> Result<Chunk> {
        let Some((part, _)) = &self.current else {
            return Err(no_rows(&self.root));
        };
        let table = Table::new(part, &batch, &self.columns)?;
        let mut builder = Builder::default();
        let (mut places, mut faults) = (Vec::new(), Vec::new());
        let (mut at, mut bytes) = (first, 0);
        while at < batch.num_rows() && bytes < CHUNK_BYTES {
            let row = self.row + at - first;
            match table.push(at, row, &mut builder)? {
                Ok(size) => {
                    bytes += size;
                    places.push(Place { line: 0, row });
                }
                Err(Broken {
                    column,
                    found,
                    expected,
                }) => {
                    faults.push(Error::Cell {
                        path: part.path.clone(),
                        row: self.row_of_part + at - first,
                        column,
                        found,
                        expected,
                    });
                    if !self.lenient {
                        break;
                    }
                }
            }
            at += 1;
        }
        self.row += at - first;
        self.row_of_part += at - first;
        self.pending = (at < batch.num_rows()).then_some((batch, at));
        Ok(Chunk {
            batch: builder.finish()?,
            places,
            named: true,
            faults,
        })
    }
}

impl ChunkReader for ParquetReader {
    fn next_chunk(&mut self) -> Option<Result<Chunk>> {
        if let Some((batch, first)) = self.pending.take() {
            return Some(self.chunk(batch, first));
        }
        match self.next_batch() {
            Ok(batch) => batch.map(|batch| self.chunk(batch, 0)),
            Err(error) => Some(Err(error)),
        }
    }

    fn rows(&self) -> usize {
        self.row
    }

    fn path(&self) -> &Path {
        let part = self.current.as_ref().map(|(part, _)| &*part.path);
        part.unwrap_or(&self.root)
    }

    fn no_rows(&self) -> Error {
        no_rows(&self.root)
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReader> {
    let file = File::open(path).map_err(failed(path))?;
    let options = ArrowReaderOptions::new();
    let found = ArrowReaderMetadata::load(&file, options).map_err(parquet_failed(path))?;
    let metadata = found.metadata().file_metadata().key_value_metadata();
    let version = metadata
        .into_iter()
        .flatten()
        .find(|entry| entry.key == VERSION_KEY)
        .and_then(|entry| entry.value.clone());
    if let Some(version) = version
        && version
            .parse::<u32>()
            .ok()
            .is_none_or(|version| version > VERSION)
    {
        return Err(Error::file(
            path,
            format!("{VERSION_KEY} {}", shown(&version)),
            format!("at most {VERSION}"),
        ));
    }
    let rows = pages::check(path, &file, found.metadata())?;
    let fields = found.schema().fields().iter().map(viewed);
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let viewed = ArrowReaderMetadata::try_new(found.metadata().clone(), options);
    ParquetRecordBatchReaderBuilder::new_with_metadata(file, viewed.map_err(parquet_failed(path))?)
        .with_batch_size(rows)
        .build()
        .map_err(parquet_failed(path))
}

/// The field with strings as views of their pages: a dictionary's string that stands in every row
/// is in memory once.
fn viewed(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Dictionary(_, values)
            if matches!(**values, DataType::Utf8 | DataType::LargeUtf8) =>
        {
            DataType::Utf8View
        }
        DataType::List(item) => DataType::List(viewed(item)),
        DataType::LargeList(item) => DataType::LargeList(viewed(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(viewed).collect()),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(kind))
}
