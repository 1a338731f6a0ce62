//! JSON in one piece: each shape, paths, round trips, each broken file beside its valid twin.

use cs_data::text::floor;
use cs_data::*;
use proptest::prelude::*;
use serde_json::json;

use crate::common::seeded;

fn read_by(
    bytes: impl AsRef<[u8]>,
    records: Option<&str>,
    columns: &str,
) -> Result<Vec<Utterance>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.json");
    std::fs::write(&path, bytes).unwrap();
    let options = ReadOptions {
        records: records.map(str::parse).transpose()?,
        columns: columns.parse()?,
        ..ReadOptions::default()
    };
    Ok(Dataset::open(&path, &options)?.iter().collect())
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<Utterance>> {
    read_by(bytes, None, "")
}

fn place(error: &Error) -> String {
    let message = error.to_string();
    message
        .split_once("rows.json:")
        .unwrap()
        .1
        .trim_start()
        .to_owned()
}

fn failure(bytes: impl AsRef<[u8]>) -> String {
    place(&read(bytes).unwrap_err())
}

fn save(rows: &[Utterance]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.json");
    let data = Dataset::from_utterances(rows.iter().cloned()).unwrap();
    let lost = data
        .save(
            &path,
            &WriteOptions {
                format: Some(Format::Json),
                ..WriteOptions::default()
            },
        )
        .unwrap();
    assert!(lost.is_empty());
    std::fs::read_to_string(&path).unwrap()
}

#[test]
fn every_shape_gives_the_same_rows() {
    let first = Utterance::new("0", "查12")
        .with_intent("a")
        .with_spans(vec![Span::new(3, 5, "n")]);
    let expected = [
        first,
        Utterance::new("1", "b").with_intent("c").with_spans(vec![]),
    ];
    let shapes = [
        r#"[{"text": "查12", "intent": "a", "spans": [{"start": 1, "end": 3, "label": "n"}]}, {"text": "b", "intent": "c"}]"#,
        r#"{"version": "1", "data": [{"text": "查12", "intent": "a", "spans": [{"start": 1, "end": 3, "label": "n"}]}, {"text": "b", "intent": "c"}]}"#,
        r#"{"text": ["查12", "b"], "intent": ["a", "c"], "spans": [[{"start": 1, "end": 3, "label": "n"}], null]}"#,
        r#"{"features": {"label": {"names": ["c", "a"], "_type": "ClassLabel"}}, "data": [
            {"text": "查12", "label": 1, "spans": [{"start": 1, "end": 3, "label": "n"}]}, {"text": "b", "label": 0}]}"#,
        r#"{"dataset_info": {"features": {"ner_tags": {"feature": {"names": ["O", "B-n", "I-n"]}, "_type": "Sequence"}}}, "data": [
            {"tokens": ["查", "1", "2"], "ner_tags": [0, 1, 2], "intent": "a"}, {"tokens": ["b"], "ner_tags": [0], "intent": "c"}]}"#,
        r#"[{"tokens": ["查", "1", "2"], "tags": ["O", "B-n", "E-n"], "intent": "a"}, {"tokens": ["b"], "intent": "c"}]"#,
    ];
    for shape in shapes {
        assert_eq!(read(shape).unwrap(), expected, "{shape}");
    }
}

