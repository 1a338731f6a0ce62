//! `check`: replies against the demo shop's facts, and what it says of lines that are none.

use serde_json::{Value, json};

use crate::support::{Folder, program};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/shop/facts.ttl");

fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program("check").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_false_reply_is_contradicted_and_corrected() {
    let reply = "晨曦不锈钢水壶的价格是139元。";
    let (status, stdout, stderr) = check(&["--kb", SHOP, "--reply", reply, "--json"]);
    assert_eq!(status, Some(1), "{stderr}");
    let expected = json!({
        "reply": reply,
        "verdict": "contradicted",
        "facts": [{
            "subject": "晨曦不锈钢水壶", "predicate": "价格", "claimed": "139元", "known": "129元", "start": 11, "end": 15,
        }],
        "corrected": "晨曦不锈钢水壶的价格是129元。",
    });
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), expected);
}

#[test]
fn a_line_may_say_what_it_is_about() {
    let folder = Folder::new();
    let lines = [
        r#"{"reply": "It costs 129 yuan.", "about": ["Dawn steel kettle"]}"#,
        r#"{"reply": "It costs 129 yuan.", "about": ["http://shop.example/steelKettle"]}"#,
        r#"{"reply": "Yes, we accept returns."}"#,
        r#"{"reply": "It costs 129 yuan."}"#,
        r#"{"reply": "Good morning!"}"#,
    ];
    let input = folder.write("replies.jsonl", lines.join("\n").as_bytes());
    let (status, stdout, stderr) = check(&["--kb", SHOP, "--input", &input, "--json"]);
    assert_eq!(status, Some(0), "{stderr}");
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["verdict"].clone();
    let verdicts: Vec<Value> = stdout.lines().map(line).collect();
    assert_eq!(
        verdicts,
        ["supported", "supported", "supported", "unknown", "no-claim"]
    );
}

#[test]
fn a_line_that_is_none_names_its_place_and_the_next_one_follows() {
    let folder = Folder::new();
    let lines = concat!(
        "{\"reply\": 7}\n{\"reply\": \"Good morning!\", \"subject\": \"x\"}\n\n{\"reply\": \"Good morning!\"}\n",
        "{\"reply\": \"It costs 9 yuan.\", \"about\": [\"Night sofa\"]}\n",
    );
    let input = folder.write("replies.jsonl", lines.as_bytes());
    let (status, stdout, stderr) = check(&["--kb", SHOP, "--input", &input, "--json"]);
    assert_eq!(status, Some(2), "{stderr}");
    let lines: Vec<Value> = stdout
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["line"], &lines[1]["line"]),
        (&json!(1), &json!(2))
    );
    assert!(
        lines[0]["error"]
            .as_str()
            .unwrap()
            .contains("replies.jsonl:1:"),
        "{stdout}"
    );
    assert_eq!(lines[2]["verdict"], "no-claim");
    let unknown = lines[3]["error"].as_str().unwrap();
    assert!(
        unknown.contains("replies.jsonl:5:42: \"Night sofa\" is unknown"),
        "{unknown}"
    );
}

#[test]
fn facts_that_are_not_there_are_told_on_a_line() {
    let (status, stdout, stderr) = check(&["--kb", "no/such.ttl", "--reply", "x"]);
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
    assert!(
        stderr.contains("no/such.ttl: ") && stderr.lines().count() == 1,
        "{stderr}"
    );
}
