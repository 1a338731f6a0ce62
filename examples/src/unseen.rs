//! Labels of a data set that a model does not know, and sets without any.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cs_data::{Dataset, Utterance};
use cs_model::Tasks;

use crate::error::{Error, Result};
use crate::note;

/// Warns of labels in `rows` that the model does not have: it cannot but answer them wrongly.
pub fn warn_unseen(path: &Path, rows: &[Utterance], tasks: &Tasks) {
    let (mut intents, mut slots) = (BTreeMap::new(), BTreeMap::new());
    let tags = tasks.slots.as_deref().unwrap_or_default();
    for row in rows {
        if let (Some(known), Some(intent)) = (&tasks.intent, &row.intent)
            && !known.contains(intent)
        {
            *intents.entry(intent.as_str()).or_insert(0) += 1;
        }
        for span in row.spans.iter().filter(|_| !tags.is_empty()) {
            if !tags
                .iter()
                .any(|tag| tag.strip_prefix("B-") == Some(&span.label))
            {
                *slots.entry(span.label.as_str()).or_insert(0) += 1;
            }
        }
    }
    for (kind, unseen) in [("intent", intents), ("entity", slots)] {
        if !unseen.is_empty() {
            note(format_args!("{}", unseen_line(path, kind, &unseen)));
        }
    }
}

/// Refuses a set of which no row is labelled, naming the columns that may hold its labels.
///
/// # Errors
///
/// [`Error::Unfit`].
pub(crate) fn need_labels(path: &Path, rows: &Dataset) -> Result<()> {
    let labelled =
        |row: &Utterance| row.intent.is_some() || row.sentiment.is_some() || !row.spans.is_empty();
    if rows.iter().any(|row| labelled(&row)) {
        return Ok(());
    }
    let mut columns = BTreeSet::new();
    for row in rows.iter().take(1000) {
        columns.extend(row.extra.into_iter().map(|(name, _)| name));
    }
    Err(Error::Unfit {
        path: path.to_owned(),
        found: format!("{} rows without a label{}", rows.len(), likely(&columns)),
        expected: "an intent, spans or a sentiment in some of them",
    })
}

/// The columns that fill no field, and how the likeliest would.
fn likely(columns: &BTreeSet<String>) -> String {
    const LIKELY: [&str; 6] = [
        "label",
        "category",
        "class",
        "label_text",
        "labels",
        "target",
    ];
    let known = LIKELY.iter().copied().find(|name| columns.contains(*name));
    match known.or(columns.first().map(String::as_str)) {
        None => String::new(),
        Some(column) => {
            let all: Vec<&str> = columns.iter().map(String::as_str).collect();
            let all = all.join(", ");
            format!(
                " and the columns {all} unused (--columns intent={column} takes intents from one)"
            )
        }
    }
}

fn unseen_line(path: &Path, kind: &str, unseen: &BTreeMap<&str, usize>) -> String {
    const NAMED: usize = 5;
    let names: Vec<String> = unseen
        .iter()
        .take(NAMED)
        .map(|(name, n)| format!("{name} ({n})"))
        .collect();
    let more = unseen.len().saturating_sub(NAMED);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "warning: {}: {} {kind} labels that training never saw, in {} places, count as wrong: {}{rest}",
        path.display(),
        unseen.len(),
        unseen.values().sum::<usize>(),
        names.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_without_labels_names_the_column_that_may_hold_them() {
        let mut row = Utterance::new("1", "hi");
        let refused = |row: &Utterance| {
            let rows = Dataset::from_utterances([row.clone()]).unwrap();
            need_labels("a.csv".as_ref(), &rows).map_err(|error| error.line())
        };
        let expected = "expected an intent, spans or a sentiment in some of them";
        assert_eq!(
            refused(&row),
            Err(format!("a.csv: 1 rows without a label, {expected}"))
        );
        row.extra.insert("channel".into(), "web".into());
        row.extra.insert("label".into(), "greeting".into());
        let columns =
            "and the columns channel, label unused (--columns intent=label takes intents from one)";
        assert_eq!(
            refused(&row),
            Err(format!(
                "a.csv: 1 rows without a label {columns}, {expected}"
            ))
        );
        assert_eq!(refused(&row.with_sentiment(0.5)), Ok(()));
    }

    #[test]
    fn a_warning_counts_and_names() {
        let unseen = BTreeMap::from([("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 1), ("f", 4)]);
        assert_eq!(
            unseen_line("t.jsonl".as_ref(), "intent", &unseen),
            "warning: t.jsonl: 6 intent labels that training never saw, in 10 places, count as wrong: \
             a (1), b (2), c (1), d (1), e (1) and 1 more"
        );
    }
}
