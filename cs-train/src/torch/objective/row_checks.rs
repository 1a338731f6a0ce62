//! What of labelled rows can be learned and scored, and what is said of the rest.

use std::collections::BTreeMap;

use cs_data::Span;
use cs_model::Tasks;

use crate::data::{Example, Misaligned, Prepared};
use crate::error::{Error, Result};

/// The rows that have a label.
pub(super) fn labelled(train: &Prepared) -> Result<Vec<&Example>> {
    const WHAT: &str = "training";
    if train.examples.is_empty() {
        return Err(Error::Empty { what: WHAT });
    }
    let rows: Vec<&Example> = train.examples.iter().filter(|e| e.is_labelled()).collect();
    if rows.is_empty() {
        return Err(Error::NoLabels { what: WHAT });
    }
    Ok(rows)
}

/// Checks that validation can tell good weights from bad ones.
pub(super) fn check_validation(data: &Prepared, tasks: &Tasks) -> Result<()> {
    const WHAT: &str = "validation";
    if data.rows.is_empty() {
        return Err(Error::Empty { what: WHAT });
    }
    let scored = data.rows.iter().any(|row| {
        (tasks.intent.is_some() && row.intent.is_some())
            || (tasks.slots.is_some() && !row.spans.is_empty())
            || (tasks.sentiment && row.sentiment.is_some())
    });
    if scored {
        return Ok(());
    }
    Err(Error::NoLabels { what: WHAT })
}

/// Names with how often they occur, the first few of them.
fn counted(names: &BTreeMap<String, usize>) -> String {
    const NAMED: usize = 5;
    let named = names.iter().take(NAMED);
    let mut list: Vec<String> = named
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    if names.len() > NAMED {
        list.push(format!("and {} more", names.len() - NAMED));
    }
    list.join(", ")
}

/// Logs what of a set could not be used.
pub(super) fn warn_of(what: &str, data: &Prepared, tasks: &Tasks) {
    let tagged = data.rows.iter().filter(|row| row.is_tagged()).count();
    let (rows, bare) = (data.rows.len(), data.rows.len() - tagged);
    if tasks.slots.is_some() && tagged > 0 && bare > 0 {
        tracing::warn!(
            "{bare} of the {rows} rows of the {what} set say nothing of entities: they are left out where entities \
             are learned or scored"
        );
    }
    let unseen = &data.unseen_labels;
    if !unseen.intents.is_empty() {
        let intents = counted(&unseen.intents);
        tracing::warn!("the {what} set has intents that the model does not have: {intents}");
    }
    if !unseen.slots.is_empty() {
        let labels = counted(&unseen.slots);
        tracing::warn!("the {what} set has entity labels that the model does not have: {labels}");
    }
    if let Some(first) = data.misaligned.first() {
        let lost = data.misaligned.len();
        let spans: usize = data.rows.iter().map(|row| row.spans.len()).sum();
        let cut = data.misaligned.iter().filter(|span| span.truncated).count();
        let Span { start, end, label } = &first.span;
        tracing::warn!(
            "{lost} of the {spans} spans of the {what} set are lost: {} begin or end inside a word, {cut} lie \
             where their text was cut; the first is {label} at bytes {start} to {end} of row {:?}",
            lost - cut,
            first.id,
        );
    }
}

/// Refuses a set that has entities of a label, none of which can be learned.
pub(super) fn check_spans(data: &Prepared) -> Result<()> {
    let mut lost: BTreeMap<&str, Vec<&Misaligned>> = BTreeMap::new();
    for span in &data.misaligned {
        lost.entry(&span.span.label).or_default().push(span);
    }
    for (label, lost) in lost {
        let spans = data.rows.iter().flat_map(|row| &row.spans);
        let count = spans.filter(|span| span.label == label).count();
        if lost.len() == count {
            return Err(Error::LostSpans {
                label: label.to_owned(),
                count,
                truncated: lost.iter().filter(|span| span.truncated).count(),
                id: lost[0].id.clone(),
            });
        }
    }
    Ok(())
}

/// Logs labels that no training row has: the model can never learn them.
pub(super) fn warn_of_empty_classes(tasks: &Tasks, rows: &[&Example], intents: &[usize]) {
    let names = tasks.intent.iter().flatten().zip(intents);
    let empty: Vec<&str> = names
        .filter(|(_, rows)| **rows == 0)
        .map(|(name, _)| name.as_str())
        .collect();
    if !empty.is_empty() {
        tracing::warn!("no training row has these intents: {}", empty.join(", "));
    }
    let mut entities: BTreeMap<&str, usize> = BTreeMap::new();
    let tags = tasks.slot_tags();
    let label = |tag: usize| tags[tag].strip_prefix("B-");
    entities.extend((0..tags.len()).filter_map(label).map(|name| (name, 0)));
    for tag in rows
        .iter()
        .filter_map(|row| row.tags.as_ref())
        .flatten()
        .flatten()
    {
        if let Some(name) = label(*tag as usize) {
            *entities.entry(name).or_default() += 1;
        }
    }
    let empty: Vec<&str> = entities
        .into_iter()
        .filter(|(_, n)| *n == 0)
        .map(|(name, _)| name)
        .collect();
    if !empty.is_empty() {
        tracing::warn!(
            "no training row has entities of these labels: {}",
            empty.join(", ")
        );
    }
    if tasks.sentiment && rows.iter().all(|row| row.sentiment.is_none()) {
        tracing::warn!("no training row has a sentiment, which the model has a head for");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_the_first_few_labels() {
        let labels = |count: usize| (0..count).map(|n| (format!("l{n}"), n + 1)).collect();
        assert_eq!(counted(&labels(2)), "l0 (1), l1 (2)");
        assert!(counted(&labels(7)).ends_with("l4 (5), and 2 more"));
    }
}
