//! Spans onto subwords and back: against Hugging Face, and as properties.

use std::path::Path;

use cs_data::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::seeded;

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

/// Every token a word: what other tools call aligning to all subwords.
fn in_pieces(mut encoding: Encoding) -> Encoding {
    let numbers = encoding.words.iter_mut().flatten().zip(0..);
    numbers.for_each(|(word, number)| *word = number);
    encoding
}

#[test]
fn tags_and_spans_are_those_of_hugging_face() {
    let tokenizer = tokenizer().with_words(WordRule::PreTokenizer);
    let set = TagSet::of_labels(["x", "y"], Scheme::Iob2).unwrap();
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../reference/alignment.json")).unwrap();
    let mut misaligned = 0;
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        let gold = spans(text, &case["spans"]);
        let encoding = tokenizer.encode(text, 512).unwrap();
        let pieces = in_pieces(encoding.clone());
        for (name, encoding) in [("first", &encoding), ("all", &pieces)] {
            let found = set.align(encoding, &gold);
            let names = found
                .ids
                .iter()
                .map(|id| id.map(|id| set.tags()[id as usize].clone()));
            assert_eq!(
                names.collect::<Vec<_>>(),
                tags(&case[name]["tags"]),
                "{name} {text:?} {gold:?}"
            );
            let numbers: Vec<usize> =
                serde_json::from_value(case[name]["misaligned"].clone()).unwrap();
            misaligned += numbers.len();
            assert_eq!(found.misaligned, numbers);
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
        let number = |tag| set.tags().iter().position(|known| known == tag).unwrap() as u32;
        let ids: Vec<u32> = drawn.iter().map(number).collect();
        assert_eq!(set.spans_of(&pieces, &ids), grouped, "{text:?}");
    }
    assert!(misaligned > 20, "the cases have spans that cut words");
}

/// Spans over the first place of each of these.
fn over(text: &str, pieces: &[&str]) -> Vec<Span> {
    let span = |piece: &&str| {
        let start = text.find(piece).unwrap();
        Span::new(start, start + piece.len(), "x")
    };
    pieces.iter().map(span).collect()
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
        let spans = over(text, pieces);
        for rule in [WordRule::Script, WordRule::PreTokenizer] {
            let encoding = tokenizer.clone().with_words(rule).encode(text, 64).unwrap();
            for scheme in Scheme::ALL {
                let set = TagSet::of_labels(["x"], scheme).unwrap();
                let aligned = set.align(&encoding, &spans);
                assert_eq!(aligned.misaligned, [0usize; 0], "{text:?}");
                let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
                assert_eq!(set.spans_of(&encoding, &ids), spans, "{scheme} {text:?}");
            }
        }
    }
}

/// XLM-R's kind of tokenizer: pieces of a unigram model between spaces, which count to the word after.
fn unigram() -> Tokenizer {
    let pieces = [
        "▁",
        "查询",
        "订单",
        "12",
        "345",
        "的状态",
        ",",
        "▁where",
        "▁is",
        "▁my",
        "▁or",
        "der",
        "▁order",
        "?",
        "退款",
        "去",
        "上海",
        "上",
        "海",
        "的",
        "▁to",
        "▁New",
        "▁York",
        "a",
        "b",
        "c",
    ];
    let entry = |(at, piece): (usize, &&str)| serde_json::json!([piece, -1.0 - at as f64 / 10.0]);
    let mut vocab: Vec<Value> = ["<s>", "<pad>", "</s>", "<unk>"]
        .map(|t| serde_json::json!([t, 0.0]))
        .into();
    vocab.extend(pieces.iter().enumerate().map(entry));
    let special = |id: usize, token: &str| {
        serde_json::json!({"id": id, "content": token, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    };
    let json = serde_json::json!({
        "version": "1.0",
        "added_tokens": [special(0, "<s>"), special(1, "<pad>"), special(2, "</s>"), special(3, "<unk>")],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}
        },
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": false}
    });
    Tokenizer::from_json(json.to_string().as_bytes(), "unigram.json".as_ref()).unwrap()
}

