//! Label Studio's exports: an array of tasks (JSON), or of flat objects (JSON-MIN).
//!
//! A task has its text, and whatever came with it, under `data`, and regions under
//! `annotations[].result[]`: labels are spans, the choice `intent` (or the only one) is the intent,
//! and the choice of `positive`, `neutral` or `negative` the sentiment. Skipped annotations are
//! none; of several, the one that is the ground truth counts. Other regions are kept as `regions`.
//! A flat object has the same by the names of its controls. Offsets count UTF-16 units, as browsers
//! do.

use std::ops::Range;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::file::{Output, shown};
use crate::formats::json::{Export, Wrong, wrong};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::{SOURCE, Span, Utterance};

use super::entity;
use super::entity::Entity;

/// The keys under which a task has its annotations, by version.
const ANNOTATIONS: [&str; 2] = ["annotations", "completions"];

/// What is neither a span nor a choice.
const REGIONS: &str = "regions";

/// Reads what Label Studio exports.
pub(crate) struct LabelStudio;

impl Export for LabelStudio {
    fn object(
        &self,
        mut record: Map<String, Value>,
        text: Option<&str>,
    ) -> Result<Map<String, Value>, Wrong> {
        let mut row = Row::default();
        match record.remove("data") {
            Some(Value::Object(mut data)) => {
                let text = text.map(|text| text.strip_prefix("data.").unwrap_or(text));
                let only = only_text(&data);
                row.text = entity::take_text(&mut data, text.or(only.as_deref()), &["text"])?;
                let mut keys = ANNOTATIONS.iter();
                let key = keys.find(|key| record.contains_key(**key));
                if let Some(annotations) = key.and_then(|key| record.remove(*key)) {
                    row.task(&annotations)?;
                }
                row.rest = record;
                row.rest.extend(data);
            }
            data => {
                record.extend(data.map(|data| ("data".to_owned(), data)));
                row.text = entity::take_text(&mut record, text, &["text"])?;
                row.flat(record)?;
            }
        }
        row.object()
    }
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
    let mut lists = ANNOTATIONS.iter().chain(&["predictions"]);
    let is_task = record.get("data").is_some_and(Value::is_object)
        && lists.any(|key| record.get(*key).is_some_and(Value::is_array));
    is_task || record.values().any(|value| regions(value).is_some())
}

/// The regions of a flat object's control, if it has any.
fn regions(value: &Value) -> Option<&Vec<Value>> {
    let items = value.as_array()?;
    (!items.is_empty() && items.iter().all(is_region)).then_some(items)
}

fn is_region(item: &Value) -> bool {
    let mut keys = ["start", "end", "labels"].iter();
    keys.all(|key| item.get(key).is_some())
}

#[derive(Default)]
struct Row {
    text: String,
    /// The entities; `None` if nobody looked for any.
    entities: Option<Vec<Entity>>,
    choices: Vec<Choice>,
    others: Vec<Value>,
    rest: Map<String, Value>,
}

/// A control, and what was chosen in it.
struct Choice {
    control: String,
    chosen: Vec<String>,
}

impl Choice {
    fn is_sentiment(&self) -> bool {
        self.control == "sentiment" || sentiment(&self.chosen).is_some()
    }
}

