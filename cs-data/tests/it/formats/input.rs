//! Encodings, separators and quotes of tables, and folders of files: as the files show, or as told.

use std::path::Path;

use cs_data::*;

use crate::common::{read_as, write};

fn open(path: &Path, options: &ReadOptions) -> Result<Vec<Utterance>> {
    Ok(Dataset::open(path, options)?.iter().collect())
}

fn read(name: &str, bytes: impl AsRef<[u8]>) -> Result<Vec<Utterance>> {
    read_as(name, bytes, &ReadOptions::default())
}

fn failure<T: std::fmt::Debug>(read: Result<T>) -> String {
    let error = read.unwrap_err().to_string();
    error.rsplit('/').next().unwrap().to_owned()
}

fn encoded(charset: &str) -> ReadOptions {
    ReadOptions {
        encoding: Some(charset.parse().unwrap()),
        ..ReadOptions::default()
    }
}

fn utf16(text: &str, mark: bool, low_first: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    let units = mark.into_iter().chain(text.encode_utf16());
    let order = |unit: u16| {
        if low_first {
            unit.to_le_bytes()
        } else {
            unit.to_be_bytes()
        }
    };
    units.flat_map(order).collect()
}

/// A file of each format that is text, with a Chinese and an English row.
const FILES: [(&str, &str); 8] = [
    ("a.csv", "text,intent\n我要退款,refund\nhi,greet\n"),
    ("a.tsv", "text\tintent\n我要退款\trefund\nhi\tgreet\n"),
    (
        "a.jsonl",
        "{\"text\": \"我要退款\", \"intent\": \"refund\"}\n{\"text\": \"hi\", \"intent\": \"greet\"}\n",
    ),
    (
        "a.json",
        "[{\"text\": \"我要退款\", \"intent\": \"refund\"}, {\"text\": \"hi\", \"intent\": \"greet\"}]",
    ),
    (
        "b.jsonl",
        "{\"tokens\": [\"我要退款\"], \"intent\": \"refund\"}\n{\"text\": \"hi\", \"intent\": \"greet\"}\n",
    ),
    (
        "a.yml",
        "nlu:\n- intent: refund\n  examples: |\n    - 我要退款\n- intent: greet\n  examples: |\n    - hi\n",
    ),
    (
        "a.conll",
        "# intent = refund\n我要退款\tO\n\n# intent = greet\nhi\tO\n",
    ),
    (
        "export.json",
        "[{\"data\": {\"text\": \"我要退款\", \"intent\": \"refund\"}, \"annotations\": []}, {\"data\": {\"text\": \"hi\", \"intent\": \"greet\"}, \"annotations\": []}]",
    ),
];

