//! Datasets and the file formats: each broken file beside its valid twin.

use std::path::{Path, PathBuf};

use cs_data::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, json};
use tempfile::TempDir;

/// The same cases in every run.
fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn open(path: &Path) -> Result<Dataset> {
    Dataset::open(path, &ReadOptions::default())
}

/// The error of a file, without the folder.
fn message(result: Result<Dataset>, folder: &TempDir) -> String {
    let prefix = format!("{}/", folder.path().display());
    result.unwrap_err().to_string().replace(&prefix, "")
}

fn opened(name: &str, bytes: impl AsRef<[u8]>) -> Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    open(&write(&folder, name, bytes))
}

fn failure(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    message(open(&write(&folder, name, bytes)), &folder)
}

// --- JSONL

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

#[test]
fn every_text_file_is_checked_for_encoding_and_rows() {
    let cases: [(&str, &[u8], &[u8], &str); 8] = [
        (
            "f.jsonl",
            b"{\"text\": \"a\"}\n",
            b"{\"text\": \"\xe8\xae\"}\n",
            "f.jsonl:1:11: the byte 0xe8, expected UTF-8, or another encoding by --encoding, such as gbk",
        ),
        (
            "f.jsonl",
            b"{\"text\": \"a\"}\n",
            b"{\"text\": \"a\"}\n{\"text\": \"\0\"}",
            "f.jsonl:2:11: a NUL byte, expected text",
        ),
        (
            "f.jsonl",
            b"{\"text\": \"a\"}\n",
            b"",
            "f.jsonl: no rows, expected at least one row",
        ),
        (
            "f.jsonl",
            b"{\"text\": \"a\"}\n",
            b"\xef\xbb\xbf \n\n",
            "f.jsonl: no rows, expected at least one row",
        ),
        (
            "f.csv",
            b"text\na\n",
            b"text\n\"a\n\xff\"\n",
            "f.csv:3:1: the byte 0xff, expected UTF-8, or another encoding by --encoding, such as windows-1252",
        ),
        (
            "f.csv",
            b"text\na\n",
            b"text\n\0a\n",
            "f.csv:2:1: a NUL byte, expected text",
        ),
        (
            "f.csv",
            b"text\na\n",
            b"",
            "f.csv: no rows, expected at least one row",
        ),
        (
            "f.tsv",
            b"text\na\n",
            b"text\n",
            "f.tsv:1:5: no rows below the header, expected at least one row",
        ),
    ];
    for (name, valid, broken, expected) in cases {
        assert!(opened(name, valid).is_ok());
        assert_eq!(failure(name, broken), expected);
    }
    assert!(failure("f.docx", "x").starts_with("f.docx: the ending \"docx\", expected jsonl"));
    let folder = tempfile::tempdir().unwrap();
    let missing = message(open(&folder.path().join("none.csv")), &folder);
    assert!(missing.starts_with("none.csv: No such file"), "{missing}");
}

#[test]
fn a_megabyte_on_one_line_is_refused_by_place_and_in_linear_time() {
    let long = "订".repeat(1 << 20);
    let fits = "订".repeat(MAX_TEXT_BYTES / 3);
    let rule = format!(
        "text of {} bytes, expected at most {MAX_TEXT_BYTES}",
        long.len()
    );
    let json = |text: &str| format!("{{\"text\": \"a\"}}\n{{\"text\": \"{text}\"}}\n");
    assert!(opened("f.jsonl", json(&fits)).is_ok());
    assert_eq!(
        failure("f.jsonl", json(&long)),
        format!("f.jsonl:2:10: {rule}")
    );
    let csv = |text: &str| format!("id,text\n1,{text}\n");
    assert!(opened("f.csv", csv(&fits)).is_ok());
    assert_eq!(failure("f.csv", csv(&long)), format!("f.csv:2:3: {rule}"));
    assert_eq!(
        failure("f.tsv", csv(&long).replace(',', "\t")),
        format!("f.tsv:2:3: {rule}")
    );
    assert_eq!(
        seq_failure(&[("seq.in", &long), ("label", "a")]),
        format!("seq.in:1:1: {rule}")
    );
    for bytes in ["\"", ",", "{", "[", "\\", "a "] {
        let text = bytes.repeat((1 << 20) / bytes.len());
        assert!(opened("f.jsonl", &text).is_err());
        let _ = opened("f.csv", &text);
        let _ = opened("f.csv", format!("text\n{text}"));
    }
    let reply = format!("{{\"text\": \"a\", \"reply\": \"{long}\"}}");
    assert_eq!(
        opened("f.jsonl", reply)
            .unwrap()
            .utterance(0)
            .unwrap()
            .reply,
        Some(long)
    );
}