impl Row {
    /// The annotations of a task.
    fn task(&mut self, annotations: &Value) -> Result<(), Wrong> {
        let Some(annotation) = valid_annotation(annotations)? else {
            return Ok(());
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
                self.choose(from.to_owned(), chosen)?;
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
                self.choose(key, chosen)?;
            } else if key == "sentiment" && value.is_string() {
                self.choose(key, &value)?;
            } else {
                self.rest.insert(key, value);
            }
        }
        Ok(())
    }

    fn choose(&mut self, control: String, chosen: &Value) -> Result<(), Wrong> {
        let chosen = names(chosen)?;
        self.choices.push(Choice { control, chosen });
        Ok(())
    }

    fn region(&mut self, value: &Value, labels: &Value) -> Result<(), Wrong> {
        let place = value.get("globalOffsets").unwrap_or(value);
        let (start, end) = (place["start"].as_u64(), place["end"].as_u64());
        let labels = names(labels)?;
        let (Some(start), Some(end), [label]) = (start, end, &labels[..]) else {
            let error = wrong(
                shown(&value.to_string()),
                "a region with start, end and one label",
            );
            return error.map_err(Wrong::of_labels);
        };
        let said = value.get("text").and_then(Value::as_str);
        let Some(Range { start, end }) = in_chars(&self.text, start..end, said) else {
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
        let has_intent = object.contains_key("intent")
            || choices.iter().any(|choice| choice.control == "intent");
        let is_only = choices
            .iter()
            .filter(|choice| !choice.is_sentiment())
            .count()
            == 1;
        for choice in choices {
            let is_intent = !has_intent && is_only && !choice.is_sentiment();
            let Choice { control, chosen } = choice;
            if control == "intent" || is_intent {
                let intent = entity::only(chosen, &control)?;
                object.extend(intent.map(|intent| ("intent".to_owned(), intent.into())));
            } else if let Some(sentiment) =
                sentiment(&chosen).filter(|_| !object.contains_key("sentiment"))
            {
                object.insert("sentiment".into(), sentiment.into());
            } else if control == "sentiment" {
                let found = format!("the sentiment {}", shown(&chosen.join(", ")));
                return wrong(found, "positive, neutral or negative");
            } else {
                object.insert(control, chosen.into());
            }
        }
        object.insert("text".into(), text.into());
        object.extend(entities.map(|entities| ("spans".to_owned(), entity::spans(entities))));
        if !others.is_empty() {
            object.insert(REGIONS.into(), others.into());
        }
        Ok(object)
    }
}

/// The one annotation that was not skipped, or is the ground truth; `None` if all were skipped.
fn valid_annotation(annotations: &Value) -> Result<Option<&Value>, Wrong> {
    let all = annotations.as_array().into_iter().flatten();
    let mut valid: Vec<&Value> = all.filter(|one| !is_set(one, "was_cancelled")).collect();
    let truths = valid.iter().filter(|one| is_set(one, "ground_truth"));
    if valid.len() > 1 && truths.count() == 1 {
        valid.retain(|one| is_set(one, "ground_truth"));
    }
    match valid[..] {
        [] => Ok(None),
        [annotation] => Ok(Some(annotation)),
        _ => {
            let found = format!("{} annotations", valid.len());
            let error = wrong(found, "one, or one that is the ground truth");
            error.map_err(Wrong::of_labels)
        }
    }
}

fn is_set(annotation: &Value, key: &str) -> bool {
    annotation.get(key) == Some(&Value::Bool(true))
}

/// A sentiment by its word.
fn sentiment(chosen: &[String]) -> Option<f64> {
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
fn in_chars(text: &str, units: Range<u64>, said: Option<&str>) -> Option<Range<u64>> {
    let chars = chars_before(text, units.start)..chars_before(text, units.end);
    match said {
        None => Some(chars),
        Some(said) => [chars, units]
            .into_iter()
            .find(|range| is_there(text, range, said)),
    }
}

/// How many characters stand before that many UTF-16 units; past the end of the text as many as
/// the file says, for the error.
fn chars_before(text: &str, unit: u64) -> u64 {
    let (mut chars, mut at) = (0, 0);
    for c in text.chars() {
        if at < unit {
            chars += 1;
        }
        at += c.len_utf16() as u64;
    }
    chars + unit.saturating_sub(at)
}

/// Whether what the file `said` is in that range of characters.
fn is_there(text: &str, range: &Range<u64>, said: &str) -> bool {
    let chars = text.chars().skip(range.start as usize);
    let length = range.end.saturating_sub(range.start);
    let there: String = chars.take(length as usize).collect();
    without_line_ends(&there) == without_line_ends(said)
}

/// Label Studio shows line ends in its own way.
fn without_line_ends(text: &str) -> String {
    text.replace("\\n", "").replace(['\n', '\r'], "")
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
        let spans = row.spans.iter().enumerate();
        let mut result: Vec<Value> = spans
            .map(|(at, span)| region(&row.text, at, span))
            .collect();
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
        let task = json!({"id": entity::id(&row.id), "data": data, "annotations": annotations});
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

/// A span as a region, with a number for its id.
fn region(text: &str, at: usize, span: &Span) -> Value {
    json!({
        "id": format!("span-{at}"), "from_name": "label", "to_name": "text", "type": "labels",
        "value": {
            "start": units_before(text, span.start), "end": units_before(text, span.end),
            "text": &text[span.range()], "labels": [&span.label],
        },
    })
}

fn units_before(text: &str, byte: usize) -> usize {
    text[..byte].encode_utf16().count()
}
