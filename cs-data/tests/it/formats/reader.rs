//! Reading files of every format: encoding, lines without end, leniently, in pieces, and arbitrary bytes.

use std::path::Path;
use std::sync::LazyLock;

use cs_data::*;
use proptest::prelude::*;

use super::parquet::{parquet, spans, strings};
use super::seq::seq_failure;
use super::{many, own, read};
use crate::common::{failure, lenient, message, open, opened, plain, seeded, write};

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

/// A file's name and bytes, the ids that stay, and the reasons for the others.
type Case = (
    &'static str,
    &'static [u8],
    &'static [&'static str],
    &'static [&'static str],
);

#[test]
fn lenient_reading_skips_and_tells_what_strict_reading_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [Case; 6] = [
        (
            "f.jsonl",
            b"{\"text\": \"a\"}\n{\"text\": \"\xff\"}\n{\"text\": \"\0\"}\n[]\n{\"text\": \"b\"}\n",
            &["0", "4"],
            &[
                "f.jsonl:2:11: the byte 0xff, expected UTF-8, or another encoding by --encoding, such as windows-1252",
                "f.jsonl:3:11: a NUL byte, expected text",
                "f.jsonl:4:1: \"[]\" (invalid type: sequence, expected an object), expected a JSON object",
            ],
        ),
        (
            "f.jsonl",
            b"{\"id\": \"a\", \"text\": \"\"}\n{\"id\": \"a\", \"text\": \"\"}\n{\"text\": \"\"}\n{\"id\": 2, \"text\": \"\"}\n",
            &["a", "2"],
            &[
                "f.jsonl:2:1: the id \"a\" for the second time, expected an id of its own",
                "f.jsonl:4:1: the id \"2\" for the second time, expected an id of its own",
            ],
        ),
        (
            "f.csv",
            b"id,text,sentiment\na,x,1\nb,\"y\n\",2\nc,z\nd,\xff,\na,w,\ne,v,0\n",
            &["a", "e"],
            &[
                "f.csv:4:3: \"2\", expected a number from 0 to 1",
                "f.csv:5:1: a row of 2 fields, expected 3",
                "f.csv:6:3: the byte 0xff, expected UTF-8, or another encoding by --encoding, such as windows-1252",
                "f.csv:7:1: the id \"a\" for the second time, expected an id of its own",
            ],
        ),
        (
            "f.csv",
            b"text,spans,span_start,span_end,span_label\na,[],0,1,x\nb,[{}],,,\nc,,0,2,x\nd,,,1,x\ne,,,,\n",
            &["0", "4"],
            &[
                "f.csv:3:3: \"[{}]\", expected a list of objects with start, end (characters) and label, as JSON",
                "f.csv:4:4: span 0 is 0..2, expected an end of at most 1",
                "f.csv:5:4: \"\", expected a number of characters from 0",
            ],
        ),
        (
            "f.csv",
            b"text,dialogue_id,turn\na,d,0\nb,d,x\nc,,\n\"d,d,1",
            &["0", "2"],
            &[
                "f.csv:3:5: \"x\", expected a turn (a number from 0) beside dialogue_id",
                "f.csv:5:1: a quote that never closes, expected a closing quote",
            ],
        ),
        (
            "f.tsv",
            b"text\tid\n\"a\t0\nb\n\x00\t2\n",
            &["0"],
            &[
                "f.tsv:3:1: a row of 1 fields, expected 2",
                "f.tsv:4:1: a NUL byte, expected text",
            ],
        ),
    ];
    for (name, bytes, ids, reasons) in cases {
        let (strict, kept, skipped) = read(&write(&folder, name, bytes));
        assert_eq!(
            (strict.as_deref(), &*kept, &*skipped),
            (Some(reasons[0]), &*own(ids), &*own(reasons))
        );
    }
}

