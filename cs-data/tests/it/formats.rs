//! Every format read and written: what comes back, what is lost, and streams.

use std::path::{Path, PathBuf};

use cs_data::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use tempfile::TempDir;

fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn plain() -> ReadOptions {
    ReadOptions::default()
}

fn lenient() -> ReadOptions {
    ReadOptions {
        lenient: true,
        ..plain()
    }
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn rows_of(path: &Path, options: &ReadOptions) -> Vec<Utterance> {
    Dataset::open(path, options).unwrap().iter().collect()
}

/// Writes rows to a new file and gives what was lost and what is read again.
fn through(rows: &[Utterance], name: &str, options: &WriteOptions) -> (Losses, Vec<Utterance>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let data = Dataset::from_utterances(rows.to_vec()).unwrap();
    let lost = data.save(&path, options).unwrap();
    let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(entries.len(), 1, "nothing but the file stays");
    let read = ReadOptions {
        format: options.format,
        ..plain()
    };
    (lost, rows_of(&path, &read))
}

/// A row with everything in it.
fn full() -> Utterance {
    let mut row = Utterance::new("a\"7", "查询 \"订单\",12345😀\nsecond\tline\r\n")
        .with_intent("order, status")
        .with_spans(vec![
            Span::new(7, 15, "quoted"),
            Span::new(16, 21, "order_id"),
        ])
        .with_sentiment(0.1);
    row.reply = Some("Ihre Bestellung:\n\"unterwegs\"".into());
    row.dialogue = Some(Turn {
        dialogue_id: "d,1".into(),
        turn: 3,
        speaker: Some("用户".into()),
    });
    row.origin = "noise+synonym".into();
    row.parent = Some("a".into());
    row.extra.insert("channel".into(), json!("web, app"));
    row.extra.insert("tags".into(), json!(["a", {"b": null}]));
    row.extra.insert("text".to_uppercase(), json!("x"));
    row.extra.insert("extra".into(), json!("y"));
    row.extra.insert(" spaced ".into(), json!("z"));
    row.extra.insert("empty".into(), json!(""));
    row
}

#[test]
fn what_every_format_can_hold_comes_back() {
    let rows = [
        Utterance::new("0", "plain").with_spans(vec![]),
        full(),
        Utterance::new("2", ""),
    ];
    for name in ["f.jsonl", "f.csv", "f.parquet"] {
        let (lost, again) = through(&rows, name, &WriteOptions::default());
        assert_eq!((lost, &again[..]), (Losses::default(), &rows[..]), "{name}");
    }
    let mut flat = full();
    flat.text = "查询 \"订单\",12345".into();
    flat.reply = Some("ok \"so\"".into());
    let rows = [flat, Utterance::new("1", "\"open").with_spans(vec![])];
    let (lost, again) = through(&rows, "f.tsv", &WriteOptions::default());
    assert_eq!((lost, &again[..]), (Losses::default(), &rows[..]));
}

#[test]
fn what_a_format_cannot_hold_is_counted() {
    let mut odd = full();
    odd.id = "x".into();
    odd.intent = Some(" padded ".into());
    odd.reply = Some(String::new());
    let (lost, again) = through(&[odd.clone()], "f.csv", &WriteOptions::default());
    assert_eq!(lost.to_string(), "intent in 1 row, reply in 1 row");
    odd.intent = Some("padded".into());
    odd.reply = None;
    assert_eq!(again, [odd]);

    let mut row = full();
    row.text = "a  查询 b".into();
    row.spans = vec![Span::new(3, 6, "cut"), Span::new(10, 11, "b")];
    let seq = WriteOptions {
        format: Some(Format::Seq),
        ..WriteOptions::default()
    };
    let (lost, again) = through(&[row], "three", &seq);
    let fields = [
        "dialogue_id",
        "extra",
        "id",
        "origin",
        "parent",
        "reply",
        "sentiment",
        "spans",
        "text",
    ];
    let lost: Vec<_> = lost.iter().collect();
    assert_eq!(lost, fields.map(|field| (field, 1)));
    let expected = Utterance::new("0", "a 查询 b")
        .with_intent("order, status")
        .with_spans(vec![Span::new(9, 10, "b")]);
    assert_eq!(again, [expected]);
}

#[test]
fn a_row_that_cannot_be_written_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |row: Utterance, name: &str| {
        let format = if name == "seq" {
            Some(Format::Seq)
        } else {
            None
        };
        let options = WriteOptions {
            format,
            ..WriteOptions::default()
        };
        let data = Dataset::from_utterances([row]).unwrap();
        let error = data.save(&folder.path().join(name), &options).unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        error.to_string()
    };
    assert_eq!(
        refused(Utterance::new("7", "a\tb"), "f.tsv"),
        "row with the id \"7\": the text \"a\\tb\", expected one without tabs and line ends for TSV"
    );
    assert_eq!(
        refused(Utterance::new("7", "a"), "seq"),
        "row with the id \"7\": \"\", expected an intent of one line for label"
    );
    assert_eq!(
        refused(Utterance::new("7", " ").with_intent("a"), "seq"),
        "row with the id \"7\": a text without a word, expected one with a word for seq.in"
    );
    let taken = folder.path().join("seq");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("mine"), "").unwrap();
    let options = WriteOptions {
        format: Some(Format::Seq),
        ..WriteOptions::default()
    };
    assert!(Writer::create(&taken, &options).is_err());
    assert!(taken.join("mine").exists());
    for (name, by) in [("f.csv", "intent"), ("p.parquet", "reply")] {
        let options = WriteOptions {
            partition_by: Some(by.into()),
            ..WriteOptions::default()
        };
        assert!(Writer::create(&folder.path().join(name), &options).is_err());
    }
}