#[test]
fn every_format_of_text_is_read_in_any_encoding() {
    let expected = [
        Utterance::new("0", "我要退款").with_intent("refund"),
        Utterance::new("1", "hi").with_intent("greet"),
    ];
    for (name, text) in FILES {
        assert_eq!(read(name, text).unwrap(), expected, "{name}");
        for (mark, low_first) in [(true, true), (true, false), (false, true), (false, false)] {
            let bytes = utf16(text, mark, low_first);
            assert_eq!(
                read(name, &bytes).unwrap(),
                expected,
                "{name} {mark} {low_first}"
            );
        }
        let gbk = encoding_rs::GBK.encode(text).0;
        assert_eq!(
            read_as(name, &gbk, &encoded("gbk")).unwrap(),
            expected,
            "{name}"
        );
        assert_eq!(
            read_as(name, &gbk, &encoded("gb18030")).unwrap(),
            expected,
            "{name}"
        );
        let error = failure(read(name, &gbk));
        assert!(
            error.contains("by --encoding, such as gbk"),
            "{name}: {error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let gbk = |text| encoding_rs::GBK.encode(text).0;
    write(&folder, "seq/seq.in", gbk("我 要 退 款\n"));
    write(&folder, "seq/label", gbk("退款\n"));
    let rows = open(&folder.path().join("seq"), &encoded("gbk")).unwrap();
    assert_eq!(
        (&*rows[0].text, rows[0].intent.as_deref()),
        ("我 要 退 款", Some("退款"))
    );
}

#[test]
fn what_is_no_text_of_the_encoding_names_its_place() {
    let latin = b"text,intent\ncaf\xe9 noir,order\n";
    let error = failure(read("a.csv", latin));
    assert_eq!(
        error,
        "a.csv:2:4: the byte 0xe9, expected UTF-8, or another encoding by --encoding, such as windows-1252"
    );
    assert_eq!(
        read_as("a.csv", latin, &encoded("latin1")).unwrap()[0].text,
        "café noir"
    );
    let error = failure(read_as("a.csv", latin, &encoded("gbk")));
    assert_eq!(
        error,
        "a.csv:2:4: bytes that are not GBK, expected text, or another encoding by --encoding"
    );
    let error = failure(read_as("a.csv", "\u{feff}text\nhi\n", &encoded("gbk")));
    assert_eq!(
        error,
        "a.csv: the byte order mark of UTF-8, expected GBK, as --encoding says"
    );
    let wide = utf16("text\nhi\n", true, false);
    assert_eq!(
        read_as("a.csv", wide, &encoded("utf-16")).unwrap()[0].text,
        "hi"
    );
    // One zero is a broken file, not UTF-16.
    for bytes in [&b"text\na\0b\n"[..], b"t\0ext\nab\n", b"text\n\0\0\n"] {
        assert!(failure(read("a.csv", bytes)).contains("a NUL byte, expected text"));
    }
    let parquet = failure(read_as("a.parquet", "", &encoded("gbk")));
    assert_eq!(
        parquet,
        "encoding is set for parquet, expected a format of text"
    );
    // Far behind what is looked at first, and in the middle of a character at the end.
    let long = format!("text\n{}\n", "订单\n".repeat(40_000));
    let rows = read("a.csv", utf16(&long, false, true)).unwrap();
    assert_eq!((rows.len(), &*rows[39_999].text), (40_000, "订单"));
    let mut torn = encoding_rs::GBK.encode(&long).0.into_owned();
    torn.extend(b"\xce");
    let error = failure(read_as("a.csv", torn, &encoded("gbk")));
    assert!(
        error.starts_with("a.csv:40003:1: bytes that are not GBK"),
        "{error}"
    );
}

#[test]
fn separators_are_those_that_the_header_shows() {
    let expected = [Utterance::new("0", "hallo, wie geht es").with_intent("greet")];
    let files = [
        (
            "a.csv",
            "\u{feff}text;intent\r\nhallo, wie geht es;greet\r\n",
        ),
        ("a.csv", "text|intent\nhallo, wie geht es|greet\n"),
        ("a.csv", "text\tintent\n\"hallo, wie geht es\"\tgreet\n"),
        (
            "a.csv",
            "sep=;\r\ntext;intent\r\nhallo, wie geht es;greet\r\n",
        ),
        (
            "a.csv",
            "\"sep=^\"\ntext^intent\nhallo, wie geht es^greet\n",
        ),
        ("a.tsv", "text;intent\nhallo, wie geht es;greet\n"),
        (
            "a.csv",
            "sep=,\ntext,intent\n\"hallo, wie geht es\",greet\n",
        ),
    ];
    for (name, text) in files {
        assert_eq!(read(name, text).unwrap(), expected, "{text:?}");
    }
    let named = ReadOptions {
        separator: Some("^".parse().unwrap()),
        ..ReadOptions::default()
    };
    let caret = "text^intent\nhallo, wie geht es^greet\n";
    assert_eq!(read_as("a.csv", caret, &named).unwrap(), expected);
    let error = failure(read_as("a.csv", "sep=;\ntext;intent\na;b\n", &named));
    assert_eq!(
        error,
        "a.csv:1:1: the separator ;, expected ^, as --separator says"
    );
    let bare = ReadOptions {
        no_header: true,
        columns: "text=1,intent=2".parse().unwrap(),
        ..ReadOptions::default()
    };
    assert_eq!(
        read_as(
            "a.csv",
            "hallo, wie geht es;greet\n",
            &ReadOptions {
                separator: Some(";".parse().unwrap()),
                ..bare.clone()
            }
        )
        .unwrap(),
        expected
    );
    let row = &read_as("a.csv", "hallo;greet\n", &bare).unwrap()[0];
    assert_eq!(
        (&*row.text, row.intent.as_deref()),
        ("hallo", Some("greet"))
    );
    let error = failure(read("a.csv", "satz;klasse\na;b\n"));
    assert_eq!(
        error,
        "a.csv:1:1: the columns \"satz;klasse\", expected a column text, or another by --columns text=NAME, or --separator \";\""
    );
    assert!(failure(read_as("a.jsonl", "{}", &named)).starts_with("separator is set for jsonl"));
}

#[test]
fn quoted_cells_of_tsv_are_what_they_quote() {
    let file = "text\tintent\n\"He said \"\"refund\"\" now\"\trefund\n5'9\" tall\tsize\n\"two\tcells\"\tx\n\"Yes\" and \"no\"\ty\n";
    let texts: Vec<String> = read("a.tsv", file)
        .unwrap()
        .into_iter()
        .map(|row| row.text)
        .collect();
    assert_eq!(
        texts,
        [
            "He said \"refund\" now",
            "5'9\" tall",
            "two\tcells",
            "\"Yes\" and \"no\""
        ]
    );
    let lines = "intent\ttext\nx\t\"one\ntwo\"\ny\tz\n";
    let rows = read("a.tsv", lines).unwrap();
    assert_eq!(
        (rows.len(), &*rows[0].text, &*rows[1].text),
        (2, "one\ntwo", "z")
    );
    let error = failure(read("a.tsv", "text\tintent\na\tb\tc\n"));
    assert_eq!(error, "a.tsv:2:1: a row of 3 fields, expected 2");
    // A text in quotes is written so that it comes back.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsv");
    let rows: Vec<Utterance> = ["\"hi\"", "\"", "\"\"", "a\"b", "\"open"]
        .iter()
        .enumerate()
        .map(|(at, text)| Utterance::new(at.to_string(), *text))
        .collect();
    let data = Dataset::from_utterances(rows.clone()).unwrap();
    assert!(
        data.save(&path, &WriteOptions::default())
            .unwrap()
            .is_empty()
    );
    assert_eq!(open(&path, &ReadOptions::default()).unwrap(), rows);
}

#[test]
fn a_folder_is_the_rows_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let nlu =
        |intent: &str| format!("nlu:\n- intent: {intent}\n  examples: |\n    - hi [Ana](person)\n");
    write(&folder, "rasa/nlu/b.yml", nlu("bye"));
    write(&folder, "rasa/nlu/a.yml", nlu("greet"));
    write(
        &folder,
        "rasa/nlu/0.yml",
        "nlu:\n- synonym: x\n  examples: |\n    - y\n",
    );
    write(
        &folder,
        "rasa/domain.yml",
        "intents: &all\n- greet\nslots: *all\n",
    );
    let rows = open(&folder.path().join("rasa"), &ReadOptions::default()).unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| (&*row.id, row.intent.as_deref().unwrap()))
        .collect();
    assert_eq!(found, [("0", "greet"), ("1", "bye")]);
    assert_eq!(rows[0].extra["rasa_sections"][0]["synonym"], "x");
    write(
        &folder,
        "rasa/nlu/c.yml",
        "nlu:\n- intent: a\n  examples: |\n    - [b](c\n",
    );
    let error = failure(open(&folder.path().join("rasa"), &ReadOptions::default()));
    assert!(error.starts_with("c.yml:4:"), "{error}");
}

