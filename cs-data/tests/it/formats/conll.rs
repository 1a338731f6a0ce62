//! CoNLL files: against seqeval, round trips, each broken file beside its valid twin.

use cs_data::text::floor;
use cs_data::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{place_of, read_as, seeded};

fn options(scheme: Option<Scheme>) -> ReadOptions {
    ReadOptions {
        format: Some(Format::Conll),
        scheme,
        ..ReadOptions::default()
    }
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<Utterance>> {
    read_as("rows.conll", bytes, &options(None))
}

fn failure(bytes: impl AsRef<[u8]>) -> String {
    place_of("rows.conll", read(bytes))
}

/// Writes rows and gives the file, what was lost, and the rows read back.
fn written(rows: &[Utterance], scheme: Scheme) -> (String, Losses, Vec<Utterance>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.conll");
    let data = Dataset::from_utterances(rows.iter().cloned()).unwrap();
    let how = WriteOptions {
        format: Some(Format::Conll),
        scheme: Some(scheme),
        ..WriteOptions::default()
    };
    let lost = data.save(&path, &how).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let back = read(&text).unwrap();
    (text, lost, back)
}

#[test]
fn a_document_begins_where_the_mark_stands() {
    let file = "-DOCSTART- -X- -X- O\n\nEU NNP B-ORG\nsaid VBD O\n-DOCSTART- -X- -X- O\n\n\nPeter NNP B-PER\n";
    let rows = read(file).unwrap();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(texts, ["EU said", "Peter"]);
    assert_eq!(rows[1].spans, [Span::new(0, 5, "PER")]);

    let row = Utterance::new("0", "the -DOCSTART- mark");
    let (file, lost, back) = written(std::slice::from_ref(&row), Scheme::Iob2);
    assert!(lost.is_empty(), "{lost}");
    assert_eq!(back, [row], "{file}");
}

#[test]
fn files_of_every_scheme_decode_as_in_seqeval() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../reference/seqeval_conll.json")).unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let rows = read(case["file"].as_str().unwrap()).unwrap();
        let expected = case["entities"].as_array().unwrap();
        assert_eq!(rows.len(), expected.len());
        for (row, expected) in rows.iter().zip(expected) {
            let tokens = whitespace_tokens(&row.text);
            let at = |byte: usize, end: bool| {
                let edge =
                    |token: &std::ops::Range<usize>| if end { token.end } else { token.start };
                tokens.iter().position(|token| edge(token) == byte).unwrap()
            };
            let found: Vec<Value> = row
                .spans
                .iter()
                .map(|s| json!([at(s.start, false), at(s.end, true) + 1, s.label]))
                .collect();
            assert_eq!(json!(found), *expected, "{} {}", case["scheme"], row.text);
        }
    }
}

#[test]
fn tokens_without_a_text_are_joined_by_script() {
    let rows = read(concat!(
        "-DOCSTART- -X- -X- O\n\n",
        "EU NNP I-NP B-ORG\nrejects VBZ I-VP O\nGerman JJ I-NP B-MISC\n\n",
        "查 O\n询 O\norder O\n1 B-id\n号 O\n\n",
        "查询\tO\n订单\tB-a\n\n\n",
        "i B-b\nP I-b\n手 O\n机 O\n",
    ))
    .unwrap();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(
        texts,
        ["EU rejects German", "查询order 1号", "查询订单", "iP手机"]
    );
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["0", "1", "2", "3"]);
    assert_eq!(
        rows[0].spans,
        [Span::new(0, 2, "ORG"), Span::new(11, 17, "MISC")]
    );
    assert_eq!(rows[2].spans, [Span::new(6, 12, "a")]);
}

#[test]
fn a_sentence_a_line() {
    let rows = read("裙:B-x 子:I-x A:O ::O <=> <NULL>\n红:B-y <=> buy dress\n").unwrap();
    assert_eq!(
        rows[0],
        Utterance::new("0", "裙子A:").with_spans(vec![Span::new(0, 6, "x")])
    );
    assert_eq!(rows[1].intent.as_deref(), Some("buy dress"));
    assert_eq!(
        failure("裙:B-x <=> <NULL>\n子:I-x <=> <NULL>\n"),
        "2:3: tag 0 is \"I-x\" after the start, expected the same label before it (IOB2 as from line 1)"
    );
}