#[test]
fn csv_columns_come_up_as_rows_need_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.csv");
    let mut with_reply = Utterance::new("1", "b\n\"c\"");
    with_reply.reply = Some("r".into());
    let rows = [
        Utterance::new("0", "a,\n"),
        with_reply,
        Utterance::new("2", "d").with_intent("i"),
    ];
    let data = Dataset::from_utterances(rows.clone()).unwrap();
    data.save(&path, &WriteOptions::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "id,text,reply,intent\n0,\"a,\n\",,\n1,\"b\n\"\"c\"\"\",r,\n2,d,,i\n"
    );
    assert_eq!(rows_of(&path, &plain()), rows);
    Dataset::default()
        .save(&path, &WriteOptions::default())
        .unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "id,text\n");
}

#[test]
fn one_span_a_row_words_of_sentiment_and_columns_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        &folder,
        "f.csv",
        "查询 123,3,6,order_id,positive\nhello,,,,negative\nhi,,,,0.25\n",
    );
    let options = ReadOptions {
        columns: "text=1,span_start=2,span_end=3,span_label=4,sentiment=5"
            .parse()
            .unwrap(),
        no_header: true,
        ..plain()
    };
    let rows = rows_of(&path, &options);
    let sentiments: Vec<_> = rows.iter().map(|row| row.sentiment).collect();
    assert_eq!(sentiments, [Some(1.0), Some(0.0), Some(0.25)]);
    assert_eq!(rows[0].spans, [Span::new(7, 10, "order_id")]);
    assert!(rows[1].spans.is_empty() && rows[1].extra.is_empty());
    // Half of a span or of a turn is kept as it stands.
    let path = write(
        &folder,
        "g.csv",
        "text,span_start,turn,extra\na,1,2,free text\n",
    );
    let kept = json!({"span_start": "1", "turn": "2", "extra": "free text"});
    assert_eq!(json!(rows_of(&path, &plain())[0].extra), kept);
}

#[test]
fn schemes_of_tags_are_read_and_written() {
    let rows = [Utterance::new("0", "to New York today")
        .with_intent("go")
        .with_spans(vec![Span::new(3, 11, "city"), Span::new(12, 17, "date")])];
    for scheme in Scheme::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("three");
        let options = WriteOptions {
            format: Some(Format::Seq),
            scheme: Some(scheme),
            ..WriteOptions::default()
        };
        let data = Dataset::from_utterances(rows.clone()).unwrap();
        assert!(data.save(&path, &options).unwrap().is_empty());
        let read = ReadOptions {
            scheme: Some(scheme),
            ..plain()
        };
        assert_eq!(rows_of(&path, &read), rows, "{scheme}");
    }
}

// --- streams

