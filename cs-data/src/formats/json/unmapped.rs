//! Fields that look like labels and fill nothing.

use std::collections::BTreeMap;
use std::path::Path;

use aho_corasick::AhoCorasick;
use serde_json::{Map, Value};

/// What annotation tools and data sets call their labels.
const LIKELY: [&str; 15] = [
    "annotations",
    "categories",
    "category",
    "cats",
    "class",
    "classes",
    "entities",
    "intents",
    "label",
    "label_text",
    "labels",
    "ner",
    "ner_tags",
    "slots",
    "tags",
];

/// How many rows each of the likely fields was set in.
pub(crate) struct Unmapped {
    keys: Option<AhoCorasick>,
    rows: BTreeMap<&'static str, usize>,
}

impl Default for Unmapped {
    fn default() -> Self {
        let keys = LIKELY.map(|key| format!("\"{key}\":"));
        Unmapped {
            // Without it nothing is warned of; these patterns always build.
            keys: AhoCorasick::new(keys).ok(),
            rows: BTreeMap::new(),
        }
    }
}

impl Unmapped {
    /// Looks through the `extra` of a row.
    pub(crate) fn see(&mut self, extra: &str) {
        let keys = self.keys.as_ref();
        if keys.is_none_or(|keys| !keys.is_match(extra)) {
            return;
        }
        let Ok(extra) = serde_json::from_str::<Map<String, Value>>(extra) else {
            return;
        };
        for key in LIKELY {
            if extra.get(key).is_some_and(is_set) {
                *self.rows.entry(key).or_default() += 1;
            }
        }
    }

    /// Says once for each field what it might be.
    pub(crate) fn warn(&mut self, path: &Path) {
        for (key, rows) in std::mem::take(&mut self.rows) {
            let s = if rows == 1 { "" } else { "s" };
            tracing::warn!(
                "{}: {key} of {rows} row{s} fills no field; --columns intent={key}, or spans={key}, maps it",
                path.display()
            );
        }
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}
