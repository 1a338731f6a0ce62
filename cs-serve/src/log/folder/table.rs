//! Rows as Parquet, a column for each of a row's fields.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use cs_data::file::AtomicFile;
use parquet::basic::Compression;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use super::reading::EachRow;
use crate::log::error::LogError;
use crate::log::row::Row;

const SCHEMA: &str = "message log {
    REQUIRED INT64 time (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY conversation (STRING);
    OPTIONAL BYTE_ARRAY customer (STRING);
    REQUIRED INT32 turn (INTEGER(32, false));
    REQUIRED BYTE_ARRAY text (STRING);
    REQUIRED BYTE_ARRAY reply (STRING);
    OPTIONAL BYTE_ARRAY model (STRING);
    OPTIONAL BYTE_ARRAY route (STRING);
    OPTIONAL BYTE_ARRAY source (STRING);
    OPTIONAL FLOAT satisfied;
    OPTIONAL BYTE_ARRAY filtered_input (STRING);
    OPTIONAL BYTE_ARRAY filtered_reply (STRING);
    OPTIONAL BYTE_ARRAY disagreement (STRING);
}";

#[allow(clippy::expect_used, reason = "a constant, which the tests parse")]
static TYPE: LazyLock<TypePtr> =
    LazyLock::new(|| Arc::new(parse_message_type(SCHEMA).expect("a schema")));

/// The key of the format's version in the file.
const VERSION_KEY: &str = "cs-log.version";
const VERSION: u32 = 2;

/// The columns of the first version, which has no disagreements.
const FIRST: usize = 12;

/// The most rows of a group, which are in memory together, and the bytes from which on it is written.
const GROUP_ROWS: usize = 1 << 14;
const GROUP_BYTES: usize = 1 << 25;

/// A file of rows, which appears whole or not at all.
pub(super) struct TableWriter {
    path: PathBuf,
    writer: SerializedFileWriter<AtomicFile>,
    rows: Vec<Row>,
    bytes: usize,
}