#[test]
fn faults_of_spans_and_tags_are_told_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let of_labels = |name: &str, content: &str| {
        let path = write(&folder, name, content);
        let mut reader = Reader::open(&path, &lenient()).unwrap();
        let _ = reader.read_all();
        let skipped = reader.take_skipped();
        assert_eq!(skipped.len(), 1, "{content}");
        cs_data::audit::ReadFault::from(&skipped[0]).labels
    };
    let span = r#"{"text": "ab", "spans": [{"start": START, "end": 1, "label": "x"}]}"#;
    for start in ["-1", "0.5", "7", "\"0\""] {
        assert!(of_labels("f.jsonl", &span.replace("START", start)));
    }
    assert!(of_labels("f.jsonl", "{\"text\": \"ab\", \"spans\": {}}"));
    assert!(!of_labels("f.jsonl", "{\"text\": \"ab\", \"intent\": 5}"));
    assert!(of_labels("f.csv", "text,spans\nab,nope\n"));
    assert!(of_labels(
        "f.csv",
        "text,span_start,span_end,span_label\nab,0,,x\n"
    ));
    assert!(!of_labels("f.csv", "text,sentiment\nab,2\n"));
    assert!(of_labels("f.markup", "查询[订单\n"));
    assert!(of_labels("f.conll", "a\n"));
    assert!(of_labels(
        "f.yml",
        "nlu:\n- intent: g\n  examples: |\n    - in [Rome]{\"entity\": 5}\n"
    ));
    for tags in ["[\"O\"]", "[\"B-x\", \"I-y\"]"] {
        let content = format!("[{{\"tokens\": [\"a\", \"b\"], \"ner_tags\": {tags}}}]");
        assert!(of_labels("f.json", &content), "{tags}");
    }
    let columns = vec![
        ("text", strings(&[Some("a")])),
        ("spans", spans(vec![Some(0)], 9)),
    ];
    let path = parquet(&folder, "f.parquet", columns);
    let mut reader = Reader::open(&path, &lenient()).unwrap();
    let _ = reader.read_all();
    assert!(cs_data::audit::ReadFault::from(&reader.skipped()[0]).labels);
}

#[test]
fn pieces_are_the_whole() {
    let rows = many(25_000);
    let data = Dataset::from_utterances(rows.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["f.jsonl", "f.csv", "f.parquet"] {
        let path = folder.path().join(name);
        data.save(&path, &WriteOptions::default()).unwrap();
        let mut again = Vec::new();
        for piece in Reader::open(&path, &plain()).unwrap().batch_rows(1000) {
            let piece = piece.unwrap();
            assert!((1..=1000).contains(&piece.len()));
            again.extend(piece.iter());
        }
        assert!(again == rows, "{name}");
        assert!(Dataset::open(&path, &plain()).unwrap() == data, "{name}");
        let by_row: Vec<_> = Reader::open(&path, &plain()).unwrap().rows().collect();
        assert_eq!(by_row.len(), rows.len());
    }
}

#[test]
fn places_far_into_a_file_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut json = String::new();
    let mut csv = String::from("text,sentiment\n");
    for number in 0..80_000 {
        json += &format!("{{\"text\": \"row {number}\"}}\n\n");
        csv += &format!("\"row\n{number}\",0.5\n");
    }
    json += "{\"text\": \"订\", \"sentiment\": 2}\n{\"text\": 1}\n";
    csv += "\"订\n\",x\nb,0\n";
    let json = write(&folder, "f.jsonl", json);
    let csv = write(&folder, "f.csv", csv);
    let message = |path: &Path| Dataset::open(path, &plain()).unwrap_err().to_string();
    assert!(message(&json).ends_with("f.jsonl:160001:28: \"2\", expected a number from 0 to 1"));
    assert!(message(&csv).ends_with("f.csv:160003:3: \"x\", expected a number from 0 to 1"));

    let mut reader = Reader::open(&json, &lenient()).unwrap();
    assert_eq!(reader.read_all().unwrap().len(), 80_000);
    let places: Vec<String> = reader.skipped().iter().map(ToString::to_string).collect();
    assert!(places[0].contains(":160001:28:") && places[1].contains(":160002:10:"));
    let mut reader = Reader::open(&csv, &lenient()).unwrap();
    let data = reader.read_all().unwrap();
    assert_eq!(reader.take_skipped().len(), 1);
    assert_eq!(data.utterance(80_000).unwrap().id, "80001");
}

/// Valid files of every kind, to be broken.
static VALID: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let row = |number: usize| {
        let mut row = Utterance::new(format!("r{number}"), "查询 \"订单\", 12345")
            .with_intent("order, status")
            .with_spans(vec![Span::new(7, 15, "x")])
            .with_sentiment(0.5);
        row.extra
            .insert("k".into(), serde_json::json!({"a": number}));
        row
    };
    let data = Dataset::from_utterances((0..3).map(row)).unwrap();
    let names = ["f.jsonl", "f.csv", "f.tsv", "f.parquet"];
    let file = |name: &'static str| {
        let path = folder.path().join(name);
        data.save(&path, &WriteOptions::default()).unwrap();
        (name, std::fs::read(&path).unwrap())
    };
    names.into_iter().map(file).collect()
});

proptest! {
    #![proptest_config(seeded(128))]

    #[test]
    fn no_reader_panics_on_a_broken_file(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4usize), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (name, mut bytes) in VALID.clone() {
            for (at, byte, kind) in &edits {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    2 => drop(bytes.remove(at)),
                    _ => bytes[at] = b"\"\n,{}\t\0"[usize::from(*byte) % 7],
                }
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let path = write(&folder, name, &bytes);
            for options in [ReadOptions::default(), lenient()] {
                if let Err(error) = Dataset::open(&path, &options) {
                    prop_assert!(error.to_string().starts_with(&path.display().to_string()), "{}", error);
                }
            }
        }
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
