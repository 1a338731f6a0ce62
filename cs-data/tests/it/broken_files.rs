//! Broken files beside their valid twins, strictly and leniently, and arbitrary bytes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use cs_data::*;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tempfile::TempDir;

fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn lenient() -> ReadOptions {
    ReadOptions {
        lenient: true,
        ..ReadOptions::default()
    }
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What strict reading says, without the folder; and the ids and reasons of lenient reading.
fn read(path: &Path) -> (Option<String>, Vec<String>, Vec<String>) {
    let prefix = format!("{}/", path.parent().unwrap().display());
    let short = |error: &Error| error.to_string().replace(&prefix, "");
    let strict = Dataset::open(path, &ReadOptions::default()).err();
    let mut reader = Reader::open(path, &lenient()).unwrap();
    let data = reader.read_all().unwrap();
    let ids = data.iter().map(|row| row.id).collect();
    let reasons = reader.skipped().iter().map(short).collect();
    (strict.as_ref().map(short), ids, reasons)
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

fn own(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|&string| string.to_owned()).collect()
}

#[test]
fn lenient_reading_of_three_files_keeps_lines_together() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "seq.in", b"a b\n\xff\nc d\ne f\n");
    write(&folder, "seq.out", "O O\nO\nI-x O\nB-x I-x\n");
    write(&folder, "label", "p\nq\nr\ns\n");
    let mut reader = Reader::open(folder.path(), &lenient()).unwrap();
    let data = reader.read_all().unwrap();
    let rows: Vec<_> = data
        .iter()
        .map(|row| (row.id, row.text, row.intent))
        .collect();
    let row = |id: &str, text: &str, intent: &str| (id.into(), text.into(), Some(intent.into()));
    assert_eq!(rows, [row("0", "a b", "p"), row("3", "e f", "s")]);
    let reasons: Vec<_> = reader.skipped().iter().map(ToString::to_string).collect();
    assert!(reasons[0].ends_with("seq.in:2:1: the byte 0xff, expected UTF-8, or another encoding by --encoding, such as windows-1252"));
    assert!(
        reasons[1].ends_with(
            "seq.out:3:1: \"I-x\" after the start, expected B-x before it or in its place"
        )
    );
}

#[test]
fn broken_headers_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let open = |columns: &str, bytes: &str| {
        let options = ReadOptions {
            columns: columns.parse().unwrap(),
            no_header: columns.contains("=1"),
            ..ReadOptions::default()
        };
        let result = Dataset::open(&write(&folder, "f.csv", bytes), &options);
        result
            .map(|data| data.len())
            .map_err(|error| error.to_string())
    };
    let cases = [
        (
            "span_start=s,span_end=e,span_label=l",
            "text,s,e,l\na,,,\n",
            "text,s,e\na,,\n",
        ),
        ("turn=t", "text,dialogue_id,t\na,,\n", "text,t\na,1\n"),
        ("text=1,sentiment=2", "a,1\n", "a\n"),
        ("", "text\na\n", "\"text\na\n"),
        ("", "text\na\n", "t\u{0}ext\na\n"),
    ];
    for (columns, valid, broken) in cases {
        assert_eq!(open(columns, valid), Ok(1), "{columns}");
        let error = open(columns, broken).unwrap_err();
        assert!(error.contains("f.csv:1:"), "{error}");
    }
    let long = format!("text\n\"{}", "a".repeat(MAX_LINE_BYTES + (1 << 20)));
    let error = open("", &long).unwrap_err();
    assert!(
        error.contains(&format!(
            "f.csv:2:1: a row of more than {MAX_LINE_BYTES} bytes"
        )),
        "{error}"
    );
}

// --- Parquet