// --- CSV, TSV

fn csv(columns: &str, bytes: &str) -> Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    let options = ReadOptions {
        columns: columns.parse().unwrap(),
        ..ReadOptions::default()
    };
    Dataset::open(&write(&folder, "f.csv", bytes), &options)
}

#[test]
fn csv_columns_are_mapped_by_name() {
    let file =
        "\u{feff}flags, category ,query,mood\r\nB,退款,\"a \"\"b\"\",\nc\",0.25\r\n\r\n,,d,\r\n";
    let data = csv("text=query,intent=category,sentiment=mood,id=flags", file).unwrap();
    let rows: Vec<Utterance> = data.iter().collect();
    assert_eq!(
        rows,
        [
            Utterance::new("B", "a \"b\",\nc")
                .with_intent("退款")
                .with_sentiment(0.25),
            Utterance::new("1", "d"),
        ]
    );
    let data = csv("text=query", file).unwrap();
    let row = data.utterance(0).unwrap();
    assert_eq!((row.id.as_str(), row.intent), ("0", None));
    let kept = json!({"flags": "B", "category": "退款", "mood": "0.25"});
    assert_eq!(json!(row.extra), kept);

    let data = opened("f.tsv", "text\tintent\nsay \"hi\"\tgreet\n\"open\tgreet\n").unwrap();
    let texts: Vec<String> = data.iter().map(|row| row.text).collect();
    assert_eq!(texts, ["say \"hi\"", "\"open"]);
}

#[test]
fn broken_csv_beside_its_valid_twin() {
    let cases = [
        (
            "intent=category",
            "text,category\na,b\n",
            "text,intent\na,b\n",
            "f.csv:1:1: the columns \"text,intent\", expected a column category for intent",
        ),
        (
            "",
            "text,category\na,b\n",
            "query,category\na,b\n",
            "f.csv:1:1: the columns \"query,category\", expected a column text, or another by --columns text=NAME",
        ),
        (
            "",
            "text,x\na,b\n",
            "text,text\na,b\n",
            "f.csv:1:6: \"text\", expected the column text once",
        ),
        (
            "",
            "text,x\na,b\n",
            "text,x\na,b\n\"c,\n\",d,e\n",
            "f.csv:3:1: a row of 3 fields, expected 2",
        ),
        (
            "",
            "text,x\na,b\n",
            "text,x\na,b\nc\n",
            "f.csv:3:1: a row of 1 fields, expected 2",
        ),
        (
            "",
            "text,x\n\"a\",b\n",
            "text,x\n\"a\",b\nc,\"d\n",
            "f.csv:3:3: a quote that never closes, expected a closing quote",
        ),
        (
            "",
            "text,sentiment\n\"a,订\",1\n",
            "text,sentiment\n\"a,\"\"订\",1.5\n",
            "f.csv:2:9: \"1.5\", expected a number from 0 to 1",
        ),
        (
            "",
            "text,sentiment\na,0\n",
            "text,sentiment\na,NaN\n",
            "f.csv:2:3: \"NaN\", expected a number from 0 to 1",
        ),
        (
            "",
            "text,sentiment\na,0\n",
            "text,sentiment\na,inf\n",
            "f.csv:2:3: \"inf\", expected a number from 0 to 1",
        ),
        (
            "",
            "text,sentiment\na,0\n",
            "text,sentiment\n\n\nx,\nb,good\n",
            "f.csv:5:3: \"good\", expected a number from 0 to 1",
        ),
    ];
    for (columns, valid, broken, expected) in cases {
        assert!(
            csv(columns, valid).is_ok(),
            "{valid}: {:?}",
            csv(columns, valid)
        );
        let found = csv(columns, broken).unwrap_err().to_string();
        assert!(
            found.ends_with(expected),
            "{broken}\n found {found}\n expected {expected}"
        );
    }
    for columns in ["text", "text=", "label=a", "text=a,text=b", "=a"] {
        assert!(columns.parse::<Columns>().is_err(), "{columns}");
    }
}

// --- seq.in, seq.out, label

fn seq(files: &[(&str, &str)]) -> (TempDir, Result<Dataset>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder, name, text);
    }
    let result = open(folder.path());
    (folder, result)
}

fn seq_failure(files: &[(&str, &str)]) -> String {
    let (folder, result) = seq(files);
    message(result, &folder)
}

