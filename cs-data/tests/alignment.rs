//! Spans onto subwords and back: against Hugging Face, and as properties.
#![allow(clippy::unwrap_used, reason = "helpers panic to report a failure too")]

use std::path::Path;

use cs_data::align::spans_of;
use cs_data::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

fn tokenizer() -> Tokenizer {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/trained.json");
    Tokenizer::open_file(&path).unwrap()
}

/// Triples of a start, an end (in characters) and a label.
fn spans(text: &str, value: &Value) -> Vec<Span> {
    let offsets = Offsets::new(text);
    let byte = |value: &Value| offsets.byte(value.as_u64().unwrap() as usize).unwrap();
    let spans = value.as_array().unwrap().iter();
    spans
        .map(|s| Span::new(byte(&s[0]), byte(&s[1]), s[2].as_str().unwrap()))
        .collect()
}

fn tags(value: &Value) -> Vec<Option<String>> {
    let tags = value.as_array().unwrap().iter();
    tags.map(|tag| tag.as_str().map(str::to_owned)).collect()
}

#[test]
fn tags_and_spans_are_those_of_hugging_face() {
    let tokenizer = tokenizer();
    let set = TagSet::of_labels(["x", "y"], Scheme::Iob2).unwrap();
    let cases: Vec<Value> = serde_json::from_str(include_str!("reference/alignment.json")).unwrap();
    let mut misaligned = 0;
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        let gold = spans(text, &case["spans"]);
        let encoding = tokenizer.encode(text, 512).unwrap();
        for (name, convention) in [
            ("first", Convention::FirstSubword),
            ("all", Convention::AllSubwords),
        ] {
            let found = align(&encoding, &gold, convention);
            assert_eq!(
                found.tags,
                tags(&case[name]["tags"]),
                "{name} {text:?} {gold:?}"
            );
            let numbers: Vec<usize> =
                serde_json::from_value(case[name]["misaligned"].clone()).unwrap();
            misaligned += numbers.len();
            let listed: Vec<Span> = numbers.iter().map(|&n| gold[n].clone()).collect();
            assert_eq!(found.misaligned, listed);

            let by_number = set.align(&encoding, &gold, convention);
            let names = by_number
                .ids
                .iter()
                .map(|id| id.map(|id| set.tags()[id as usize].clone()));
            assert_eq!(names.collect::<Vec<_>>(), found.tags);
            assert_eq!(by_number.misaligned, numbers);
        }
        let drawn: Vec<String> = tags(&case["drawn"]).into_iter().flatten().collect();
        // Pieces of one character (jamo) overlap there; here the first span has it.
        let mut grouped = spans(text, &case["grouped"]);
        let mut free = 0;
        grouped.retain_mut(|span| {
            span.start = span.start.max(free);
            free = free.max(span.end);
            span.start < span.end
        });
        assert_eq!(
            spans_of(&encoding, &drawn, Convention::AllSubwords),
            grouped,
            "{text:?}"
        );
        let number = |tag| set.tags().iter().position(|known| known == tag).unwrap() as u32;
        let ids: Vec<u32> = drawn.iter().map(number).collect();
        assert_eq!(
            set.spans_of(&encoding, &ids, Convention::AllSubwords),
            grouped
        );
    }
    assert!(misaligned > 20, "the cases have spans that cut words");
}

#[test]
fn whole_words_of_any_script_come_back() {
    let tokenizer = tokenizer();
    let cases: [(&str, &[&str]); 8] = [
        ("查询订单12345的状态", &["订单", "12345", "状态"]),
        ("我的order在哪", &["我", "order", "哪"]),
        ("退👩\u{200d}💻款 😀 谢谢", &["👩\u{200d}💻", "😀", "谢谢"]),
        (
            "one e\u{301}clair, cafe\u{301}!",
            &["e\u{301}clair", "cafe\u{301}"],
        ),
        ("한국어 주문", &["한국어", "주문"]),
        ("订单ＡＢＣ１２３，好", &["订单", "ＡＢＣ１２３"]),
        ("ORDER naïve İstanbul", &["ORDER", "naïve", "İstanbul"]),
        ("か\u{3099}き orders", &["か\u{3099}き", "orders"]),
    ];
    for (text, pieces) in cases {
        let spans: Vec<Span> = pieces
            .iter()
            .map(|piece| {
                let start = text.find(piece).unwrap();
                Span::new(start, start + piece.len(), "x")
            })
            .collect();
        let encoding = tokenizer.encode(text, 64).unwrap();
        for convention in [Convention::FirstSubword, Convention::AllSubwords] {
            for scheme in Scheme::ALL {
                let set = TagSet::of_labels(["x"], scheme).unwrap();
                let aligned = set.align(&encoding, &spans, convention);
                assert_eq!(aligned.misaligned, [0usize; 0], "{text:?}");
                let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
                assert_eq!(
                    set.spans_of(&encoding, &ids, convention),
                    spans,
                    "{scheme} {text:?}"
                );
            }
        }
    }
}

#[test]
fn pieces_of_one_character_are_not_shared_out() {
    // 한 as three jamo, two of which begin a span.
    let encoding = Encoding {
        ids: vec![5, 6, 7, 8],
        offsets: vec![0..3, 0..3, 0..3, 3..6],
        words: vec![Some(0), Some(0), Some(0), Some(1)],
        truncated: false,
    };
    let tags = ["B-x", "I-x", "B-y", "I-y"];
    let spans = spans_of(&encoding, &tags, Convention::AllSubwords);
    assert_eq!(spans, [Span::new(0, 3, "x"), Span::new(3, 6, "y")]);
    let spans = spans_of(&encoding, &["B-x", "B-y"], Convention::AllSubwords);
    assert_eq!(spans, [Span::new(0, 3, "x")]);
}

