//! The same text twice: duplicates, leaks and contradictory labels.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::balance::side;
use super::row::{Row, RowRef};

/// A row that repeats another.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Utterance};
/// let rows = [Utterance::new("a", "退款！"), Utterance::new("b", "退款")];
/// let report = Audit::new(&Dataset::from_utterances(rows)?).run(&Rules::default())?;
/// let repeat = &report.examples.duplicates[0];
/// assert_eq!((repeat.row.id.as_str(), repeat.of.as_str()), ("b", "退款！"));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeat {
    /// The row that repeats a text.
    pub row: RowRef,
    /// The text that it repeats, in the data or, for a leak, in the other data set. Leaks give its
    /// normal form.
    pub of: String,
    /// Jaccard similarity of the two texts' sets of character trigrams; 1 for the same normal form.
    pub similarity: f64,
}

/// One text with labels that exclude each other.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Utterance};
/// let row = |text: &str, intent: &str| Utterance::new("1", text).with_intent(intent);
/// let rows = [row("退款", "refund"), row("退款!", "return"), row("退款", "refund")];
/// let report = Audit::new(&Dataset::from_utterances(rows)?).run(&Rules::default())?;
/// let one = &report.examples.contradictions[0];
/// assert_eq!((one.labels["refund"], one.labels["return"]), (2, 1));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contradiction {
    /// The field that disagrees: `intent` or `sentiment`.
    pub field: &'static str,
    /// The labels (for the sentiment `positive` and `negative`) and how many rows have each.
    pub labels: BTreeMap<String, usize>,
    /// The first row with the text.
    pub row: RowRef,
}

/// Reads a label off a row.
type Label = fn(&Row) -> Option<&str>;

/// Each row beyond the first of its normal form.
pub(super) fn duplicates(rows: &[Row]) -> Vec<Repeat> {
    let mut first: HashMap<&str, &Row> = HashMap::new();
    let mut out = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match first.get(row.normal.as_str()) {
            Some(of) => out.push(Repeat {
                row: RowRef::new(index, row),
                of: RowRef::clip(&of.utterance.text),
                similarity: 1.0,
            }),
            None => drop(first.insert(&row.normal, row)),
        }
    }
    out
}

/// Each row whose normal form is among `others`.
pub(super) fn leaks(rows: &[Row], others: &[String]) -> Vec<Repeat> {
    let others: HashSet<&str> = others.iter().map(String::as_str).collect();
    rows.iter()
        .enumerate()
        .filter(|(_, row)| others.contains(row.normal.as_str()))
        .map(|(index, row)| Repeat {
            row: RowRef::new(index, row),
            of: RowRef::clip(&row.normal),
            similarity: 1.0,
        })
        .collect()
}

/// Normal forms with several intents, or with both sides of sentiment, by their first row. Rows of
/// nothing but punctuation say nothing and are left out.
pub(super) fn contradictions(rows: &[Row]) -> Vec<Contradiction> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        if !row.normal.is_empty() {
            groups.entry(&row.normal).or_default().push(index);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups
        .into_values()
        .filter(|group| group.len() > 1)
        .collect();
    groups.sort_unstable();
    let fields: [(&str, Label); 2] = [
        ("intent", |row| row.utterance.intent.as_deref()),
        ("sentiment", |row| row.utterance.sentiment.and_then(side)),
    ];
    let mut out = Vec::new();
    for group in &groups {
        for (field, label) in fields {
            let mut labels: BTreeMap<String, usize> = BTreeMap::new();
            for label in group.iter().filter_map(|&index| label(&rows[index])) {
                *labels.entry(label.to_owned()).or_default() += 1;
            }
            if labels.len() > 1 {
                let row = RowRef::new(group[0], &rows[group[0]]);
                out.push(Contradiction { field, labels, row });
            }
        }
    }
    out
}
