//! `mask`: values out, tags in, and keys that are none.

use cs_serve::safety::personal::{Keys, Masker, Vault};
use serde_json::{Value, json};

use crate::support::{Folder, program};

fn mask(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program("mask").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_value_has_the_same_tag_in_every_run_with_its_keys() {
    let folder = Folder::new();
    let keys = format!("{}\n{}\n", "ab".repeat(32), "cd".repeat(32));
    let keys = folder.write("keys", keys.as_bytes());
    let input = folder.write("turns.txt", "打138 0013 8000\n好的\n".as_bytes());
    let arguments = ["--input", &input, "--key-file", &keys, "--json"];
    let (status, stdout, stderr) = mask(&arguments);
    assert_eq!(status, Some(0), "{stderr}");
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let lines: Vec<Value> = stdout.lines().map(line).collect();
    let found = json!([{"kind": "mobile", "start": 1, "end": 14}]);
    assert_eq!(lines[0]["found"], found);
    let masked = lines[0]["masked"].as_str().unwrap();
    assert!(
        masked.starts_with("打<MOBILE:") && masked.ends_with('>'),
        "{masked}"
    );
    assert_eq!(lines[1], json!({"masked": "好的", "found": []}));
    assert_eq!(mask(&arguments).1, stdout);
    assert_ne!(mask(&["--input", &input, "--json"]).1, stdout);
}

#[test]
fn a_value_has_a_tag_in_each_conversation() {
    let folder = Folder::new();
    let keys = format!(
        "{}\n{}\n{}\n",
        "ab".repeat(32),
        "cd".repeat(32),
        "ef".repeat(32)
    );
    let keys = folder.write("keys", keys.as_bytes());
    let vault = format!("{keys}-vault");
    let line = |of: &str| format!("{{\"text\": \"打138 0013 8000\"{of}}}\n");
    let lines = [
        line(", \"conversation\": \"7\""),
        line(", \"conversation\": 7"),
        line(", \"conversation\": \"8\""),
        line(""),
    ];
    let input = folder.write("turns.jsonl", lines.concat().as_bytes());
    let (status, stdout, stderr) =
        mask(&["--input", &input, "--key-file", &keys, "--vault", &vault]);
    assert_eq!(status, Some(0), "{stderr}");
    let masked: Vec<&str> = stdout.lines().collect();
    assert_eq!(masked[0], masked[1]);
    assert!(masked[0] != masked[2] && masked[2] != masked[3] && masked[0] != masked[3]);

    let keys = Keys::open(keys.as_ref()).unwrap();
    let vault = Vault::open(vault.as_ref(), &keys).unwrap();
    let conversation = Masker::new(keys).conversation("7").into_inner();
    assert_eq!(vault.forget(&[&conversation]).unwrap(), 1);
}

#[test]
fn keys_that_are_none_are_told_on_a_line() {
    let folder = Folder::new();
    let keys = folder.write("keys", b"abc\n");
    let input = folder.write("turns.txt", b"hello\n");
    let (status, stdout, stderr) = mask(&["--input", &input, "--key-file", &keys]);
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(
        stderr.contains("keys:1:1: 3 characters that are no key"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
