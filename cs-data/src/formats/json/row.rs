//! A JSON value as a row: fields by name or by path, class numbers by their names, tokens with
//! tags.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::file::{TextSlice, shown};
use crate::formats::columns::{Column, Columns};
use crate::formats::conll::{Tagging, tokens};
use crate::tags::Scheme;
use crate::text::{Offsets, Utterance};

use super::classes::name_classes;
use super::object;
use super::path::{find, remove};
use super::wrong::{Wrong, wrong};

/// Fields that are numbers.
const NUMBERS: [&str; 4] = ["sentiment", "turn", "span_start", "span_end"];

/// A program whose exports have a shape of their own.
pub(crate) trait Export: Send + Sync {
    /// The record as an object of a JSON Lines file; `text` is where the user says that its text
    /// is.
    fn object(
        &self,
        record: Map<String, Value>,
        text: Option<&str>,
    ) -> Result<Map<String, Value>, Wrong>;

    /// Whether the records in the list of that name are rows.
    fn has_rows(&self, _list: Option<&str>) -> bool {
        true
    }
}

/// What stands around a record.
#[derive(Default)]
pub(crate) struct Around<'a> {
    /// What the stars of the path stood for.
    pub(crate) keys: &'a [String],
    pub(crate) features: Option<&'a Value>,
    /// Number of the record, from 0.
    pub(crate) row: usize,
}

/// How records become objects with the fields of a JSON Lines file.
pub(crate) struct Shape {
    columns: Columns,
    /// Which of the mapped fields some record had.
    found: Vec<bool>,
    tagging: Tagging,
    export: Option<&'static dyn Export>,
}

impl Shape {
    pub(crate) fn new(
        columns: &Columns,
        scheme: Option<Scheme>,
        export: Option<&'static dyn Export>,
    ) -> Self {
        Shape {
            found: vec![false; columns.pairs().count()],
            columns: columns.clone(),
            tagging: Tagging::new(scheme),
            export,
        }
    }

    /// Whether records may be rows as they are.
    pub(crate) fn is_plain(&self) -> bool {
        self.columns.is_empty() && self.export.is_none()
    }

    /// Whether the record in the list of that name is no row.
    pub(crate) fn skips(&self, list: Option<&String>) -> bool {
        let list = list.map(String::as_str);
        self.export.is_some_and(|export| !export.has_rows(list))
    }

    /// The record as a row.
    pub(crate) fn row(&mut self, record: Value, around: &Around) -> Result<Utterance, Wrong> {
        let mut displaced = Map::new();
        let record = match (self.export, record) {
            (None, record) => record,
            (Some(export), Value::Object(record)) => {
                let text = self.columns.mapped_source(Column::Text);
                Value::Object(export.object(record, text)?)
            }
            (Some(_), record) => return wrong(shown(&record.to_string()), "an object"),
        };
        let mut object = self.mapped(record, around.keys, &mut displaced)?;
        if let Some(features) = around.features {
            name_classes(&mut object, features)?;
        }
        if !object.contains_key("text") && object.contains_key("tokens") {
            self.join_tokens(&mut object, around.row)?;
        }
        let line = Value::Object(object).to_string();
        let piece = TextSlice {
            path: Path::new(""),
            line: 1,
            bytes: line.as_bytes(),
        };
        let mut row = object::parse(piece, around.row)?;
        for (key, value) in displaced {
            row.extra.entry(key).or_insert(value);
        }
        Ok(row)
    }

    /// A mapped field other than the text that no record had, and its path.
    pub(crate) fn never_found(&self) -> Option<(&str, &str)> {
        let mut pairs = self.columns.pairs().zip(&self.found);
        pairs.find(|(_, found)| !**found).map(|(pair, _)| pair)
    }

    /// Takes the mapped fields from where they are; what is left keeps its names, and goes to
    /// `displaced` where a field has that name now.
    fn mapped(
        &mut self,
        mut record: Value,
        keys: &[String],
        displaced: &mut Map<String, Value>,
    ) -> Result<Map<String, Value>, Wrong> {
        let fields = self.fields(&mut record, keys)?;
        // Only now: two fields may have the same path.
        for (field, path) in self.columns.pairs() {
            if !self.is_text_taken(field) {
                remove(&mut record, path);
            }
        }
        let mut object = match record {
            Value::Object(object) => object,
            Value::Array(items) => numbered(items),
            _ if fields.is_empty() => return wrong(shown(&record.to_string()), "an object"),
            _ => Map::new(),
        };
        for (field, value) in fields {
            match (&*field, value) {
                ("extra", Value::Object(members)) => displaced.extend(members),
                (_, value) => {
                    let before = object.insert(field.clone(), value);
                    displaced.extend(before.map(|before| (field, before)));
                }
            }
        }
        self.join_span(&mut object)?;
        Ok(object)
    }