#[test]
fn lists_keep_their_names() {
    let rows =
        read(r#"{"train": [{"text": "a"}], "empty": [], "test": [{"text": "b", "split": "own"}]}"#)
            .unwrap();
    let splits: Vec<_> = rows.iter().map(|row| row.extra["split"].clone()).collect();
    assert_eq!(splits, ["train", "own"]);
}

#[test]
fn paths_lead_to_rows_in_any_json() {
    let pairs = r#"{"oos": [["x", "oos"]], "train": [["a b", "greet"], ["c", "bye", 7]]}"#;
    let rows = read_by(pairs, Some("train.*"), "text=0,intent=1").unwrap();
    let mut last = Utterance::new("1", "c").with_intent("bye");
    last.extra.insert("2".into(), json!(7));
    assert_eq!(
        rows,
        [Utterance::new("0", "a b").with_intent("greet"), last]
    );
    assert_eq!(read_by(pairs, Some("*.*"), "text=0").unwrap().len(), 3);
    assert_eq!(
        read_by(pairs, Some("train.1"), "text=0").unwrap()[0].text,
        "c"
    );

    let dialogues = r#"{"d1": {"goal": [1], "messages": [{"content": "hi", "role": {"name": "usr", "age": 3}}, {"content": "yes", "role": {"name": "sys"}}]}, "version": 2}"#;
    let rows = read_by(
        dialogues,
        Some("*.messages.*"),
        "text=content,speaker=role.name,dialogue_id=$1,turn=$2",
    )
    .unwrap();
    let turn = |turn, speaker: &str| {
        Some(Turn {
            dialogue_id: "d1".into(),
            turn,
            speaker: Some(speaker.into()),
        })
    };
    assert_eq!(
        (rows[0].text.as_str(), &rows[0].dialogue),
        ("hi", &turn(0, "usr"))
    );
    assert_eq!(
        (rows[1].text.as_str(), &rows[1].dialogue),
        ("yes", &turn(1, "sys"))
    );
    assert_eq!(rows[0].extra["role"], json!({"age": 3}));

    let labels = read_by(r#"["a", "b"]"#, Some("*"), "text=$1");
    assert_eq!(labels.unwrap()[1].text, "1");
    let error = read_by(pairs, Some("train.*"), "text=5").unwrap_err();
    assert_eq!(
        place(&error),
        "1:35: \"[\\\"a b\\\",\\\"greet\\\"]\", expected a value at 5 for text"
    );
    let error = read_by(pairs, Some("a..b"), "").unwrap_err().to_string();
    assert_eq!(
        error,
        "records is \"a..b\", expected keys or * separated by dots, such as train.*"
    );
}

#[test]
fn what_is_no_json_array_says_how_to_read_it() {
    let cases = [
        (
            "{\"text\": \"a\", \"intent\": \"x\"}\n{\"text\": \"c\"}\n",
            "2:1: \"{\\\"text\\\": \\\"c\\\"}\", expected the end of the file, or --from jsonl for an object a line",
        ),
        (
            "{\"tokens\": [\"a\"], \"tags\": [\"O\"]}\n{\"tokens\": [], \"tags\": []}",
            "2:1: ",
        ),
        (
            "{\"text\": \"a\", \"label\": {\"name\": {\"b\": [[0, 1]]}}}",
            "1:1: one object with a text, expected an array of such, or --from jsonl for one a line",
        ),
        (
            "{\"text\": {\"0\": \"hi\"}, \"intent\": {\"0\": \"greet\"}}",
            "1:10: ",
        ),
    ];
    for (file, message) in cases {
        let found = failure(file);
        assert!(found.starts_with(message), "{found}");
        assert!(
            found.contains("--from jsonl") || found.contains("orient=\"records\""),
            "{found}"
        );
    }
}

#[test]
fn values_longer_than_any_buffer_stay_whole() {
    let space = " ".repeat(100_000);
    let text = "订".repeat(20_000);
    let file = format!(
        "{{{space}\"a\"{space}:{space}[{space}{{{space}\"text\": \"{text}\"{space}}}{space}]{space}}}"
    );
    assert_eq!(read(file).unwrap()[0].text, text);
}

#[test]
fn broken_files_beside_their_valid_twins() {
    let cases: [(&str, &[u8], &str); 22] = [
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\"}", "1:15: the end of the file, expected a comma or ]"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a", "1:11: a string that never closes"),
        ("[{\"text\": \"a\"}]", b"[{\"text\" \"a\"}]", "1:10: \"\\\"a\\\"}]\", expected a colon"),
        ("[{\"text\": \"a\"}]", b"[{text: \"a\"}]", "1:3: \"text: \\\"a\\\"}]\", expected a key"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\"},]", "1:16: \"]\", expected a JSON value"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\"}] x", "1:17: \"x\", expected the end of the file"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": tru}]", "1:11: \"tru\", expected a JSON value"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\n\"}]", "1:13: \"\", expected an escape"),
        ("[{\"text\": \"a\"}]", b"[\n {\"text\": 5}]", "2:11: \"5\" (invalid type"),
        ("[{\"text\": \"a\"}]", b"[\n {\"txt\": \"a\"}]", "2:2: an object without \"text\""),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\", \"text\": \"b\"}]", "1:"),
        ("[{\"text\": \"a\"}]", b"[5]", "1:2: \"5\""),
        ("[{\"text\": \"a\"}]", b"5", "1:1: \"5\", expected an array or object of rows"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"\xff\"}]", "1:12: the byte 0xff, expected UTF-8"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\", \"intent\": \"\xff\"}]", "1:27: the byte 0xff, expected UTF-8"),
        ("[{\"text\": \"a\"}]", b"[{\"text\": \"a\0\"}]", "1:13: \"\\0\\\"}]\", expected an escape"),
        ("{\"text\": [\"a\"]}", b"{\"text\": [\"a\"], \"intent\": [\"b\", \"c\"]}", "1:27: 2 values of intent, expected 1, as of text"),
        ("{\"text\": [\"a\"]}", b"{\"text\": [\"a\",\n  7]}", "2:3: \"7\" (invalid type"),
        ("{\"text\": [\"a\"]}", b"{\"txt\": [\"a\"]}", "1:10: an object without \"text\""),
        (
            "{\"features\": {\"label\": {\"names\": [\"x\"]}}, \"data\": [{\"text\": \"a\", \"label\": 0}]}",
            b"{\"features\": {\"label\": {\"names\": [\"x\"]}}, \"data\": [{\"text\": \"a\", \"label\": 1}]}",
            "1:52: 1, expected a number of the 1 names of label",
        ),
        (
            "[{\"tokens\": [\"a\"], \"ner_tags\": [\"B-x\"]}]",
            b"[{\"tokens\": [\"a\"], \"ner_tags\": [1]}]",
            "1:2: ner_tags that are no texts, expected tags, or the names of ner_tags",
        ),
        (
            "[{\"tokens\": [\"a\"], \"ner_tags\": [\"B-x\"]}]",
            b"[{\"tokens\": [\"a\"], \"ner_tags\": [\"Q-x\"]}]",
            "1:2: tag 0 is \"Q-x\"",
        ),
    ];
    for (valid, broken, message) in cases {
        read(valid).unwrap_or_else(|error| panic!("{valid:?}: {error}"));
        let found = failure(broken);
        let shown = String::from_utf8_lossy(broken);
        assert!(found.starts_with(message), "{shown:?}: {found}");
    }
    for bytes in ["[]", "{}", "{\"data\": []}", " [ ] "] {
        assert!(
            failure(bytes).contains("no rows, expected at least one row"),
            "{bytes}"
        );
    }
    assert_eq!(
        failure(""),
        "1:1: the end of the file, expected a JSON value"
    );
    let deep = failure("[".repeat(1 << 20));
    assert!(deep.contains("expected values at most 127 deep"), "{deep}");
    let long = failure(format!("[{{\"text\": \"{}\"}}]", "a".repeat(1 << 20)));
    assert!(long.starts_with("1:11: text of 1048576 bytes"), "{long}");
    let long = failure(format!(
        "[{{\"text\": \"{}\"}}]",
        "a".repeat(MAX_LINE_BYTES)
    ));
    assert!(
        long.contains("a value of more than 16777216 bytes"),
        "{long}"
    );
}

#[test]
fn lenient_reading_skips_rows_but_not_torn_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.json");
    let lenient = ReadOptions {
        lenient: true,
        ..ReadOptions::default()
    };
    std::fs::write(
        &path,
        "[{\"text\": \"a\"}, {\"text\": 5}, {\"text\": \"c\"}]",
    )
    .unwrap();
    let mut reader = Reader::open(&path, &lenient).unwrap();
    let ids: Vec<String> = reader
        .read_all()
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(
        (ids, reader.skipped().len()),
        (vec!["0".to_owned(), "2".to_owned()], 1)
    );
    std::fs::write(&path, "[{\"text\": \"a\"}, {\"text\":").unwrap();
    assert!(Dataset::open(&path, &lenient).is_err());
}

