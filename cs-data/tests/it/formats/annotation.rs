//! What doccano, Label Studio and Rasa's JSON hold, read and written.

use cs_data::*;
use serde_json::{Value, json};

use crate::common::{read_as, saved};

const TOOLS: [Format; 3] = [Format::Doccano, Format::LabelStudio, Format::RasaJson];

/// By the ending and what the file shows.
fn read(name: &str, bytes: &str) -> Vec<Utterance> {
    read_as(name, bytes, &ReadOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn failure(name: &str, bytes: &str) -> String {
    let error = read_as(name, bytes, &ReadOptions::default()).unwrap_err();
    error.to_string().rsplit('/').next().unwrap().to_owned()
}

fn save(rows: &[Utterance], format: Format) -> (String, Losses) {
    saved(rows, format).unwrap()
}

fn labelled() -> Utterance {
    Utterance::new("1", "Ship order A77 to 里昂").with_spans(vec![
        Span::new(11, 14, "order_id"),
        Span::new(18, 24, "city"),
    ])
}

#[test]
fn doccano_is_read_in_each_of_its_shapes() {
    let lists = r#"{"id": 1, "text": "Ship order A77 to 里昂", "label": [[18, 20, "city"], [11, 14, "order_id"]]}"#;
    let older = lists
        .replace("\"text\"", "\"data\"")
        .replace("\"label\"", "\"labels\"");
    let both = r#"{"id": 1, "text": "Ship order A77 to 里昂", "entities": [[11, 14, "order_id"], [18, 20, "city"]], "cats": ["ship"]}"#;
    for (file, intent) in [(lists, None), (&older, None), (both, Some("ship"))] {
        for file in [file.to_owned(), format!("[{file}]")] {
            let name = if file.starts_with('[') {
                "a.json"
            } else {
                "a.jsonl"
            };
            let mut expected = labelled();
            expected.intent = intent.map(str::to_owned);
            assert_eq!(read(name, &file), [expected], "{file}");
        }
    }
    let objects = r#"{"id": 1, "text": "Ship order A77 to 里昂", "entities": [{"id": 6, "label": "city", "start_offset": 18, "end_offset": 20}, {"id": 5, "label": "order_id", "start_offset": 11, "end_offset": 14}], "relations": [{"id": 1, "from_id": 5, "to_id": 6, "type": "in"}], "Comments": []}"#;
    let rows = read("a.jsonl", objects);
    assert_eq!(rows[0].spans, labelled().spans);
    assert_eq!(rows[0].extra["relations"][0]["type"], "in");

    let classes = "{\"id\": 1, \"text\": \"refund please\", \"label\": []}\n{\"id\": 2, \"text\": \"hi\", \"label\": [\"hello\"]}\n";
    let rows = read("a.jsonl", classes);
    assert_eq!(
        (rows[0].intent.as_deref(), rows[1].intent.as_deref()),
        (None, Some("hello"))
    );
}

#[test]
fn broken_doccano_names_line_and_value() {
    let first = "{\"id\": 1, \"text\": \"hi\", \"label\": [[0, 2, \"a\"]]}\n";
    let cases = [
        (
            r#"{"text": "hi", "label": [[0, 3, "a"]]}"#,
            "a.jsonl:2:1: span 0 is 0..3, expected an end of at most 2",
        ),
        (
            r#"{"text": "hi", "label": [[0, 2, 5]]}"#,
            "a.jsonl:2:1: label with \"[0,2,5]\"",
        ),
        (
            r#"{"text": "hi", "label": ["a", "b"]}"#,
            "a.jsonl:2:1: 2 values of label: \"a, b\", expected one",
        ),
        (
            r#"{"label": []}"#,
            "a.jsonl:2:1: an object without text or data",
        ),
        (
            r#"{"text": "abc", "label": [[0, 2, "a"], [1, 3, "b"]]}"#,
            "a.jsonl:2:1: span 1 starts at 1",
        ),
    ];
    for (line, message) in cases {
        let found = failure("a.jsonl", &format!("{first}{line}\n"));
        assert!(found.starts_with(message), "{found}");
    }
}

const TASKS: &str = r#"[
 {"id": 8, "data": {"text": "💩This is an annotation.", "channel": "mail"}, "annotations": [
   {"id": 1, "was_cancelled": true, "result": []},
   {"id": 2, "result": [
    {"value": {"start": 13, "end": 23, "text": "annotation", "labels": ["Annotation"]}, "id": "a", "from_name": "label", "to_name": "text", "type": "labels"},
    {"value": {"choices": ["refund"]}, "from_name": "topic", "to_name": "text", "type": "choices"},
    {"value": {"choices": ["Negative"]}, "from_name": "sentiment", "to_name": "text", "type": "choices"},
    {"value": {"rating": 4}, "from_name": "stars", "to_name": "text", "type": "rating"}]}]},
 {"id": 9, "data": {"question": "no annotation"}, "annotations": []}
]"#;

#[test]
fn label_studio_is_read_task_by_task() {
    let rows = read("export.json", TASKS);
    assert_eq!(rows[0].id, "8");
    assert_eq!(&rows[0].text[rows[0].spans[0].range()], "annotation");
    assert_eq!(rows[0].spans[0].label, "Annotation");
    assert_eq!(
        (rows[0].intent.as_deref(), rows[0].sentiment),
        (Some("refund"), Some(0.0))
    );
    assert_eq!(rows[0].extra["channel"], "mail");
    assert_eq!(rows[0].extra["regions"][0]["value"], json!({"rating": 4}));
    assert_eq!(
        (&*rows[1].text, rows[1].intent.as_deref()),
        ("no annotation", None)
    );

    let flat = r#"[{"text": "💩This is an annotation.", "id": 1, "label": [{"start": 13, "end": 23, "text": "annotation", "labels": ["Annotation"]}], "intent": "refund", "sentiment": "Positive", "tags": {"choices": ["a", "b"]}, "annotator": 1}]"#;
    let row = &read("min.json", flat)[0];
    assert_eq!(&row.text[row.spans[0].range()], "annotation");
    assert_eq!(
        (row.intent.as_deref(), row.sentiment),
        (Some("refund"), Some(1.0))
    );
    assert_eq!(
        (&row.extra["tags"], &row.extra["annotator"]),
        (&json!(["a", "b"]), &json!(1))
    );
}

#[test]
fn label_studio_takes_a_mapping() {
    let task =
        r#"[{"id": 8, "data": {"q": "to Lyon", "title": "t", "kind": "ship"}, "annotations": []}]"#;
    let options = ReadOptions {
        format: Some(Format::LabelStudio),
        columns: "text=q,intent=kind".parse().unwrap(),
        ..ReadOptions::default()
    };
    let row = &read_as("a.json", task, &options).unwrap()[0];
    assert_eq!(
        (&*row.text, row.intent.as_deref()),
        ("to Lyon", Some("ship"))
    );
    assert_eq!(Value::Object(row.extra.clone()), json!({"title": "t"}));
    let error = failure("a.json", task);
    assert!(
        error.starts_with("a.json:1:2: an object without text"),
        "{error}"
    );
}

#[test]
fn broken_label_studio_names_what_is_wrong() {
    let cases = [
        (
            "\"start\": 13",
            "\"start\": 12",
            "expected the place of \"annotation\"",
        ),
        (
            "[\"Annotation\"]",
            "[\"A\", \"B\"]",
            "a region with start, end and one label",
        ),
        (
            "\"was_cancelled\": true",
            "\"x\": 1",
            "2 annotations, expected one",
        ),
        (
            "[\"refund\"]",
            "[\"a\", \"b\"]",
            "2 values of topic: \"a, b\"",
        ),
    ];
    for (good, bad, message) in cases {
        let found = failure("a.json", &TASKS.replacen(good, bad, 1));
        assert!(
            found.starts_with("a.json:2:2: ") && found.contains(message),
            "{found}"
        );
    }
    let chosen = TASKS.replacen("\"was_cancelled\": true", "\"x\": 1", 1);
    let chosen = chosen.replacen("\"id\": 2,", "\"id\": 2, \"ground_truth\": true,", 1);
    assert_eq!(read("a.json", &chosen)[0].intent.as_deref(), Some("refund"));
}

const EXAMPLES: &str = r#"{"rasa_nlu_data": {
  "regex_features": [{"name": "zip", "pattern": "[0-9]{5}"}],
  "common_examples": [
    {"text": "我要退👗和👠", "intent": "refund", "entities": [
      {"start": 5, "end": 6, "entity": "category", "value": "heels", "role": "second"},
      {"start": 3, "end": 4, "entity": "category", "value": "👗"},
      {"start": 3, "end": 4, "entity": "item", "value": "dress"}]},
    {"text": "hi", "intent": "greet"}
  ],
  "lookup_tables": [{"name": "cities", "elements": ["Lyon", "Paris"]}],
  "entity_synonyms": [{"value": "NYC", "synonyms": ["New York", "ny"]}]
}}"#;

