//! Parquet of other writers: every codec, and files that would take far more memory than they have bytes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use cs_data::*;
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

fn save(
    folder: &tempfile::TempDir,
    columns: Vec<(&str, ArrayRef)>,
    properties: WriterPropertiesBuilder,
) -> PathBuf {
    let path = folder.path().join("a.parquet");
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// `value` in each of so many rows, once in the file.
fn repeated(value: String, rows: usize) -> ArrayRef {
    let keys = Int32Array::from(vec![0; rows]);
    Arc::new(DictionaryArray::new(keys, strings(&[&value])))
}

fn failure(path: &Path) -> String {
    let error = Dataset::open(path, &ReadOptions::default()).unwrap_err();
    error.to_string().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn every_codec_is_read_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ];
    for codec in codecs {
        let properties = WriterProperties::builder().set_compression(codec);
        let columns = vec![
            ("text", strings(&["我要退款", "hi"])),
            ("intent", strings(&["a", "b"])),
        ];
        let path = save(&folder, columns, properties);
        let data = Dataset::open(&path, &ReadOptions::default()).unwrap();
        let expected = [
            Utterance::new("0", "我要退款").with_intent("a"),
            Utterance::new("1", "hi").with_intent("b"),
        ];
        assert!(data.iter().eq(expected), "{codec:?}");
    }
    let zstd = "tests/reference/zstd.parquet";
    let opened = Dataset::open(zstd.as_ref(), &ReadOptions::default());
    if cfg!(feature = "zstd") {
        assert_eq!(opened.unwrap().iter().next().unwrap().text, "我要退款");
    } else {
        let error = opened.unwrap_err().to_string();
        let message = "zstd.parquet: the column text compressed by zstd, expected snappy, gzip, lz4, brotli or nothing, or the feature zstd of cs-data";
        assert!(error.ends_with(message), "{error}");
    }
}

#[test]
fn a_string_that_every_row_repeats_is_in_memory_once() {
    let folder = tempfile::tempdir().unwrap();
    let properties = || WriterProperties::builder().set_dictionary_page_size_limit(64 << 20);
    // 160 MB if they were written out.
    let rows = 40;
    let columns = || {
        vec![
            ("text", repeated("a".into(), rows)),
            ("note", repeated("n".repeat(4 << 20), rows)),
        ]
    };
    let path = save(&folder, columns(), properties());
    let mut reader = Reader::open(&path, &ReadOptions::default()).unwrap();
    let piece = reader.next().unwrap().unwrap();
    assert!((2..32).contains(&piece.len()), "{}", piece.len());
    assert_eq!(
        piece.iter().last().map(|row| row.id),
        Some((piece.len() - 1).to_string())
    );
    let next = reader.next().unwrap().unwrap();
    assert_eq!(next.iter().next().unwrap().id, piece.len().to_string());

    let columns = vec![
        ("text", repeated("a".into(), 2)),
        ("note", repeated("n".repeat(17 << 20), 2)),
    ];
    let path = save(&folder, columns, properties());
    assert_eq!(
        failure(&path),
        "a.parquet: row 0, column note: a row of more than 16777216 bytes, expected a shorter one"
    );
    let columns = vec![("text", repeated("t".repeat(17 << 20), 2))];
    let path = save(&folder, columns, properties());
    assert_eq!(
        failure(&path),
        "a.parquet: row 0, column text: text of 17825792 bytes, expected at most 65536"
    );
}

#[test]
fn a_page_that_would_fill_the_memory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let compressed = || WriterProperties::builder().set_compression(Compression::SNAPPY);
    let columns = vec![
        ("text", strings(&["a"])),
        ("note", strings(&[&"n".repeat(129 << 20)])),
    ];
    let path = save(&folder, columns, compressed().set_dictionary_enabled(false));
    let message = failure(&path);
    assert!(
        message.starts_with("a.parquet: a page of 1352663"),
        "{message}"
    );
    assert!(
        message.ends_with("bytes in the column note, expected at most 134217728"),
        "{message}"
    );
}

#[test]
fn prefixes_that_rows_share_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY);
    let texts: Vec<String> = (0..10_000)
        .map(|row| format!("where is my order {row}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let path = save(&folder, vec![("text", strings(&texts))], properties);
    let data = Dataset::open(&path, &ReadOptions::default()).unwrap();
    assert!(data.iter().map(|row| row.text).eq(texts.iter().copied()));
}
