//! Rasa's older training data, in JSON: `{"rasa_nlu_data": {"common_examples": [...]}}`.
//!
//! An example has `text`, `intent` and `entities` with `start`, `end` (characters) and `entity`;
//! what an entity has besides, and further entities of the same characters, become
//! `entity_attributes` as of Rasa's YAML. Synonyms, regular expressions and lookup tables are no
//! rows; `extra` of the first row keeps them as `rasa_sections`.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::file::{Output, shown};
use crate::formats::annotation::entity;
use crate::formats::annotation::entity::Entity;
use crate::formats::json::{Cursor, Export, RecordPath, Records, Wrong, wrong};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::Utterance;

use super::example::FURTHER;
use super::reader::{ATTRIBUTES, METADATA, SECTIONS};

pub(crate) const ROOT: &str = "rasa_nlu_data";

/// The lists of examples, of which new files have the first only.
const EXAMPLES: [&str; 3] = ["common_examples", "intent_examples", "entity_examples"];

/// Where the rows and the sections are.
pub(crate) fn records() -> RecordPath {
    RecordPath::of(&[ROOT, RecordPath::ANY, RecordPath::ANY])
}

/// Reads Rasa's JSON.
pub(crate) struct RasaExport;

impl Export for RasaExport {
    fn object(
        &self,
        mut record: Map<String, Value>,
        _: Option<&str>,
    ) -> Result<Map<String, Value>, Wrong> {
        let entities = match record.remove("entities") {
            None | Some(Value::Null) => return Ok(record),
            Some(Value::Array(entities)) => entities,
            Some(other) => {
                let error = wrong(format!("entities {}", shown(&other.to_string())), "a list");
                return error.map_err(Wrong::of_labels);
            }
        };
        let text = record.get("text").and_then(Value::as_str);
        let text = text.unwrap_or_default();
        let found: Result<Vec<_>, _> = entities.iter().map(|entity| placed(text, entity)).collect();
        let (spans, attributes) = merged(found?);
        // An example without entities does not say whether anybody looked for them.
        if !spans.is_empty() {
            record.insert("spans".into(), entity::spans(spans));
        }
        if attributes.iter().any(|attributes| !attributes.is_empty()) {
            record.insert(ATTRIBUTES.into(), attributes.into());
        }
        Ok(record)
    }

    fn has_rows(&self, list: Option<&str>) -> bool {
        list.is_some_and(|list| EXAMPLES.contains(&list))
    }
}

/// Entities in the order of the text, and the attributes of each; further ones of the same
/// characters are among the attributes of the first.
fn merged(mut found: Vec<(Entity, Map<String, Value>)>) -> (Vec<Entity>, Vec<Map<String, Value>>) {
    found.sort_by_key(|(entity, _)| (entity.start, entity.end));
    let mut attributes: Vec<Map<String, Value>> = Vec::new();
    let mut spans: Vec<Entity> = Vec::new();
    for (entity, mut beside) in found {
        match (spans.last(), attributes.last_mut()) {
            (Some(last), Some(first)) if (last.start, last.end) == (entity.start, entity.end) => {
                beside.insert("entity".into(), entity.label.into());
                let further = first.entry(FURTHER).or_insert_with(|| json!([]));
                if let Value::Array(further) = further {
                    further.push(Value::Object(beside));
                }
            }
            _ => {
                attributes.push(beside);
                spans.push(entity);
            }
        }
    }
    (spans, attributes)
}

/// An entity, and what it is beside its label; its value where that is not its text.
fn placed(text: &str, entity: &Value) -> Result<(Entity, Map<String, Value>), Wrong> {
    let fields = entity.as_object().and_then(|fields| {
        let start = fields.get("start")?.as_u64()?;
        let end = fields.get("end")?.as_u64()?;
        let label = fields.get("entity")?.as_str()?.to_owned();
        Some((Entity { start, end, label }, fields.clone()))
    });
    let Some((entity, mut beside)) = fields else {
        let error = wrong(
            shown(&entity.to_string()),
            "an entity with start, end (characters) and entity",
        );
        return error.map_err(Wrong::of_labels);
    };
    for key in ["start", "end", "entity"] {
        beside.remove(key);
    }
    let chars = text.chars().skip(entity.start as usize);
    let there: String = chars
        .take(entity.end.saturating_sub(entity.start) as usize)
        .collect();
    if beside.get("value").and_then(Value::as_str) == Some(&there) {
        beside.remove("value");
    }
    Ok((entity, beside))
}

/// Synonyms, regular expressions and lookup tables of a file, as Rasa's YAML has them.
pub(crate) fn sections(cursor: Cursor) -> Result<Vec<Value>> {
    let mut records = Records::new(cursor, Some(&records()))?;
    let mut sections = Vec::new();
    while let Some(record) = records.next()? {
        let list = record.keys.first().map_or("", String::as_str);
        if !EXAMPLES.contains(&list)
            && let Ok(value) = serde_json::from_slice::<Value>(&record.raw.bytes)
        {
            sections.push(section(list, value));
        }
    }
    Ok(sections)
}

