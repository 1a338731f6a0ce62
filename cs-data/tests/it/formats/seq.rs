//! Sentences, tags and intents in three files: `seq.in`, `seq.out` and `label`.

use cs_data::*;
use tempfile::TempDir;

use crate::common::{lenient, message, open, plain, rows_of, write};

fn seq(files: &[(&str, &str)]) -> (TempDir, Result<Dataset>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder, name, text);
    }
    let result = open(folder.path());
    (folder, result)
}

pub(super) fn seq_failure(files: &[(&str, &str)]) -> String {
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