#[test]
fn comments_hold_the_other_fields() {
    let rows = read(concat!(
        "# id: 7\n# text = \"to  New York\"\n# intent = book flight\n# source archive\n# sentiment = 0.25\n",
        "to\tO\nNew\tB-city\nYork\tI-city\n\n# a heading alone\n\n# O\nbc O\n",
    ))
    .unwrap();
    let mut first = Utterance::new("7", "to  New York")
        .with_intent("book flight")
        .with_sentiment(0.25)
        .with_spans(vec![Span::new(4, 12, "city")]);
    first
        .extra
        .insert("comments".into(), json!(["# source archive"]));
    assert_eq!(
        rows,
        [first, Utterance::new("1", "# bc").with_spans(vec![])]
    );
    // Quotation marks that belong to the text.
    let rows = read("# text = \"hi\"\n\" O\nhi O\n\" O\n").unwrap();
    assert_eq!(rows[0].text, "\"hi\"");
}

#[test]
fn what_tokens_say_needs_no_comment() {
    let row = Utterance::new("0", "查询 order 12").with_spans(vec![Span::new(13, 15, "id")]);
    let plain = Utterance::new("1", "order 12 now").with_spans(vec![Span::new(6, 8, "id")]);
    let (text, lost, back) = written(&[row.clone(), plain.clone()], Scheme::Iobes);
    assert_eq!(
        text,
        "# text = 查询 order 12\n查\tO\n询\tO\norder\tO\n12\tS-id\n\norder\tO\n12\tS-id\nnow\tO\n\n"
    );
    assert!(lost.is_empty());
    assert_eq!(back, [row, plain]);
}

#[test]
fn spans_that_tags_cannot_hold_stand_in_a_comment() {
    let row =
        Utterance::new("0", "é b").with_spans(vec![Span::new(0, 3, "x"), Span::new(3, 4, "y")]);
    let (text, lost, back) = written(std::slice::from_ref(&row), Scheme::Iob2);
    assert!(
        text.contains("\n# spans = [{\"end\":2,\"label\":\"x\",\"start\":0}"),
        "{text}"
    );
    assert!(lost.is_empty());
    assert_eq!(back, [row]);
}

#[test]
fn broken_files_beside_their_valid_twins() {
    let cases: [(&str, &[u8], &str); 15] = [
        (
            "# spans = [{\"start\":0,\"end\":1,\"label\":\"x\"}]\na O\n",
            b"# spans = [{\"start\":0,\"end\":9,\"label\":\"x\"}]\na O\n",
            "1:11: \"[{\\\"start\\\":0,\\\"end\\\":9,\\\"label\\\":\\\"x\\\"}]\", expected a list of spans of the text with start, end (characters) and label",
        ),
        (
            "a B-x\nb I-x\n\nc O\n",
            b"a B-x\nb I-x\n\nc S-x\n",
            "4:3: tag 0 is \"S-x\", expected O, B-label or I-label (IOB2 as from line 1)",
        ),
        (
            "a B-x\n\nb B-x\nc I-x\n",
            b"a B-x\n\nb O\nc I-x\n",
            "4:3: tag 1 is \"I-x\" after O, expected the same label before it (IOB2 as from line 1)",
        ),
        (
            "a B-x\nb E-x\n\nc S-x\n",
            b"a B-x\nb E-x\n\nc B-x\n",
            "4:3: tag 0 is \"B-x\" at the end, expected I-x or E-x after it (IOBES as from line 1)",
        ),
        ("a I-x\nb B-x\n", b"a I-y\nb B-x\n", "2:3: "),
        ("a O\n", b"a Q-x\n", "1:3: tag 0 is \"Q-x\""),
        ("a O\n", b"a B-\n", "1:3: tag 0 is \"B-\""),
        ("a O\n", b"a\n", "1:1: \"a\", expected a token and its tag"),
        (
            "a\tO\n",
            b"\tO\n",
            "1:1: \"\\tO\", expected a token and its tag",
        ),
        (
            "# text = a b\na O\nb O\n",
            b"# text = a b\na O\nc O\n",
            "3:1: \"c\", expected the tokens of \"# text\" in order",
        ),
        (
            "# text = a b\na O\nb O\n",
            b"# text = a b\na O\n",
            "1:10: text without a token, expected the tokens",
        ),
        (
            "# sentiment = 1\na O\n",
            b"# sentiment = 2\na O\n",
            "1:15: \"2\", expected a number from 0 to 1",
        ),
        (
            "# id = 1\na O\n",
            b"# id = 1\n# id = 2\na O\n",
            "2:1: id again, expected it once",
        ),
        (
            "\u{8ba2} O\nb O\n",
            b"\xe8\xae\xa2 O\nb\xff O\n",
            "2:2: the byte 0xff, expected UTF-8",
        ),
        ("a O\n", b"a O\nb\0 O\n", "2:2: a NUL byte, expected text"),
    ];
    for (valid, broken, message) in cases {
        read(valid).unwrap_or_else(|error| panic!("{valid:?}: {error}"));
        let found = failure(broken);
        assert!(found.starts_with(message), "{valid:?}: {found}");
    }
    let empty = read("\n\n").unwrap_err().to_string();
    assert!(
        empty.ends_with("no rows, expected at least one row"),
        "{empty}"
    );
    let long = failure(format!("{} O\n", "a".repeat(1 << 20)));
    assert!(long.starts_with("1:1: text of 1048576 bytes"), "{long}");
    let long = failure("a:O ".repeat(1 << 18));
    assert!(long.starts_with("1:1: text of 262144 bytes"), "{long}");
}

