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
use crate::formats::annotation::{Entity, tool};
use crate::formats::json::{Cursor, RecordPath, Records, Wrong, wrong};
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

/// Whether a record in the list of that name is an example.
pub(crate) fn is_example(list: &str) -> bool {
    EXAMPLES.contains(&list)
}

/// An example as an object of a JSON Lines file.
pub(crate) fn object(mut record: Map<String, Value>) -> Result<Map<String, Value>, Wrong> {
    let entities = match record.remove("entities") {
        None | Some(Value::Null) => return Ok(record),
        Some(Value::Array(entities)) => entities,
        Some(other) => {
            let error = wrong(format!("entities {}", shown(&other.to_string())), "a list");
            return error.map_err(Wrong::of_labels);
        }
    };
    let text = record
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut found = Vec::with_capacity(entities.len());
    for entity in entities {
        found.push(placed(text, &entity)?);
    }
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
    // An example without entities does not say whether anybody looked for them.
    if !spans.is_empty() {
        record.insert("spans".into(), tool::spans(spans));
    }
    if attributes.iter().any(|attributes| !attributes.is_empty()) {
        record.insert(ATTRIBUTES.into(), attributes.into());
    }
    Ok(record)
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
        if !is_example(list)
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
    let text = |key: &str| section.get(key).and_then(Value::as_str);
    let items = || -> Option<Vec<&str>> {
        let lines = text("examples")?.lines();
        lines
            .map(|line| line.strip_prefix('-').map(str::trim))
            .collect()
    };
    if let Some(value) = text("synonym") {
        return Some((
            "entity_synonyms",
            json!({"value": value, "synonyms": items()?}),
        ));
    }
    if let Some(name) = text("regex") {
        let [pattern] = items()?[..] else { return None };
        return Some(("regex_features", json!({"name": name, "pattern": pattern})));
    }
    let name = text("lookup")?;
    let elements = match text("elements") {
        Some(file) => file.into(),
        None => json!(items()?),
    };
    Some(("lookup_tables", json!({"name": name, "elements": elements})))
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
            return Err(Error::Unwritable {
                id: row.id.clone(),
                found: "an empty text".into(),
                expected: "one that Rasa takes for an example".into(),
            });
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
    let chars = |byte: usize| row.text[..byte].chars().count();
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
                entity.insert("start".into(), chars(span.start).into());
                entity.insert("end".into(), chars(span.end).into());
                let value = entity.entry("value");
                value.or_insert_with(|| row.text[span.range()].into());
            }
            entities.push(entity);
        }
    }
    entities
}
