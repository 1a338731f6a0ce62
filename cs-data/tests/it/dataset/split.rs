//! Splits and folds: against scikit-learn, and as a property.

use std::collections::{BTreeMap, BTreeSet};

use cs_data::*;
use proptest::prelude::*;

use super::{assert_partition, class_counts, ids, in_batches, reference, row, rows};
use crate::common::{rows_of_classes, seeded};

#[test]
fn folds_are_scikit_learns() {
    let reference = reference();
    let classes = reference["classes"].as_object().unwrap();
    let labels = classes.iter().flat_map(|(label, count)| {
        std::iter::repeat_n(label.as_str(), count.as_u64().unwrap() as usize)
    });
    let data = labels.enumerate().map(|(id, label)| Utterance {
        dialogue: None,
        ..row(id + 1, Some(label))
    });
    let data = Dataset::from_utterances(data).unwrap();
    for case in reference["k_fold"].as_array().unwrap() {
        let folds = case["folds"].as_u64().unwrap() as usize;
        let held_out = data.k_fold(folds, 5).unwrap().map(|fold| fold.unwrap().1);
        let counts: Vec<_> = held_out.map(|part| class_counts(&part)).collect();
        let expected: Vec<BTreeMap<String, usize>> =
            serde_json::from_value(case["held_out"].clone()).unwrap();
        assert_eq!(counts, expected);
    }
}

#[test]
fn dialogues_are_held_out_as_scikit_learn_holds_out_groups() {
    let reference = reference();
    let groups = reference["groups"].as_u64().unwrap() as usize;
    let rows = (0..60).map(|n| {
        let mut row = Utterance::new(n.to_string(), "你好");
        let dialogue_id = (n % groups).to_string();
        row.dialogue = Some(Turn {
            dialogue_id,
            turn: 0,
            speaker: None,
        });
        row
    });
    let data = Dataset::from_utterances(rows).unwrap();
    for case in reference["group_split"].as_array().unwrap() {
        let (rest, held_out) = data
            .group_split(case["fraction"].as_f64().unwrap(), 3)
            .unwrap();
        let dialogues = [rest, held_out].map(|part| part.statistics().dialogues);
        let expected = ["rest", "held_out"].map(|part| case[part].as_u64().unwrap() as usize);
        assert_eq!(dialogues.iter().sum::<usize>(), groups);
        // Ours is rounded, scikit-learn's rounded up.
        assert!(
            expected[1] - dialogues[1] <= 1,
            "{dialogues:?} {expected:?}"
        );
    }
}

#[test]
fn a_split_is_stratified_seeded_and_blind_to_order() {
    let mut all = rows_of_classes(&[("a", 100), ("b", 2), ("c", 1), ("d", 15), ("", 20)]);
    let data = Dataset::from_utterances(all.clone()).unwrap();
    let (rest, held) = data.stratified_split(0.1, 5).unwrap();
    let count = |data: &Dataset, intent: Option<&str>| {
        data.iter()
            .filter(|row| row.intent.as_deref() == intent)
            .count()
    };
    let counts = [Some("a"), Some("b"), Some("c"), Some("d"), None]
        .map(|i| (count(&rest, i), count(&held, i)));
    assert_eq!(counts, [(90, 10), (1, 1), (1, 0), (13, 2), (18, 2)]);
    let ids = |data: &Dataset| data.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&held), ids(&data.stratified_split(0.1, 5).unwrap().1));
    assert_ne!(ids(&held), ids(&data.stratified_split(0.1, 6).unwrap().1));
    assert!(ids(&held).is_sorted_by_key(|id| id.parse::<usize>().unwrap()));

    all.reverse();
    let turned = Dataset::from_utterances(all)
        .unwrap()
        .stratified_split(0.1, 5)
        .unwrap()
        .1;
    let mut turned = ids(&turned);
    turned.reverse();
    assert_eq!(turned, ids(&held));

    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(data.stratified_split(fraction, 5).is_err(), "{fraction}");
    }
    let (rest, held) = data.stratified_split(0.99, 5).unwrap();
    assert_eq!(
        (
            count(&rest, Some("a")),
            count(&held, Some("b")),
            count(&rest, Some("b"))
        ),
        (1, 1, 1)
    );
}

