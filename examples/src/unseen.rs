//! Labels of a data set that a model does not know.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::Utterance;
use cs_model::Tasks;
use cs_train::data::UnseenLabels;

use crate::note;

/// Warns of labels in `rows` that the model does not have: it cannot but answer them wrongly.
pub fn warn_unseen(path: &Path, rows: &[Utterance], tasks: &Tasks) {
    let UnseenLabels { intents, slots } = UnseenLabels::of(rows, tasks);
    for (kind, unseen) in [("intent", intents), ("entity", slots)] {
        if !unseen.is_empty() {
            note(format_args!("{}", unseen_line(path, kind, &unseen)));
        }
    }
}

fn unseen_line(path: &Path, kind: &str, unseen: &BTreeMap<String, usize>) -> String {
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
    fn a_warning_counts_and_names() {
        let unseen = [("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 1), ("f", 4)];
        let unseen = unseen.map(|(name, count)| (name.to_owned(), count)).into();
        assert_eq!(
            unseen_line("t.jsonl".as_ref(), "intent", &unseen),
            "warning: t.jsonl: 6 intent labels that training never saw, in 10 places, count as wrong: \
             a (1), b (2), c (1), d (1), e (1) and 1 more"
        );
    }
}
