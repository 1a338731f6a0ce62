//! Writing Parquet: files, and folders partitioned by a column.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::dataset::{Builder, SCHEMA, View};
use crate::error::{Error, Result};
use crate::file::{Output, OutputFolder, failed};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{Offsets, Utterance, floor};

use super::partition;

/// The version of the columns, under this key of the file's metadata.
pub(crate) const VERSION_KEY: &str = "cs_data.version";
pub(crate) const VERSION: u32 = 1;

/// Rows go to the Parquet library in batches of so many.
const BATCH_ROWS: usize = 4096;

/// A row group is closed at about this size, which is also what the writer keeps in memory.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// The most files that are open at a time, below the usual limit of a process.
const MAX_PARTITIONS: usize = 512;

/// The columns as files have them: offsets in characters, words as plain strings, of which Parquet
/// makes dictionaries itself.
static FILE_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(..) => Field::new(field.name(), DataType::Utf8, field.is_nullable()),
        DataType::List(_) => {
            let item = Field::new_list_field(DataType::Struct(span_fields()), false);
            Field::new(
                field.name(),
                DataType::List(Arc::new(item)),
                field.is_nullable(),
            )
        }
        _ => field.as_ref().clone(),
    };
    Arc::new(Schema::new(
        SCHEMA.fields().iter().map(field).collect::<Vec<_>>(),
    ))
});

fn span_fields() -> Fields {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("label", DataType::Utf8, false),
    ])
}

fn to_file(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = FILE_SCHEMA.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, column)| match field.data_type() {
        DataType::List(_) => spans_to_file(batch, column),
        kind => Ok(cast(column, kind)?),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(FILE_SCHEMA.clone(), columns)?)
}

/// The spans with their offsets in characters.
fn spans_to_file(batch: &RecordBatch, column: &ArrayRef) -> Result<ArrayRef> {
    let lists: &ListArray = column.as_list();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let view = View(batch);
    for row in 0..batch.num_rows() {
        let mut offsets = None;
        for (start, end, _) in view.spans(row) {
            let text = view.text(row);
            let offsets = offsets.get_or_insert_with(|| Offsets::new(text));
            // Valid spans lie on boundaries, so that nothing is moved here.
            let char = |byte| offsets.char(floor(text, byte)).unwrap_or_default() as u32;
            starts.push(char(start));
            ends.push(char(end));
        }
    }
    let labels = lists.values().as_struct().column(2);
    let fields: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(starts)),
        Arc::new(UInt32Array::from(ends)),
        cast(labels, &DataType::Utf8)?,
    ];
    let spans = StructArray::try_new(span_fields(), fields, None)?;
    let item = Field::new_list_field(DataType::Struct(span_fields()), false);
    let offsets = lists.offsets().clone();
    Ok(Arc::new(ListArray::try_new(
        Arc::new(item),
        offsets,
        Arc::new(spans),
        lists.nulls().cloned(),
    )?))
}

/// Writes a file. Holds everything.
pub(crate) struct ParquetWriter {
    path: PathBuf,
    writer: ArrowWriter<Output>,
    rows: Builder,
    /// The positions of the columns that are written.
    columns: Vec<usize>,
}

impl ParquetWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Self::without(None, path)
    }

    /// Leaves a column out.
    fn without(column: Option<&str>, path: &Path) -> Result<Self> {
        let names = FILE_SCHEMA
            .fields()
            .iter()
            .map(|field| field.name().as_str());
        let columns: Vec<usize> = names
            .enumerate()
            .filter(|(_, name)| Some(*name) != column)
            .map(|(at, _)| at)
            .collect();
        let version = KeyValue::new(VERSION_KEY.into(), VERSION.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![version]))
            .build();
        let schema = Arc::new(FILE_SCHEMA.project(&columns)?);
        let draft = Output::create(path)?;
        let writer = ArrowWriter::try_new(draft, schema, Some(properties));
        Ok(ParquetWriter {
            path: path.into(),
            writer: writer.map_err(parquet_failed(path))?,
            rows: Builder::default(),
            columns,
        })
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.rows).finish()?;
        let batch = to_file(&batch)?.project(&self.columns)?;
        self.writer
            .write(&batch)
            .map_err(parquet_failed(&self.path))?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(parquet_failed(&self.path))?;
        }
        Ok(())
    }
}

impl RowWriter for ParquetWriter {
    fn write(&mut self, row: &Utterance, _: &mut Losses) -> Result<()> {
        self.rows.push(row)?;
        if self.rows.len() >= BATCH_ROWS || self.rows.is_full() {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush()?;
        let path = self.path;
        self.writer
            .into_inner()
            .map_err(parquet_failed(&path))?
            .finish()
    }
}

/// Writes a folder with a file for each value of a column.
pub(crate) struct Partitioned {
    folder: OutputFolder,
    column: &'static str,
    files: HashMap<Option<String>, ParquetWriter>,
}

impl Partitioned {
    pub(crate) fn create(path: &Path, column: &str) -> Result<Self> {
        let columns = ["intent", "speaker", "origin"];
        let known = columns.into_iter().find(|known| *known == column);
        Ok(Partitioned {
            column: known.ok_or_else(|| {
                Error::argument("partition_by", format!("{column:?}"), columns.join(", "))
            })?,
            folder: OutputFolder::create(path)?,
            files: HashMap::new(),
        })
    }

    fn open(&self, value: Option<&str>) -> Result<ParquetWriter> {
        if self.files.len() == MAX_PARTITIONS {
            return Err(Error::argument(
                "partition_by",
                format!("{}, which has more values", self.column),
                format!("a column of at most {MAX_PARTITIONS} values"),
            ));
        }
        let folder = self
            .folder
            .path()
            .join(partition::folder(self.column, value));
        std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        ParquetWriter::without(Some(self.column), &folder.join("part-0.parquet"))
    }
}

impl RowWriter for Partitioned {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        let value = match self.column {
            "intent" => row.intent.as_deref().filter(|intent| !intent.is_empty()),
            "speaker" => row
                .dialogue
                .as_ref()
                .and_then(|turn| turn.speaker.as_deref()),
            _ => Some(row.origin.as_str()),
        };
        let key = value.map(str::to_owned);
        if !self.files.contains_key(&key) {
            let file = self.open(value)?;
            self.files.insert(key.clone(), file);
        }
        match self.files.get_mut(&key) {
            Some(file) => file.write(row, lost),
            None => Ok(()),
        }
    }

    fn finish(self: Box<Self>) -> Result<()> {
        for file in self.files.into_values() {
            Box::new(file).finish()?;
        }
        self.folder.finish()
    }
}

pub(crate) fn parquet_failed(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Error {
    move |source| Error::Parquet {
        path: path.into(),
        source,
    }
}