fn rows() -> impl Strategy<Value = Vec<Utterance>> {
    let field = || proptest::option::of("\\PC{1,4}");
    let row = (
        "[^\0]{0,8}",
        any::<(u8, u8)>(),
        field(),
        field(),
        proptest::option::of(0.0f32..=1.0),
    );
    let row = row.prop_map(|(text, (a, b), intent, key, sentiment)| {
        let edge = |byte: u8| floor(&text, usize::from(byte) % (text.len() + 1));
        let (start, end) = (edge(a).min(edge(b)), edge(a).max(edge(b)));
        let mut row = Utterance::new("", text.clone());
        row.spans
            .extend((start < end).then(|| Span::new(start, end, "x")));
        row.entity_free = row.spans.is_empty();
        row.intent = intent;
        row.sentiment = sentiment;
        row.extra
            .extend(key.map(|key| (format!("k{key}"), json!([key, 1, null]))));
        row.extra.insert("tokens".into(), json!(["a"]));
        row.extra.insert("label".into(), json!(3));
        row
    });
    proptest::collection::vec(row, 1..4).prop_map(|mut rows| {
        rows.iter_mut()
            .enumerate()
            .for_each(|(at, row)| row.id = format!("r{at}"));
        rows
    })
}

proptest! {
    #![proptest_config(seeded(200))]

    #[test]
    fn rows_come_back_as_they_were(rows in rows()) {
        let text = save(&rows);
        prop_assert_eq!(read(&text).unwrap(), rows, "{}", text);
    }

    #[test]
    fn any_text_is_rows_or_an_error(text in "[\\[\\]{}\",: 01a\\\\n]{0,40}") {
        let _ = read(&text);
    }

    #[test]
    fn any_change_of_a_file_is_rows_or_an_error(rows in rows(), at in any::<usize>(), byte in any::<u8>()) {
        let whole = save(&rows);
        let at = at % whole.trim_end().len();
        prop_assert!(read(&whole.as_bytes()[..at]).is_err());
        let mut bytes = whole.into_bytes();
        bytes[at] = byte;
        let _ = read(&bytes);
    }
}