#[test]
fn rows_are_numbered_through_the_files_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder,
        "lines/b.jsonl",
        "{\"text\": \"c\"}\n{\"text\": \"d\"}\n",
    );
    write(
        &folder,
        "lines/a.jsonl",
        "{\"text\": \"a\"}\n{\"text\": \"b\"}\n",
    );
    write(&folder, "lines/README.md", "# Notes\n");
    write(&folder, "lines/.hidden.jsonl", "{}");
    let rows = open(&folder.path().join("lines"), &ReadOptions::default()).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (&*row.id, &*row.text)).collect();
    assert_eq!(found, [("0", "a"), ("1", "b"), ("2", "c"), ("3", "d")]);

    write(&folder, "ids/a.jsonl", "{\"id\": \"x\", \"text\": \"a\"}\n");
    write(&folder, "ids/b.jsonl", "{\"id\": \"x\", \"text\": \"a\"}\n");
    let error = failure(open(&folder.path().join("ids"), &ReadOptions::default()));
    assert_eq!(
        error,
        "b.jsonl:1:1: the id \"x\" for the second time, expected an id of its own"
    );
}

#[test]
fn a_folder_is_of_one_format() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "mixed/a.jsonl", "{\"text\": \"a\"}\n");
    write(&folder, "mixed/b.csv", "text\nb\n");
    let mixed = folder.path().join("mixed");
    let error = failure(open(&mixed, &ReadOptions::default()));
    assert_eq!(
        error,
        "mixed: files of csv and jsonl, expected files of one format, or the one to read by --from"
    );
    let only = |format| ReadOptions {
        format: Some(format),
        ..ReadOptions::default()
    };
    assert_eq!(open(&mixed, &only(Format::Csv)).unwrap()[0].text, "b");
    let error = failure(open(&mixed, &only(Format::Markup)));
    assert_eq!(error, "mixed: no file of markup, expected at least one");
}

#[test]
fn plain_texts_are_rows_if_told() {
    let text = ReadOptions {
        format: Some(Format::Text),
        ..ReadOptions::default()
    };
    let rows = read_as("a.txt", "我要退款\n\n  I want a refund\n", &text).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (&*row.id, &*row.text)).collect();
    assert_eq!(found, [("0", "我要退款"), ("1", "  I want a refund")]);
}
