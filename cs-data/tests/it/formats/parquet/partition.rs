//! A folder of Parquet files, partitioned by a column.

use cs_data::*;

use crate::common::{plain, rows_of};
use crate::formats::many;

#[test]
fn a_partitioned_folder_is_one_data_set() {
    let mut rows = many(500);
    rows[3].intent = None;
    rows[4].intent = Some("a/b=c%".into());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    let options = WriteOptions {
        format: Some(Format::Parquet),
        partition_by: Some("intent".into()),
        ..WriteOptions::default()
    };
    let data = Dataset::from_utterances(rows.clone()).unwrap();
    assert!(data.save(&path, &options).unwrap().is_empty());
    assert!(path.join("intent=a%2Fb%3Dc%25/part-0.parquet").exists());
    let mut again = rows_of(&path, &plain());
    let number = |row: &Utterance| row.id[1..].parse::<usize>().unwrap();
    again.sort_by_key(number);
    assert_eq!(again, rows);
}