fn parquet(folder: &TempDir, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = folder.path().join(name);
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn spans(start: Vec<Option<i64>>, end: i64) -> ArrayRef {
    let count = start.len();
    let field = |name: &str, kind| Field::new(name, kind, true);
    let fields = Fields::from(vec![
        field("start", DataType::Int64),
        field("end", DataType::Int64),
        field("label", DataType::Utf8),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(start)),
        Arc::new(Int64Array::from(vec![end; count])),
        strings(&vec![Some("x"); count]),
    ];
    let items = StructArray::new(fields.clone(), columns, None);
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    let offsets = OffsetBuffer::from_lengths(vec![1; count]);
    Arc::new(ListArray::new(item, offsets, Arc::new(items), None))
}

#[test]
fn broken_parquet_beside_its_valid_twin() {
    let folder = tempfile::tempdir().unwrap();
    let text = || ("text", strings(&[Some("订单"), Some("b")]));
    let file = |columns| read_strict(&parquet(&folder, "f.parquet", columns));
    let numbers = |values: Vec<Option<f64>>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let integers = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    assert_eq!(file(vec![text()]), Ok(2));
    assert_eq!(
        file(vec![text(), ("spans", spans(vec![Some(0), Some(0)], 1))]),
        Ok(2)
    );
    assert_eq!(
        file(vec![text(), ("sentiment", numbers(vec![Some(1.0), None]))]),
        Ok(2)
    );
    let cases: Vec<(Vec<(&str, ArrayRef)>, &str)> = vec![
        (
            vec![("query", strings(&[Some("a")]))],
            "the columns \"query\", expected a column text",
        ),
        (
            vec![("text", numbers(vec![Some(1.0)]))],
            "column text with Float64, expected strings",
        ),
        (
            vec![text(), ("sentiment", strings(&[Some("1"), None]))],
            "column sentiment with Utf8, expected numbers",
        ),
        (
            vec![text(), ("spans", strings(&[None, None]))],
            "column spans with Utf8, expected lists of structs with start, end and label",
        ),
        (
            vec![("text", strings(&[Some("a"), None]))],
            "row 1, column text: null, expected a text",
        ),
        (
            vec![("text", strings(&[Some("a"), Some("\0")]))],
            "row 1, column text: text has a NUL character at 0, expected none",
        ),
        (
            vec![text(), ("sentiment", numbers(vec![None, Some(f64::NAN)]))],
            "row 1, column sentiment: NaN, expected a number from 0 to 1",
        ),
        (
            vec![text(), ("spans", spans(vec![Some(0), Some(1)], 2))],
            "row 1, column spans: span 0 is 1..2, expected an end of at most 1",
        ),
        (
            vec![text(), ("spans", spans(vec![None, Some(0)], 1))],
            "row 0, column spans: span 0 with a null or negative field, expected start, end",
        ),
        (
            vec![
                text(),
                ("dialogue_id", strings(&[None, Some("d")])),
                ("turn", integers(vec![0, -1])),
            ],
            "row 1, column turn: -1, expected a turn (a number from 0) beside dialogue_id",
        ),
        (
            vec![text(), ("extra", strings(&[Some("{}"), Some("[]")]))],
            "row 1, column extra: \"[]\", expected a JSON object",
        ),
        (
            vec![text(), ("id", strings(&[Some("a"), Some("a")]))],
            "row 1 has the id \"a\" for the second time, expected an id of its own",
        ),
    ];
    for (columns, expected) in cases {
        let error = file(columns).unwrap_err();
        assert!(
            error.contains(&format!("f.parquet: {expected}")),
            "{error}\n{expected}"
        );
    }
    let path = parquet(
        &folder,
        "f.parquet",
        vec![("text", strings(&[None, Some("b")]))],
    );
    let (_, ids, reasons) = read(&path);
    assert_eq!((ids, reasons.len()), (own(&["1"]), 1));
}

fn read_strict(path: &Path) -> Result<usize, String> {
    let data = Dataset::open(path, &ReadOptions::default());
    data.map(|data| data.len())
        .map_err(|error| error.to_string())
}

#[test]
fn torn_and_foreign_parquet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = parquet(
        &folder,
        "f.parquet",
        vec![("text", strings(&[Some("订单"); 500]))],
    );
    assert_eq!(read_strict(&whole), Ok(500));
    let bytes = std::fs::read(&whole).unwrap();
    for length in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        let torn = write(&folder, "torn.parquet", &bytes[..length]);
        assert!(read_strict(&torn).unwrap_err().contains("torn.parquet: "));
    }
    let empty = folder.path().join("empty");
    std::fs::create_dir_all(empty.join("intent=a")).unwrap();
    assert!(read_strict(&empty).unwrap_err().contains("no rows"));
    std::fs::write(empty.join("intent=a/x.parquet"), "PAR1").unwrap();
    assert!(read_strict(&empty).unwrap_err().contains("x.parquet"));
}

// --- arbitrary bytes

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
    fn no_parquet_reader_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let folder = tempfile::tempdir().unwrap();
        let mut framed = b"PAR1".to_vec();
        framed.extend(&bytes);
        framed.extend((bytes.len() as u32).to_le_bytes());
        framed.extend(b"PAR1");
        for bytes in [bytes, framed] {
            let path = write(&folder, "f.parquet", &bytes);
            prop_assert!(Dataset::open(&path, &ReadOptions::default()).is_err());
        }
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
#[cfg(unix)]
fn a_device_is_not_replaced_and_a_link_leads_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let create = |path: &Path| {
        let options = WriteOptions {
            format: Some(Format::Jsonl),
            ..WriteOptions::default()
        };
        let mut writer = Writer::create(path, &options)?;
        writer.write(&Utterance::new("1", "hi"))?;
        writer.finish()
    };
    let pipe = folder.path().join("pipe");
    let _socket = std::os::unix::net::UnixListener::bind(&pipe).unwrap();
    let error = create(&pipe).unwrap_err().to_string();
    assert!(
        error.ends_with("pipe: a device or pipe, expected a file or nothing"),
        "{error}"
    );
    let error = create(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with(": a folder, expected a file or nothing"),
        "{error}"
    );
    let error = create(&folder.path().join("none/f"))
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("none, expected a folder to write in"),
        "{error}"
    );

    let (file, link) = (write(&folder, "file", "old"), folder.path().join("link"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    create(&link).unwrap();
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().contains("hi"));
}