#[test]
fn copies_are_held_out_with_their_source_in_proportion() {
    // 40 sources of two intents with six copies each, as `augment --copies 6 --keep-original` writes them.
    let family = |source: usize| {
        (0..7).map(move |copy| {
            let id = match copy {
                0 => source.to_string(),
                _ => format!("{source}~{copy}"),
            };
            let mut row =
                Utterance::new(id, "你好").with_intent(["a", "b"][usize::from(source < 10)]);
            row.parent = (copy > 0).then(|| source.to_string());
            row
        })
    };
    let data = Dataset::from_utterances((0..40).flat_map(family)).unwrap();
    let (rest, held_out) = data.stratified_split(0.1, 3).unwrap();
    assert_eq!(
        class_counts(&held_out),
        [("a".into(), 3 * 7), ("b".into(), 7)].into()
    );
    assert_eq!(rest.len(), 36 * 7);
    // The same sources as without copies: a split is comparable with that of the plain data.
    let plain = data.filter(|row| row.parent.is_none()).unwrap();
    let alone = plain.stratified_split(0.1, 3).unwrap().1;
    let sources = held_out.filter(|row| row.parent.is_none()).unwrap();
    assert_eq!(ids(&alone), ids(&sources));

    let one = data
        .map(|row| Utterance {
            parent: Some("x".into()),
            ..row
        })
        .unwrap();
    assert!(one.stratified_split(0.5, 3).unwrap().1.is_empty());
    assert!(one.group_split(0.5, 3).unwrap().1.is_empty());
    let error = one.k_fold(2, 3).err().unwrap().to_string();
    assert!(
        error.starts_with("folds is 2, expected 2 to 1 ("),
        "{error}"
    );
}

proptest! {
    #![proptest_config(seeded(48))]

    #[test]
    fn splits_partition_the_rows(count in 2usize..60, seed in any::<u64>(), fraction in 0.01f64..0.99) {
        let data = in_batches(&rows(count), &[7]);
        let (rest, held_out) = data.stratified_split(fraction, seed).unwrap();
        assert_partition(&data, &[&rest, &held_out]);

        let (rest, held_out) = data.group_split(fraction, seed).unwrap();
        assert_partition(&data, &[&rest, &held_out]);
        let dialogues = |part: &Dataset| -> BTreeSet<String> {
            part.iter().filter_map(|row| Some(row.dialogue?.dialogue_id)).collect()
        };
        prop_assert!(dialogues(&rest).is_disjoint(&dialogues(&held_out)));
        prop_assert!(!rest.is_empty() && !held_out.is_empty());

        // Rows that do not belong together are dealt evenly.
        let data = data.map(|row| Utterance { dialogue: None, ..row }).unwrap();
        let folds = 2 + seed as usize % (count - 1);
        let folds: Vec<_> = data.k_fold(folds, seed).unwrap().map(Result::unwrap).collect();
        let held_out: Vec<&Dataset> = folds.iter().map(|(_, held_out)| held_out).collect();
        assert_partition(&data, &held_out);
        for (rest, held_out) in &folds {
            assert_partition(&data, &[rest, held_out]);
        }
        for intent in ["a", "b", "c"] {
            let of = |part: &&Dataset| class_counts(part).get(intent).copied().unwrap_or(0);
            let (most, least) = (held_out.iter().map(of).max(), held_out.iter().map(of).min());
            prop_assert!(most.unwrap() - least.unwrap() <= 1);
        }
        let sizes = || held_out.iter().map(|part| part.len());
        prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
    }
}
