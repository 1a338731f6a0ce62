//! Rows of which nobody says what entities they have, beside rows that have none.

use std::path::PathBuf;

use cs_data::augment::{Pipeline, PipelineConfig};
use cs_data::*;

/// A file of this name, read: whether each row is tagged.
fn tagged(name: &str, content: &str) -> Vec<bool> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let data = Dataset::open(&path, &ReadOptions::default()).unwrap();
    data.iter().map(|row| row.is_tagged()).collect()
}

const SPAN: &str = r#"{"text": "to Oslo", "spans": [{"start": 3, "end": 7, "label": "city"}]}"#;
const NONE: &str = r#"{"text": "hello", "spans": []}"#;
const SILENT: &str = r#"{"text": "bye", "intent": "leave"}"#;
const NULL: &str = r#"{"text": "bye", "spans": null}"#;

#[test]
fn a_file_that_says_so_tells_rows_without_entities_from_rows_without_labels() {
    let lines = [SPAN, NONE, SILENT, NULL].join("\n");
    assert_eq!(tagged("a.jsonl", &lines), [true, true, false, false]);
    let array = format!("[{}]", [SPAN, NONE, SILENT, NULL].join(","));
    assert_eq!(tagged("a.json", &array), [true, true, false, false]);
    let table = "text,spans\nto Oslo,\"[{\"\"start\"\":3,\"\"end\"\":7,\"\"label\"\":\"\"city\"\"}]\"\nhello,[]\nbye,\n";
    assert_eq!(tagged("a.csv", table), [true, true, false]);
}

#[test]
fn in_a_file_that_never_says_so_rows_beside_entities_have_none() {
    assert_eq!(
        tagged("a.jsonl", &[SPAN, SILENT, NULL].join("\n")),
        [true; 3]
    );
    assert_eq!(tagged("a.jsonl", &[SILENT, NULL].join("\n")), [false; 2]);
    assert_eq!(tagged("a.conll", "to O\nOslo B-city\n\nbye O\n"), [true; 2]);
    assert_eq!(tagged("a.conll", "to O\nyou O\n\nbye O\n"), [false; 2]);
    assert_eq!(tagged("a.markup", "去[城市]上海\n再见\n"), [true; 2]);
    assert_eq!(tagged("a.markup", "去上海\n再见\n"), [false; 2]);
}

#[test]
fn pieces_of_such_a_file_are_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.conll");
    std::fs::write(&path, "to O\nOslo B-city\n\nbye O\n").unwrap();
    let pieces = || Reader::open(&path, &ReadOptions::default()).unwrap();
    assert!(pieces().rows().all(|row| row.unwrap().is_tagged()));
    let mut reader = pieces().batch_rows(1);
    assert!(
        reader
            .next()
            .unwrap()
            .unwrap()
            .iter()
            .all(|row| row.is_tagged())
    );
    assert!(reader.read_all().unwrap().iter().all(|row| row.is_tagged()));
}

fn mixed() -> Dataset {
    let rows = [
        Utterance::new("1", "to Oslo").with_spans(vec![Span::new(3, 7, "city")]),
        Utterance::new("2", "hello").with_spans(vec![]),
        Utterance::new("3", "bye").with_intent("leave"),
    ];
    Dataset::from_utterances(rows).unwrap()
}

#[test]
fn formats_keep_what_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.parquet"] {
        let path: PathBuf = folder.path().join(name);
        mixed().save(&path, &WriteOptions::default()).unwrap();
        let again = Dataset::open(&path, &ReadOptions::default()).unwrap();
        let tagged: Vec<bool> = again.iter().map(|row| row.is_tagged()).collect();
        assert_eq!(tagged, [true, true, false], "{name}");
        assert_eq!(again, mixed(), "{name}");
    }
}

#[test]
fn selected_and_augmented_rows_say_what_their_sources_say() {
    let selected = mixed().select(&[2, 0, 1]).unwrap();
    let tagged = |data: &Dataset| data.iter().map(|row| row.is_tagged()).collect::<Vec<_>>();
    assert_eq!(tagged(&selected), [false, true, true]);
    let config = PipelineConfig {
        keep_original: true,
        ..PipelineConfig::default()
    };
    let noise = augment::Noise::new(augment::NoiseConfig::default()).unwrap();
    let pipeline = Pipeline::new(config).with(noise, 1.0).unwrap();
    let (made, _) = pipeline.run(&mixed()).unwrap();
    assert!(made.len() > 3);
    for row in made.iter() {
        let source = row.parent.as_deref().unwrap_or(&row.id);
        assert_eq!(row.is_tagged(), source != "3", "{row:?}");
    }
}
