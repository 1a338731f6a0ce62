//! Spans, tags, tokenizers, alignment and packing, against references and as properties.

use std::ops::Range;
use std::path::{Path, PathBuf};

use cs_data::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

/// The same cases in every run.
fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

fn cases(name: &str) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(reference(name)).unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect()
}

fn numbers(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_u64().unwrap() as u32)
        .collect()
}

fn tokenizer_of(vocab: &str, config: &str) -> Result<Tokenizer> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vocab.txt"), vocab).unwrap();
    if !config.is_empty() {
        std::fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    }
    Tokenizer::open(folder.path())
}

const TEXTS: [&str; 8] = [
    "查询订单12345的状态",
    "Where is my ORDER 1234? where is it",
    "我的订单在哪，想退款",
    "my refund is late, 退款 refund",
    "café naïve e\u{301}clair order orders",
    "订单12345 order12345 😀😀 order",
    "한국어 ＡＢＣ where are my orders",
    "refund my order now now now",
];

// --- IOB

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

    #[test]
    fn offsets_convert_both_ways(text in "\\PC*") {
        let offsets = Offsets::new(&text);
        prop_assert_eq!(offsets.chars(), text.chars().count());
        for byte in 0..=text.len() + 1 {
            let expected = (byte <= text.len() && text.is_char_boundary(byte))
                .then(|| text[..byte].chars().count());
            prop_assert_eq!(offsets.char(byte), expected);
            if let Some(char) = expected {
                prop_assert_eq!(offsets.byte(char), Some(byte));
            }
        }
        prop_assert_eq!(offsets.byte(offsets.chars() + 1), None);
    }
}

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

// --- tokenizer

/// Against encodings by Hugging Face, whose offsets count characters and leave stripped marks to
/// no token.
fn check_encodings(tokenizer: impl Fn(&Value) -> Tokenizer, name: &str) {
    for case in cases(name) {
        let text = case["text"].as_str().unwrap();
        let tokenizer = tokenizer(&case).with_words(WordRule::PreTokenizer);
        let encoding = tokenizer.encode(text, 512).unwrap();
        assert_eq!(encoding.ids, numbers(&case["ids"]), "{text}");
        if encoding.is_blank() {
            continue; // has no words here
        }
        let words: Vec<Option<u32>> = case["words"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_u64().map(|word| word as u32))
            .collect();
        assert_eq!(encoding.words, words, "{text}");
        let offsets = Offsets::new(text);
        for (range, expected) in encoding
            .offsets
            .iter()
            .zip(case["offsets"].as_array().unwrap())
        {
            let bytes = |chars: &[u32]| -> Vec<usize> {
                chars
                    .iter()
                    .map(|&at| offsets.byte(at as usize).unwrap())
                    .collect()
            };
            let expected = bytes(&numbers(expected));
            let rest = text[expected[1]..range.end].trim_start_matches('\u{301}');
            assert_eq!((range.start, rest), (expected[0], ""), "{text}");
        }
    }
}