    /// The mapped fields that the record has, by name.
    fn fields(
        &mut self,
        record: &mut Value,
        keys: &[String],
    ) -> Result<Vec<(String, Value)>, Wrong> {
        let mut fields = Vec::new();
        for (at, (field, path)) in self.columns.pairs().enumerate() {
            if self.is_text_taken(field) {
                self.found[at] = true;
                continue;
            }
            let star = path.strip_prefix('$').and_then(|star| star.parse().ok());
            let value = match star {
                Some(star) => nth(keys, star).map(Value::from),
                None => find(record, path).map(|value| value.clone()),
            };
            self.found[at] |= value.is_some();
            let is_needed = field == Column::Text.name() || star.is_some();
            match value {
                Some(value) => fields.push((field.to_owned(), converted(field, value)?)),
                None if is_needed => {
                    let expected = format!("a value at {path} for {field}");
                    return wrong(shown(&record.to_string()), expected);
                }
                None => {}
            }
        }
        Ok(fields)
    }

    /// Whether a program's export has given the field already: its text.
    fn is_text_taken(&self, field: &str) -> bool {
        field == Column::Text.name() && self.export.is_some()
    }

    /// Makes `span_start`, `span_end` and `span_label`, if mapped, the only span.
    fn join_span(&self, object: &mut Map<String, Value>) -> Result<(), Wrong> {
        if !Column::SPAN
            .iter()
            .any(|column| self.columns.is_mapped(*column))
        {
            return Ok(());
        }
        let [start, end, label] =
            Column::SPAN.map(|column| object.remove(column.name()).unwrap_or_default());
        if [&start, &end, &label].iter().all(|value| value.is_null()) {
            return Ok(());
        }
        let has_list = object.get("spans").is_some_and(|spans| spans != &json!([]));
        if !has_list {
            let span = json!({"start": start, "end": end, "label": label});
            object.insert("spans".into(), json!([span]));
        }
        Ok(())
    }

    /// Joins `tokens` with `ner_tags` (or `tags`) to `text` with `spans`.
    fn join_tokens(&mut self, object: &mut Map<String, Value>, row: usize) -> Result<(), Wrong> {
        let Some(words) = strings(object.get("tokens")) else {
            return wrong("tokens that are no texts", "an array of strings");
        };
        let (text, places) = tokens::join(&words);
        let mut spans = Vec::new();
        let tags = ["ner_tags", "tags"]
            .into_iter()
            .find(|key| object.contains_key(*key));
        if let Some(key) = tags {
            let Some(tags) = strings(object.get(key)) else {
                let expected =
                    format!("tags, or the names of {key} under \"features\" in front of the rows");
                return wrong(format!("{key} that are no texts"), expected);
            };
            spans = self
                .tagging
                .decode(&places, &tags, row)
                .map_err(|wrong| Wrong {
                    found: wrong.found,
                    expected: wrong.expected,
                    labels: true,
                })?;
        }
        let offsets = Offsets::new(&text);
        let spans = spans.iter().map(|span| {
            let (start, end) = (offsets.char(span.start), offsets.char(span.end));
            json!({"start": start, "end": end, "label": span.label})
        });
        let spans: Vec<Value> = spans.collect();
        object.remove("tokens");
        tags.map(|key| object.remove(key));
        object.insert("text".into(), text.into());
        if tags.is_some() {
            object.insert("spans".into(), spans.into());
        }
        Ok(())
    }
}

/// What the star of that number, from 1, stands for.
fn nth(keys: &[String], star: usize) -> Option<&str> {
    keys.get(star.checked_sub(1)?).map(String::as_str)
}

/// The elements of an array by their numbers.
fn numbered(items: Vec<Value>) -> Map<String, Value> {
    let items = items.into_iter().enumerate();
    let items = items.filter(|(_, item)| !item.is_null());
    items.map(|(at, item)| (at.to_string(), item)).collect()
}

fn strings(value: Option<&Value>) -> Option<Vec<&str>> {
    value?.as_array()?.iter().map(Value::as_str).collect()
}

/// A value in the type of its field: numbers as texts and texts as numbers.
fn converted(field: &str, value: Value) -> Result<Value, Wrong> {
    let is_number = NUMBERS.contains(&field);
    match value {
        Value::String(text) if is_number => match serde_json::from_str(text.trim()) {
            Ok(Value::Number(number)) => Ok(Value::Number(number)),
            _ => wrong(shown(&text), format!("a number for {field}")),
        },
        Value::Number(number) if !is_number => Ok(number.to_string().into()),
        Value::Object(_) if field == "extra" => Ok(value),
        Value::Array(_) | Value::Object(_) if field != "spans" => wrong(
            shown(&value.to_string()),
            format!("a text or number for {field}"),
        ),
        value => Ok(value),
    }
}