#[test]
fn rasa_json_is_read_as_its_yaml() {
    let rows = read("nlu.json", EXAMPLES);
    assert_eq!(
        (rows.len(), &*rows[1].text, rows[1].intent.as_deref()),
        (2, "hi", Some("greet"))
    );
    let spans: Vec<_> = rows[0]
        .spans
        .iter()
        .map(|span| &rows[0].text[span.range()])
        .collect();
    assert_eq!(spans, ["👗", "👠"]);
    assert_eq!(
        rows[0].extra["entity_attributes"],
        json!([
            {"entities": [{"entity": "item", "value": "dress"}]},
            {"role": "second", "value": "heels"},
        ])
    );
    assert_eq!(
        rows[0].extra["rasa_sections"],
        json!([
            {"regex": "zip", "examples": "- [0-9]{5}\n"},
            {"lookup": "cities", "examples": "- Lyon\n- Paris\n"},
            {"synonym": "NYC", "examples": "- New York\n- ny\n"},
        ])
    );
    // Through YAML and back, nothing is lost.
    let (yaml, lost) = save(&rows, Format::Rasa);
    assert!(lost.is_empty(), "{lost}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nlu.yml");
    std::fs::write(&path, yaml).unwrap();
    let again: Vec<_> = Dataset::open(&path, &ReadOptions::default())
        .unwrap()
        .iter()
        .collect();
    assert_eq!(again, rows);
    let (json, lost) = save(&again, Format::RasaJson);
    assert!(lost.is_empty(), "{lost}");
    assert_eq!(read("nlu.json", &json), rows, "{json}");

    let broken = EXAMPLES.replacen("\"start\": 3", "\"start\": \"3\"", 1);
    assert!(
        failure("nlu.json", &broken).starts_with("nlu.json:4:5: "),
        "{}",
        failure("nlu.json", &broken)
    );
}

