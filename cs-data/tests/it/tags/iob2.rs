//! The scheme IOB2: against seqeval, over broken tags, and as a property.

use std::ops::Range;

use cs_data::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{cases, seeded};

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect()
}

#[test]
fn lenient_decoding_equals_seqeval() {
    for case in cases("seqeval_entities.json") {
        let tags = strings(&case["tags"]);
        let tokens: Vec<Range<usize>> = (0..tags.len()).map(|at| at * 3..at * 3 + 2).collect();
        let expected: Vec<Span> = case["entities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entity| {
                let (first, last) = (entity[1].as_u64().unwrap(), entity[2].as_u64().unwrap());
                Span::new(
                    first as usize * 3,
                    last as usize * 3 + 2,
                    entity[0].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            Scheme::Iob2.decode_lenient(&tokens, &tags),
            expected,
            "{tags:?}"
        );
        if let Ok(spans) = Scheme::Iob2.decode(&tokens, &tags) {
            assert_eq!(spans, expected);
            assert_eq!(Scheme::Iob2.encode(&tokens, &spans).unwrap(), tags);
        }
    }
}

#[test]
fn broken_tags_beside_valid_ones() {
    let valid: [&[&str]; 4] = [
        &[],
        &["O"],
        &["B-a", "I-a", "B-a", "B-b", "I-b"],
        &["B-订单-号", "I-订单-号"],
    ];
    for tags in valid {
        assert_eq!(Scheme::Iob2.validate(tags), Ok(()), "{tags:?}");
    }
    let broken: [(&[&str], usize, &str); 8] = [
        (
            &["I-a"],
            0,
            "tag 0 is \"I-a\" after the start, expected the same label before it",
        ),
        (
            &["B-a", "O", "I-a"],
            2,
            "tag 2 is \"I-a\" after O, expected the same label before it",
        ),
        (
            &["B-a", "I-b"],
            1,
            "tag 1 is \"I-b\" after B-a, expected the same label before it",
        ),
        (
            &["O", "X-a"],
            1,
            "tag 1 is \"X-a\", expected O, B-label or I-label",
        ),
        (
            &["B-"],
            0,
            "tag 0 is \"B-\", expected O, B-label or I-label",
        ),
        (&["B"], 0, "tag 0 is \"B\", expected O, B-label or I-label"),
        (
            &["B-a b"],
            0,
            "tag 0 is \"B-a b\", expected O, B-label or I-label",
        ),
        (&[""], 0, "tag 0 is \"\", expected O, B-label or I-label"),
    ];
    for (tags, index, message) in broken {
        let error = Scheme::Iob2.validate(tags).unwrap_err();
        assert_eq!(
            (error.index(), error.to_string().as_str()),
            (Some(index), message)
        );
    }
    let error = Scheme::Iob2.decode(&[0..1, 1..2], &["O"]).unwrap_err();
    assert_eq!(error.to_string(), "1 tags for 2 tokens, expected as many");
}

#[test]
fn spans_that_no_tags_can_say() {
    let tokens = whitespace_tokens("ab cd ef");
    let span = |start, end| Span::new(start, end, "x");
    assert_eq!(
        Scheme::Iob2
            .encode(&tokens, &[span(0, 2), span(3, 8)])
            .unwrap(),
        ["B-x", "B-x", "I-x"]
    );
    let broken: [(&[Span], &str); 6] = [
        (&[span(0, 1)], "span 0..1 \"x\" cuts the token 0..2"),
        (&[span(1, 5)], "span 1..5 \"x\" cuts the token 0..2"),
        (&[span(2, 3)], "span 2..3 \"x\" contains no token"),
        (&[span(8, 9)], "span 8..9 \"x\" contains no token"),
        (
            &[span(0, 5), span(3, 8)],
            "span 3..8 \"x\" overlaps the one before it",
        ),
        (
            &[Span::new(0, 2, "a b")],
            "label \"a b\", expected a word without white space",
        ),
    ];
    for (spans, message) in broken {
        assert_eq!(
            Scheme::Iob2.encode(&tokens, spans).unwrap_err().to_string(),
            message
        );
    }
}

/// Tokens with gaps, and disjoint spans on their edges.
fn tagged() -> impl Strategy<Value = (Vec<Range<usize>>, Vec<Span>)> {
    proptest::collection::vec((0usize..3, 1usize..4, 0usize..3, "[a-c]"), 0..20).prop_map(|parts| {
        let (mut tokens, mut spans, mut at) = (Vec::new(), Vec::<Span>::new(), 0);
        for (gap, length, action, label) in parts {
            let token = at + gap..at + gap + length;
            at = token.end;
            match (action, spans.last_mut()) {
                (0, _) => {}
                (1, Some(last))
                    if tokens
                        .last()
                        .is_some_and(|t: &Range<usize>| t.end == last.end) =>
                {
                    last.end = token.end;
                }
                _ => spans.push(Span::new(token.start, token.end, label)),
            }
            tokens.push(token);
        }
        (tokens, spans)
    })
}

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn tags_say_the_spans((tokens, spans) in tagged()) {
        let tags = Scheme::Iob2.encode(&tokens, &spans).unwrap();
        prop_assert_eq!(Scheme::Iob2.validate(&tags), Ok(()));
        prop_assert_eq!(&Scheme::Iob2.decode(&tokens, &tags).unwrap(), &spans);
        prop_assert_eq!(&Scheme::Iob2.decode_lenient(&tokens, &tags), &spans);
    }
}