/// Enough rows for many blocks, some with a line end in a quoted field.
fn many(rows: usize) -> Vec<Utterance> {
    let row = |number: usize| {
        let text = format!(
            "行 {number}, \"x\"{}",
            ["", "\n", " 😀"][number % 3].repeat(number % 40)
        );
        Utterance::new(format!("r{number}"), text).with_intent(format!("intent {}", number % 77))
    };
    (0..rows).map(row).collect()
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

// --- Parquet

#[test]
fn a_partitioned_folder_is_one_data_set() {
    let mut rows = many(500);
    rows[3].intent = None;
    rows[4].intent = Some("a/b=c%".into());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    let options = WriteOptions {
        format: Some(Format::Parquet),
        partition_by: Some("intent".into()),
        ..WriteOptions::default()
    };
    let data = Dataset::from_utterances(rows.clone()).unwrap();
    assert!(data.save(&path, &options).unwrap().is_empty());
    assert!(path.join("intent=a%2Fb%3Dc%25/part-0.parquet").exists());
    let mut again = rows_of(&path, &plain());
    let number = |row: &Utterance| row.id[1..].parse::<usize>().unwrap();
    again.sort_by_key(number);
    assert_eq!(again, rows);
}

#[test]
fn pyarrow_writes_what_is_read_here() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let expected: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(reference.join("pyarrow.json")).unwrap())
            .unwrap();
    for name in ["pyarrow_plain.parquet", "pyarrow_large.parquet"] {
        let rows = rows_of(&reference.join(name), &plain());
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| Value::Object(row.to_json()))
            .collect();
        // The last row's list is empty and not null: it is known to have no entities.
        let mut expected = expected.clone();
        expected[2]["spans"] = json!([]);
        assert_eq!(rows, expected, "{name}");
    }
}

// --- properties

fn text() -> impl Strategy<Value = String> {
    "(\\PC|[查询订单 ,\t\n\r\"\\\\😀]){0,12}"
}

fn filled() -> impl Strategy<Value = String> {
    "[a-z订😀\",\n]{1,6}"
}

fn utterance() -> impl Strategy<Value = Utterance> {
    let cuts =
        proptest::collection::vec((any::<proptest::sample::Index>(), "[a-z订\"-]{1,5}"), 0..4);
    let optional = || proptest::option::of(filled());
    let turn = proptest::option::of((filled(), any::<u32>(), optional()));
    let value = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!({"a": [null, 1.5]})),
    ];
    let extra = proptest::collection::btree_map("(x[a-z\"订]{0,3}|extra| k|\\PC)", value, 0..3);
    let word = proptest::option::of("[a-z订,\"]([a-z订 \n]{0,4}[a-z])?");
    let others = (
        proptest::option::of(0.0f32..=1.0),
        optional(),
        turn,
        filled(),
        optional(),
        extra,
    );
    ((text(), cuts, word), others).prop_map(
        |((text, cuts, intent), (sentiment, reply, turn, origin, parent, extra))| {
            let mut edges: Vec<usize> = text.char_indices().map(|(byte, _)| byte).collect();
            edges.push(text.len());
            let pick = |at: proptest::sample::Index| edges[at.index(edges.len())];
            let mut picked: Vec<_> = cuts
                .into_iter()
                .map(|(at, label)| (pick(at), label))
                .collect();
            picked.sort();
            let pairs = picked.windows(2).filter(|pair| pair[0].0 < pair[1].0);
            let spans = pairs.map(|pair| Span::new(pair[0].0, pair[1].0, pair[0].1.clone()));
            let mut row = Utterance::new("", text.clone()).with_spans(spans.collect());
            row.dialogue = turn.map(|(dialogue_id, turn, speaker)| Turn {
                dialogue_id,
                turn,
                speaker,
            });
            (row.intent, row.sentiment, row.reply) = (intent, sentiment, reply);
            (row.origin, row.parent) = (origin, parent);
            row.extra = extra.into_iter().collect();
            row
        },
    )
}

/// Names rows by their numbers.
fn numbered(mut rows: Vec<Utterance>) -> Vec<Utterance> {
    for (number, row) in rows.iter_mut().enumerate() {
        row.id = format!("{}{number}", ["", "x"][number % 2]);
    }
    rows
}

proptest! {
    #![proptest_config(seeded(64))]

    #[test]
    fn formats_give_back_what_they_can_hold(rows in proptest::collection::vec(utterance(), 1..6)) {
        let rows = numbered(rows);
        for name in ["f.jsonl", "f.csv", "f.parquet"] {
            let (lost, again) = through(&rows, name, &WriteOptions::default());
            prop_assert!(lost.is_empty(), "{}: {}", name, lost);
            prop_assert_eq!(&again, &rows, "{}", name);
        }
    }

    #[test]
    fn there_and_back_again_is_the_identity(rows in proptest::collection::vec(utterance(), 1..6)) {
        let rows = numbered(rows);
        let folder = tempfile::tempdir().unwrap();
        let first = folder.path().join("a.jsonl");
        Dataset::from_utterances(rows).unwrap().save(&first, &WriteOptions::default()).unwrap();
        for name in ["b.csv", "b.parquet"] {
            let (second, third) = (folder.path().join(name), folder.path().join("c.jsonl"));
            for (from, to) in [(&first, &second), (&second, &third)] {
                let data = Dataset::open(from, &plain()).unwrap();
                data.save(to, &WriteOptions::default()).unwrap();
            }
            prop_assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&third).unwrap());
        }
    }
}
