//! What a data set can do with its rows: against scikit-learn and numpy, and as properties.

use std::collections::{BTreeMap, BTreeSet};

use cs_data::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/splits.json")).unwrap()
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

#[test]
fn many_rows_are_cut_into_batches() {
    let count = 70_000;
    let data = Dataset::from_utterances((0..count).map(|n| row(n + 1, Some("a")))).unwrap();
    assert!(data.batches().len() > 1);
    assert_eq!(data.len(), count);
    let (last, none) = (data.utterance(count - 1).unwrap(), data.utterance(count));
    assert_eq!((last, none), (row(count, Some("a")), None));
    let backwards: Vec<usize> = (0..count).rev().collect();
    let twice = data.select(&backwards).unwrap().select(&backwards).unwrap();
    assert!(twice == data);
    // The number in an error is the row's, not its place in a batch.
    let broken = |n| row(n + 1, None).with_sentiment(if n == count - 1 { 2.0 } else { 0.0 });
    let error = Dataset::from_utterances((0..count).map(broken)).unwrap_err();
    assert!(
        error.to_string().starts_with("row 69999 (id \"70000\")"),
        "{error}"
    );
}

#[test]
fn dictionaries_do_not_grow_with_every_choice() {
    let mut data = in_batches(&rows(40), &[3]);
    for seed in 0..5 {
        data = Dataset::concat([data.shuffle(seed).unwrap(), data.select(&[0]).unwrap()]);
    }
    let data = data.shuffle(9).unwrap();
    for column in ["intent", "origin", "speaker"] {
        let column = data.batches()[0].column_by_name(column).unwrap();
        let words = arrow::array::AsArray::as_any_dictionary(column)
            .values()
            .len();
        assert!(words <= 3, "{words} words");
    }
}

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
fn quantiles_are_numpys() {
    let reference = reference();
    let mut tally = Tally::default();
    for size in reference["sizes"].as_array().unwrap() {
        tally.add(&Utterance::new(
            "1",
            "单".repeat(size.as_u64().unwrap() as usize),
        ));
    }
    let lengths = tally.finish().lengths;
    let expected: Quantiles = serde_json::from_value(reference["quantiles"].clone()).unwrap();
    assert!((lengths.mean - expected.mean).abs() < 1e-9);
    assert_eq!(
        Quantiles {
            mean: 0.0,
            ..lengths
        },
        Quantiles {
            mean: 0.0,
            ..expected
        }
    );
    assert_eq!(Tally::default().finish(), Statistics::default());
}

#[test]
fn statistics_count_everything_once() {
    let mut rows = rows(12);
    rows.push(Utterance::new("x", "ＡＢＣ１ 😀!"));
    rows.push(Utterance::new("y", "?! 12"));
    let data = in_batches(&rows, &[5]);
    let statistics = data.statistics();
    assert_eq!(
        (
            statistics.rows,
            statistics.with_spans,
            statistics.with_reply
        ),
        (14, 12, 3)
    );
    assert_eq!(
        statistics.intents,
        BTreeMap::from([("a", 2), ("b", 5), ("c", 2)].map(owned))
    );
    assert_eq!(statistics.without_intent, 5);
    assert_eq!(
        statistics.labels["ordinal"],
        LabelCount {
            spans: 12,
            rows: 12
        }
    );
    assert_eq!(
        statistics.labels["number"],
        LabelCount { spans: 4, rows: 4 }
    );
    assert_eq!((statistics.dialogues, statistics.speakers["用户"]), (4, 2));
    assert_eq!(
        statistics.origins,
        BTreeMap::from([("source", 11), ("typo", 3)].map(owned))
    );
    assert_eq!(
        statistics.scripts,
        BTreeMap::from([("Han", 24), ("Latin", 63)].map(owned))
    );
    let profiles = [("", 1), ("Han+Latin", 12), ("Latin", 1)];
    assert_eq!(statistics.profiles, BTreeMap::from(profiles.map(owned)));
    let sentiment = SentimentProfile {
        rows: 3,
        negative: 3,
        positive: 0,
        mean: 0.25,
    };
    assert_eq!(statistics.sentiment, Some(sentiment));
    let json = serde_json::to_string(&statistics).unwrap();
    assert_eq!(
        serde_json::from_str::<Statistics>(&json).unwrap(),
        statistics
    );
}

fn owned((key, count): (&str, usize)) -> (String, usize) {
    (key.to_owned(), count)
}