#[test]
fn rows_come_back_from_each_tool() {
    let mut full = labelled().with_intent("ship").with_sentiment(0.25);
    full.id = "007".into();
    full.reply = Some("yes".into());
    full.dialogue = Some(Turn {
        dialogue_id: "d".into(),
        turn: 3,
        speaker: Some("user".into()),
    });
    full.origin = "noise".into();
    full.parent = Some("6".into());
    full.extra.insert("channel".into(), json!({"of": [1]}));
    let rows = [
        labelled(),
        full,
        Utterance::new("3", "💩 plain"),
        Utterance::new("4", "💩 hi").with_intent("greet"),
        Utterance::new("5", "💩 hi").with_spans(vec![Span::new(5, 7, "x")]),
        Utterance::new("6", "none").with_spans(Vec::new()),
    ];
    for format in TOOLS {
        let (file, lost) = save(&rows, format);
        let options = ReadOptions {
            format: Some(format),
            ..ReadOptions::default()
        };
        let again = read_as("rows", &file, &options).unwrap();
        if format == Format::RasaJson {
            let told = "dialogue_id in 1 row, extra in 1 row, id in 6 rows, origin in 1 row, parent in 1 row, reply in 1 row, sentiment in 1 row";
            assert_eq!(lost.to_string(), told);
            let bare = |row: &Utterance| (row.text.clone(), row.spans.clone(), row.intent.clone());
            let (again, rows): (Vec<_>, Vec<_>) = (
                again.iter().map(bare).collect(),
                rows.iter().map(bare).collect(),
            );
            assert_eq!(again, rows, "{file}");
        } else {
            assert!(lost.is_empty(), "{format}: {lost}");
            assert_eq!(again, rows, "{file}");
        }
    }
}

#[test]
fn what_is_ours_stays_ours() {
    // Nothing here is certain: the file's own fields stand as they are.
    let lines = "{\"text\": \"hi\", \"intent\": \"x\", \"label\": [\"a\"]}\n{\"text\": \"a\", \"label\": 3}\n";
    let rows = read("a.jsonl", lines);
    assert_eq!(
        (rows[0].intent.as_deref(), &rows[0].extra["label"]),
        (Some("x"), &json!(["a"]))
    );
    let options = ReadOptions {
        columns: "intent=label.0".parse().unwrap(),
        ..ReadOptions::default()
    };
    let mapped = read_as(
        "a.jsonl",
        "{\"text\": \"hi\", \"label\": [\"a\"]}",
        &options,
    )
    .unwrap();
    assert_eq!(mapped[0].intent.as_deref(), Some("a"));
}
