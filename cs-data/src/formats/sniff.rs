//! Which format a path has: by its ending, by what is in a folder, by what a file's first records
//! leave no doubt of.

use std::io::{BufReader, Cursor as Bytes, Read};
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};

use super::annotation::{doccano, label_studio};
use super::format::{Format, ending};
use super::input::Charset;
use super::json::{Cursor, Kind, Records};
use super::options::ReadOptions;
use super::parquet::has_parquet;
use super::{conll, folder, input, rasa};

/// How much of a file is looked at, in bytes and in records.
const BYTES: u64 = 1 << 18;
const RECORDS: usize = 64;

/// What a path may be.
const KNOWN: &str = "jsonl, csv, tsv, parquet, conll, txt, markup, json, yml, \
                     a folder of such files or with seq.in, or a format by name";

impl Format {
    /// Finds the format by ending. A folder is [`Format::Parquet`] if such a file or a partition is
    /// in it, [`Format::Seq`] if `seq.in` is or nothing that is known, else what its files are.
    ///
    /// # Errors
    ///
    /// Another ending; a folder with files of several formats.
    pub fn of(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Self::of_ending(path).ok_or_else(|| {
                let found = format!("the ending {:?}", ending(path));
                Error::file(path, found, KNOWN)
            });
        }
        if has_parquet(path) {
            return Ok(Format::Parquet);
        }
        if path.join("seq.in").exists() {
            return Ok(Format::Seq);
        }
        Ok(folder::format(path)?.unwrap_or(Format::Seq))
    }

    /// Finds the format of a file of texts whose labels do not matter: [`Format::Text`] for a
    /// `.txt` file that does not show tokens and tags in its first lines; `None`: by the ending.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn of_texts(path: &Path, encoding: Option<Charset>) -> Result<Option<Self>> {
        let may_be_text = path.is_file()
            && Self::of_ending(path) == Some(Format::Conll)
            && ending(path) != "conll";
        let is_text = may_be_text && !is_tagged(path, encoding)?;
        Ok(is_text.then_some(Format::Text))
    }
}

/// The format of a file whose ending says `format`. A mapping says what the fields are, so that
/// nothing is guessed beside it.
pub(crate) fn format(path: &Path, format: Format, options: &ReadOptions) -> Result<Format> {
    let is_json = matches!(format, Format::Json | Format::Jsonl);
    if !is_json || !options.columns.is_empty() || options.records.is_some() {
        return Ok(format);
    }
    let start = start(path, options.encoding)?;
    let mut records = Vec::new();
    // What is wrong with the file is said when it is read, and its rest is cut off here.
    match format {
        Format::Jsonl => records = lines(&start),
        _ if has_root(path, &start).unwrap_or(false) => return Ok(Format::RasaJson),
        _ => drop(elements(path, &start, &mut records)),
    }
    let found = if records.iter().any(label_studio::is_record) {
        Format::LabelStudio
    } else if records.iter().any(doccano::is_record) {
        Format::Doccano
    } else {
        format
    };
    Ok(found)
}

/// Whether the first lines of a file that are no comments are a token and its tag each, or tokens
/// with their tags.
pub(crate) fn is_tagged(path: &Path, encoding: Option<Charset>) -> Result<bool> {
    let start = start(path, encoding)?;
    let text = String::from_utf8_lossy(&start);
    let lines = text.trim_start_matches('\u{feff}').lines();
    let mut lines = lines.filter(|line| !line.trim().is_empty() && !line.starts_with(['#', '-']));
    let mut first = lines.by_ref().take(RECORDS).peekable();
    Ok(first.peek().is_some() && first.all(conll::is_tagged))
}

/// The first bytes of a file, decoded.
fn start(path: &Path, encoding: Option<Charset>) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    let read = input::open(path, encoding)?
        .take(BYTES)
        .read_to_end(&mut start);
    read.map_err(|error| input::failed(path, error))?;
    Ok(start)
}

/// The first whole lines that are JSON.
fn lines(start: &[u8]) -> Vec<Value> {
    let lines = start.split(|byte| *byte == b'\n').take(RECORDS);
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn cursor(path: &Path, start: &[u8]) -> Result<Cursor> {
    let bytes = Bytes::new(start.to_vec());
    Cursor::new(path, Box::new(BufReader::new(bytes)))
}

/// Whether the file is an object with Rasa's key.
fn has_root(path: &Path, start: &[u8]) -> Result<bool> {
    let mut cursor = cursor(path, start)?;
    if cursor.kind()? != Kind::Object {
        return Ok(false);
    }
    cursor.enter()?;
    while cursor.next_member()? {
        if cursor.key_at(1) == rasa::json::ROOT {
            return Ok(true);
        }
        cursor.skip()?;
    }
    Ok(false)
}

/// Adds the first whole elements of an array to `found`.
fn elements(path: &Path, start: &[u8], found: &mut Vec<Value>) -> Result<()> {
    let mut cursor = cursor(path, start)?;
    if cursor.kind()? != Kind::Array {
        return Ok(());
    }
    let mut records = Records::new(cursor, None)?;
    while found.len() < RECORDS
        && let Some(record) = records.next()?
    {
        found.extend(serde_json::from_slice::<Value>(&record.raw.bytes).ok());
    }
    Ok(())
}