#[test]
fn a_batch_is_its_rows() {
    let tokenizer = tokenizer();
    let set = TagSet::of_labels(["order_id"], Scheme::Bilou).unwrap();
    let row = |n: usize| {
        let text = format!("{}查询订单12345 order {n}", "好".repeat(n % 5));
        let start = text.find("12345").unwrap();
        let spans = [
            Span::new(0, 3, "unknown"),
            Span::new(start, start + 4, "order_id"), // cuts the word
            Span::new(start, start + 5 + " order".len(), "order_id"),
        ];
        Utterance::new(n.to_string(), text).with_spans(spans[n % 3..].to_vec())
    };
    let rows: Vec<Utterance> = (0..200).map(row).collect();
    let batch = tokenizer
        .encode_rows(&rows, 9, &set, Convention::FirstSubword)
        .unwrap();
    for (row, (encoding, ids)) in rows.iter().zip(&batch) {
        assert_eq!(encoding, &tokenizer.encode(&row.text, 9).unwrap());
        assert_eq!(
            ids,
            &set.align(encoding, &row.spans, Convention::FirstSubword)
        );
    }
    assert!(batch.iter().any(|(_, ids)| !ids.misaligned.is_empty()));
    let error = tokenizer
        .encode_rows(&rows, 1, &set, Convention::FirstSubword)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "max_length is 1, expected at least 2 (the special tokens)"
    );
}

#[test]
fn tag_sets_refuse_what_they_cannot_number() {
    let set = |tags: &[&str], scheme| {
        let tags = tags.iter().map(|tag| tag.to_string()).collect();
        TagSet::new(tags, scheme).map_err(|error| error.to_string())
    };
    assert!(set(&["I-a", "O"], Scheme::Iob2).is_ok());
    let broken: [(&[&str], &str); 3] = [
        (&["B-a"], "tags is a set without O, expected O among them"),
        (
            &["O", "B-a", "O"],
            "tags is \"O\" twice, expected each tag once",
        ),
        (
            &["O", "E-a"],
            "tags is \"E-a\", expected O, B-label or I-label",
        ),
    ];
    for (tags, message) in broken {
        assert_eq!(set(tags, Scheme::Iob2).unwrap_err(), message);
    }
    let error = TagSet::of_labels(["a b"], Scheme::Iob2)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "labels is \"a b\", expected words without white space"
    );
    assert_eq!(
        set(&["O", "S-a", "B-a", "E-a"], Scheme::Bmes)
            .unwrap()
            .tags()
            .len(),
        4
    );
}

#[test]
fn many_spans_take_linear_time() {
    // Quadratic, this is 10^10 steps.
    let count = 100_000;
    let encoding = Encoding {
        ids: vec![1; count],
        offsets: (0..count).map(|at| at..at + 1).collect(),
        words: (0..count as u32).map(Some).collect(),
        truncated: false,
    };
    let spans: Vec<Span> = (0..count).map(|at| Span::new(at, at + 1, "x")).collect();
    for convention in [Convention::FirstSubword, Convention::AllSubwords] {
        assert_eq!(align(&encoding, &spans, convention).misaligned, []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_aligned_comes_back(
        text in "([查询订单]{1,2}|[a-z]{1,6}|[0-9]{1,5}|[😀👩\u{200d}💻]|e\u{301}|[ＡＢ１]|한| |\\PC){0,12}",
        cuts in proptest::collection::vec((0usize..40, 0usize..6, "[xy]"), 0..5),
        scheme in proptest::sample::select(Scheme::ALL.to_vec()),
    ) {
        let encoding = tokenizer().encode(&text, 24).unwrap();
        let offsets = Offsets::new(&text);
        let mut spans = Vec::new();
        let mut start = 0;
        for (gap, length, label) in cuts {
            let from = start + gap % 4;
            start = from + 1 + length;
            if let (Some(from), Some(to)) = (offsets.byte(from), offsets.byte(start)) {
                spans.push(Span::new(from, to, label));
            }
        }
        let set = TagSet::of_labels(["x", "y"], scheme).unwrap();
        for convention in [Convention::FirstSubword, Convention::AllSubwords] {
            let aligned = set.align(&encoding, &spans, convention);
            let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
            let back = set.spans_of(&encoding, &ids, convention);
            let kept = (0..spans.len()).filter(|n| !aligned.misaligned.contains(n));
            let kept: Vec<&Span> = kept.map(|n| &spans[n]).collect();
            prop_assert_eq!(back.len(), kept.len());
            for (back, span) in back.iter().zip(kept) {
                // Back without what belongs to no unit.
                prop_assert!(span.start <= back.start && back.end <= span.end);
                prop_assert_eq!(&back.label, &span.label);
            }
            // And again, to the same tags.
            prop_assert_eq!(set.align(&encoding, &back, convention).ids, aligned.ids);
        }
    }

    #[test]
    fn any_tags_give_valid_spans(
        text in "([查询a-c1 한]|e\u{301}|\\PC){0,12}",
        ids in proptest::collection::vec(0u32..12, 0..20),
    ) {
        let encoding = tokenizer().encode(&text, 24).unwrap();
        let set = TagSet::of_labels(["x", "y"], Scheme::Iobes).unwrap();
        for convention in [Convention::FirstSubword, Convention::AllSubwords] {
            let spans = set.spans_of(&encoding, &ids, convention);
            prop_assert_eq!(Utterance::new("1", &text).with_spans(spans).validate(), Ok(()));
        }
    }
}
