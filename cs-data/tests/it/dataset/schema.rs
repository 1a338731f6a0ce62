//! Rows as record batches, and back.

use cs_data::*;

use super::row;
use crate::common::rows_of_classes;

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
fn broken_rows_are_named() {
    let bad = Utterance::new("x", "ab").with_spans(vec![Span::new(0, 3, "y")]);
    let error = Dataset::from_utterances([Utterance::new("w", ""), bad]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1 (id \"x\"): span 0 is 0..3, expected an end of at most 2"
    );
}

#[test]
fn the_columns_are_the_documented_ones() {
    let data = Dataset::from_utterances(rows_of_classes(&[("a", 2)])).unwrap();
    let schema = data.batches()[0].schema();
    assert_eq!(schema, Dataset::schema());
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| {
            format!(
                "{} {}{}",
                f.name(),
                f.data_type(),
                if f.is_nullable() { "?" } else { "" }
            )
        })
        .collect();
    let dict = "Dictionary(Int32, Utf8)";
    assert_eq!(
        columns,
        [
            "id Utf8".into(),
            "text Utf8".into(),
            format!(
                "spans List(non-null Struct(\"start\": non-null UInt32, \"end\": non-null UInt32, \"label\": non-null {dict}))?"
            ),
            format!("intent {dict}?"),
            "sentiment Float32?".into(),
            "reply Utf8?".into(),
            "dialogue_id Utf8?".into(),
            "turn UInt32?".into(),
            format!("speaker {dict}?"),
            format!("origin {dict}"),
            "parent Utf8?".into(),
            "extra Utf8?".into(),
        ]
    );
}