impl TableWriter {
    pub(super) fn create(path: &Path) -> std::result::Result<Self, LogError> {
        let file = AtomicFile::create_private(path).map_err(LogError::io(path))?;
        let version = KeyValue::new(VERSION_KEY.to_owned(), VERSION.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![version]))
            .build();
        let writer = SerializedFileWriter::new(file, Arc::clone(&TYPE), Arc::new(properties));
        Ok(Self {
            path: path.to_owned(),
            writer: writer.map_err(failed(path))?,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    pub(super) fn push(&mut self, row: Row) -> std::result::Result<(), LogError> {
        self.bytes += row.text.len() + row.reply.len();
        self.rows.push(row);
        match self.rows.len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> std::result::Result<(), LogError> {
        self.flush()?;
        let file = self.writer.into_inner().map_err(failed(&self.path))?;
        file.finish().map_err(LogError::io(&self.path))
    }

    fn flush(&mut self) -> std::result::Result<(), LogError> {
        if !self.rows.is_empty() {
            write_group(&mut self.writer, &self.rows).map_err(failed(&self.path))?;
            self.rows.clear();
            self.bytes = 0;
        }
        Ok(())
    }
}

/// Hands on each row of a file.
pub(super) fn read(path: &Path, each: &mut EachRow<'_>) -> std::result::Result<(), LogError> {
    let file = File::open(path).map_err(LogError::io(path))?;
    let reader = SerializedFileReader::new(file).map_err(failed(path))?;
    check(&reader).map_err(failed(path))?;
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(failed(path))?;
        for row in read_group(group.as_ref()).map_err(failed(path))? {
            number += 1;
            each(row).map_err(|source| LogError::Row {
                path: path.to_owned(),
                number,
                source,
            })?;
        }
    }
    Ok(())
}

/// Writes a file anew, with what `change` makes of its rows.
pub(super) fn rewrite(
    path: &Path,
    change: &dyn Fn(Row) -> Option<Row>,
) -> std::result::Result<(), LogError> {
    let mut writer = TableWriter::create(path)?;
    read(path, &mut |row| match change(row) {
        Some(row) => Ok(writer.push(row)?),
        None => Ok(()),
    })?;
    writer.finish()
}

fn failed(path: &Path) -> impl FnOnce(ParquetError) -> LogError {
    move |source| LogError::Parquet {
        path: path.to_owned(),
        source: source.into(),
    }
}

fn check(reader: &SerializedFileReader<File>) -> Result<()> {
    let metadata = reader.metadata().file_metadata();
    let pairs = metadata.key_value_metadata().into_iter().flatten();
    let mut versions = pairs.filter(|it| it.key == VERSION_KEY);
    let version = versions.next().and_then(|it| it.value.as_deref());
    let all = TYPE.get_fields();
    let columns = match version.map(str::parse::<u32>) {
        Some(Ok(1)) => &all[..FIRST],
        Some(Ok(VERSION)) => all,
        Some(Ok(found)) => {
            let message = format!("format version {found}, expected at most {VERSION}");
            return Err(ParquetError::General(message));
        }
        _ => return Err(unexpected("a file without", VERSION_KEY)),
    };
    match metadata.schema().get_fields() == columns {
        true => Ok(()),
        false => Err(unexpected("other columns than", SCHEMA)),
    }
}

fn unexpected(found: &str, expected: &str) -> ParquetError {
    let expected: Vec<_> = expected.split_whitespace().collect();
    ParquetError::General(format!("{found} those of a log: {}", expected.join(" ")))
}

fn write_group(writer: &mut SerializedFileWriter<AtomicFile>, rows: &[Row]) -> Result<()> {
    let mut group = writer.next_row_group()?;
    let mut columns = ColumnWriter {
        group: &mut group,
        rows,
    };
    columns.first()?;
    columns.disagreements()?;
    group.close().map(drop)
}

/// Writes columns of a group, one after the other.
struct ColumnWriter<'a, 'b> {
    group: &'a mut SerializedRowGroupWriter<'b, AtomicFile>,
    rows: &'a [Row],
}

impl ColumnWriter<'_, '_> {
    /// Writes the columns that the first version had.
    fn first(&mut self) -> Result<()> {
        self.required::<Int64Type>(|it| i64::try_from(it.time).unwrap_or(i64::MAX))?;
        self.text(|it| &it.conversation)?;
        self.optional_text(|it| it.customer.as_deref())?;
        self.required::<Int32Type>(|it| it.turn.cast_signed())?;
        self.text(|it| &it.text)?;
        self.text(|it| &it.reply)?;
        self.optional_text(|it| it.model.as_deref())?;
        self.optional_text(|it| it.route.as_deref())?;
        self.optional_text(|it| it.source.as_deref())?;
        self.optional::<FloatType>(|it| it.satisfied)?;
        self.optional_text(|it| it.filtered_input.as_deref())?;
        self.optional_text(|it| it.filtered_reply.as_deref())
    }

    fn text(&mut self, field: impl Fn(&Row) -> &str) -> Result<()> {
        self.required::<ByteArrayType>(|it| ByteArray::from(field(it)))
    }

    fn optional_text(&mut self, field: impl Fn(&Row) -> Option<&str>) -> Result<()> {
        self.optional::<ByteArrayType>(|it| field(it).map(ByteArray::from))
    }

    fn disagreements(&mut self) -> Result<()> {
        let json = |row: &Row| {
            row.disagreement
                .as_ref()
                .map(serde_json::to_vec)
                .transpose()
        };
        let cells: serde_json::Result<Vec<_>> = self.rows.iter().map(json).collect();
        let cells = cells.map_err(no_disagreement)?;
        let levels: Vec<_> = cells.iter().map(|it| i16::from(it.is_some())).collect();
        let values: Vec<_> = cells.into_iter().flatten().map(ByteArray::from).collect();
        self.put::<ByteArrayType>(&values, Some(&levels))
    }

    fn required<T: DataType>(&mut self, field: impl Fn(&Row) -> T::T) -> Result<()> {
        let values: Vec<_> = self.rows.iter().map(field).collect();
        self.put::<T>(&values, None)
    }

    fn optional<T: DataType>(&mut self, field: impl Fn(&Row) -> Option<T::T>) -> Result<()> {
        let cells: Vec<_> = self.rows.iter().map(field).collect();
        let levels: Vec<_> = cells.iter().map(|it| i16::from(it.is_some())).collect();
        let values: Vec<_> = cells.into_iter().flatten().collect();
        self.put::<T>(&values, Some(&levels))
    }

    fn put<T: DataType>(&mut self, values: &[T::T], levels: Option<&[i16]>) -> Result<()> {
        let mut column = self.group.next_column()?.ok_or_else(too_few)?;
        column.typed::<T>().write_batch(values, levels, None)?;
        column.close()
    }
}

fn read_group(group: &dyn RowGroupReader) -> Result<Vec<Row>> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
    if rows > GROUP_ROWS {
        let message = format!("a group of {rows} rows, expected at most {GROUP_ROWS}");
        return Err(ParquetError::General(message));
    }
    let mut columns = ColumnReader {
        group,
        rows,
        next: 0,
    };
    let mut found = vec![Row::default(); rows];
    columns.required::<Int64Type>(&mut found, |it, time| {
        it.time = u64::try_from(time).unwrap_or(0);
    })?;
    columns.text(&mut found, |it, text| it.conversation = text)?;
    columns.optional_text(&mut found, |it, text| it.customer = text)?;
    columns.required::<Int32Type>(&mut found, |it, turn| it.turn = turn.cast_unsigned())?;
    columns.text(&mut found, |it, text| it.text = text)?;
    columns.text(&mut found, |it, text| it.reply = text)?;
    columns.optional_text(&mut found, |it, text| it.model = text)?;
    columns.optional_text(&mut found, |it, text| it.route = text)?;
    columns.optional_text(&mut found, |it, text| it.source = text)?;
    columns.optional::<FloatType>(&mut found, |it, value| it.satisfied = value)?;
    columns.optional_text(&mut found, |it, text| it.filtered_input = text)?;
    columns.optional_text(&mut found, |it, text| it.filtered_reply = text)?;
    if group.num_columns() > FIRST {
        columns.disagreements(&mut found)?;
    }
    Ok(found)
}

/// Reads columns of a group into rows, one after the other.
struct ColumnReader<'a> {
    group: &'a dyn RowGroupReader,
    rows: usize,
    next: usize,
}

