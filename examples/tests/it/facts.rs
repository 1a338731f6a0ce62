//! `facts`: tables to Turtle and back to what was in them, and what it says of a broken file.

use serde_json::Value;

use crate::support::{Folder, program};

fn facts(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program("facts").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_table_becomes_facts_without_problems() {
    let folder = Folder::new();
    let table = folder.write(
        "shop.csv",
        "name,price,colours\nDawn kettle,199,red;blue\nDawn mug,25,red\n".as_bytes(),
    );
    let out = folder.path("shop.ttl");
    let arguments = [
        "--table",
        &table,
        "--class",
        "product",
        "--unit",
        "price=USD",
        "--out",
        &out,
        "--json",
    ];
    let (status, stdout, stderr) = facts(&arguments);
    assert_eq!(status, Some(0), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(summary["tables"], 1);
    assert_eq!(summary["facts"], 17);
    let (status, stdout, stderr) = facts(&["--validate", &out]);
    assert_eq!((status, stdout.as_str()), (Some(0), ""), "{stderr}");
}

#[test]
fn problems_are_a_line_each() {
    let folder = Folder::new();
    let broken = folder.write("broken.ttl", b"<a:b> <a:c d> 1 .\n<a:b> <a:e> 2 .\n");
    let (status, stdout, _) = facts(&["--validate", &broken]);
    assert_eq!(status, Some(1));
    let problems: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&problems[0]["line"], &problems[0]["kind"]),
        (&1.into(), &"syntax".into())
    );
    assert!(
        problems[1..]
            .iter()
            .all(|problem| problem["severity"] == "warning"),
        "{stdout}"
    );
}

#[test]
fn the_demo_shop_has_nothing_wrong() {
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/data/shop/facts.ttl");
    let (status, stdout, _) = facts(&["--validate", shop]);
    assert_eq!((status, stdout.as_str()), (Some(0), ""));
}

#[test]
fn bad_tables_and_arguments_are_refused_on_a_line() {
    let folder = Folder::new();
    let table = folder.write("shop.csv", b"name,price\nkettle\n");
    let out = folder.path("shop.ttl");
    let cases: [(&[&str], &str); 6] = [
        (
            &["--table", &table, "--table", &table, "--out", &out],
            "shop.csv: a table that is given twice, expected each table once",
        ),
        (&["--table", &table, "--out", &out], "shop.csv:2:1: "),
        (
            &["--table", &table, "--out", &table],
            "another file to write",
        ),
        (
            &["--table", &table, "--out", &out, "--unit", "price"],
            "expected COLUMN=UNIT",
        ),
        (
            &[
                "--table", &table, "--out", &out, "--class", "a", "--class", "b",
            ],
            "2 --class, expected one for each of 1",
        ),
        (&["--validate", "no/such.ttl"], "no/such.ttl: "),
    ];
    for (arguments, expected) in cases {
        let (status, stdout, stderr) = facts(arguments);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(
            stderr.contains(expected) && stderr.starts_with("error: "),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    assert!(!std::path::Path::new(&out).exists());
}
