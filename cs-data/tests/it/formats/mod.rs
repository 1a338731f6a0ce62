//! Tests of files of rows, in and out: each broken file beside its valid twin.

mod annotation;
mod columns;
mod conll;
mod csv;
mod input;
mod json;
mod jsonl;
mod markup;
mod parquet;
mod rasa;
mod reader;
mod seq;
mod writer;

use std::path::Path;

use cs_data::*;

use crate::common::lenient;

/// Enough rows for many blocks, some with a line end in a quoted field.
fn many(rows: usize) -> Vec<Utterance> {
    let row = |number: usize| {
        let text = format!(
            "行 {number}, \"x\"{}",
            ["", "\n", " 😀"][number % 3].repeat(number % 40)
        );
        Utterance::new(format!("r{number}"), text).with_intent(format!("intent {}", number % 77))
    };
    (0..rows).map(row).collect()
}

/// What strict reading says, without the folder; and the ids and reasons of lenient reading.
fn read(path: &Path) -> (Option<String>, Vec<String>, Vec<String>) {
    let prefix = format!("{}/", path.parent().unwrap().display());
    let short = |error: &Error| error.to_string().replace(&prefix, "");
    let strict = Dataset::open(path, &ReadOptions::default()).err();
    let mut reader = Reader::open(path, &lenient()).unwrap();
    let data = reader.read_all().unwrap();
    let ids = data.iter().map(|row| row.id).collect();
    let reasons = reader.skipped().iter().map(short).collect();
    (strict.as_ref().map(short), ids, reasons)
}

fn own(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|&string| string.to_owned()).collect()
}