fn section(list: &str, mut value: Value) -> Value {
    let (kind, name, items) = match list {
        "entity_synonyms" => ("synonym", "value", "synonyms"),
        "regex_features" => ("regex", "name", "pattern"),
        "lookup_tables" => ("lookup", "name", "elements"),
        _ => return json!({list: value}),
    };
    let items = match value[items].take() {
        Value::Array(items) => items,
        // A lookup table may be a file.
        Value::String(file) if kind == "lookup" => {
            return json!({kind: value[name], "elements": file});
        }
        other => vec![other],
    };
    let lines = items.iter().filter_map(Value::as_str);
    let lines: String = lines.map(|line| format!("- {line}\n")).collect();
    json!({kind: value[name], "examples": lines})
}

/// The list and element that [`section`] made, or YAML has.
fn element(section: &Value) -> Option<(&'static str, Value)> {
    if let Some(value) = string(section, "synonym") {
        let synonyms = items(section)?;
        return Some((
            "entity_synonyms",
            json!({"value": value, "synonyms": synonyms}),
        ));
    }
    if let Some(name) = string(section, "regex") {
        let [pattern] = items(section)?[..] else {
            return None;
        };
        return Some(("regex_features", json!({"name": name, "pattern": pattern})));
    }
    let name = string(section, "lookup")?;
    let elements = match string(section, "elements") {
        Some(file) => file.into(),
        None => json!(items(section)?),
    };
    Some(("lookup_tables", json!({"name": name, "elements": elements})))
}

fn string<'a>(section: &'a Value, key: &str) -> Option<&'a str> {
    section.get(key).and_then(Value::as_str)
}

/// The examples of a section, each a line of a list.
fn items(section: &Value) -> Option<Vec<&str>> {
    let lines = string(section, "examples")?.lines();
    lines
        .map(|line| line.strip_prefix('-').map(str::trim))
        .collect()
}

/// Writes one example a line.
pub(crate) struct RasaJsonWriter {
    out: Output,
    rows: usize,
    sections: [(&'static str, Vec<Value>); 3],
}

impl RasaJsonWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut out = Output::create(path)?;
        out.text("{\"rasa_nlu_data\": {\"common_examples\": [")?;
        let lists = ["regex_features", "lookup_tables", "entity_synonyms"];
        Ok(RasaJsonWriter {
            out,
            rows: 0,
            sections: lists.map(|list| (list, Vec::new())),
        })
    }

    /// Takes the sections out of `extra` that have a list here.
    fn keep_sections(&mut self, extra: &mut Map<String, Value>) {
        let Some(Value::Array(sections)) = extra.get_mut(SECTIONS) else {
            return;
        };
        sections.retain(|section| {
            let Some((list, value)) = element(section) else {
                return true;
            };
            let kept = self.sections.iter_mut().find(|(name, _)| *name == list);
            kept.map(|(_, values)| values.push(value)).is_none()
        });
        if sections.is_empty() {
            extra.remove(SECTIONS);
        }
    }
}

impl RowWriter for RasaJsonWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        if row.text.is_empty() {
            return Err(Error::unwritable(
                &row.id,
                "an empty text",
                "one that Rasa takes for an example",
            ));
        }
        let mut extra = row.extra.clone();
        self.keep_sections(&mut extra);
        let mut example = Map::new();
        example.insert("text".into(), row.text.as_str().into());
        if let Some(intent) = &row.intent {
            example.insert("intent".into(), intent.as_str().into());
        }
        let entities = entities(row, &mut extra);
        if !entities.is_empty() {
            example.insert("entities".into(), entities.into());
        }
        if let Some(metadata) = extra.remove(METADATA) {
            example.insert(METADATA.into(), metadata);
        }
        let held: &[&str] = if extra.is_empty() {
            &["spans", "intent", "extra"]
        } else {
            &["spans", "intent"]
        };
        lost.add_all_but(held, row);
        if row.id != self.rows.to_string() {
            lost.add("id");
        }
        self.out.text(if self.rows == 0 { "\n" } else { ",\n" })?;
        self.rows += 1;
        self.out.text(&Value::Object(example).to_string())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.text("\n]")?;
        for (list, values) in std::mem::take(&mut self.sections) {
            self.out
                .text(&format!(", \"{list}\": {}", Value::Array(values)))?;
        }
        self.out.text("}}\n")?;
        self.out.finish()
    }
}

/// The spans of a row with their attributes, which are taken out of `extra`.
fn entities(row: &Utterance, extra: &mut Map<String, Value>) -> Vec<Value> {
    let attributes = extra.get(ATTRIBUTES).cloned().unwrap_or_default();
    let attributes: Vec<Map<String, Value>> =
        serde_json::from_value(attributes).unwrap_or_default();
    let fits = attributes.len() == row.spans.len();
    if fits {
        extra.remove(ATTRIBUTES);
    }
    let mut entities = Vec::new();
    for (at, span) in row.spans.iter().enumerate() {
        let mut entity = attributes
            .get(at)
            .filter(|_| fits)
            .cloned()
            .unwrap_or_default();
        let further = match entity.remove(FURTHER) {
            Some(Value::Array(further)) => further,
            _ => Vec::new(),
        };
        entity.insert("entity".into(), span.label.as_str().into());
        let all = std::iter::once(Value::Object(entity)).chain(further);
        for mut entity in all {
            if let Value::Object(entity) = &mut entity {
                entity.insert("start".into(), chars_before(&row.text, span.start).into());
                entity.insert("end".into(), chars_before(&row.text, span.end).into());
                let value = entity.entry("value");
                value.or_insert_with(|| row.text[span.range()].into());
            }
            entities.push(entity);
        }
    }
    entities
}

fn chars_before(text: &str, byte: usize) -> usize {
    text[..byte].chars().count()
}
