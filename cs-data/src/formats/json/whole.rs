//! JSON in one piece, as Hugging Face's `datasets` has it, and with a path any other.
//!
//! Rows are the elements of an array; of the arrays of objects in an object (`{"train": [...]}`,
//! where the key, unless it is `data`, becomes the field `split`); or those of an object of columns
//! (`{"text": [...], "intent": [...]}`, kept in memory). With
//! [`ReadOptions::records`](crate::ReadOptions) they are the values at a path, such as `train.*` or
//! `*.messages.*`, and [`ReadOptions::columns`](crate::ReadOptions) says what is what in them:
//! `text=content` by key, `text=0` by number, `text=a.b` deeper, `dialogue_id=$1` by what the first
//! `*` of the path stands for. Otherwise one record is in memory at a time.
//!
//! A record has the fields of a JSON Lines row. Without `text`, `tokens` with `ner_tags` (or
//! `tags`) are joined and decoded as in CoNLL. Under `features` (or `dataset_info`) in front of the
//! rows stand the names of classes that the rows have as numbers; a class `label` is the intent.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::file::{Output, TextSlice};
use crate::formats::row_reader::{Fault, RowReader};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::Utterance;

use super::object;
use super::records::{Record, Records};
use super::row::{Around, Shape};

const SPLIT: &str = "split";

pub(crate) struct JsonReader {
    records: Records,
    shape: Shape,
    rows: usize,
    line: usize,
    /// Whether all rows have been read.
    ended: bool,
    /// What the next row keeps in `extra`.
    kept: Map<String, Value>,
}

impl JsonReader {
    /// Reads `records`; `rows` is the number of the first row.
    pub(crate) fn new(records: Records, shape: Shape, rows: usize) -> Self {
        JsonReader {
            records,
            shape,
            rows,
            line: 0,
            ended: false,
            kept: Map::new(),
        }
    }

    /// Lets the first row keep `values`, which are no rows, under `key` of its `extra`.
    pub(crate) fn keeping(mut self, key: &str, values: Vec<Value>) -> Self {
        if !values.is_empty() {
            self.kept.insert(key.into(), values.into());
        }
        self
    }

    fn row(&mut self, record: &Record) -> Result<Utterance> {
        let path = self.records.path().to_owned();
        let piece = TextSlice {
            path: &path,
            line: 1,
            bytes: &record.raw.bytes,
        };
        let text = piece.text();
        let text = text.map_err(|error| self.records.relocated(record, error))?;
        let is_plain = self.shape.is_plain() && self.records.features.is_none();
        let mut row = if is_plain && !has_only_tokens(text) {
            let row = object::parse(piece, self.rows);
            row.map_err(|error| self.records.relocated(record, error))?
        } else {
            self.shaped(record, text)?
        };
        let list = record.list.as_deref().filter(|list| *list != "data");
        if let Some(list) = list
            && !row.extra.contains_key(SPLIT)
        {
            row.extra.insert(SPLIT.into(), list.into());
        }
        row.extra.extend(std::mem::take(&mut self.kept));
        Ok(row)
    }

    /// A row of a record that is not yet in our shape. Its errors stand at the record's start.
    fn shaped(&mut self, record: &Record, text: &str) -> Result<Utterance> {
        let value: Value = serde_json::from_str(text)
            .map_err(|fault| self.records.error(record, fault.to_string(), "JSON"))?;
        let around = Around {
            keys: &record.keys,
            features: self.records.features.as_ref(),
            row: self.rows,
        };
        let row = self.shape.row(value, &around);
        row.map_err(|wrong| {
            wrong.into_error(|found, expected| self.records.error(record, found, expected))
        })
    }

    /// After the last row: a mapped field that none had.
    fn end(&mut self) -> Option<Result<Utterance, Fault>> {
        let ended = std::mem::replace(&mut self.ended, true);
        let fault = never_found(&self.shape, self.records.path())?;
        (!ended && self.rows > 0).then_some(Err(Fault::File(fault)))
    }
}

/// What is said of a mapped field that no row had.
pub(crate) fn never_found(shape: &Shape, path: &Path) -> Option<Error> {
    let (field, column) = shape.never_found()?;
    Some(Error::file(
        path,
        format!("no row with a value at {column}"),
        format!("one for {field}"),
    ))
}

/// Whether a record has its text as tokens only.
pub(crate) fn has_only_tokens(record: &str) -> bool {
    type Keys<'a> = std::collections::HashMap<std::borrow::Cow<'a, str>, serde::de::IgnoredAny>;
    let keys = serde_json::from_str::<Keys<'_>>(record);
    keys.is_ok_and(|keys| !keys.contains_key("text") && keys.contains_key("tokens"))
}

impl RowReader for JsonReader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        let record = loop {
            match self.records.next() {
                Ok(Some(record)) if self.shape.skips(record.keys.first()) => {}
                Ok(Some(record)) => break record,
                Ok(None) => return self.end(),
                Err(error) => return Some(Err(Fault::File(error))),
            }
        };
        self.line = self.records.line(&record);
        let row = self.row(&record);
        self.rows += 1;
        Some(row.map_err(Fault::Row))
    }

    fn line(&self) -> Option<usize> {
        Some(self.line)
    }
}

/// Writes an array with a row a line; holds everything.
pub(crate) struct JsonWriter {
    out: Output,
    rows: usize,
}

impl JsonWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Ok(JsonWriter {
            out: Output::create(path)?,
            rows: 0,
        })
    }
}

impl RowWriter for JsonWriter {
    fn write(&mut self, row: &Utterance, _: &mut Losses) -> Result<()> {
        self.out.text(if self.rows == 0 { "[\n" } else { ",\n" })?;
        self.rows += 1;
        self.out.text(&Value::Object(row.to_json()).to_string())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out
            .text(if self.rows == 0 { "[]\n" } else { "\n]\n" })?;
        self.out.finish()
    }
}
