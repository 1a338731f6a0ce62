//! What a data set can do with its rows: against scikit-learn and numpy, and as properties.

mod column;
mod groups;
mod sample;
mod schema;
mod split;
mod statistics;

use std::collections::BTreeMap;

use cs_data::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{rows_of_classes, seeded};

fn reference() -> Value {
    serde_json::from_str(include_str!("../../reference/splits.json")).unwrap()
}

fn row(id: usize, intent: Option<&str>) -> Utterance {
    let mut row = Utterance::new(id.to_string(), format!("第{id}个 order {}", id % 7));
    row.intent = intent.map(str::to_owned);
    row.spans = vec![Span::new(0, 3, "ordinal")];
    if id.is_multiple_of(3) {
        let dialogue_id = format!("d{}", id % 5);
        let speaker = id.is_multiple_of(2).then(|| "用户".to_owned());
        row.dialogue = Some(Turn {
            dialogue_id,
            turn: id as u32,
            speaker,
        });
        row.spans
            .push(Span::new(3, 4 + id.ilog10().min(1) as usize, "number"));
        row.extra.insert("n".into(), id.into());
    }
    if id.is_multiple_of(4) {
        row.sentiment = Some(0.25);
        row.reply = Some("好的".into());
        row.parent = Some(format!("p{id}"));
        row.origin = "typo".into();
    }
    row
}

fn rows(count: usize) -> Vec<Utterance> {
    let intents = [Some("a"), Some("b"), None, Some("b"), Some("c")];
    (1..=count)
        .map(|id| row(id, intents[id % intents.len()]))
        .collect()
}

/// The rows in batches of these sizes, in turn.
fn in_batches(rows: &[Utterance], sizes: &[usize]) -> Dataset {
    let mut rest = rows;
    let mut parts = Vec::new();
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, after) = rest.split_at(size.min(rest.len()));
        parts.push(Dataset::from_utterances(part.iter().cloned()).unwrap());
        rest = after;
    }
    Dataset::concat(parts)
}

fn ids(data: &Dataset) -> Vec<String> {
    data.iter().map(|row| row.id).collect()
}

fn class_counts(data: &Dataset) -> BTreeMap<String, usize> {
    data.statistics().intents
}

/// That `parts` are `whole`, each row in one of them and in order.
fn assert_partition(whole: &Dataset, parts: &[&Dataset]) {
    let mut number = 0;
    let mut open: Vec<_> = parts.iter().map(|part| part.iter().peekable()).collect();
    for row in whole.iter() {
        let taken = open.iter_mut().find_map(|part| part.next_if_eq(&row));
        assert_eq!(taken.as_ref(), Some(&row));
        number += 1;
    }
    assert_eq!(number, parts.iter().map(|part| part.len()).sum::<usize>());
}

#[test]
fn rows_can_be_taken_again() {
    let data = Dataset::from_utterances(rows_of_classes(&[("a", 3), ("b", 2)])).unwrap();
    let some = data.select(&[4, 0, 0]).unwrap();
    let ids: Vec<String> = some.iter().map(|row| row.id).collect();
    assert_eq!(ids, ["4", "0", "0"]);
    let empty = data.select(&[]).unwrap();
    assert!(empty.is_empty() && empty.intents().is_empty() && !empty.has_sentiment());
    assert_eq!(data.select(&[0, 1]).unwrap().intents(), ["a"]);
    assert_eq!(
        data.select(&[5]).unwrap_err().to_string(),
        "row is 5, expected a row below 5"
    );
    assert_eq!(Dataset::from_utterances([]).unwrap().len(), 0);
}

#[test]
fn a_fingerprint_is_of_the_content() {
    let data = Dataset::from_utterances(rows_of_classes(&[("a", 3), ("b", 2)])).unwrap();
    assert_eq!(
        data.fingerprint(),
        "549ba1f5e8beceebe5fdd0c494517b43b4320dc8905182fd60c43044346adea5"
    );
    let reordered = data.select(&[1, 0, 2, 3, 4]).unwrap();
    assert_ne!(reordered.fingerprint(), data.fingerprint());
    assert_eq!(
        reordered.select(&[1, 0, 2, 3, 4]).unwrap().fingerprint(),
        data.fingerprint()
    );
}

#[test]
fn bad_arguments_are_named() {
    let data = Dataset::from_utterances(rows(3)).unwrap();
    let error = |result: Result<Dataset>| result.unwrap_err().to_string();
    assert_eq!(
        error(data.select(&[0, 3])),
        "row is 3, expected a row below 3"
    );
    for folds in [0, 1, 4] {
        let message = data.k_fold(folds, 0).err().unwrap().to_string();
        assert_eq!(
            message,
            format!(
                "folds is {folds}, expected 2 to 3 (the rows, dialogues and families of copies counting as one each)"
            )
        );
    }
    for fraction in [0.0, 1.0, -1.0, f64::NAN] {
        let message = error(data.group_split(fraction, 0).map(|parts| parts.0));
        assert_eq!(
            message,
            format!("fraction is {fraction}, expected a number between 0 and 1")
        );
    }
    let broken = data.map(|row| row.with_sentiment(7.0));
    assert!(error(broken).starts_with("row 0 (id \"1\"): sentiment is 7"));
    let none = Dataset::default();
    assert_eq!(none, Dataset::from_utterances([]).unwrap());
    assert_eq!(
        none.group_split(0.5, 1).unwrap(),
        (none.clone(), none.clone())
    );
    assert_eq!(none.shuffle(1).unwrap().k_shot(2, 1).unwrap(), none);
}

proptest! {
    #![proptest_config(seeded(48))]

    #[test]
    fn the_cutting_into_batches_does_not_show(
        count in 0usize..60,
        sizes in proptest::collection::vec(1usize..9, 1..4),
        seed in any::<u64>(),
    ) {
        let rows = rows(count);
        let whole = Dataset::from_utterances(rows.clone()).unwrap();
        let cut = in_batches(&rows, &sizes);
        prop_assert_eq!(&cut, &whole);
        prop_assert_eq!(cut.fingerprint(), whole.fingerprint());
        prop_assert_eq!(cut.iter().collect::<Vec<_>>(), rows);
        prop_assert_eq!(cut.shuffle(seed).unwrap(), whole.shuffle(seed).unwrap());
        prop_assert_eq!(cut.statistics(), whole.statistics());
        prop_assert_eq!(cut.k_shot(2, seed).unwrap(), whole.k_shot(2, seed).unwrap());
        prop_assert_eq!(cut.group_split(0.3, seed).unwrap(), whole.group_split(0.3, seed).unwrap());
        prop_assert_eq!(cut.map(|row| row).unwrap(), whole);
        let unlike = cut.map(|row| if row.id == "2" { row.with_sentiment(1.0) } else { row }).unwrap();
        prop_assert_eq!(unlike == cut, count < 2);
    }
}
