//! What rows are like: against numpy, and counted by hand.

use std::collections::BTreeMap;

use cs_data::*;

use super::{in_batches, reference, rows};

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
