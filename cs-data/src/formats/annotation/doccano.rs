//! doccano's exports: JSON Lines, or an array of the same objects.
//!
//! - Sequence labelling: `label` (or `labels`) is a list of `[start, end, label]`, or `entities`
//!   one of objects with `start_offset`, `end_offset` and `label`; in characters, in any order.
//! - Classification: `label` is a list with the class.
//! - Both: `entities` as either list, and `cats` with the class.
//!
//! The text is `text`, in older exports `data`. What else a row has is kept.

use serde_json::{Map, Value, json};

use crate::dataset::json_of;
use crate::error::Result;
use crate::file::{Output, shown};
use crate::formats::json::{Wrong, wrong};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{SOURCE, Utterance};

use super::tool;
use super::tool::Entity;

/// The keys under which annotations stand.
const KEYS: [&str; 5] = ["label", "labels", "entities", "annotations", CLASSES];

/// The key under which only classes stand.
const CLASSES: &str = "cats";

const TEXTS: [&str; 2] = ["text", "data"];

/// A record as an object of a JSON Lines file.
pub(crate) fn object(
    mut record: Map<String, Value>,
    place: Option<&str>,
) -> Result<Map<String, Value>, Wrong> {
    let text = tool::take_text(&mut record, place, &TEXTS)?;
    let (mut entities, mut classes) = (Vec::new(), Vec::new());
    let mut is_tagged = false;
    for key in KEYS {
        let before = classes.len();
        let items = match record.remove(key) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items,
            Some(class @ Value::String(_)) => vec![class],
            Some(other) => return wrong(format!("{key} {}", shown(&other.to_string())), "a list"),
        };
        for item in items {
            match (entity(&item), item) {
                (Some(entity), _) => entities.push(entity),
                (None, Value::String(class)) => classes.push(class),
                (None, item) => {
                    let error = wrong(
                        format!("{key} with {}", shown(&item.to_string())),
                        "[start, end, label], an object with start_offset, end_offset and label, or a class",
                    );
                    return error.map_err(Wrong::of_labels);
                }
            }
        }
        // A list for either that has no class is one of entities.
        is_tagged |= key != CLASSES && classes.len() == before;
    }
    record.insert("text".into(), text.into());
    if let Some(class) = tool::only(classes, "label")? {
        record.insert("intent".into(), class.into());
    }
    if is_tagged {
        record.insert("spans".into(), tool::spans(entities));
    }
    Ok(record)
}

/// Reads an entity: `[start, end, label]`, or an object with the same.
fn entity(item: &Value) -> Option<Entity> {
    let fields = match item {
        Value::Array(fields) if fields.len() == 3 => [&fields[0], &fields[1], &fields[2]],
        Value::Object(fields) => [
            fields.get("start_offset")?,
            fields.get("end_offset")?,
            fields.get("label")?,
        ],
        _ => return None,
    };
    Some(Entity {
        start: fields[0].as_u64()?,
        end: fields[1].as_u64()?,
        label: fields[2].as_str()?.to_owned(),
    })
}

/// Whether a record is certainly one of doccano's.
pub(crate) fn is_record(record: &Value) -> bool {
    let items = |key: &str| record.get(key).and_then(Value::as_array);
    let has_entities = |key: &str| {
        let first = items(key).and_then(|items| items.first());
        first.is_some_and(|first| entity(first).is_some())
    };
    let is_classified = items("label").is_some_and(|labels| {
        let others = ["intent", "spans", "tokens"];
        let is_bare = others.iter().all(|key| record.get(key).is_none());
        !labels.is_empty() && labels.iter().all(Value::is_string) && is_bare
    });
    let has_text = TEXTS
        .iter()
        .any(|key| record.get(key).is_some_and(Value::is_string));
    has_text && (KEYS.into_iter().any(has_entities) || is_classified)
}

/// Writes an object a line; a field that doccano does not know stands beside the others.
pub(crate) struct DoccanoWriter(pub(crate) Output);

impl RowWriter for DoccanoWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        let mut object = row.to_json();
        if KEYS.iter().any(|key| object.contains_key(*key)) {
            lost.add("extra");
            KEYS.iter().for_each(|key| drop(object.remove(*key)));
        }
        let spans = match object.remove("spans") {
            Some(Value::Array(spans)) => spans,
            _ => Vec::new(),
        };
        let list = |span: &Value| json!([span["start"], span["end"], span["label"]]);
        let spans: Vec<Value> = spans.iter().map(list).collect();
        if row.origin == SOURCE {
            object.remove("origin");
        }
        object.insert("id".into(), tool::id(&row.id));
        match object.remove("intent") {
            None if !row.is_tagged() => {}
            None => drop(object.insert("label".into(), spans.into())),
            Some(intent) if !row.is_tagged() => {
                object.insert("label".into(), json!([intent]));
            }
            Some(intent) => {
                object.insert("entities".into(), spans.into());
                object.insert("cats".into(), json!([intent]));
            }
        }
        self.0.text(&json_of(&object))?;
        self.0.text("\n")
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}
