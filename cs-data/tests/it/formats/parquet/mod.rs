//! Tests of Parquet: files, and folders partitioned by a column.

mod pages;
mod partition;
mod reader;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

pub(super) fn parquet(folder: &TempDir, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = folder.path().join(name);
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

pub(super) fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(super) fn spans(start: Vec<Option<i64>>, end: i64) -> ArrayRef {
    let count = start.len();
    let field = |name: &str, kind| Field::new(name, kind, true);
    let fields = Fields::from(vec![
        field("start", DataType::Int64),
        field("end", DataType::Int64),
        field("label", DataType::Utf8),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(start)),
        Arc::new(Int64Array::from(vec![end; count])),
        strings(&vec![Some("x"); count]),
    ];
    let items = StructArray::new(fields.clone(), columns, None);
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    let offsets = OffsetBuffer::from_lengths(vec![1; count]);
    Arc::new(ListArray::new(item, offsets, Arc::new(items), None))
}