#[test]
fn lenient_reading_skips_the_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.conll");
    std::fs::write(&path, b"a B-x\n\nb\xff O\nc O\n\nd I-x\n\ne O\n").unwrap();
    let lenient = ReadOptions {
        lenient: true,
        ..options(Some(Scheme::Iob2))
    };
    let mut reader = Reader::open(&path, &lenient).unwrap();
    let rows = reader.read_all().unwrap();
    let kept: Vec<(String, String)> = rows.iter().map(|row| (row.id, row.text)).collect();
    assert_eq!(kept, [("0".into(), "a".into()), ("3".into(), "e".into())]);
    assert_eq!(reader.skipped().len(), 2);
}

fn rows() -> impl Strategy<Value = Vec<Utterance>> {
    let text = "[ab#\"\\\\=:订单，\u{3000} \t\n-😀e\u{301}]{0,12}";
    let field = || proptest::option::of("[a\" #\n订]{1,4}");
    let row = (
        text,
        any::<(u8, u8, u8)>(),
        field(),
        field(),
        proptest::option::of(0.0f32..=1.0),
        field(),
    );
    let row = row.prop_map(|(text, (a, b, c), intent, reply, sentiment, speaker)| {
        let edge = |byte: u8| floor(&text, usize::from(byte) % (text.len() + 1));
        let mut edges = [edge(a), edge(b), edge(c)];
        edges.sort_unstable();
        let spans = [(edges[0], edges[1], "x"), (edges[1], edges[2], "x")];
        let spans = spans.into_iter().filter(|(start, end, _)| {
            start < end && text[*start..*end].trim() == &text[*start..*end]
        });
        let spans = spans
            .map(|(start, end, label)| Span::new(start, end, label))
            .collect();
        let mut row = Utterance::new("", text.clone()).with_spans(spans);
        row.intent = intent;
        row.reply = reply;
        row.sentiment = sentiment;
        if let Some(speaker) = &speaker {
            row.extra.insert("note".into(), json!({"a": speaker}));
            row.dialogue = Some(Turn {
                dialogue_id: speaker.clone(),
                turn: 3,
                speaker: Some("u".into()),
            });
        }
        row
    });
    proptest::collection::vec(row, 1..4).prop_map(|mut rows| {
        for (at, row) in rows.iter_mut().enumerate() {
            row.id = if at % 2 == 0 {
                at.to_string()
            } else {
                format!("r{at}")
            };
        }
        // Beside a row with entities, one without has none.
        let labelled = rows.iter().any(|row| !row.spans.is_empty());
        rows.iter_mut()
            .for_each(|row| row.entity_free = labelled && row.spans.is_empty());
        rows
    })
}

proptest! {
    #![proptest_config(seeded(200))]

    #[test]
    fn rows_come_back_as_they_were(rows in rows(), scheme in 0usize..5) {
        let (text, lost, back) = written(&rows, Scheme::ALL[scheme]);
        prop_assert!(lost.is_empty(), "{} {}", lost, text);
        prop_assert_eq!(back, rows, "{}", text);
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_change_of_a_file_is_rows_or_an_error(rows in rows(), at in any::<usize>(), byte in any::<u8>()) {
        let (text, ..) = written(&rows, Scheme::Bilou);
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read(&bytes);
        bytes.truncate(at);
        let _ = read(&bytes);
    }
}