#[test]
fn vocabulary_files_encode_as_hugging_face() {
    let vocab = std::fs::read_to_string(reference("vocab.txt")).unwrap();
    let lower = tokenizer_of(&vocab, "").unwrap();
    let cased = tokenizer_of(&vocab.replace('\n', "\r\n"), r#"{"do_lower_case": false}"#).unwrap();
    assert_eq!(
        (lower.vocab_size(), lower.pad_id()),
        (vocab.lines().count(), 0)
    );
    let choose = |case: &Value| {
        if case["lower"] == true {
            lower.clone()
        } else {
            cased.clone()
        }
    };
    check_encodings(choose, "bert_vocab.json");
}

#[test]
fn training_is_deterministic_and_its_file_opens_elsewhere() {
    let trained = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let json = trained.to_json().unwrap();
    assert_eq!(
        json,
        Tokenizer::train(TEXTS.into_iter().rev(), 160)
            .unwrap()
            .to_json()
            .unwrap()
    );
    assert_eq!(json, std::fs::read(reference("trained.json")).unwrap());
    assert!(trained.vocab_size() <= 160);
    let special: Vec<_> = (0..5).filter_map(|id| trained.token(id)).collect();
    assert_eq!(special, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
    let again = Tokenizer::open_file(&reference("trained.json")).unwrap();
    assert_eq!(again.to_json().unwrap(), json);
    check_encodings(|_| again.clone(), "trained_encodings.json");
}

/// `cargo test -p cs-data --test core -- --ignored`, then `trained_encodings.py`.
#[test]
#[ignore = "writes the reference file"]
fn write_trained_reference() {
    let json = Tokenizer::train(TEXTS.into_iter(), 160)
        .unwrap()
        .to_json()
        .unwrap();
    std::fs::write(reference("trained.json"), json).unwrap();
}

#[test]
fn training_keeps_the_frequent_characters() {
    let tokenizer = Tokenizer::train(["aaa bbb bbb c"].into_iter(), 9).unwrap();
    let tokens: Vec<_> = (5..9).filter_map(|id| tokenizer.token(id)).collect();
    assert_eq!(tokens, ["a", "b", "##a", "##b"]);
    assert_eq!(tokenizer.encode("c", 8).unwrap().ids, [2, 1, 3]);
    for (texts, size) in [(vec!["a"], 5), (vec![], 100), (vec![" \u{200b}"], 100)] {
        assert!(Tokenizer::train(texts.into_iter(), size).is_err());
    }
}

#[test]
fn truncation_keeps_both_ends() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let whole = tokenizer.encode("查询订单", 6).unwrap();
    assert!(!whole.truncated);
    let cut = tokenizer.encode("查询订单", 4).unwrap();
    assert_eq!(cut.ids, [&whole.ids[..3], &[3]].concat());
    assert_eq!(cut.offsets, [0..0, 0..3, 3..6, 0..0]);
    assert!(cut.truncated);
    assert_eq!(tokenizer.encode("查询订单", 2).unwrap().ids, [2, 3]);
    let error = tokenizer.encode("查", 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "max_length is 1, expected at least 2 (the special tokens)"
    );
    assert_eq!(tokenizer.encode("", 2).unwrap().ids, [2, 3]);
}

#[test]
fn stored_padding_and_truncation_are_switched_off() {
    let json = Tokenizer::train(TEXTS.into_iter(), 160)
        .unwrap()
        .to_json()
        .unwrap();
    let mut file: Value = serde_json::from_slice(&json).unwrap();
    file["truncation"] = serde_json::json!({"direction": "Right", "max_length": 3,
        "strategy": "LongestFirst", "stride": 0});
    file["padding"] = serde_json::json!({"strategy": {"Fixed": 128}, "direction": "Right",
        "pad_to_multiple_of": null, "pad_id": 4, "pad_type_id": 0, "pad_token": "[MASK]"});
    let bytes = file.to_string();
    let tokenizer = Tokenizer::from_json(bytes.as_bytes(), "t.json".as_ref()).unwrap();
    assert_eq!(tokenizer.encode("查询订单", 512).unwrap().ids.len(), 6);
    assert_eq!(tokenizer.pad_id(), 4);
}

#[test]
fn a_batch_equals_its_parts() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    for repeats in [1, 20] {
        let texts: Vec<&str> = TEXTS
            .into_iter()
            .cycle()
            .take(TEXTS.len() * repeats)
            .collect();
        let batch = tokenizer.encode_batch(&texts, 9).unwrap();
        for (text, encoding) in texts.iter().zip(&batch) {
            assert_eq!(&tokenizer.encode(text, 9).unwrap(), encoding);
        }
    }
}

