//! `filter`: words of the demo's list in texts, and what it says of lists that are none.

use serde_json::{Value, json};

use crate::support::{Folder, program, tasks};

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

/// A folder with an encoder that was never trained, to which only the same text is the same.
fn semantic(folder: &Folder, exemplars: &str, ordinary: usize) -> String {
    let dir = folder.model(&tasks());
    folder.write("model/exemplars.tsv", exemplars.as_bytes());
    let ordinary = "refund order refund order me\n".repeat(ordinary);
    folder.write("model/ordinary.txt", ordinary.as_bytes());
    dir
}

#[test]
fn prohibited_meanings_are_found_beside_words() {
    let folder = Folder::new();
    let exemplars = "where is my order\tthreat\t3\tblock\nrefund order\t\t\treview\n";
    let dir = semantic(&folder, exemplars, 200);
    let texts = b"where is my order\nrefund order\nrefund me\n";
    let input = folder.write("texts.txt", texts);
    let arguments = ["--words", WORDS, "--input", &input, "--json"];
    let (status, stdout, stderr) = filter(&[&arguments[..], &["--semantic", &dir]].concat());
    assert_eq!(status, Some(1), "{stderr}");
    let rows = rows(&stdout);
    assert_eq!(rows[0]["meaning"]["category"], "threat");
    assert_eq!(rows[0]["meaning"]["severity"], 3);
    assert!(rows[0]["meaning"]["similarity"].as_f64().unwrap() > 0.99);
    let (action, masked) = (&rows[0]["action"], &rows[0]["masked"]);
    assert_eq!(
        (action, masked),
        (&json!("block"), &json!("***** ** ** *****"))
    );
    assert_eq!(rows[1]["action"], "review");
    assert_eq!(
        (&rows[2]["action"], &rows[2]["meaning"]),
        (&json!("pass"), &Value::Null)
    );
    let (status, stdout, _) = filter(&arguments);
    assert!(status == Some(0) && !stdout.contains("meaning"), "{stdout}");
}

#[test]
fn a_folder_without_prohibited_meanings_is_refused() {
    let refused = |exemplars: &str, ordinary| {
        let folder = Folder::new();
        let dir = semantic(&folder, exemplars, ordinary);
        let input = folder.write("texts.txt", b"x");
        let arguments = ["--words", WORDS, "--semantic", &dir, "--input", &input];
        let (status, _, stderr) = filter(&arguments);
        assert_eq!(status, Some(2));
        stderr.replace(&dir, "DIR")
    };
    for (exemplars, ordinary, expected) in [
        (
            "# none\n",
            200,
            "error: DIR: no prohibited text, expected one at least\n",
        ),
        (
            "a\t\t\tmask",
            200,
            "error: DIR/exemplars.tsv:1:1: the action \"mask\", expected pass, review, block or allow\n",
        ),
        (
            "a",
            199,
            "error: DIR: 199 ordinary texts, expected at least 200 for such a share of alarms\n",
        ),
        (
            "a",
            20_001,
            "error: DIR/ordinary.txt: 20001 texts, expected at most 20,000 of them\n",
        ),
    ] {
        assert_eq!(refused(exemplars, ordinary), expected);
    }
    let (status, _, stderr) = filter(&["--words", WORDS, "--semantic", "no/such"]);
    assert_eq!(status, Some(2));
    assert!(
        stderr.starts_with("error: no/such/exemplars.tsv: "),
        "{stderr}"
    );
}
