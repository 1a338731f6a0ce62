//! The same text again: in the data set, in another one, and with another label.

use cs_data::Utterance;
use cs_data::audit::{Audit, Rules};

use super::{dataset, intent, report, texts, verdict};

#[test]
fn duplicates_are_the_rows_beyond_the_first() {
    let data = texts(&[
        "我要退款",
        "我要退款！",
        "ＯＫ",
        "Where's my  order?",
        "wheres MY order",
        "ok",
        "ok.",
    ]);
    let report = report(&data);
    assert_eq!(report.duplicates, 4);
    let found: Vec<_> = report
        .examples
        .duplicates
        .iter()
        .map(|one| (one.row.row, one.of.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "我要退款"),
            (4, "Where's my  order?"),
            (5, "ＯＫ"),
            (6, "ＯＫ")
        ]
    );
    assert_eq!(report.near_duplicates, 0); // duplicates are not counted again
}

#[test]
fn leaks_are_rows_of_the_other_set() {
    let train = texts(&[
        "我要退款",
        "我要退款。",
        "where is my order",
        "please tell me where my order is right now",
        "你好",
    ]);
    let test = texts(&[
        "我要退款",
        "Where is my order?!",
        "please tell me where my order is right now thx",
    ]);
    let report = Audit::new(&train)
        .against(&test)
        .run(&Rules::default())
        .unwrap();
    assert_eq!((report.leaks, report.near_leaks), (Some(3), Some(1)));
    assert_eq!(report.examples.leaks[2].row.row, 2);
    assert_eq!(report.examples.near_leaks[0].row.row, 3);
    assert!(!report.passed);
    let clean = Audit::new(&train)
        .against(&texts(&["再见"]))
        .run(&Rules::default())
        .unwrap();
    assert_eq!(
        (clean.leaks, clean.near_leaks, verdict(&clean, "leaks")),
        (Some(0), Some(0), Some(true))
    );
    let tolerant = Rules {
        max_leaks: 3,
        ..Rules::default()
    };
    let tolerated = Audit::new(&train).against(&test).run(&tolerant).unwrap();
    assert_eq!(verdict(&tolerated, "leaks"), Some(true));
}

#[test]
fn one_text_with_two_labels_contradicts_itself() {
    let opinion = |text: &str, sentiment: f32| Utterance::new("", text).with_sentiment(sentiment);
    let data = dataset([
        intent("我要退", "refund"),
        intent("我要退！", "return"),
        intent("我要退", "refund"),
        intent("hello", "greeting"),
        intent("Hello!", "greeting"),
        opinion("不错", 0.9),
        opinion("不错。", 0.1),
        opinion("一般", 0.4),
        opinion("一般", 0.5),
        intent("?", "a"),
        intent("!", "b"), // no words, nothing said
    ]);
    let report = report(&data);
    assert_eq!((report.contradictions, report.blank_rows), (2, 2));
    let [intents, sides] = report.examples.contradictions.as_slice() else {
        panic!("{:?}", report.examples.contradictions)
    };
    assert_eq!(
        (
            intents.field,
            intents.labels["refund"],
            intents.labels["return"],
            intents.row.row
        ),
        ("intent", 2, 1, 0)
    );
    assert_eq!(
        (sides.field, sides.labels.len(), sides.row.row),
        ("sentiment", 2, 5)
    );
}
