//! Data sets without a label to learn from.

use std::collections::BTreeSet;
use std::path::Path;

use cs_data::{Dataset, Utterance};

use crate::error::{Error, Result};

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
}
