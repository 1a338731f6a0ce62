//! Which column or key fills which field: mapped in every format that has names, refused in others.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use cs_data::*;
use parquet::arrow::ArrowWriter;
use serde_json::json;

use crate::common::{warnings_of, write};

fn parquet<const N: usize>(folder: &tempfile::TempDir, columns: [(&str, ArrayRef); N]) -> PathBuf {
    let path = folder.path().join("a.parquet");
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn mapped(columns: &str) -> ReadOptions {
    ReadOptions {
        columns: columns.parse().unwrap(),
        ..ReadOptions::default()
    }
}

fn rows(path: &Path, columns: &str) -> Result<Vec<Utterance>> {
    Ok(Dataset::open(path, &mapped(columns))?.iter().collect())
}

/// Reads a file of that name.
fn read(name: &str, bytes: &str, columns: &str) -> Result<Vec<Utterance>> {
    let folder = tempfile::tempdir().unwrap();
    rows(&write(&folder, name, bytes), columns)
}

fn failure(name: &str, bytes: &str, columns: &str) -> String {
    let message = read(name, bytes, columns).unwrap_err().to_string();
    message.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn every_format_with_names_maps_them_alike() {
    let columns = "text=query,intent=label,sentiment=mood";
    let mut expected = Utterance::new("0", "refund me")
        .with_intent("refund")
        .with_sentiment(0.5);
    expected.extra.insert("text".into(), json!("x"));
    expected.extra.insert("intent".into(), json!("y"));
    let files = [
        (
            "a.jsonl",
            r#"{"query": "refund me", "text": "x", "label": "refund", "intent": "y", "mood": "0.5"}"#,
        ),
        (
            "a.json",
            r#"[{"query": "refund me", "text": "x", "label": "refund", "intent": "y", "mood": 0.5}]"#,
        ),
        (
            "a.csv",
            "query,text,label,intent,mood\nrefund me,x,refund,y,0.5\n",
        ),
        (
            "a.tsv",
            "query\ttext\tlabel\tintent\tmood\nrefund me\tx\trefund\ty\t0.5\n",
        ),
    ];
    for (name, bytes) in files {
        let found = read(name, bytes, columns).unwrap();
        assert_eq!(found, std::slice::from_ref(&expected), "{name}");
    }
    let strings = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let columns_of_file = [
        ("query", strings("refund me")),
        ("text", strings("x")),
        ("label", strings("refund")),
        ("intent", strings("y")),
        ("mood", Arc::new(Float64Array::from(vec![0.5])) as ArrayRef),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = parquet(&folder, columns_of_file);
    assert_eq!(rows(&path, columns).unwrap(), [expected]);
}

#[test]
fn parquet_maps_one_span_a_row() {
    let numbers =
        |values: [Option<i64>; 2]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    let strings = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let folder = tempfile::tempdir().unwrap();
    let path = parquet(
        &folder,
        [
            ("text", strings(["to 里昂", "hi"])),
            ("from", numbers([Some(3), None])),
            ("to", numbers([Some(5), None])),
            (
                "what",
                Arc::new(StringArray::from(vec![Some("city"), None])),
            ),
        ],
    );
    let found = rows(&path, "span_start=from,span_end=to,span_label=what").unwrap();
    assert_eq!(found[0].spans, [Span::new(3, 9, "city")]);
    assert!(found[1].spans.is_empty() && found[0].extra.is_empty());
    let error = rows(&path, "span_start=from").unwrap_err().to_string();
    assert!(error.contains("a column span_end"), "{error}");
}

#[test]
fn json_lines_are_mapped_by_key_and_by_path() {
    let lines = "{\"u\": {\"said\": \"to Lyon\"}, \"a.b\": \"go\", \"ents\": [{\"start\": 3, \"end\": 7, \"label\": \"city\"}], \"n\": 7}\n\n{\"u\": {\"said\": \"hi\"}, \"a.b\": null}\n";
    let found = read("a.jsonl", lines, "text=u.said,intent=a.b,spans=ents,id=n").unwrap();
    assert_eq!(
        found[0],
        Utterance {
            extra: json!({"u": {}}).as_object().unwrap().clone(),
            ..Utterance::new("7", "to Lyon")
                .with_intent("go")
                .with_spans(vec![Span::new(3, 7, "city")])
        }
    );
    assert_eq!((found[1].intent.as_deref(), &*found[1].id), (None, "1"));

    let one =
        "{\"q\": \"to Lyon\", \"from\": 3, \"to\": \"7\", \"what\": \"city\"}\n{\"q\": \"a\"}";
    let columns = "text=q,span_start=from,span_end=to,span_label=what";
    assert_eq!(
        read("a.jsonl", one, columns).unwrap()[0].spans,
        [Span::new(3, 7, "city")]
    );
}

#[test]
fn tokens_with_tags_are_rows_of_json_lines() {
    let lines =
        "{\"tokens\": [\"to\", \"Lyon\"], \"ner_tags\": [\"O\", \"B-city\"]}\n{\"text\": \"hi\"}\n";
    let found = read("a.jsonl", lines, "").unwrap();
    assert_eq!(found[0].spans, [Span::new(3, 7, "city")]);
    assert_eq!(found[1].text, "hi");
    let broken = "{\"tokens\": [\"a\"], \"ner_tags\": [\"O\"]}\n{\"tokens\": [\"a\"], \"ner_tags\": [\"Q\"]}\n";
    assert!(failure("a.jsonl", broken, "").starts_with("a.jsonl:2:1: tag 0 is \"Q\""));
}

#[test]
fn a_column_that_no_row_has_is_told() {
    let lines = "{\"text\": \"a\"}\n{\"text\": \"b\"}\n";
    let message = "no row with a value at labl, expected one for intent";
    assert_eq!(
        failure("a.jsonl", lines, "intent=labl"),
        format!("a.jsonl: {message}")
    );
    let array = "[{\"text\": \"a\"}]";
    assert_eq!(
        failure("a.json", array, "intent=labl"),
        format!("a.json: {message}")
    );
    assert!(failure("a.jsonl", lines, "text=q").starts_with("a.jsonl:1:1: "));
    assert!(failure("a.csv", "text\na\n", "intent=labl").contains("a column labl for intent"));
    let broken = "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": }\n";
    assert!(failure("a.jsonl", broken, "intent=label").starts_with("a.jsonl:2:10: "));
}

#[test]
fn a_column_fills_one_field_unless_told() {
    let csv = "id,turn,speaker,text,intent\nc1,0,user,hi,greet\nc1,1,user,where,status\n";
    let found = read("a.csv", csv, "dialogue_id=id").unwrap();
    assert_eq!((&*found[0].id, &*found[1].id), ("0", "1"));
    assert_eq!(found[1].dialogue.as_ref().unwrap().dialogue_id, "c1");
    let lines = "{\"id\": \"c1\", \"turn\": 0, \"text\": \"a\"}\n{\"id\": \"c1\", \"turn\": 1, \"text\": \"b\"}\n";
    let found = read("a.jsonl", lines, "dialogue_id=id").unwrap();
    assert_eq!(
        (&*found[1].id, found[1].dialogue.as_ref().unwrap().turn),
        ("1", 1)
    );
    let csv = csv.replacen("c1,1", "c2,1", 1);
    let both = read("a.csv", &csv, "dialogue_id=id,id=id").unwrap();
    assert_eq!(
        (
            &*both[1].id,
            &*both[1].dialogue.as_ref().unwrap().dialogue_id
        ),
        ("c2", "c2")
    );
    let error = "intent=text".parse::<Columns>().unwrap_err().to_string();
    assert!(error.contains("text=COLUMN too"), "{error}");
}

#[test]
fn parquet_columns_fill_one_field_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let data = Dataset::from_utterances([
        Utterance::new("d", "hi").with_intent("0"),
        Utterance::new("e", "bye").with_intent("1"),
    ]);
    data.unwrap().save(&path, &WriteOptions::default()).unwrap();
    let found = rows(&path, "parent=id").unwrap();
    assert_eq!(
        (&*found[1].id, found[1].parent.as_deref()),
        ("1", Some("e"))
    );

    let parts = folder.path().join("parts");
    let options = WriteOptions {
        format: Some(Format::Parquet),
        partition_by: Some("intent".into()),
        ..WriteOptions::default()
    };
    let data = Dataset::open(&path, &ReadOptions::default()).unwrap();
    data.save(&parts, &options).unwrap();
    let found = rows(&parts, "reply=intent").unwrap();
    let replies: Vec<_> = found
        .iter()
        .map(|row| row.reply.as_deref().unwrap())
        .collect();
    assert_eq!(
        (replies, found[0].intent.as_deref()),
        (vec!["0", "1"], None)
    );
    assert!(found[0].extra.is_empty());
}

#[test]
fn what_a_format_would_not_heed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.conll", "hi\tO\n"),
        ("a.markup", "hi\n"),
        ("a.yml", "nlu:\n- intent: a\n  examples: |\n    - hi\n"),
        ("a.jsonl", "{\"text\": \"hi\"}\n"),
        ("a.csv", "text\nhi\n"),
        ("a.tsv", "text\nhi\n"),
        ("a.json", "[{\"text\": \"hi\"}]"),
    ];
    let set: [(&str, ReadOptions, &[&str]); 4] = [
        (
            "columns",
            mapped("text=text"),
            &["a.jsonl", "a.csv", "a.tsv", "a.json"],
        ),
        (
            "records",
            ReadOptions {
                records: Some("*".parse().unwrap()),
                ..ReadOptions::default()
            },
            &["a.json"],
        ),
        (
            "no_header",
            ReadOptions {
                no_header: true,
                ..mapped("text=1")
            },
            &["a.csv", "a.tsv"],
        ),
        (
            "scheme",
            ReadOptions {
                scheme: Some(Scheme::Iob2),
                ..ReadOptions::default()
            },
            &["a.conll", "a.json", "a.jsonl"],
        ),
    ];
    for (name, bytes) in files {
        let path = write(&folder, name, bytes);
        Dataset::open(&path, &ReadOptions::default()).unwrap();
        for (option, options, heeding) in &set {
            let read = Dataset::open(&path, options);
            match read {
                Ok(_) => assert!(heeding.contains(&name), "{name} {option}"),
                Err(error) => {
                    assert!(!heeding.contains(&name), "{name} {option}: {error}");
                    assert!(error.to_string().contains(" is set for "), "{error}");
                }
            }
        }
    }
}

/// What is warned of while a file is read.
fn warnings(name: &str, bytes: &str, columns: &str) -> String {
    warnings_of(|| drop(read(name, bytes, columns).unwrap()))
}

#[test]
fn fields_that_look_like_labels_and_fill_nothing_are_told_once() {
    let csv = "text,label,tags\na,x,\nb,y,\nc,,t\n";
    let told = warnings("a.csv", csv, "");
    assert_eq!(told.matches("WARN").count(), 2, "{told}");
    assert!(
        told.contains("a.csv: label of 2 rows fills no field; --columns intent=label"),
        "{told}"
    );
    assert!(
        told.contains("a.csv: tags of 1 row fills no field"),
        "{told}"
    );
    assert!(!warnings("a.csv", csv, "intent=label").contains("label of"));
    let lines =
        "{\"text\": \"a\", \"entities\": [[0, 1]], \"labels\": [], \"x\": {\"label\": 1}}\n";
    let told = warnings("a.jsonl", lines, "");
    assert_eq!(told.matches("WARN").count(), 1, "{told}");
    assert!(told.contains("entities of 1 row"), "{told}");
}
