//! Label Studio's exports: an array of tasks (JSON), or of flat objects (JSON-MIN).
//!
//! A task has its text, and whatever came with it, under `data`, and regions under
//! `annotations[].result[]`: labels are spans, the choice `intent` (or the only one) is the intent,
//! and the choice of `positive`, `neutral` or `negative` the sentiment. Skipped annotations are
//! none; of several, the one that is the ground truth counts. Other regions are kept as `regions`.
//! A flat object has the same by the names of its controls. Offsets count UTF-16 units, as browsers
//! do.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::file::{Output, shown};
use crate::formats::json::{Wrong, wrong};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{SOURCE, Utterance};

use super::tool;
use super::tool::Entity;

/// The keys under which a task has its annotations, by version.
const ANNOTATIONS: [&str; 2] = ["annotations", "completions"];

/// What is neither a span nor a choice.
const REGIONS: &str = "regions";

/// A record as an object of a JSON Lines file.
pub(crate) fn object(
    mut record: Map<String, Value>,
    place: Option<&str>,
) -> Result<Map<String, Value>, Wrong> {
    let mut row = Row::default();
    match record.remove("data") {
        Some(Value::Object(mut data)) => {
            let place = place.map(|place| place.strip_prefix("data.").unwrap_or(place));
            let only = only_text(&data);
            let place = place.or(only.as_deref());
            row.text = tool::take_text(&mut data, place, &["text"])?;
            let key = ANNOTATIONS
                .into_iter()
                .find(|key| record.contains_key(*key));
            if let Some(annotations) = key.and_then(|key| record.remove(key)) {
                row.task(&annotations)?;
            }
            row.rest = record;
            row.rest.extend(data);
        }
        data => {
            record.extend(data.map(|data| ("data".to_owned(), data)));
            row.text = tool::take_text(&mut record, place, &["text"])?;
            row.flat(record)?;
        }
    }
    row.object()
}

/// The key of the only string.
fn only_text(data: &Map<String, Value>) -> Option<String> {
    let mut strings = data.iter().filter(|(_, value)| value.is_string());
    let first = strings.next()?.0;
    (strings.next().is_none() && !data.contains_key("text")).then(|| first.clone())
}

/// Whether a record is certainly one of Label Studio's.
pub(crate) fn is_record(record: &Value) -> bool {
    let Some(record) = record.as_object() else {
        return false;
    };
    let has_list = |key: &str| record.get(key).is_some_and(Value::is_array);
    let is_task = record.get("data").is_some_and(Value::is_object)
        && (ANNOTATIONS.iter().any(|key| has_list(key)) || has_list("predictions"));
    is_task || record.values().any(|value| regions(value).is_some())
}

/// The regions of a flat object's control, if it has any.
fn regions(value: &Value) -> Option<&Vec<Value>> {
    let is_region = |item: &Value| {
        ["start", "end", "labels"]
            .iter()
            .all(|key| item.get(key).is_some())
    };
    let items = value.as_array()?;
    (!items.is_empty() && items.iter().all(is_region)).then_some(items)
}

#[derive(Default)]
struct Row {
    text: String,
    /// The entities; `None` if nobody looked for any.
    entities: Option<Vec<Entity>>,
    /// The controls, and what was chosen in each.
    choices: Vec<(String, Vec<String>)>,
    others: Vec<Value>,
    rest: Map<String, Value>,
}

impl Row {
    /// The annotations of a task.
    fn task(&mut self, annotations: &Value) -> Result<(), Wrong> {
        let is = |annotation: &Value, key: &str| annotation.get(key) == Some(&Value::Bool(true));
        let all = annotations.as_array().into_iter().flatten();
        let mut valid: Vec<&Value> = all.filter(|one| !is(one, "was_cancelled")).collect();
        if valid.len() > 1 && valid.iter().filter(|one| is(one, "ground_truth")).count() == 1 {
            valid.retain(|one| is(one, "ground_truth"));
        }
        let annotation = match valid[..] {
            [] => return Ok(()),
            [annotation] => annotation,
            _ => {
                let error = wrong(
                    format!("{} annotations", valid.len()),
                    "one, or one that is the ground truth",
                );
                return error.map_err(Wrong::of_labels);
            }
        };
        let results = annotation.get("result").and_then(Value::as_array);
        // Choices alone do not say that anybody looked for regions.
        self.entities = results.is_none_or(Vec::is_empty).then(Vec::new);
        for result in results.into_iter().flatten() {
            let value = result.get("value").unwrap_or(&Value::Null);
            let kind = result["type"].as_str().unwrap_or_default();
            let from = result["from_name"].as_str().unwrap_or(kind);
            if let Some(labels) = value.get(kind).filter(|_| kind.ends_with("labels")) {
                self.region(value, labels)?;
            } else if let Some(chosen) = value.get("choices") {
                self.choices.push((from.to_owned(), names(chosen)?));
            } else {
                self.others.push(result.clone());
            }
        }
        Ok(())
    }

    /// The controls of a flat object.
    fn flat(&mut self, record: Map<String, Value>) -> Result<(), Wrong> {
        for (key, value) in record {
            if let Some(items) = regions(&value) {
                for item in items {
                    self.region(item, &item["labels"])?;
                }
            } else if let Some(chosen) = value.get("choices") {
                self.choices.push((key, names(chosen)?));
            } else if key == "sentiment" && value.is_string() {
                self.choices.push((key, names(&value)?));
            } else {
                self.rest.insert(key, value);
            }
        }
        Ok(())
    }

