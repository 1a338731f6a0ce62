//! Programs for annotation whose exports are JSON in shapes of their own.

use serde_json::{Map, Value, json};

use crate::file::shown;
use crate::formats::columns::{Column, Columns};
use crate::formats::json::{Wrong, find, wrong};
use crate::formats::options::Format;
use crate::formats::rasa;

use super::{doccano, label_studio};

/// The program that made a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Doccano,
    LabelStudio,
    Rasa,
}

impl Tool {
    pub(crate) fn of(format: Format) -> Option<Self> {
        match format {
            Format::Doccano => Some(Tool::Doccano),
            Format::LabelStudio => Some(Tool::LabelStudio),
            Format::RasaJson => Some(Tool::Rasa),
            _ => None,
        }
    }

    /// The record as an object of a JSON Lines file. `columns` may say where its text is.
    pub(crate) fn object(
        self,
        record: Value,
        columns: &Columns,
    ) -> Result<Map<String, Value>, Wrong> {
        let Value::Object(record) = record else {
            return wrong(shown(&record.to_string()), "an object");
        };
        let place = columns.mapped_source(Column::Text);
        match self {
            Tool::Doccano => doccano::object(record, place),
            Tool::LabelStudio => label_studio::object(record, place),
            Tool::Rasa => rasa::json::object(record),
        }
    }
}

/// A span in characters.
pub(crate) struct Entity {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) label: String,
}

/// Entities in the order of the text, as JSON Lines have them.
pub(crate) fn spans(mut entities: Vec<Entity>) -> Value {
    entities.sort_by_key(|entity| (entity.start, entity.end));
    let span = |Entity { start, end, label }| json!({"start": start, "end": end, "label": label});
    entities.into_iter().map(span).collect()
}

/// Takes the text from `place`, or from the first of `keys` that has a string.
pub(crate) fn take_text(
    record: &mut Map<String, Value>,
    place: Option<&str>,
    keys: &[&str],
) -> Result<String, Wrong> {
    let is_text = |key: &&&str| record.get(**key).is_some_and(Value::is_string);
    let Some(key) = place.or_else(|| keys.iter().find(is_text).copied()) else {
        return wrong(
            format!("an object without {}", keys.join(" or ")),
            "one with it, or --columns text=KEY",
        );
    };
    let mut whole = Value::Object(std::mem::take(record));
    let text = find(&mut whole, key).and_then(|value| value.as_str().map(str::to_owned));
    crate::formats::json::remove(&mut whole, key);
    if let Value::Object(rest) = whole {
        *record = rest;
    }
    match text {
        Some(text) => Ok(text),
        None => wrong(format!("no string at {key}"), "the text"),
    }
}

/// The only class of several names for it; a row has one intent.
pub(crate) fn only(mut classes: Vec<String>, key: &str) -> Result<Option<String>, Wrong> {
    match classes.len() {
        0 | 1 => Ok(classes.pop()),
        count => wrong(
            format!("{count} values of {key}: {}", shown(&classes.join(", "))),
            "one, since a row has one intent",
        ),
    }
}

/// An id as a number where it reads back as the same.
pub(crate) fn id(id: &str) -> Value {
    let number = id.parse::<u64>().ok();
    let number = number.filter(|number| number.to_string() == id);
    number.map_or_else(|| id.into(), Value::from)
}