#[test]
fn the_three_file_form_is_read() {
    let text = ("seq.in", "add  flow español to it \r\nplay 音乐\n\n");
    let label = ("label", "Add\nPlay\n");
    let tags = ("seq.out", "O B-list I-list O O \nO B-what");
    let data = seq(&[text, tags, label]).1.unwrap();
    let rows: Vec<Utterance> = data.iter().collect();
    assert_eq!(
        rows,
        [
            Utterance::new("0", "add flow español to it")
                .with_intent("Add")
                .with_spans(vec![Span::new(4, 17, "list")]),
            Utterance::new("1", "play 音乐")
                .with_intent("Play")
                .with_spans(vec![Span::new(5, 11, "what")]),
        ]
    );
    let data = seq(&[text, label]).1.unwrap();
    assert!(data.slot_labels().is_empty());
    assert_eq!(data.intents(), ["Add", "Play"]);
}

#[test]
fn broken_three_files_beside_their_valid_twin() {
    let valid = [
        ("seq.in", "a b\nc d\n"),
        ("seq.out", "O B-x\nB-x I-x\n"),
        ("label", "p\nq\n"),
    ];
    assert!(seq(&valid).1.is_ok());
    let cases = [
        (
            "label",
            "p\n",
            "label:1:2: 1 lines, expected 2, as in seq.in",
        ),
        (
            "label",
            "p\nq\nr\n",
            "label:3:1: 3 lines, expected 2, as in seq.in",
        ),
        (
            "label",
            "p\n\nq\n",
            "label:3:1: 3 lines, expected 2, as in seq.in",
        ),
        (
            "label",
            " \nq\n",
            "label:1:1: an empty line, expected an intent",
        ),
        ("label", "", "label: no rows, expected at least one row"),
        (
            "seq.out",
            "O B-x\n",
            "seq.out:1:6: 1 lines, expected 2, as in seq.in",
        ),
        (
            "seq.out",
            "O B-x\nO\n",
            "seq.out:2:2: 1 tags, expected 2, as in seq.in",
        ),
        (
            "seq.out",
            "O B-x O\nO O\n",
            "seq.out:1:7: 3 tags, expected 2, as in seq.in",
        ),
        (
            "seq.out",
            "O I-x\nO O\n",
            "seq.out:1:3: \"I-x\" after O, expected B-x before it or in its place",
        ),
        (
            "seq.out",
            "I-订 O\nO O\n",
            "seq.out:1:1: \"I-订\" after the start, expected B-订 before it or in its place",
        ),
        (
            "seq.out",
            "O O\nB-订 I-x\n",
            "seq.out:2:5: \"I-x\" after B-订, expected B-x before it or in its place",
        ),
        (
            "seq.out",
            "O O\nO C-x\n",
            "seq.out:2:3: \"C-x\", expected O, B-label or I-label",
        ),
        ("seq.out", "\0", "seq.out:1:1: a NUL byte, expected text"),
        (
            "seq.in",
            "a b\n\nc d\n",
            "label:2:2: 2 lines, expected 3, as in seq.in",
        ),
        (
            "seq.in",
            " \nc d\n",
            "seq.in:1:1: an empty line, expected a sentence",
        ),
        ("seq.in", "", "seq.in: no rows, expected at least one row"),
    ];
    for (name, text, expected) in cases {
        let files = valid.map(|file| if file.0 == name { (name, text) } else { file });
        assert_eq!(seq_failure(&files), expected);
    }
    for missing in ["seq.in", "label"] {
        let files: Vec<_> = valid.into_iter().filter(|file| file.0 != missing).collect();
        assert!(seq_failure(&files).starts_with(&format!("{missing}: No such file")));
    }
}

// --- the dataset

fn rows(classes: &[(&str, usize)]) -> Vec<Utterance> {
    let ids = 0..;
    let labels = classes
        .iter()
        .flat_map(|&(label, count)| std::iter::repeat_n(label, count));
    ids.zip(labels)
        .map(|(id, label)| Utterance::new(id.to_string(), format!("text {id}")).with_intent(label))
        .collect()
}

