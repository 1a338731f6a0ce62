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
use crate::formats::json::{Export, Wrong, wrong};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{SOURCE, Utterance};

use super::entity;
use super::entity::Entity;

/// The keys under which annotations stand.
const KEYS: [&str; 5] = ["label", "labels", "entities", "annotations", CLASSES];

/// The key under which only classes stand.
const CLASSES: &str = "cats";

const TEXTS: [&str; 2] = ["text", "data"];

/// Reads what doccano exports.
pub(crate) struct Doccano;

impl Export for Doccano {
    fn object(
        &self,
        mut record: Map<String, Value>,
        text: Option<&str>,
    ) -> Result<Map<String, Value>, Wrong> {
        let text = entity::take_text(&mut record, text, &TEXTS)?;
        let mut annotations = Annotations::default();
        for key in KEYS {
            annotations.take(&mut record, key)?;
        }
        record.insert("text".into(), text.into());
        if let Some(class) = entity::only(annotations.classes, "label")? {
            record.insert("intent".into(), class.into());
        }
        if annotations.is_tagged {
            record.insert("spans".into(), entity::spans(annotations.entities));
        }
        Ok(record)
    }
}

/// What was found under the keys of annotations.
#[derive(Default)]
struct Annotations {
    entities: Vec<Entity>,
    classes: Vec<String>,
    /// Whether anybody looked for entities.
    is_tagged: bool,
}

impl Annotations {
    /// Takes the annotations under a key out of the record.
    fn take(&mut self, record: &mut Map<String, Value>, key: &str) -> Result<(), Wrong> {
        let before = self.classes.len();
        let items = match record.remove(key) {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(items)) => items,
            Some(class @ Value::String(_)) => vec![class],
            Some(other) => return wrong(format!("{key} {}", shown(&other.to_string())), "a list"),
        };
        for item in items {
            match (entity(&item), item) {
                (Some(entity), _) => self.entities.push(entity),
                (None, Value::String(class)) => self.classes.push(class),
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
        self.is_tagged |= key != CLASSES && self.classes.len() == before;
        Ok(())
    }
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
    let is_classified = list(record, "label").is_some_and(|labels| {
        let others = ["intent", "spans", "tokens"];
        let is_bare = others.iter().all(|key| record.get(key).is_none());
        !labels.is_empty() && labels.iter().all(Value::is_string) && is_bare
    });
    let has_text = TEXTS
        .iter()
        .any(|key| record.get(key).is_some_and(Value::is_string));
    has_text && (KEYS.iter().any(|key| has_entities(record, key)) || is_classified)
}

fn list<'a>(record: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    record.get(key).and_then(Value::as_array)
}

fn has_entities(record: &Value, key: &str) -> bool {
    let first = list(record, key).and_then(|items| items.first());
    first.is_some_and(|first| entity(first).is_some())
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
        let spans = spans.iter();
        let spans = spans.map(|span| json!([span["start"], span["end"], span["label"]]));
        let spans: Vec<Value> = spans.collect();
        if row.origin == SOURCE {
            object.remove("origin");
        }
        object.insert("id".into(), entity::id(&row.id));
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
