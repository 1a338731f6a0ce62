//! `log`: days into Parquet, a customer out.

use std::sync::Arc;

use cs_serve::log::{Log, LogConfig, Row};
use cs_serve::safety::personal::{Keys, Masker, Vault};
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
    let log = Log::open(dir.as_ref(), LogConfig::default(), &masker).unwrap();
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

/// Gives a vault with a value of each of the two conversations, and its keys.
fn kept(keys: &str) -> (String, Keys) {
    let mut lines = std::fs::read_to_string(keys).unwrap();
    lines += &"ef".repeat(32);
    std::fs::write(keys, lines).unwrap();
    let vault = format!("{keys}-vault");
    let opened = Keys::open(keys.as_ref()).unwrap();
    let kept = Arc::new(Vault::open(vault.as_ref(), &opened).unwrap());
    let masker = Masker::new(opened.clone()).with_vault(Arc::clone(&kept));
    for conversation in ["李雷", "Ann"] {
        let _ = masker.text(conversation, "打138 0013 8000");
    }
    (vault, opened)
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
        "deleted": {"rows_before": 3, "rows_after": 1, "rows": 2, "ratings": 0, "comparisons": 0, "files": 1},
        "parquet": {"days": ["2000-02-29"], "rows": 1, "rated": 0, "compared": 0, "ratings_without_turn": 0,
            "comparisons_without_turn": 0, "torn_bytes": 0},
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
fn a_vault_forgets_the_customer_too() {
    let folder = Folder::new();
    let (keys, dir) = written(&folder);
    let (vault, opened) = kept(&keys);
    let tag = Masker::new(opened).customer("李雷").into_inner();
    let arguments = ["--dir", &dir, "--delete-tag", &tag];
    let with_vault = [&arguments[..], &["--key-file", &keys, "--vault", &vault]].concat();
    let (status, done, stderr) = log(&with_vault);
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(
        (&done["forgotten"], &done["deleted"]["rows"]),
        (&json!(1), &json!(2))
    );
    let (status, done, stderr) = log(&with_vault);
    assert_eq!((status, &done["forgotten"]), (Some(0), &json!(0)));
    assert_eq!(stderr, "warning: nothing of this customer is in the log\n");
}

#[test]
fn a_vault_forgets_what_is_not_retained() {
    let folder = Folder::new();
    let (keys, dir) = written(&folder);
    let (vault, opened) = kept(&keys);
    // One of the conversations goes on.
    let masker = Masker::new(opened);
    let more = Log::open(dir.as_ref(), LogConfig::default(), &masker).unwrap();
    let row = Row {
        time: 253_000_000_000_000,
        conversation: "Ann".to_owned(),
        turn: 4,
        ..Row::default()
    };
    assert!(more.write(&row.masked(&masker)));
    drop(more);
    let arguments = ["--dir", &dir, "--retain", "30"];
    let with_vault = [&arguments[..], &["--key-file", &keys, "--vault", &vault]].concat();
    let (status, done, stderr) = log(&with_vault);
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(done, json!({"forgotten": 1, "removed": ["2000-02-29"]}));
}

#[test]
fn a_damaged_file_is_told_once_and_salvaged() {
    let folder = Folder::new();
    let (_, dir) = written(&folder);
    let path = format!("{dir}/2000-02-29.000001.rows");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (status, _, stderr) = log(&["--dir", &dir, "--parquet"]);
    assert_eq!((status, stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(stderr.contains("000001.rows: at byte 16: "), "{stderr}");
    let (status, done, stderr) = log(&["--dir", &dir, "--salvage", "--parquet"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        (&done["salvaged"]["rows"], &done["parquet"]["rows"]),
        (&json!(2), &json!(2))
    );
}

#[test]
fn what_cannot_be_done_is_told_on_a_line() {
    let folder = Folder::new();
    let (keys, dir) = written(&folder);
    let others = format!("{}\n{}\n", "12".repeat(32), "34".repeat(32));
    let others = folder.write("others", others.as_bytes());
    let vault = format!("{dir}-vault");
    let none = format!("{dir}-none");
    let within = format!("{dir}/rows.jsonl");
    let cases: [(&[&str], &str); 10] = [
        (&["--dir", &dir], "--parquet"),
        (
            &["--dir", &dir, "--retain", "30", "--key-file", &keys],
            "--vault",
        ),
        (
            &[
                "--dir",
                &dir,
                "--parquet",
                "--key-file",
                &keys,
                "--vault",
                &vault,
            ],
            "--retain",
        ),
        (&["--dir", &dir, "--delete", "李雷"], "--key-file"),
        (
            &["--dir", &dir, "--key-file", &keys, "--parquet"],
            "--delete",
        ),
        (
            &["--dir", &dir, "--delete", "李雷", "--key-file", &others],
            "keys.json: the log is by other keys",
        ),
        (
            &[
                "--dir",
                &dir,
                "--delete",
                "李雷",
                "--key-file",
                &keys,
                "--vault",
                &vault,
            ],
            "keys: no key of a vault, expected a third line",
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
    std::fs::write(&vault, "").unwrap();
    for (arguments, expected) in cases {
        let (status, _, stderr) = log(arguments);
        assert_eq!(status, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
