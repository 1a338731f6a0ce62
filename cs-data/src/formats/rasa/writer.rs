//! Rows as Rasa's training data.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::file::{Output, shown};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::text::Utterance;

use super::example::Example;
use super::reader::{ATTRIBUTES, METADATA, SECTIONS, STRIPPED};

/// Writes examples in the order of the rows, neighbours of one intent together.
pub(crate) struct RasaWriter {
    out: Output,
    rows: usize,
    /// Intent of the last row, and whether its examples are a list.
    open: Option<(String, bool)>,
}

impl RasaWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut out = Output::create(path)?;
        out.text("version: \"3.1\"\n\nnlu:\n")?;
        Ok(RasaWriter {
            out,
            rows: 0,
            open: None,
        })
    }
}

impl RowWriter for RasaWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        let Some(intent) = row
            .intent
            .as_deref()
            .filter(|intent| !intent.trim().is_empty())
        else {
            return Err(Error::unwritable(
                &row.id,
                "no intent",
                "one, as all of Rasa's examples have",
            ));
        };
        let mut extra = row.extra.clone();
        let line = match line(row, &mut extra, lost) {
            Some(line) if !line.is_empty() && line.trim_matches(STRIPPED) == line => line,
            _ => {
                let found = format!("the text {}", shown(&row.text));
                return Err(Error::unwritable(
                    &row.id,
                    found,
                    "one that Rasa reads as it stands",
                ));
            }
        };
        if self.rows.to_string() != row.id {
            lost.add("id");
        }
        self.rows += 1;
        let mut yaml = sections(&mut extra);
        let metadata = extra.remove(METADATA);
        let held: &[&str] = if extra.is_empty() {
            &["spans", "intent", "extra"]
        } else {
            &["spans", "intent"]
        };
        lost.add_all_but(held, row);
        let is_list = metadata.is_some() || line.contains(char::is_control);
        let open = Some((intent.to_owned(), is_list));
        if self.open != open || !yaml.is_empty() {
            let mark = if is_list { "" } else { " |" };
            yaml.push_str(&format!(
                "- intent: {}\n  examples:{mark}\n",
                quoted(intent)
            ));
        }
        self.open = open;
        if is_list {
            yaml.push_str(&format!("  - text: {}\n", Value::from(line)));
            if let Some(metadata) = metadata {
                yaml.push_str(&format!("    metadata: {metadata}\n"));
            }
        } else {
            yaml.push_str(&format!("    - {line}\n"));
        }
        self.out.text(&yaml)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.out.finish()
    }
}

/// The row as an example; without its spans if only that reads back, `None` if nothing does. Takes
/// the attributes out of `extra` if they are written.
fn line(row: &Utterance, extra: &mut Map<String, Value>, lost: &mut Losses) -> Option<String> {
    let attributes = extra.get(ATTRIBUTES).cloned();
    let attributes: Option<Vec<Map<String, Value>>> =
        attributes.and_then(|attributes| serde_json::from_value(attributes).ok());
    let bare = Example {
        text: row.text.clone(),
        spans: row.spans.clone(),
        attributes: vec![Map::new(); row.spans.len()],
    };
    let full = attributes
        .filter(|list| list.len() == row.spans.len())
        .and_then(|attributes| {
            Example {
                attributes,
                ..bare.clone()
            }
            .line()
        });
    if full.is_some() {
        extra.remove(ATTRIBUTES);
    }
    full.or_else(|| bare.line()).or_else(|| {
        let plain = Example {
            text: row.text.clone(),
            ..Example::default()
        };
        let line = plain.line()?;
        lost.add("spans");
        Some(line)
    })
}

/// Takes the sections out of `extra` that stand beside intents, as YAML.
fn sections(extra: &mut Map<String, Value>) -> String {
    let is_beside = |section: &Value| {
        ["synonym", "lookup", "regex"]
            .iter()
            .any(|key| section.get(key).is_some())
    };
    let mut yaml = String::new();
    if let Some(Value::Array(sections)) = extra.get_mut(SECTIONS) {
        for section in sections.extract_if(.., |section| is_beside(section)) {
            // JSON is YAML.
            yaml.push_str(&format!("- {section}\n"));
        }
        if sections.is_empty() {
            extra.remove(SECTIONS);
        }
    }
    yaml
}

/// A text as YAML: plain where that is safe.
fn quoted(text: &str) -> String {
    let is_plain = text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '-'))
        && text.starts_with(char::is_alphabetic)
        && !matches!(
            &*text.to_lowercase(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if is_plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