#[test]
fn a_split_is_stratified_seeded_and_blind_to_order() {
    let mut all = rows(&[("a", 100), ("b", 2), ("c", 1), ("d", 15), ("", 20)]);
    let data = Dataset::from_utterances(all.clone()).unwrap();
    let (rest, held) = data.stratified_split(0.1, 5).unwrap();
    let count = |data: &Dataset, intent: Option<&str>| {
        data.iter()
            .filter(|row| row.intent.as_deref() == intent)
            .count()
    };
    let counts = [Some("a"), Some("b"), Some("c"), Some("d"), None]
        .map(|i| (count(&rest, i), count(&held, i)));
    assert_eq!(counts, [(90, 10), (1, 1), (1, 0), (13, 2), (18, 2)]);
    let ids = |data: &Dataset| data.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&held), ids(&data.stratified_split(0.1, 5).unwrap().1));
    assert_ne!(ids(&held), ids(&data.stratified_split(0.1, 6).unwrap().1));
    assert!(ids(&held).is_sorted_by_key(|id| id.parse::<usize>().unwrap()));

    all.reverse();
    let turned = Dataset::from_utterances(all)
        .unwrap()
        .stratified_split(0.1, 5)
        .unwrap()
        .1;
    let mut turned = ids(&turned);
    turned.reverse();
    assert_eq!(turned, ids(&held));

    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(data.stratified_split(fraction, 5).is_err(), "{fraction}");
    }
    let (rest, held) = data.stratified_split(0.99, 5).unwrap();
    assert_eq!(
        (
            count(&rest, Some("a")),
            count(&held, Some("b")),
            count(&rest, Some("b"))
        ),
        (1, 1, 1)
    );
}

#[test]
fn rows_can_be_taken_again() {
    let data = Dataset::from_utterances(rows(&[("a", 3), ("b", 2)])).unwrap();
    let some = data.select(&[4, 0, 0]).unwrap();
    let ids: Vec<String> = some.iter().map(|row| row.id).collect();
    assert_eq!(ids, ["4", "0", "0"]);
    let empty = data.select(&[]).unwrap();
    assert!(empty.is_empty() && empty.intents().is_empty() && !empty.has_sentiment());
    assert_eq!(data.select(&[0, 1]).unwrap().intents(), ["a"]);
    assert_eq!(
        data.select(&[5]).unwrap_err().to_string(),
        "row is 5, expected a row below 5"
    );
    assert_eq!(Dataset::from_utterances([]).unwrap().len(), 0);
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
fn a_fingerprint_is_of_the_content() {
    let data = Dataset::from_utterances(rows(&[("a", 3), ("b", 2)])).unwrap();
    assert_eq!(
        data.fingerprint(),
        "549ba1f5e8beceebe5fdd0c494517b43b4320dc8905182fd60c43044346adea5"
    );
    let reordered = data.select(&[1, 0, 2, 3, 4]).unwrap();
    assert_ne!(reordered.fingerprint(), data.fingerprint());
    assert_eq!(
        reordered.select(&[1, 0, 2, 3, 4]).unwrap().fingerprint(),
        data.fingerprint()
    );
}

#[test]
fn the_columns_are_the_documented_ones() {
    let data = Dataset::from_utterances(rows(&[("a", 2)])).unwrap();
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

#[test]
fn writing_leaves_a_whole_file_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::from_utterances(rows(&[("a", 2)])).unwrap();
    let path = folder.path().join("out.jsonl");
    data.write_jsonl(&path).unwrap();
    data.write_jsonl(&path).unwrap(); // over the old one
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names(), 1);
    assert!(
        data.write_jsonl(&folder.path().join("no/such/out.jsonl"))
            .is_err()
    );
    assert!(data.write_jsonl(folder.path()).is_err());
    assert_eq!(names(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = write(&folder, "plain", "");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }
}

// --- properties

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

    #[test]
    fn no_reader_panics(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            proptest::collection::vec(proptest::sample::select(b"{}[]\":,\n\r\t \\textspanslabel0123-.\xe8\xae\xa2".to_vec()), 0..120),
            "(\\{\"(text|spans|sentiment|id|turn|dialogue_id)\": (\"订\\\\u0000?\"|\\[\\]|[0-9]|null)[,}]\n?){1,4}".prop_map(String::into_bytes),
            "((text|intent|sentiment|\"[a订]*\"?|[01.]*),?){1,6}\n(\"?[a订]*\"?[,\n\r]?){0,9}".prop_map(String::into_bytes),
        ],
        tags in "([OBI]-?[a ]? ?\n?){0,6}",
    ) {
        for name in ["f.jsonl", "f.csv", "f.tsv"] {
            let folder = tempfile::tempdir().unwrap();
            let path = write(&folder, name, &bytes);
            if let Err(error) = open(&path) {
                prop_assert!(error.to_string().starts_with(&path.display().to_string()), "{}", error);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "seq.in", &bytes);
        write(&folder, "seq.out", &tags);
        write(&folder, "label", "a\n");
        let _ = open(folder.path());
    }
}
