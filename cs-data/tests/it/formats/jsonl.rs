//! JSONL: the documented fields, a round trip, each broken line beside its valid twin.

use cs_data::*;
use proptest::prelude::*;
use serde_json::{Map, json};

use crate::common::{failure, open, opened, seeded};

#[test]
fn jsonl_rows_have_the_documented_fields() {
    let data = opened(
        "rows.jsonl",
        concat!(
            "\u{feff}{\"id\": \"7\", \"text\": \"查询订单12345\", \"intent\": \"order_status\", ",
            "\"spans\": [{\"start\": 4, \"end\": 9, \"label\": \"order_id\"}], \"sentiment\": 0.5, ",
            "\"reply\": null, \"origin\": \"typo\", \"parent\": \"3\", \"channel\": {\"b\": [1, 2.5]}}\r\n",
            "\n",
            "{\"text\": \"\"}\n",
            "{\"id\": 12, \"text\": \"hi\", \"intent\": \"\", \"dialogue_id\": \"d\", \"turn\": 3, ",
            "\"speaker\": \"user\", \"reply\": \"hello\"}",
        ),
    )
    .unwrap();
    let rows: Vec<Utterance> = data.iter().collect();
    let mut first = Utterance::new("7", "查询订单12345")
        .with_intent("order_status")
        .with_spans(vec![Span::new(12, 17, "order_id")])
        .with_sentiment(0.5);
    first.origin = "typo".into();
    first.parent = Some("3".into());
    first.extra = Map::from_iter([("channel".to_owned(), json!({"b": [1, 2.5]}))]);
    let mut last = Utterance::new("12", "hi");
    last.reply = Some("hello".into());
    last.dialogue = Some(Turn {
        dialogue_id: "d".into(),
        turn: 3,
        speaker: Some("user".into()),
    });
    let none = Utterance::new("1", "").with_spans(vec![]);
    assert_eq!(rows, [first, none, last.with_spans(vec![])]);
    assert_eq!((data.len(), data.utterance(3)), (3, None));
    assert_eq!(
        (data.intents(), data.slot_labels()),
        (vec!["order_status".into()], vec!["order_id".into()])
    );
    assert!(data.has_sentiment());
}

#[test]
fn broken_jsonl_beside_its_valid_twin() {
    let spans = |spans: &str| format!("{{\"text\": \"订单 ab\", \"spans\": [{spans}]}}");
    let one = |start: &str, end: &str, label: &str| {
        spans(&format!(
            "{{\"start\": {start}, \"end\": {end}, \"label\": {label}}}"
        ))
    };
    let two = |a: [usize; 2], b: [usize; 2]| {
        let span = |[s, e]: [usize; 2]| format!("{{\"start\":{s},\"end\":{e},\"label\":\"x\"}}");
        spans(&format!("{}, {}", span(a), span(b)))
    };
    let field = |field: &str| format!("{{\"text\": \"订单\", {field}}}");
    let cases: Vec<(String, String, &str)> = vec![
        (
            one("0", "5", "\"x\""),
            one("0", "6", "\"x\""),
            "1:29: span 0 is 0..6, expected an end of at most 5",
        ),
        (
            one("0", "5", "\"x\""),
            one("0", "18446744073709551615", "\"x\""),
            "1:29: span 0 is 0..18446744073709551615, expected an end of at most 5",
        ),
        (
            one("0", "2", "\"x\""),
            one("2", "2", "\"x\""),
            "1:29: span 0 is 2..2, expected a start below its end",
        ),
        (one("0", "2", "\"x\""), one("-1", "2", "\"x\""), "1:29: \"{"),
        (
            one("0", "2", "\"x\""),
            one("0", "2.5", "\"x\""),
            "1:29: \"{",
        ),
        (
            one("0", "2", "\"x\""),
            one("0", "2", "\"\""),
            "1:29: span 0 has the label \"\", expected a word without white space",
        ),
        (
            one("0", "2", "\"x\""),
            one("0", "2", "\"x y\""),
            "1:29: span 0 has the label \"x y\", expected a word without white space",
        ),
        (one("0", "2", "\"x\""), one("0", "2", "null"), "1:29: \"{"),
        (
            two([0, 2], [2, 5]),
            two([0, 3], [2, 5]),
            "1:62: span 1 starts at 2, expected 3 or later (the last span's end)",
        ),
        (
            two([0, 2], [2, 5]),
            two([2, 5], [0, 2]),
            "1:62: span 1 starts at 0, expected spans in order (the last began at 2)",
        ),
        (
            spans(""),
            field("\"spans\": {}"),
            "1:25: \"{}\" (invalid type: map, expected a sequence), expected a list",
        ),
        (
            field("\"sentiment\": 1.0"),
            field("\"sentiment\": 1.01"),
            "1:29: \"1.01\", expected a number from 0 to 1",
        ),
        (
            field("\"sentiment\": 0"),
            field("\"sentiment\": -1"),
            "1:29: \"-1\", expected a number from 0 to 1",
        ),
        (
            field("\"sentiment\": null"),
            field("\"sentiment\": NaN"),
            "1:29: ",
        ),
        (
            field("\"sentiment\": 0.5"),
            field("\"sentiment\": \"0.5\""),
            "1:29: ",
        ),
        (
            field("\"sentiment\": 1e-9"),
            field("\"sentiment\": 1e999"),
            "(number out of range), expected a number from 0 to 1",
        ),
        (
            field("\"intent\": \"a\""),
            field("\"intent\": 5"),
            "1:26: \"5\" (invalid type",
        ),
        (
            field("\"intent\": \"a\""),
            field("\"intent\": \"a\\u0000\""),
            "1:26: \"\\\"a\\\\u0000\\\"\", expected no NUL",
        ),
        (
            field("\"dialogue_id\": \"d\", \"turn\": 0"),
            field("\"dialogue_id\": \"d\""),
            "1:31: \"\\\"d\\\"\", expected a turn",
        ),
        (
            field("\"dialogue_id\": \"d\", \"turn\": 0"),
            field("\"dialogue_id\": \"d\", \"turn\": -1"),
            "1:44: \"-1\" (invalid value",
        ),
        (
            field("\"a\": 1, \"b\": 2"),
            field("\"a\": 1, \"a\": 2"),
            "the key \"a\" stands twice",
        ),
        (
            "{\"text\": \"a\"}".into(),
            "{\"txt\": \"a\"}".into(),
            "1:1: an object without \"text\", expected one with it",
        ),
        (
            "{\"text\": \"a\"}".into(),
            "{\"text\": null}".into(),
            "1:1: an object without",
        ),
        (
            "{\"text\": \"a\"}".into(),
            "{\"text\": \"a\\ud800\"}".into(),
            "1:",
        ),
        (
            "{\"text\": \"a\"}".into(),
            "{\"text\": \"a\\u0000\"}".into(),
            "1:10: text has a NUL character at 1, expected none",
        ),
        (
            "{\"text\": \"a\"}".into(),
            "{\"text\": \"a\"".into(),
            "1:13: ",
        ),
        (
            "{\"text\": \"a\"}\n{\"text\": \"b\"}".into(),
            "{\"text\": \"a\"}\n\"b\"".into(),
            "2:1: \"\\\"b\\\"\" (invalid type",
        ),
        (
            "{\"text\": \"a\"}".into(),
            "{\"text\": \"a\"} x".into(),
            "1:15: ",
        ),
        (
            "{\"text\": \"a\"}".into(),
            format!(
                "{{\"x\": {}1{}, \"text\": \"a\"}}",
                "[".repeat(500),
                "]".repeat(500)
            ),
            "1:",
        ),
    ];
    for (valid, broken, expected) in cases {
        assert!(
            opened("f.jsonl", &valid).is_ok(),
            "{valid}: {:?}",
            opened("f.jsonl", &valid)
        );
        let found = failure("f.jsonl", &broken);
        assert!(found.starts_with("f.jsonl:"), "{found}");
        assert!(
            found.contains(expected),
            "{broken}\n found {found}\n expected {expected}"
        );
    }
}