    fn region(&mut self, value: &Value, labels: &Value) -> Result<(), Wrong> {
        let place = value.get("globalOffsets").unwrap_or(value);
        let edges = place["start"].as_u64().zip(place["end"].as_u64());
        let labels = names(labels)?;
        let (Some((start, end)), [label]) = (edges, &labels[..]) else {
            let error = wrong(
                shown(&value.to_string()),
                "a region with start, end and one label",
            );
            return error.map_err(Wrong::of_labels);
        };
        let said = value.get("text").and_then(Value::as_str);
        let Some((start, end)) = in_chars(&self.text, (start, end), said) else {
            let error = wrong(
                format!("{start}..{end} of the text"),
                format!("the place of {}", shown(said.unwrap_or_default())),
            );
            return error.map_err(Wrong::of_labels);
        };
        let label = label.clone();
        let entity = Entity { start, end, label };
        self.entities.get_or_insert_default().push(entity);
        Ok(())
    }

    fn object(self) -> Result<Map<String, Value>, Wrong> {
        let Row {
            text,
            entities,
            choices,
            others,
            rest: mut object,
        } = self;
        let is_intent =
            object.contains_key("intent") || choices.iter().any(|(name, _)| name == "intent");
        let is_mood = |name: &str, chosen: &[String]| name == "sentiment" || mood(chosen).is_some();
        let rest = choices
            .iter()
            .filter(|(name, chosen)| !is_mood(name, chosen));
        let is_only = rest.count() == 1;
        for (name, chosen) in choices {
            if name == "intent" || !is_intent && is_only && !is_mood(&name, &chosen) {
                let intent = tool::only(chosen, &name)?;
                object.extend(intent.map(|intent| ("intent".to_owned(), intent.into())));
            } else if let Some(mood) = mood(&chosen).filter(|_| !object.contains_key("sentiment")) {
                object.insert("sentiment".into(), mood.into());
            } else if name == "sentiment" {
                let found = format!("the sentiment {}", shown(&chosen.join(", ")));
                return wrong(found, "positive, neutral or negative");
            } else {
                object.insert(name, chosen.into());
            }
        }
        object.insert("text".into(), text.into());
        object.extend(entities.map(|entities| ("spans".to_owned(), tool::spans(entities))));
        if !others.is_empty() {
            object.insert(REGIONS.into(), others.into());
        }
        Ok(object)
    }
}

/// A sentiment by its word.
fn mood(chosen: &[String]) -> Option<f64> {
    let [word] = chosen else { return None };
    match &*word.to_lowercase() {
        "positive" => Some(1.0),
        "neutral" => Some(0.5),
        "negative" => Some(0.0),
        _ => None,
    }
}

/// A string, or a list of such.
fn names(value: &Value) -> Result<Vec<String>, Wrong> {
    let names: Option<Vec<String>> = match value {
        Value::String(name) => Some(vec![name.clone()]),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    match names {
        Some(names) => Ok(names),
        None => wrong(shown(&value.to_string()), "a list of names").map_err(Wrong::of_labels),
    }
}

/// UTF-16 units as characters; as they are where only that gives what the file `said` is there.
fn in_chars(text: &str, (start, end): (u64, u64), said: Option<&str>) -> Option<(u64, u64)> {
    let units = |unit: u64| {
        let mut at = 0;
        let before = text.chars().take_while(|c| {
            let is_before = at < unit;
            at += c.len_utf16() as u64;
            is_before
        });
        let chars = before.count() as u64;
        // Past the end as far as the file says, for the error.
        let length: u64 = text.chars().map(|c| c.len_utf16() as u64).sum();
        chars + unit.saturating_sub(length)
    };
    let places = [(units(start), units(end)), (start, end)];
    let Some(said) = said else {
        return Some(places[0]);
    };
    // Label Studio shows line ends in its own way.
    let bare = |text: &str| text.replace("\\n", "").replace(['\n', '\r'], "");
    let is_there = |(start, end): &(u64, u64)| {
        let chars = text.chars().skip(*start as usize);
        let there: String = chars.take(end.saturating_sub(*start) as usize).collect();
        bare(&there) == bare(said)
    };
    places.into_iter().find(is_there)
}

/// Writes an array of tasks, which Label Studio imports.
pub(crate) struct LabelStudioWriter {
    out: Output,
    rows: usize,
}

impl LabelStudioWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Ok(LabelStudioWriter {
            out: Output::create(path)?,
            rows: 0,
        })
    }
}

impl RowWriter for LabelStudioWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        let mut data = row.to_json();
        data.remove("id");
        data.remove("intent");
        data.remove("spans");
        if row.origin == SOURCE {
            data.remove("origin");
        }
        let units = |byte: usize| row.text[..byte].encode_utf16().count();
        let region = |(at, span): (usize, &crate::Span)| {
            json!({
                "id": format!("span-{at}"), "from_name": "label", "to_name": "text", "type": "labels",
                "value": {
                    "start": units(span.start), "end": units(span.end),
                    "text": &row.text[span.range()], "labels": [&span.label],
                },
            })
        };
        let mut result: Vec<Value> = row.spans.iter().enumerate().map(region).collect();
        if let Some(intent) = &row.intent {
            result.push(json!({
                "id": "intent", "from_name": "intent", "to_name": "text", "type": "choices",
                "value": {"choices": [intent]},
            }));
        }
        if row.entity_free && row.intent.is_some() {
            lost.add("spans");
        }
        let annotations: Vec<Value> = match result.is_empty() && !row.is_tagged() {
            true => Vec::new(),
            false => vec![json!({"result": result})],
        };
        let task = json!({"id": tool::id(&row.id), "data": data, "annotations": annotations});
        self.out.text(if self.rows == 0 { "[\n" } else { ",\n" })?;
        self.rows += 1;
        self.out.text(&task.to_string())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out
            .text(if self.rows == 0 { "[]\n" } else { "\n]\n" })?;
        self.out.finish()
    }
}