#[test]
fn broken_tokenizer_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with(": no tokenizer, expected tokenizer.json or vocab.txt"),
        "{error}"
    );
    let whole = String::from_utf8(
        Tokenizer::train(TEXTS.into_iter(), 160)
            .unwrap()
            .to_json()
            .unwrap(),
    )
    .unwrap();
    let replaced = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replacen(from, to, 1)
    };
    let broken = [
        (
            String::new(),
            ":1:1: EOF while parsing a value, expected a JSON object",
        ),
        ("{}".into(), ":1:2: missing field `model`"),
        ("[]".into(), ":1:"),
        ("null".into(), ":1:"),
        (
            replaced("\"1.0\"", "\"9.0\""),
            ": version \"9.0\", expected version \"1.0\"",
        ),
        (replaced("\"[MASK]\": 4", "\"[MASK]\": -4"), ":"),
        (
            replaced("\"id\": \"[CLS]\"", "\"id\": \"[CLX]\""),
            ": a template with {\"SpecialToken\"",
        ),
        (
            replaced("\"id\": \"A\"", "\"id\": \"B\""),
            ": a template with {\"Sequence\"",
        ),
        (
            replaced("\"ids\": [\n          2", "\"ids\": [\n          999"),
            ": a special token with the id 999, expected ids below",
        ),
    ];
    for (json, message) in broken {
        let error = Tokenizer::from_json(json.as_bytes(), "dir/t.json".as_ref()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("dir/t.json{message}")),
            "{error}"
        );
    }
    for cut in (0..whole.len())
        .step_by(97)
        .filter(|&cut| whole.is_char_boundary(cut))
    {
        let torn = Tokenizer::from_json(&whole.as_bytes()[..cut], "dir/t.json".as_ref());
        assert!(matches!(torn, Err(Error::Text { .. })), "{torn:?}");
    }
    let good = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";
    assert_eq!(tokenizer_of(good, "").unwrap().vocab_size(), 6);
    let renamed = r#"{"unk_token": {"content": "a"}}"#;
    assert_eq!(
        tokenizer_of(good, renamed)
            .unwrap()
            .encode("b", 8)
            .unwrap()
            .ids,
        [2, 5, 3]
    );
    let broken = [
        ("", "", "without [UNK], expected"),
        ("[PAD]\n[UNK]\n[CLS]\n", "", "without [SEP], expected"),
        (good, "[]", "tokenizer_config.json:1:"),
        (good, "{\"do_lower_case\": tru", "tokenizer_config.json:1:"),
    ];
    for (vocab, config, message) in broken {
        let error = tokenizer_of(vocab, config).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let path = folder.path().join("vocab.txt");
    std::fs::write(&path, b"[PAD]\nab\xffc").unwrap();
    let error = Tokenizer::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("vocab.txt:2:3: the byte 0xff, expected UTF-8"),
        "{error}"
    );
}

#[test]
fn a_megabyte_takes_linear_time() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    for piece in ["x", "查", "order ", "e\u{301}", "😀"] {
        let text = piece.repeat((1 << 20) / piece.len());
        assert!(tokenizer.encode(&text, 128).unwrap().ids.len() <= 128);
    }
}

proptest! {
    #![proptest_config(seeded(64))]
    #[test]
    fn offsets_of_any_text_are_on_characters(text in "(\\PC|[ \ta-c查e\u{301}\u{1112}\u{1161}])*") {
        let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
        let encoding = tokenizer.encode(&text, 64).unwrap();
        for range in &encoding.offsets {
            prop_assert!(text.get(range.clone()).is_some(), "{:?}", range);
        }
        let words = encoding.word_list();
        prop_assert!(words.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        prop_assert!(words.iter().all(|word| !word.range.is_empty()));
        // Every word is a span that can be tagged and read back.
        let spans: Vec<Span> =
            words.iter().map(|w| Span::new(w.range.start, w.range.end, "w")).collect();
        let set = TagSet::of_labels(["w"], Scheme::Iob2).unwrap();
        let aligned = set.align(&encoding, &spans);
        prop_assert_eq!(aligned.misaligned, [0usize; 0]);
        let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
        prop_assert_eq!(set.spans_of(&encoding, &ids), spans);
    }
}

// --- alignment

/// The tags of words, as text.
fn words_tags(set: &TagSet, aligned: &TagIds) -> Vec<String> {
    let ids = aligned.ids.iter().flatten();
    ids.map(|&id| set.tags()[id as usize].clone()).collect()
}

#[test]
fn spans_of_chinese_and_english_texts_align() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let text = "查询订单12345的状态, e\u{301}clair orders";
    let encoding = tokenizer.encode(text, 64).unwrap();
    let span = |piece: &str, label: &str| {
        let start = text.find(piece).unwrap();
        Span::new(start, start + piece.len(), label)
    };
    let spans = [
        span("订单", "what"),
        span("12345", "order_id"),
        span("e\u{301}clair", "item"),
    ];
    let set = TagSet::of_labels(["what", "order_id", "item"], Scheme::Iob2).unwrap();
    let aligned = set.align(&encoding, &spans);
    assert_eq!(aligned.misaligned, [0usize; 0]);
    assert_eq!(
        words_tags(&set, &aligned).join(" "),
        "O O B-what I-what B-order_id O O O O B-item O"
    );
    let first: Vec<usize> = encoding.word_list().iter().map(|word| word.first).collect();
    let scored = aligned.ids.iter().enumerate();
    let scored: Vec<usize> = scored.filter_map(|(at, id)| id.map(|_| at)).collect();
    assert_eq!(first, scored);
}

