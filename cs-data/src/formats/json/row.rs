//! A JSON value as a row: fields by name or by path, class numbers by their names, tokens with
//! tags.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::file::{TextSlice, shown};
use crate::formats::annotation::Tool;
use crate::formats::columns::{Column, Columns};
use crate::formats::conll::{Tagging, tokens};
use crate::formats::options::ReadOptions;
use crate::formats::rasa;
use crate::text::{Offsets, Utterance};

use super::classes::name_classes;
use super::object;
use super::path::{find, remove};

/// Fields that are numbers.
const NUMBERS: [&str; 4] = ["sentiment", "turn", "span_start", "span_end"];

/// What is wrong with a record.
pub(crate) struct Wrong {
    pub(crate) found: String,
    pub(crate) expected: String,
    /// Whether it is about tags or spans.
    pub(crate) labels: bool,
}

pub(crate) fn wrong<T>(found: impl Into<String>, expected: impl Into<String>) -> Result<T, Wrong> {
    let (found, expected) = (found.into(), expected.into());
    let labels = false;
    Err(Wrong {
        found,
        expected,
        labels,
    })
}

impl Wrong {
    /// The same fault, as one of spans or tags.
    pub(crate) fn of_labels(mut self) -> Self {
        self.labels = true;
        self
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        match error {
            Error::Text {
                found,
                expected,
                labels,
                ..
            } => Wrong {
                found,
                expected,
                labels,
            },
            other => Wrong {
                found: other.to_string(),
                expected: "a row".into(),
                labels: false,
            },
        }
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
    tool: Option<Tool>,
}

impl Shape {
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Shape {
            found: vec![false; options.columns.pairs().count()],
            columns: options.columns.clone(),
            tagging: Tagging::new(options.scheme),
            tool: options.format.and_then(Tool::of),
        }
    }

    /// Whether records may be rows as they are.
    pub(crate) fn is_plain(&self) -> bool {
        self.columns.is_empty() && self.tool.is_none()
    }

    /// Whether the record in the list of that name is no row.
    pub(crate) fn skips(&self, list: Option<&String>) -> bool {
        self.tool == Some(Tool::Rasa) && !list.is_some_and(|list| rasa::json::is_example(list))
    }

    /// The record as a row.
    pub(crate) fn row(&mut self, record: Value, around: &Around) -> Result<Utterance, Wrong> {
        let mut displaced = Map::new();
        let record = match self.tool {
            Some(tool) => Value::Object(tool.object(record, &self.columns)?),
            None => record,
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
        let mut fields = Vec::new();
        for ((field, path), found) in self.columns.pairs().zip(&mut self.found) {
            // A tool's text has been taken already.
            if field == Column::Text.name() && self.tool.is_some() {
                *found = true;
                continue;
            }
            let star = path.strip_prefix('$').map(str::parse::<usize>);
            let value = match star {
                Some(Ok(star)) => star
                    .checked_sub(1)
                    .and_then(|at| keys.get(at))
                    .map(|key| json!(key)),
                _ => find(&mut record, path).map(|value| value.clone()),
            };
            *found |= value.is_some();
            let is_needed = field == Column::Text.name() || matches!(star, Some(Ok(_)));
            match value {
                Some(value) => fields.push((field, converted(field, value)?)),
                None if is_needed => {
                    return wrong(
                        shown(&record.to_string()),
                        format!("a value at {path} for {field}"),
                    );
                }
                None => {}
            }
        }
        // Only now: two fields may have the same path.
        let is_taken = |field: &str| field == Column::Text.name() && self.tool.is_some();
        for (_, path) in self.columns.pairs().filter(|(field, _)| !is_taken(field)) {
            remove(&mut record, path);
        }
        let mut object = match record {
            Value::Object(object) => object,
            Value::Array(items) => {
                let left = items
                    .into_iter()
                    .enumerate()
                    .filter(|(_, item)| !item.is_null());
                left.map(|(at, item)| (at.to_string(), item)).collect()
            }
            _ if fields.is_empty() => return wrong(shown(&record.to_string()), "an object"),
            _ => Map::new(),
        };
        for (field, value) in fields {
            match (field, value) {
                ("extra", Value::Object(members)) => displaced.extend(members),
                (field, value) => {
                    let before = object.insert(field.to_owned(), value);
                    displaced.extend(before.map(|before| (field.to_owned(), before)));
                }
            }
        }
        self.join_span(&mut object)?;
        Ok(object)
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
        let span = |span: &crate::Span| json!({"start": offsets.char(span.start), "end": offsets.char(span.end), "label": span.label});
        let spans: Vec<Value> = spans.iter().map(span).collect();
        object.remove("tokens");
        tags.map(|key| object.remove(key));
        object.insert("text".into(), text.into());
        if tags.is_some() {
            object.insert("spans".into(), spans.into());
        }
        Ok(())
    }
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
