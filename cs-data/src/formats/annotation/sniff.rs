//! Which program made a JSON file, where its first records leave no doubt.

use std::io::{BufReader, Cursor as Bytes, Read};
use std::path::Path;

use serde_json::Value;

use crate::error::Result;
use crate::formats::input::Charset;
use crate::formats::json::{Cursor, Kind, Records};
use crate::formats::options::{Format, ReadOptions};
use crate::formats::{conll, input, rasa};

use super::{doccano, label_studio};

/// How much of a file is looked at, in bytes and in records.
const BYTES: u64 = 1 << 18;
const RECORDS: usize = 64;

/// The format of a file whose ending says `format`. A mapping says what the fields are, so that
/// nothing is guessed beside it.
pub(crate) fn format(path: &Path, format: Format, options: &ReadOptions) -> Result<Format> {
    let is_json = matches!(format, Format::Json | Format::Jsonl);
    if !is_json || !options.columns.is_empty() || options.records.is_some() {
        return Ok(format);
    }
    let start = start(path, options.encoding)?;
    let records = match format {
        Format::Jsonl => lines(&start),
        _ if has_root(path, &start) => return Ok(Format::RasaJson),
        _ => elements(path, &start),
    };
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

/// Whether the file is an object with Rasa's key. What is wrong with it is said when it is read.
fn has_root(path: &Path, start: &[u8]) -> bool {
    let walk = || -> Result<bool> {
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
    };
    walk().unwrap_or(false)
}

/// The first whole elements of an array.
fn elements(path: &Path, start: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut walk = || -> Result<()> {
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
    };
    // The rest of the file is cut off.
    drop(walk());
    found
}
