//! `log`: days into Parquet, a customer out.

use cs_serve::log::{Log, LogConfig, Row};
use cs_serve::safety::personal::{Keys, Masker};
use serde_json::{Value, json};

use crate::support::{Folder, program};

fn log(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = program("log")
        .args(arguments)
        .arg("--json")
        .output()
        .unwrap();
    let stdout = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stdout, stderr)
}

/// Keys, and a log of the year 2000 of two customers.
fn written(folder: &Folder) -> (String, String) {
    let keys = format!("{}\n{}\n", "ab".repeat(32), "cd".repeat(32));
    let keys = folder.write("keys", keys.as_bytes());
    let masker = Masker::new(Keys::open(keys.as_ref()).unwrap());
    let dir = format!("{keys}-log");
    let log = Log::open(dir.as_ref(), LogConfig::default()).unwrap();
    for (turn, customer) in (1..).zip(["李雷", "Ann", "李雷"]) {
        let row = Row {
            time: 951_782_400_000,
            conversation: customer.to_owned(),
            customer: Some(customer.to_owned()),
            turn,
            text: "打138 0013 8000".to_owned(),
            ..Row::default()
        };
        assert!(log.write(&row.masked(&masker)));
    }
    (keys, dir)
}

#[test]
fn a_customer_goes_and_days_become_parquet() {
    let folder = Folder::new();
    let (keys, dir) = written(&folder);
    let export = format!("{keys}.jsonl");
    let (status, done, stderr) = log(&[
        "--dir",
        &dir,
        "--delete",
        "李雷",
        "--key-file",
        &keys,
        "--parquet",
        "--export",
        &export,
    ]);
    assert_eq!(status, Some(0), "{stderr}");
    let expected = json!({
        "deleted": {"rows_before": 3, "rows_after": 1, "rows": 2, "ratings": 0, "files": 1},
        "parquet": {"days": ["2000-02-29"], "rows": 1, "rated": 0, "ratings_without_turn": 0, "torn_bytes": 0},
        "exported": 1,
    });
    assert_eq!(done, expected);
    let rows = std::fs::read_to_string(&export).unwrap();
    let row: Value = serde_json::from_str(&rows).unwrap();
    assert_eq!(
        (&row["turn"], &row["time"]),
        (&json!(2), &json!(951_782_400_000_u64))
    );
    assert!(
        row["text"].as_str().unwrap().starts_with("打<MOBILE:"),
        "{row}"
    );

    let tag = row["customer"].as_str().unwrap();
    let (_, done, _) = log(&["--dir", &dir, "--delete-tag", tag]);
    assert_eq!(
        (&done["deleted"]["rows"], &done["deleted"]["rows_after"]),
        (&json!(1), &json!(0))
    );
    let (_, done, _) = log(&["--dir", &dir, "--retain", "30"]);
    assert_eq!(done, json!({"removed": ["2000-02-29"]}));
}

#[test]
fn what_cannot_be_done_is_told_on_a_line() {
    let folder = Folder::new();
    let (keys, dir) = written(&folder);
    let none = format!("{dir}-none");
    let within = format!("{dir}/rows.jsonl");
    let cases: [(&[&str], &str); 6] = [
        (&["--dir", &dir], "--parquet"),
        (&["--dir", &dir, "--delete", "李雷"], "--key-file"),
        (
            &["--dir", &dir, "--key-file", &keys, "--parquet"],
            "--delete",
        ),
        (
            &["--dir", &dir, "--delete-tag", "李雷"],
            "expected 16 characters of a to z and 2 to 7",
        ),
        (&["--dir", &none, "--parquet"], "No such file"),
        (
            &["--dir", &dir, "--export", &within],
            "expected another file to write",
        ),
    ];
    std::fs::write(&within, "").unwrap();
    for (arguments, expected) in cases {
        let (status, _, stderr) = log(arguments);
        assert_eq!(status, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
