//! A JSON value as a row: fields by name or by path, class numbers by their names, tokens with tags.

use serde_json::{Map, Value, json};

use crate::formats::conll::tagging::Tagging;
use crate::formats::conll::tokens;
use crate::formats::options::Columns;
use crate::offsets::Offsets;
use crate::scheme::Scheme;
use crate::source::shown;

/// Fields that are numbers.
const NUMBERS: [&str; 2] = ["sentiment", "turn"];

/// What is wrong with a record.
pub(crate) struct Wrong {
    pub(crate) found: String,
    pub(crate) expected: String,
    /// Whether it is about tags.
    pub(crate) labels: bool,
}

fn wrong<T>(found: impl Into<String>, expected: impl Into<String>) -> Result<T, Wrong> {
    let (found, expected) = (found.into(), expected.into());
    let labels = false;
    Err(Wrong {
        found,
        expected,
        labels,
    })
}

/// How records become objects with the fields of a JSON Lines file.
pub(crate) struct Shape {
    columns: Columns,
    tagging: Tagging,
}

impl Shape {
    pub(crate) fn new(columns: &Columns, scheme: Option<Scheme>) -> Self {
        Shape {
            columns: columns.clone(),
            tagging: Tagging::new(scheme),
        }
    }

    /// The record as an object of a JSON Lines file. `keys` are what the stars of the path stood
    /// for, `row` the number of the record, from 0.
    pub(crate) fn object(
        &mut self,
        record: Value,
        keys: &[String],
        features: Option<&Value>,
        row: usize,
    ) -> Result<Map<String, Value>, Wrong> {
        let mut row_object = self.mapped(record, keys)?;
        if let Some(features) = features {
            name_classes(&mut row_object, features)?;
        }
        if !row_object.contains_key("text") && row_object.contains_key("tokens") {
            self.join_tokens(&mut row_object, row)?;
        }
        Ok(row_object)
    }

    /// Takes the mapped fields from their places; what is left keeps its names.
    fn mapped(&self, mut record: Value, keys: &[String]) -> Result<Map<String, Value>, Wrong> {
        let mut fields = Vec::new();
        for (field, path) in self.columns.pairs() {
            let value = match path.strip_prefix('$').map(str::parse::<usize>) {
                Some(Ok(star)) => star
                    .checked_sub(1)
                    .and_then(|at| keys.get(at))
                    .map(|key| json!(key)),
                _ => find(&mut record, path).map(|value| value.clone()),
            };
            match value {
                Some(value) => fields.push((field, converted(field, value)?)),
                None => {
                    return wrong(
                        shown(&record.to_string()),
                        format!("a value at {path} for {field}"),
                    );
                }
            }
        }
        // Only now: two fields may share a place.
        for (_, path) in self.columns.pairs() {
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
        object.extend(
            fields
                .into_iter()
                .map(|(field, value)| (field.to_owned(), value)),
        );
        Ok(object)
    }

    /// `tokens` with `ner_tags` (or `tags`) as `text` with `spans`.
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
        if !spans.is_empty() {
            object.insert("spans".into(), spans.into());
        }
        Ok(())
    }
}

fn strings(value: Option<&Value>) -> Option<Vec<&str>> {
    value?.as_array()?.iter().map(Value::as_str).collect()
}

/// The value at a path of keys and numbers.
fn find<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(object) => object.get_mut(step),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Removes the value at a path; in an array it becomes null, so that the others keep their numbers.
fn remove(record: &mut Value, path: &str) {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (find(record, parent), key),
        None => (Some(record), path),
    };
    match parent {
        Some(Value::Object(object)) => drop(object.remove(key)),
        Some(Value::Array(items)) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                *item = Value::Null;
            }
        }
        _ => {}
    }
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
        Value::Array(_) | Value::Object(_) if !matches!(field, "spans" | "extra") => wrong(
            shown(&value.to_string()),
            format!("a text or number for {field}"),
        ),
        value => Ok(value),
    }
}

/// Numbers of classes by the names that `features` has for them; `label` is then the intent.
fn name_classes(row: &mut Map<String, Value>, features: &Value) -> Result<(), Wrong> {
    let Some(features) = features.as_object() else {
        return wrong(shown(&features.to_string()), "an object of features");
    };
    for (key, feature) in features {
        if let (Some(names), Some(value)) = (class_names(feature), row.get_mut(key)) {
            name_class(value, names, key)?;
            if key == "label" && value.is_string() && !row.contains_key("intent") {
                let intent = row.remove("label").unwrap_or_default();
                row.insert("intent".into(), intent);
            }
        }
    }
    Ok(())
}

/// Of a `ClassLabel`, or of the lists of such.
fn class_names(feature: &Value) -> Option<&Vec<Value>> {
    match feature {
        Value::Array(inner) => inner.first().and_then(class_names),
        _ => match feature.get("names") {
            Some(names) => names.as_array(),
            None => feature.get("feature").and_then(class_names),
        },
    }
}

fn name_class(value: &mut Value, names: &[Value], key: &str) -> Result<(), Wrong> {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| name_class(item, names, key)),
        Value::Number(number) => {
            // datasets writes -1 for an unknown class.
            if number.as_i64() == Some(-1) {
                *value = Value::Null;
                return Ok(());
            }
            let name = number
                .as_u64()
                .and_then(|at| names.get(usize::try_from(at).ok()?));
            match name.filter(|name| name.is_string()) {
                Some(name) => *value = name.clone(),
                None => {
                    let expected = format!("a number of the {} names of {key}", names.len());
                    return wrong(number.to_string(), expected);
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
