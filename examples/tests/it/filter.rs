//! `filter`: words of the demo's list in texts, and what it says of lists that are none.

use serde_json::{Value, json};

use crate::support::{Folder, program};

const WORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/words.tsv");

fn filter(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program("filter").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn rows(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn words_are_found_and_masked_at_once_and_in_pieces() {
    let folder = Folder::new();
    let input = folder.write(
        "texts.txt",
        "你是大坏蛋\nyou r-a-s-c-a-l!\nby hook or by crook\n我要daikai发票\n".as_bytes(),
    );
    let plain = ["--words", WORDS, "--input", &input, "--json"];
    let (status, stdout, stderr) = filter(&plain);
    assert_eq!(status, Some(1), "{stderr}");
    let rows = rows(&stdout);
    assert_eq!(
        rows[0],
        json!({
            "text": "你是大坏蛋",
            "hits": [{"word": "大坏蛋", "start": 2, "end": 5, "category": "insult", "severity": 2, "trick": "exact"}],
            "action": "mask",
            "masked": "你是***",
        })
    );
    assert_eq!(rows[1]["masked"], "you ***********!");
    assert_eq!(rows[1]["hits"][0]["trick"], "symbols");
    assert_eq!(
        (&rows[2]["action"], &rows[2]["hits"]),
        (&json!("pass"), &json!([]))
    );
    assert_eq!(
        (&rows[3]["action"], &rows[3]["masked"]),
        (&json!("block"), &json!("我要********"))
    );
    for length in ["1", "3"] {
        let pieces = [&plain[..], &["--stream", length]].concat();
        assert_eq!(filter(&pieces).1, stdout);
    }
}

#[test]
fn layers_left_out_are_not_looked_through() {
    let folder = Folder::new();
    let input = folder.write("texts.txt", "you R-a-s-c-a-l\nyou Rascal\n".as_bytes());
    let (status, stdout, _) = filter(&[
        "--words",
        WORDS,
        "--layers",
        "exact,case",
        "--input",
        &input,
        "--json",
    ]);
    assert_eq!(status, Some(0));
    let hits: Vec<usize> = rows(&stdout)
        .iter()
        .map(|row| row["hits"].as_array().unwrap().len())
        .collect();
    assert_eq!(hits, [0, 1]);
}

#[test]
fn bad_lists_and_arguments_are_refused() {
    let folder = Folder::new();
    let list = folder.write("w.tsv", "rascal\n\tinsult\n笨蛋\tinsult\tvery\n".as_bytes());
    let empty = folder.write("none.tsv", "# nothing\n".as_bytes());
    let cases = [
        (
            vec!["--words", &list],
            format!("error: {list}:2:1: no word, expected a word of 1 to 64 characters\n"),
        ),
        (
            vec!["--words", &empty],
            format!("error: {empty}: no word, expected a word a line\n"),
        ),
    ];
    for (arguments, message) in cases {
        let (status, _, stderr) = filter(&arguments);
        assert_eq!((status, stderr), (Some(2), message));
    }
    for arguments in [
        vec!["--words", WORDS, "--layers", "exact,magic"],
        vec!["--words", WORDS, "--stream", "0"],
        vec![],
    ] {
        assert_eq!(filter(&arguments).0, Some(2), "{arguments:?}");
    }
}
