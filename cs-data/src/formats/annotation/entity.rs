//! What the exports of several programs have alike.

use serde_json::{Map, Value, json};

use crate::file::shown;
use crate::formats::json::{Wrong, find, remove, wrong};

/// A span in characters.
pub(crate) struct Entity {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) label: String,
}

/// Entities in the order of the text, as JSON Lines have them.
pub(crate) fn spans(mut entities: Vec<Entity>) -> Value {
    entities.sort_by_key(|entity| (entity.start, entity.end));
    entities.into_iter().map(Value::from).collect()
}

impl From<Entity> for Value {
    fn from(Entity { start, end, label }: Entity) -> Self {
        json!({"start": start, "end": end, "label": label})
    }
}

/// Takes the text from `place`, or from the first of `keys` that has a string.
pub(crate) fn take_text(
    record: &mut Map<String, Value>,
    place: Option<&str>,
    keys: &[&str],
) -> Result<String, Wrong> {
    let mut strings = keys
        .iter()
        .filter(|key| record.get(**key).is_some_and(Value::is_string));
    let Some(key) = place.or_else(|| strings.next().copied()) else {
        return wrong(
            format!("an object without {}", keys.join(" or ")),
            "one with it, or --columns text=KEY",
        );
    };
    let mut whole = Value::Object(std::mem::take(record));
    let text = find(&mut whole, key).and_then(|value| value.as_str().map(str::to_owned));
    remove(&mut whole, key);
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
