//! From a path to the reader of what is there.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use crate::error::Result;

use super::annotation::sniff;
use super::blocks::{BlockReader, Blocks};
use super::check::check;
use super::conll::ConllReader;
use super::csv::Table;
use super::json::{Cursor, JsonLinesReader, JsonReader, Jsonl, needs_shape};
use super::markup::MarkupReader;
use super::options::{Format, ReadOptions};
use super::parquet::ParquetReader;
use super::rasa::RasaReader;
use super::row_reader::{ChunkReader, LineSource, RowChunks, RowReader};
use super::text::TextReader;
use super::union::Union;
use super::{input, rasa, seq, union};

/// Opens a file, or a folder of one format.
pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn ChunkReader>> {
    let format = options.format.map_or_else(|| Format::of(path), Ok)?;
    if !path.is_dir() || matches!(format, Format::Seq | Format::Parquet) {
        return file(path, format, options, 0);
    }
    let files = union::files(path, format)?;
    if format == Format::Rasa {
        check(options, format)?;
        return rasa(path, &files, options, 0);
    }
    Ok(Box::new(Union::new(path, files, format, options)))
}

/// Opens a file whose first row has that number. If no format is asked for, what the file shows may
/// be more exact than its ending.
pub(crate) fn file(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    row: usize,
) -> Result<Box<dyn ChunkReader>> {
    let format = match options.format {
        Some(format) => format,
        None => sniff::format(path, format, options)?,
    };
    check(options, format)?;
    let options = &ReadOptions {
        format: Some(format),
        ..options.clone()
    };
    let lines = || LineSource::open(path, options.encoding);
    let reader: Box<dyn RowReader> = match format {
        Format::Jsonl => return objects(path, options, row),
        Format::Csv | Format::Tsv => {
            let mut blocks = Blocks::open(path, options.encoding, row)?;
            let table = Table::open(&mut blocks, format, options)?;
            return Ok(Box::new(BlockReader::new(blocks, table, options.lenient)));
        }
        Format::Parquet => return Ok(Box::new(ParquetReader::open(path, options)?)),
        Format::Rasa => return rasa(path, &[path.to_owned()], options, row),
        Format::Conll => Box::new(ConllReader::new(lines()?, options.scheme, row)),
        Format::Markup => Box::new(MarkupReader::new(lines()?, row)),
        Format::Text => Box::new(TextReader::new(lines()?, row)),
        Format::Json => Box::new(JsonReader::new(cursor(path, options)?, options, row)?),
        Format::Doccano | Format::LabelStudio if begins_with_array(path, options)? => {
            Box::new(JsonReader::new(cursor(path, options)?, options, row)?)
        }
        Format::Doccano | Format::LabelStudio => {
            Box::new(JsonLinesReader::new(lines()?, options, row))
        }
        Format::RasaJson => {
            let options = ReadOptions {
                records: Some(rasa::json::records()),
                ..options.clone()
            };
            let sections = rasa::json::sections(cursor(path, &options)?)?;
            let reader = JsonReader::new(cursor(path, &options)?, &options, row)?;
            Box::new(reader.with_sections(sections))
        }
        Format::Seq => seq::reader(path, options)?,
    };
    let rows = RowChunks::new(path, reader, options.lenient, row);
    Ok(Box::new(rows))
}

/// JSON Lines, in parallel where objects are in our shape.
fn objects(path: &Path, options: &ReadOptions, row: usize) -> Result<Box<dyn ChunkReader>> {
    let blocks = Blocks::open(path, options.encoding, row)?;
    if options.columns.is_empty() && !needs_shape(blocks.piece().bytes) {
        return Ok(Box::new(BlockReader::new(blocks, Jsonl, options.lenient)));
    }
    let lines = LineSource::open(path, options.encoding)?;
    let reader = JsonLinesReader::new(lines, options, row);
    let rows = RowChunks::new(path, Box::new(reader), options.lenient, row);
    Ok(Box::new(rows))
}

fn rasa(
    path: &Path,
    files: &[PathBuf],
    options: &ReadOptions,
    row: usize,
) -> Result<Box<dyn ChunkReader>> {
    let reader = RasaReader::open(files, options.encoding)?;
    let rows = RowChunks::new(path, Box::new(reader), options.lenient, row);
    Ok(Box::new(rows))
}

fn cursor(path: &Path, options: &ReadOptions) -> Result<Cursor> {
    Cursor::new(path, input::open(path, options.encoding)?)
}

/// Whether a file is an array, not an object a line.
fn begins_with_array(path: &Path, options: &ReadOptions) -> Result<bool> {
    let mut input = input::open(path, options.encoding)?;
    let start = input
        .fill_buf()
        .map_err(|error| input::failed(path, error))?;
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(first == Some(&b'['))
}
