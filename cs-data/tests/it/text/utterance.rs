//! What a row may have.

use cs_data::*;

#[test]
fn broken_utterances_beside_valid_ones() {
    let row = |spans: &[(usize, usize, &str)]| {
        let spans = spans
            .iter()
            .map(|&(start, end, label)| Span::new(start, end, label));
        Utterance::new("1", "订单ab").with_spans(spans.collect())
    };
    for spans in [
        &[][..],
        &[(0, 8, "x")],
        &[(0, 3, "x"), (3, 6, "x"), (7, 8, "订-单")],
    ] {
        assert_eq!(row(spans).validate(), Ok(()), "{spans:?}");
    }
    type Spans = &'static [(usize, usize, &'static str)];
    let broken: [(Spans, SpanError); 8] = [
        (
            &[(0, 9, "x")],
            SpanError::OutOfBounds {
                index: 0,
                start: 0,
                end: 9,
                len: 8,
            },
        ),
        (
            &[(0, 3, "x"), (3, 4, "x")],
            SpanError::InsideCharacter {
                index: 1,
                offset: 4,
            },
        ),
        (
            &[(1, 3, "x")],
            SpanError::InsideCharacter {
                index: 0,
                offset: 1,
            },
        ),
        (
            &[(3, 3, "x")],
            SpanError::Empty {
                index: 0,
                start: 3,
                end: 3,
            },
        ),
        (
            &[(3, 6, "x"), (0, 3, "x")],
            SpanError::Order {
                index: 1,
                start: 0,
                previous: 3,
            },
        ),
        (
            &[(0, 6, "x"), (3, 8, "x")],
            SpanError::Overlap {
                index: 1,
                start: 3,
                previous: 6,
            },
        ),
        (
            &[(0, 3, "")],
            SpanError::Label {
                index: 0,
                label: "".into(),
            },
        ),
        (
            &[(0, 3, "a\u{3000}b")],
            SpanError::Label {
                index: 0,
                label: "a\u{3000}b".into(),
            },
        ),
    ];
    for (spans, error) in broken {
        assert_eq!(row(spans).validate(), Err(error));
    }
    for sentiment in [0.0, 0.5, 1.0] {
        assert_eq!(row(&[]).with_sentiment(sentiment).validate(), Ok(()));
    }
    for sentiment in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        let error = row(&[]).with_sentiment(sentiment).validate().unwrap_err();
        assert!(matches!(error, SpanError::Sentiment { .. }), "{sentiment}");
    }
    assert!(
        Utterance::new("1", "x".repeat(MAX_TEXT_BYTES))
            .validate()
            .is_ok()
    );
    assert!(
        Utterance::new("1", "x".repeat(MAX_TEXT_BYTES + 1))
            .validate()
            .is_err()
    );
    assert_eq!(
        Utterance::new("1", "a\0").validate(),
        Err(SpanError::Nul { offset: 1 })
    );
}
