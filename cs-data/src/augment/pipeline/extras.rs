//! What rows keep beside the fields there are, where it speaks of a text that a copy no longer has.

use arrow::array::{Array, StringArray};
use serde_json::{Map, Value};

use crate::formats::{ATTRIBUTES, SECTIONS};

/// What an entity stands for, in Rasa's words and others'.
const VALUE: &str = "value";
/// Further entities of a span.
const FURTHER: &str = "entities";

/// A copy's entities, before and after.
pub(crate) struct Change<'a> {
    /// The text of each span in the row.
    pub(crate) before: Vec<&'a str>,
    /// The text of each span in the copy.
    pub(crate) after: Vec<&'a str>,
}

impl Change<'_> {
    /// The new text of an entity that was `text`.
    fn now(&self, text: &str) -> Option<&str> {
        let pairs = self.before.iter().zip(&self.after);
        let mut changed = pairs.filter(|(before, after)| before != after);
        changed
            .find(|(before, _)| **before == text)
            .map(|(_, after)| *after)
    }
}

/// The `extra` of copies, in the order of their rows. Sections of a file, such as lookup tables and
/// synonyms, which lie with a row but are the file's, come once: with the first copy from there on,
/// or with the last one of all.
pub(crate) struct Extras<'a> {
    column: &'a StringArray,
    /// Rows whose sections are written; all if the rows themselves stay, and bring them.
    done: usize,
}

impl<'a> Extras<'a> {
    pub(crate) fn new(column: &'a StringArray, keep_original: bool) -> Self {
        Self {
            column,
            done: if keep_original { column.len() } else { 0 },
        }
    }

    /// The `extra` of a copy of `row`; `is_last` says that no copy follows.
    pub(crate) fn copy(&mut self, row: u32, is_last: bool, change: &Change<'_>) -> Option<String> {
        let row = row as usize;
        let sections = self.sections_to(if is_last { self.column.len() } else { row + 1 });
        let mut extra = self.extra(row).unwrap_or_default();
        extra.remove(SECTIONS);
        if !sections.is_empty() {
            extra.insert(SECTIONS.into(), sections.into());
        }
        if change.before != change.after {
            follow(&mut extra, change);
        }
        (!extra.is_empty()).then(|| Value::Object(extra).to_string())
    }

    /// The sections that lie with the rows before `end`, but for those that are done.
    fn sections_to(&mut self, end: usize) -> Vec<Value> {
        let mut sections = Vec::new();
        for row in self.done..end {
            let is_there = self.column.is_valid(row) && self.column.value(row).contains(SECTIONS);
            let extra = is_there.then(|| self.extra(row)).flatten();
            match extra.and_then(|mut extra| extra.remove(SECTIONS)) {
                Some(Value::Array(more)) => sections.extend(more),
                more => sections.extend(more),
            }
        }
        self.done = self.done.max(end);
        sections
    }

    fn extra(&self, row: usize) -> Option<Map<String, Value>> {
        let json = self.column.is_valid(row).then(|| self.column.value(row))?;
        serde_json::from_str(json).ok()
    }
}

/// Takes the values of entities that are others now out of the attributes, and puts the new text
/// where the old one stood.
fn follow(extra: &mut Map<String, Value>, change: &Change<'_>) {
    let attributes = extra.get_mut(ATTRIBUTES).and_then(Value::as_array_mut);
    let pairs = change.before.iter().zip(&change.after);
    for (of_span, (before, after)) in attributes.into_iter().flatten().zip(pairs) {
        if before != after {
            forget_value(of_span);
        }
    }
    for value in extra.values_mut() {
        if let Some(now) = value.as_str().and_then(|text| change.now(text)) {
            *value = now.into();
        }
    }
}

fn forget_value(attributes: &mut Value) {
    let Some(attributes) = attributes.as_object_mut() else {
        return;
    };
    attributes.remove(VALUE);
    let further = attributes.get_mut(FURTHER).and_then(Value::as_array_mut);
    further.into_iter().flatten().for_each(forget_value);
}
