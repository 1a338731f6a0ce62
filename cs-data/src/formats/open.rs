//! From a path to the reader of what is there.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::annotation::{Doccano, LabelStudio};
use super::blocks::{BlockReader, Blocks};
use super::check::check;
use super::conll::ConllReader;
use super::csv::{Layout, Table};
use super::format::Format;
use super::json::{
    Cursor, Export, JsonLinesReader, JsonReader, Jsonl, Records, Shape, needs_shape,
};
use super::markup::MarkupReader;
use super::options::ReadOptions;
use super::parquet::ParquetReader;
use super::rasa::{RasaExport, RasaReader};
use super::row_reader::{Chunk, ChunkReader, LineSource, RowChunks, RowReader, no_rows};
use super::text::TextReader;
use super::{folder, input, rasa, seq, sniff};

/// Opens a file, or a folder of one format.
pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn ChunkReader>> {
    let format = options.format.map_or_else(|| Format::of(path), Ok)?;
    if !path.is_dir() || matches!(format, Format::Seq | Format::Parquet) {
        return file(path, format, options, 0);
    }
    let files = folder::files(path, format)?;
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
    let reader: Box<dyn RowReader> = match format {
        Format::Jsonl => return objects(path, options, row),
        Format::Csv | Format::Tsv => {
            let mut blocks = Blocks::open(path, options.encoding, row)?;
            let layout = Layout {
                format,
                separator: options.separator,
                columns: &options.columns,
                has_header: !options.no_header,
            };
            let table = Table::open(&mut blocks, &layout)?;
            return Ok(Box::new(BlockReader::new(blocks, table, options.lenient)));
        }
        Format::Parquet => return Ok(Box::new(ParquetReader::open(path, options)?)),
        Format::Rasa => return rasa(path, &[path.to_owned()], options, row),
        Format::Conll => {
            let lines = LineSource::open(path, options.encoding)?;
            Box::new(ConllReader::new(lines, options.scheme, row))
        }
        Format::Markup => {
            let lines = LineSource::open(path, options.encoding)?;
            Box::new(MarkupReader::new(lines, row))
        }
        Format::Text => Box::new(TextReader::new(
            LineSource::open(path, options.encoding)?,
            row,
        )),
        Format::Json | Format::Doccano | Format::LabelStudio | Format::RasaJson => {
            json(path, format, options, row)?
        }
        Format::Seq => seq::reader(path, options)?,
    };
    let rows = RowChunks::new(path, reader, options.lenient, row);
    Ok(Box::new(rows))
}

/// JSON that is no JSON Lines in our shape.
fn json(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    row: usize,
) -> Result<Box<dyn RowReader>> {
    let shape = Shape::new(&options.columns, options.scheme, export(format));
    let may_be_lines = matches!(format, Format::Doccano | Format::LabelStudio);
    if may_be_lines && !begins_with_array(path, options)? {
        let lines = LineSource::open(path, options.encoding)?;
        return Ok(Box::new(JsonLinesReader::new(lines, shape, row)));
    }
    if format == Format::RasaJson {
        let sections = rasa::json::sections(cursor(path, options)?)?;
        let records = Records::new(cursor(path, options)?, Some(&rasa::json::records()))?;
        let reader = JsonReader::new(records, shape, row);
        return Ok(Box::new(reader.keeping(rasa::SECTIONS, sections)));
    }
    let records = Records::new(cursor(path, options)?, options.records.as_ref())?;
    Ok(Box::new(JsonReader::new(records, shape, row)))
}

/// The program of whose exports a format is.
fn export(format: Format) -> Option<&'static dyn Export> {
    match format {
        Format::Doccano => Some(&Doccano),
        Format::LabelStudio => Some(&LabelStudio),
        Format::RasaJson => Some(&RasaExport),
        _ => None,
    }
}

/// JSON Lines, in parallel where objects are in our shape.
fn objects(path: &Path, options: &ReadOptions, row: usize) -> Result<Box<dyn ChunkReader>> {
    let blocks = Blocks::open(path, options.encoding, row)?;
    if options.columns.is_empty() && !needs_shape(blocks.piece().bytes) {
        return Ok(Box::new(BlockReader::new(blocks, Jsonl, options.lenient)));
    }
    let lines = LineSource::open(path, options.encoding)?;
    let shape = Shape::new(&options.columns, options.scheme, None);
    let reader = JsonLinesReader::new(lines, shape, row);
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

/// The files of a folder as one; rows without an id get their number over all files as one.
struct Union {
    root: PathBuf,
    files: std::vec::IntoIter<PathBuf>,
    format: Format,
    options: ReadOptions,
    current: Option<Box<dyn ChunkReader>>,
    row: usize,
}

impl Union {
    fn new(root: &Path, files: Vec<PathBuf>, format: Format, options: &ReadOptions) -> Self {
        Union {
            root: root.into(),
            files: files.into_iter(),
            format,
            options: options.clone(),
            current: None,
            row: 0,
        }
    }
}

impl ChunkReader for Union {
    fn next_chunk(&mut self) -> Option<Result<Chunk>> {
        loop {
            if let Some(current) = &mut self.current {
                let chunk = current.next_chunk();
                self.row = current.rows();
                if chunk.is_some() {
                    return chunk;
                }
            }
            let path = self.files.next()?;
            match file(&path, self.format, &self.options, self.row) {
                Ok(reader) => self.current = Some(reader),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn rows(&self) -> usize {
        self.row
    }

    fn path(&self) -> &Path {
        let current = self.current.as_ref().map(|reader| reader.path());
        current.unwrap_or(&self.root)
    }

    fn no_rows(&self) -> Error {
        no_rows(&self.root)
    }
}