fn text() -> impl Strategy<Value = String> {
    "(\\PC|[查询订单 \t\n\"\\\\😀]){0,12}"
}

fn utterance() -> impl Strategy<Value = Utterance> {
    let cuts = proptest::collection::vec((any::<proptest::sample::Index>(), "[a-z订-]{1,5}"), 0..4);
    let optional = || proptest::option::of(text());
    let turn = proptest::option::of((text(), any::<u32>(), optional()));
    let extra = proptest::collection::btree_map("x[a-z\"订]{0,4}", (text(), any::<i64>()), 0..3);
    (
        (text(), text(), cuts, proptest::option::of("\\PC{1,6}")),
        (
            proptest::option::of(0.0f32..=1.0),
            optional(),
            turn,
            text(),
            optional(),
            extra,
        ),
    )
        .prop_map(
            |((id, text, cuts, intent), (sentiment, reply, turn, origin, parent, extra))| {
                let mut edges: Vec<usize> = text.char_indices().map(|(byte, _)| byte).collect();
                edges.push(text.len());
                let mut picked: Vec<(usize, String)> = cuts
                    .into_iter()
                    .map(|(at, label)| (edges[at.index(edges.len())], label))
                    .collect();
                picked.sort();
                let spans = picked.windows(2).filter(|pair| pair[0].0 < pair[1].0);
                let span =
                    |pair: &[(usize, String)]| Span::new(pair[0].0, pair[1].0, pair[0].1.clone());
                let spans: Vec<Span> = spans.map(span).collect();
                Utterance {
                    entity_free: spans.is_empty(),
                    spans,
                    id,
                    text,
                    intent,
                    sentiment,
                    reply,
                    dialogue: turn.map(|(dialogue_id, turn, speaker)| Turn {
                        dialogue_id,
                        turn,
                        speaker,
                    }),
                    origin,
                    parent,
                    extra: extra
                        .into_iter()
                        .map(|(key, (a, b))| (key, json!({"a": a, "b": [b, null]})))
                        .collect(),
                }
            },
        )
}

proptest! {
    #![proptest_config(seeded(128))]

    #[test]
    fn jsonl_gives_back_what_was_written(rows in proptest::collection::vec(utterance(), 1..6)) {
        let data = Dataset::from_utterances(rows.clone()).unwrap();
        prop_assert_eq!(data.iter().collect::<Vec<_>>(), rows);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.jsonl");
        data.write_jsonl(&path).unwrap();
        let again = open(&path).unwrap();
        prop_assert_eq!(&again, &data);
        prop_assert_eq!(again.fingerprint(), data.fingerprint());
    }
}