impl ColumnReader<'_> {
    fn text(&mut self, rows: &mut [Row], put: impl Fn(&mut Row, String)) -> Result<()> {
        self.optional_text(rows, |it, text| put(it, text.unwrap_or_default()))
    }

    fn optional_text(
        &mut self,
        rows: &mut [Row],
        put: impl Fn(&mut Row, Option<String>),
    ) -> Result<()> {
        for (row, cell) in rows.iter_mut().zip(self.cells::<ByteArrayType>()?) {
            let text = cell.map(|it| it.as_utf8().map(str::to_owned)).transpose()?;
            put(row, text);
        }
        Ok(())
    }

    fn disagreements(&mut self, rows: &mut [Row]) -> Result<()> {
        for (row, cell) in rows.iter_mut().zip(self.cells::<ByteArrayType>()?) {
            let parse = |it: ByteArray| serde_json::from_slice(it.data()).map_err(no_disagreement);
            row.disagreement = cell.map(parse).transpose()?;
        }
        Ok(())
    }

    fn required<T: DataType>(
        &mut self,
        rows: &mut [Row],
        put: impl Fn(&mut Row, T::T),
    ) -> Result<()> {
        self.optional::<T>(rows, |it, cell| put(it, cell.unwrap_or_default()))
    }

    fn optional<T: DataType>(
        &mut self,
        rows: &mut [Row],
        put: impl Fn(&mut Row, Option<T::T>),
    ) -> Result<()> {
        let cells = self.cells::<T>()?;
        rows.iter_mut()
            .zip(cells)
            .for_each(|(row, cell)| put(row, cell));
        Ok(())
    }

    /// Gives the next column, a cell for each row.
    fn cells<T: DataType>(&mut self) -> Result<Vec<Option<T::T>>> {
        let reader = self.group.get_column_reader(self.next)?;
        let is_optional = TYPE.get_fields()[self.next].is_optional();
        self.next += 1;
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut reader = get_typed_column_reader::<T>(reader);
        let mut read = 0;
        while read < self.rows {
            let left = self.rows - read;
            let levels = is_optional.then_some(&mut levels);
            match reader.read_records(left, levels, None, &mut values)?.0 {
                0 => return Err(too_few()),
                records => read += records,
            }
        }
        let mut values = values.into_iter();
        if !is_optional {
            return Ok(values.map(Some).collect());
        }
        let cells = levels.into_iter().map(|level| match level {
            0 => Ok(None),
            _ => values.next().map(Some).ok_or_else(too_few),
        });
        cells.collect()
    }
}

fn no_disagreement(error: serde_json::Error) -> ParquetError {
    ParquetError::General(format!("a disagreement: {error}"))
}

fn too_few() -> ParquetError {
    ParquetError::General("fewer columns or cells than the file says".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_first_version_is_read_and_written_anew_as_one_of_this() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first.parquet");
        let last = SCHEMA.rfind("    OPTIONAL").unwrap();
        let schema = parse_message_type(&format!("{}}}", &SCHEMA[..last])).unwrap();
        let version = KeyValue::new(VERSION_KEY.to_owned(), "1".to_owned());
        let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![version]));
        let file = AtomicFile::create_private(&path).unwrap();
        let properties = Arc::new(properties.build());
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let row = Row {
            turn: 3,
            text: "hello".to_owned(),
            filtered_reply: Some("pass".to_owned()),
            ..Row::default()
        };
        let mut columns = ColumnWriter {
            group: &mut group,
            rows: std::slice::from_ref(&row),
        };
        columns.first().unwrap();
        group.close().unwrap();
        writer.into_inner().unwrap().finish().unwrap();

        let rows = || {
            let mut found = Vec::new();
            read(&path, &mut |row| {
                found.push(row);
                Ok(())
            })
            .unwrap();
            found
        };
        assert_eq!(rows(), std::slice::from_ref(&row));
        let disagreement = Some(crate::log::Disagreement::default());
        let with = |row: Row| Row {
            disagreement: disagreement.clone(),
            ..row
        };
        rewrite(&path, &|row| Some(with(row))).unwrap();
        assert_eq!(rows(), [with(row)]);
    }
}