#[test]
fn a_unigram_tokenizers_chinese_has_a_word_a_piece() {
    let text = "查询订单12345的状态,where is my order？ 去上海的New York";
    let encoding = unigram().encode(text, 64).unwrap();
    let words: Vec<&str> = encoding
        .word_list()
        .into_iter()
        .map(|word| &text[word.range])
        .collect();
    assert_eq!(
        words,
        [
            "查询",
            "订单",
            "12345",
            "的状态",
            ",",
            "where",
            "is",
            "my",
            "order",
            "？",
            "去",
            "上海",
            "的",
            "New",
            "York"
        ]
    );
    // No word begins at a token that stands for a space.
    let first: Vec<_> = encoding
        .word_list()
        .iter()
        .map(|word| encoding.ids[word.first])
        .collect();
    assert!(!first.contains(&4), "{first:?}");

    let set = TagSet::of_labels(["x"], Scheme::Iob2).unwrap();
    let spans = over(text, &["订单", "12345", "order", "上海", "New York"]);
    let aligned = set.align(&encoding, &spans);
    assert_eq!(aligned.misaligned, [0usize; 0]);
    let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
    assert_eq!(set.spans_of(&encoding, &ids), spans);
    // A piece that reaches over the edge of a span cannot be parted.
    assert_eq!(set.align(&encoding, &over(text, &["状态"])).misaligned, [0]);

    // As bundles of older formats have been trained: a sentence is a word.
    let old = unigram()
        .with_words(WordRule::PreTokenizer)
        .encode(text, 64)
        .unwrap();
    assert_eq!(set.align(&old, &spans[..1]).misaligned, [0]);
}

#[test]
fn pieces_of_one_character_are_not_shared_out() {
    // 한 as three jamo, two of which begin a span.
    let encoding = Encoding {
        ids: vec![5, 6, 7, 8],
        offsets: vec![0..3, 0..3, 0..3, 3..6],
        words: vec![Some(0), Some(1), Some(2), Some(3)],
        truncated: false,
    };
    let set = TagSet::of_labels(["x", "y"], Scheme::Iob2).unwrap(); // O, B-x, I-x, B-y, I-y
    let spans = set.spans_of(&encoding, &[1, 2, 3, 4]);
    assert_eq!(spans, [Span::new(0, 3, "x"), Span::new(3, 6, "y")]);
    assert_eq!(set.spans_of(&encoding, &[1, 3]), [Span::new(0, 3, "x")]);
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
    let batch = tokenizer.encode_rows(&rows, 9, &set).unwrap();
    for (row, (encoding, ids)) in rows.iter().zip(&batch) {
        assert_eq!(encoding, &tokenizer.encode(&row.text, 9).unwrap());
        assert_eq!(ids, &set.align(encoding, &row.spans));
    }
    assert!(batch.iter().any(|(_, ids)| !ids.misaligned.is_empty()));
    let error = tokenizer.encode_rows(&rows, 1, &set).unwrap_err();
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
    let set = TagSet::of_labels(["x"], Scheme::Iob2).unwrap();
    assert_eq!(set.align(&encoding, &spans).misaligned, [0usize; 0]);
}

proptest! {
    #![proptest_config(seeded(96))]

    #[test]
    fn what_was_aligned_comes_back(
        text in "([查询订单]{1,2}|[a-z]{1,6}|[0-9]{1,5}|[😀👩\u{200d}💻]|e\u{301}|[ＡＢ１]|한| |\\PC){0,12}",
        cuts in proptest::collection::vec((0usize..40, 0usize..6, "[xy]"), 0..5),
        scheme in proptest::sample::select(Scheme::ALL.to_vec()),
        pieces in proptest::bool::ANY,
    ) {
        let tokenizer = if pieces { unigram() } else { tokenizer() };
        let encoding = tokenizer.encode(&text, 24).unwrap();
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
        for encoding in [encoding.clone(), in_pieces(encoding)] {
            let aligned = set.align(&encoding, &spans);
            let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
            let back = set.spans_of(&encoding, &ids);
            let kept = (0..spans.len()).filter(|n| !aligned.misaligned.contains(n));
            let kept: Vec<&Span> = kept.map(|n| &spans[n]).collect();
            prop_assert_eq!(back.len(), kept.len());
            for (back, span) in back.iter().zip(kept) {
                // Back without what belongs to no unit.
                prop_assert!(span.start <= back.start && back.end <= span.end);
                prop_assert_eq!(&back.label, &span.label);
            }
            // And again, to the same tags.
            prop_assert_eq!(set.align(&encoding, &back).ids, aligned.ids);
        }
    }

    #[test]
    fn any_tags_give_valid_spans(
        text in "([查询a-c1 한]|e\u{301}|\\PC){0,12}",
        ids in proptest::collection::vec(0u32..12, 0..20),
        pieces in proptest::bool::ANY,
    ) {
        let tokenizer = if pieces { unigram() } else { tokenizer() };
        let encoding = tokenizer.encode(&text, 24).unwrap();
        let set = TagSet::of_labels(["x", "y"], Scheme::Iobes).unwrap();
        for encoding in [encoding.clone(), in_pieces(encoding)] {
            let spans = set.spans_of(&encoding, &ids);
            prop_assert_eq!(Utterance::new("1", &text).with_spans(spans).validate(), Ok(()));
        }
    }
}