#[test]
fn shuffles_are_uniform_enough() {
    // Where the first of ten rows lands over 2,000 seeds: chi-square with 9 degrees of freedom,
    // 27.9 at one in a thousand. The seeds are fixed, so the outcome is too.
    let data = Dataset::from_utterances(rows(10)).unwrap();
    let mut landed = [0.0f64; 10];
    for seed in 0..2000 {
        let order = ids(&data.shuffle(seed).unwrap());
        landed[order.iter().position(|id| id == "1").unwrap()] += 1.0;
    }
    let chi_square: f64 = landed
        .iter()
        .map(|n| (n - 200.0) * (n - 200.0) / 200.0)
        .sum();
    assert!(chi_square < 27.9, "{chi_square}: {landed:?}");
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

#[test]
fn texts_without_a_normal_form_are_compared_as_they_are() {
    let rows = ["？！", "!", "！", "!", "好!", "好"];
    let rows = rows
        .iter()
        .enumerate()
        .map(|(n, text)| Utterance::new(n.to_string(), *text));
    let data = Dataset::from_utterances(rows).unwrap();
    assert_eq!(
        ids(&data.deduplicate(Sameness::Normalized).unwrap()),
        ["0", "1", "2", "4"]
    );
    assert_eq!(
        ids(&data.deduplicate(Sameness::Exact).unwrap()),
        ["0", "1", "2", "4", "5"]
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

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

    #[test]
    fn no_split_parts_what_belongs_together(
        sources in proptest::collection::vec((0usize..40, 0usize..6, 0usize..3), 1..60),
        seed in any::<u64>(),
        fraction in 0.01f64..0.99,
    ) {
        // Each row is a copy of an earlier one, in a dialogue, both or neither.
        let row = |(number, &(parent, dialogue, intent)): (usize, &(usize, usize, usize))| {
            let mut row = Utterance::new(number.to_string(), "你好").with_intent(["a", "b", "c"][intent]);
            row.parent = (parent < number).then(|| parent.to_string());
            row.dialogue = (dialogue > 3).then(|| Turn {
                dialogue_id: format!("d{}", number / 4),
                turn: 0,
                speaker: None,
            });
            row
        };
        let data = Dataset::from_utterances(sources.iter().enumerate().map(row)).unwrap();
        let mut parts = vec![data.stratified_split(fraction, seed).unwrap(), data.group_split(fraction, seed).unwrap()];
        if let Ok(folds) = data.k_fold(2, seed) {
            parts.extend(folds.map(Result::unwrap));
        }
        for (rest, held_out) in &parts {
            assert_partition(&data, &[rest, held_out]);
            let ids = |part: &Dataset| -> BTreeSet<String> { ids(part).into_iter().collect() };
            let dialogues = |part: &Dataset| -> BTreeSet<String> {
                part.iter().filter_map(|row| Some(row.dialogue?.dialogue_id)).collect()
            };
            prop_assert!(dialogues(rest).is_disjoint(&dialogues(held_out)));
            for (part, other) in [(rest, held_out), (held_out, rest)] {
                let parents: BTreeSet<String> = part.iter().filter_map(|row| row.parent).collect();
                prop_assert!(parents.is_disjoint(&ids(other)));
            }
        }
        // A class that training would not know is not asked for.
        let (rest, held_out) = &parts[0];
        let known: BTreeSet<String> = rest.intents().into_iter().collect();
        prop_assert!(held_out.intents().into_iter().all(|intent| known.contains(&intent)));
    }

    #[test]
    fn choices_follow_ids_and_not_places(count in 1usize..60, seed in any::<u64>(), k in 0usize..9) {
        let data = Dataset::from_utterances(rows(count)).unwrap();
        let other = data.shuffle(seed ^ 1).unwrap();
        let sorted = |data: &Dataset| -> BTreeSet<String> { ids(data).into_iter().collect() };
        prop_assert_eq!(sorted(&other), sorted(&data));
        prop_assert_eq!(other.shuffle(seed).unwrap(), data.shuffle(seed).unwrap());
        let (few, same) = (data.k_shot(k, seed).unwrap(), other.k_shot(k, seed).unwrap());
        prop_assert_eq!(sorted(&few), sorted(&same));
        for (intent, of_all) in class_counts(&data) {
            prop_assert_eq!(class_counts(&few).get(&intent).copied().unwrap_or(0), of_all.min(k));
        }
        prop_assert!(few.iter().all(|row| row.intent.is_some()));
        let more = data.k_shot(k + 1, seed).unwrap();
        prop_assert!(sorted(&few).is_subset(&sorted(&more)));
        let held_out = |data: &Dataset| sorted(&data.group_split(0.4, seed).unwrap().1);
        prop_assert_eq!(held_out(&data), held_out(&other));
    }

    #[test]
    fn what_is_left_has_no_duplicates(texts in proptest::collection::vec("[aA好，! ]{0,3}", 0..20)) {
        let rows = texts.iter().enumerate().map(|(n, text)| Utterance::new(n.to_string(), text));
        let data = Dataset::from_utterances(rows).unwrap();
        for same in [Sameness::Exact, Sameness::Normalized] {
            let left = data.deduplicate(same).unwrap();
            prop_assert_eq!(left.deduplicate(same).unwrap(), left.clone());
            let form = |text: &str| match same {
                Sameness::Exact => text.to_owned(),
                Sameness::Normalized => Some(normalize(text)).filter(|n| !n.is_empty()).unwrap_or(text.into()),
            };
            let forms: BTreeSet<String> = texts.iter().map(|text| form(text)).collect();
            let kept: Vec<String> = left.iter().map(|row| form(&row.text)).collect();
            prop_assert_eq!(kept.len(), forms.len());
            prop_assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), forms);
        }
    }
}
