//! Writing files of every format: what comes back, what is lost, and when no file is there.

use std::path::Path;

use cs_data::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{plain, rows_of, rows_of_classes, seeded, write};

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
    let options = WriteOptions {
        scheme: Some(Scheme::Iob2),
        ..WriteOptions::default()
    };
    let error = Writer::create(&folder.path().join("f.csv"), &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "scheme is set for csv, expected the format conll, seq"
    );
}

#[test]
fn writing_leaves_a_whole_file_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::from_utterances(rows_of_classes(&[("a", 2)])).unwrap();
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
