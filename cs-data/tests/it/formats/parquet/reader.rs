//! Parquet of pyarrow, and each broken file beside its valid twin.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use cs_data::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{parquet, spans, strings};
use crate::common::{plain, rows_of, seeded, write};
use crate::formats::{own, read};

#[test]
fn broken_parquet_beside_its_valid_twin() {
    let folder = tempfile::tempdir().unwrap();
    let text = || ("text", strings(&[Some("订单"), Some("b")]));
    let file = |columns| read_strict(&parquet(&folder, "f.parquet", columns));
    let numbers = |values: Vec<Option<f64>>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let integers = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    assert_eq!(file(vec![text()]), Ok(2));
    assert_eq!(
        file(vec![text(), ("spans", spans(vec![Some(0), Some(0)], 1))]),
        Ok(2)
    );
    assert_eq!(
        file(vec![text(), ("sentiment", numbers(vec![Some(1.0), None]))]),
        Ok(2)
    );
    let cases: Vec<(Vec<(&str, ArrayRef)>, &str)> = vec![
        (
            vec![("query", strings(&[Some("a")]))],
            "the columns \"query\", expected a column text",
        ),
        (
            vec![("text", numbers(vec![Some(1.0)]))],
            "column text with Float64, expected strings",
        ),
        (
            vec![text(), ("sentiment", strings(&[Some("1"), None]))],
            "column sentiment with Utf8, expected numbers",
        ),
        (
            vec![text(), ("spans", strings(&[None, None]))],
            "column spans with Utf8, expected lists of structs with start, end and label",
        ),
        (
            vec![("text", strings(&[Some("a"), None]))],
            "row 1, column text: null, expected a text",
        ),
        (
            vec![("text", strings(&[Some("a"), Some("\0")]))],
            "row 1, column text: text has a NUL character at 0, expected none",
        ),
        (
            vec![text(), ("sentiment", numbers(vec![None, Some(f64::NAN)]))],
            "row 1, column sentiment: NaN, expected a number from 0 to 1",
        ),
        (
            vec![text(), ("spans", spans(vec![Some(0), Some(1)], 2))],
            "row 1, column spans: span 0 is 1..2, expected an end of at most 1",
        ),
        (
            vec![text(), ("spans", spans(vec![None, Some(0)], 1))],
            "row 0, column spans: span 0 with a null or negative field, expected start, end",
        ),
        (
            vec![
                text(),
                ("dialogue_id", strings(&[None, Some("d")])),
                ("turn", integers(vec![0, -1])),
            ],
            "row 1, column turn: -1, expected a turn (a number from 0) beside dialogue_id",
        ),
        (
            vec![text(), ("extra", strings(&[Some("{}"), Some("[]")]))],
            "row 1, column extra: \"[]\", expected a JSON object",
        ),
        (
            vec![text(), ("id", strings(&[Some("a"), Some("a")]))],
            "row 1 has the id \"a\" for the second time, expected an id of its own",
        ),
    ];
    for (columns, expected) in cases {
        let error = file(columns).unwrap_err();
        assert!(
            error.contains(&format!("f.parquet: {expected}")),
            "{error}\n{expected}"
        );
    }
    let path = parquet(
        &folder,
        "f.parquet",
        vec![("text", strings(&[None, Some("b")]))],
    );
    let (_, ids, reasons) = read(&path);
    assert_eq!((ids, reasons.len()), (own(&["1"]), 1));
}

fn read_strict(path: &Path) -> Result<usize, String> {
    let data = Dataset::open(path, &ReadOptions::default());
    data.map(|data| data.len())
        .map_err(|error| error.to_string())
}

#[test]
fn torn_and_foreign_parquet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = parquet(
        &folder,
        "f.parquet",
        vec![("text", strings(&[Some("订单"); 500]))],
    );
    assert_eq!(read_strict(&whole), Ok(500));
    let bytes = std::fs::read(&whole).unwrap();
    for length in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        let torn = write(&folder, "torn.parquet", &bytes[..length]);
        assert!(read_strict(&torn).unwrap_err().contains("torn.parquet: "));
    }
    let empty = folder.path().join("empty");
    std::fs::create_dir_all(empty.join("intent=a")).unwrap();
    assert!(read_strict(&empty).unwrap_err().contains("no rows"));
    std::fs::write(empty.join("intent=a/x.parquet"), "PAR1").unwrap();
    assert!(read_strict(&empty).unwrap_err().contains("x.parquet"));
}

#[test]
fn pyarrow_writes_what_is_read_here() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let expected: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(reference.join("pyarrow.json")).unwrap())
            .unwrap();
    for name in ["pyarrow_plain.parquet", "pyarrow_large.parquet"] {
        let rows = rows_of(&reference.join(name), &plain());
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| Value::Object(row.to_json()))
            .collect();
        // The last row's list is empty and not null: it is known to have no entities.
        let mut expected = expected.clone();
        expected[2]["spans"] = json!([]);
        assert_eq!(rows, expected, "{name}");
    }
}

proptest! {
    #![proptest_config(seeded(128))]

    #[test]
    fn no_parquet_reader_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let folder = tempfile::tempdir().unwrap();
        let mut framed = b"PAR1".to_vec();
        framed.extend(&bytes);
        framed.extend((bytes.len() as u32).to_le_bytes());
        framed.extend(b"PAR1");
        for bytes in [bytes, framed] {
            let path = write(&folder, "f.parquet", &bytes);
            prop_assert!(Dataset::open(&path, &ReadOptions::default()).is_err());
        }
    }
}