#[test]
fn spans_that_cannot_be_tagged_are_listed() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let set = TagSet::of_labels(["x"], Scheme::Iob2).unwrap();
    let text = "查询 order refund";
    let encoding = tokenizer.encode(text, 64).unwrap();
    let x = |start, end| Span::new(start, end, "x");
    // White space at the edges is nobody's; half a word is not.
    let aligned = set.align(&encoding, &[x(0, 7), x(7, 9), x(12, 13), x(13, 19)]);
    assert_eq!(aligned.misaligned, [1, 2]);
    assert_eq!(words_tags(&set, &aligned).join(" "), "B-x I-x O B-x");

    let cut = tokenizer.encode(text, 4).unwrap();
    let spans = [x(0, 3), x(3, 12), x(13, 19), x(90, 99)];
    assert_eq!(set.align(&cut, &spans).misaligned, [1, 2, 3]);
    let nothing = tokenizer.encode(text, 2).unwrap();
    assert_eq!(set.align(&nothing, &[x(0, 3)]).misaligned, [0]);
}

// --- packing

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn every_row_is_in_one_batch_within_the_budget(
        lengths in proptest::collection::vec(0usize..40, 0..300),
        max_tokens in 0usize..100,
        max_sequences in 0usize..9,
        shuffle in proptest::option::of(any::<u64>()),
    ) {
        let plan = BatchPlan { max_tokens, max_sequences, shuffle };
        let batches = plan.batches(&lengths);
        prop_assert_eq!(&batches, &plan.batches(&lengths));
        for batch in &batches {
            let tokens: usize = batch.iter().map(|&row| lengths[row]).sum();
            prop_assert!(!batch.is_empty() && batch.len() <= max_sequences.max(1));
            prop_assert!(tokens <= max_tokens || batch.len() == 1);
        }
        let mut rows = batches.concat();
        if shuffle.is_some() {
            rows.sort_unstable();
        }
        prop_assert_eq!(rows, (0..lengths.len()).collect::<Vec<_>>());
    }

    #[test]
    fn packing_keeps_sequences(rows in proptest::collection::vec(
        proptest::collection::vec(any::<u32>(), 0..9), 0..9))
    {
        let batch = TokenBatch::pack(rows.iter().map(Vec::as_slice));
        prop_assert_eq!(batch.sequences(), rows.len());
        prop_assert_eq!(batch.tokens(), batch.positions.len());
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(&batch.ids[batch.range(at)], row.as_slice());
            prop_assert!(batch.positions[batch.range(at)].iter().copied().eq(0..row.len() as u32));
        }
        prop_assert_eq!(batch.max_len, rows.iter().map(Vec::len).max().unwrap_or(0));
    }
}

#[test]
fn shuffled_batches_hold_rows_of_like_length_and_depend_on_the_seed() {
    let lengths: Vec<usize> = (0..10_000).map(|row| row * 7919 % 64 + 1).collect();
    let plan = BatchPlan {
        max_tokens: 1024,
        max_sequences: 64,
        shuffle: Some(1),
    };
    let batches = plan.batches(&lengths);
    let spread: usize = batches
        .iter()
        .map(|rows| {
            let of = rows.iter().map(|&row| lengths[row]);
            of.clone().max().unwrap() - of.min().unwrap()
        })
        .sum();
    assert!(
        spread < 4 * batches.len(),
        "mean spread {}",
        spread as f64 / batches.len() as f64
    );
    let tokens: usize = lengths.iter().sum();
    assert!(
        batches.len() <= tokens / 1024 * 11 / 10,
        "batches are full: {}",
        batches.len()
    );
    assert_ne!(
        batches,
        BatchPlan {
            shuffle: Some(2),
            ..plan
        }
        .batches(&lengths)
    );
    assert!(
        batches
            .windows(2)
            .any(|two| lengths[two[0][0]] > lengths[two[1][0]])
    );
}
