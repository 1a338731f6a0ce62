//! Folders of Parquet files, partitioned in the way of Hive: `column=value/…/part-0.parquet`.
//!
//! Values are percent-encoded, as PyArrow and Spark do, and a missing one has Hive's name for it.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::folder::{entries, name};
use crate::formats::row_reader::no_rows;

/// The name of a folder that stands for no value.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file and the columns that its folders give.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<PartValue>,
}

/// A column and its value in every row of a file.
#[derive(Clone)]
pub(crate) struct PartValue {
    pub(crate) column: String,
    pub(crate) value: Option<String>,
}

/// The Parquet files in a folder and the folders below it, by name; or the file itself.
pub(crate) fn parts(path: &Path) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    if path.is_dir() {
        collect(path, &[], &mut parts)?;
        if parts.is_empty() {
            return Err(no_rows(path));
        }
    } else {
        parts.push(Part {
            path: path.into(),
            values: Vec::new(),
        });
    }
    Ok(parts)
}

fn collect(folder: &Path, values: &[PartValue], parts: &mut Vec<Part>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            let mut values = values.to_vec();
            values.extend(value_of(&path)?);
            collect(&path, &values, parts)?;
        } else if is_parquet(&path) {
            let values = values.to_vec();
            parts.push(Part { path, values });
        }
    }
    Ok(())
}

/// The column and value that a folder's name says.
fn value_of(folder: &Path) -> Result<Option<PartValue>> {
    let name = name(folder);
    let Some((column, value)) = name.split_once('=') else {
        return Ok(None);
    };
    let (Some(column), Some(decoded)) = (decode(column), decode(value)) else {
        let found = format!("the value {value:?}");
        return Err(Error::file(folder, found, "percent-encoded UTF-8"));
    };
    let value = (value != NONE).then_some(decoded);
    Ok(Some(PartValue { column, value }))
}

fn is_parquet(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

/// Whether a folder has such a file or a partition right in it.
pub(crate) fn has_parquet(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| {
        let name = name(&path);
        is_parquet(&path) || (path.is_dir() && name.contains('='))
    })
}

/// The folder of a value.
pub(crate) fn folder(column: &str, value: Option<&str>) -> String {
    format!("{column}={}", value.map_or_else(|| NONE.into(), encode))
}

fn encode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Decodes a value of a folder's name; `None` if it is not UTF-8.
fn decode(value: &str) -> Option<String> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        let hex = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match decoded.filter(|_| byte == b'%') {
            Some(decoded) => {
                out.push(decoded);
                bytes = &rest[2..];
            }
            None => {
                out.push(byte);
                bytes = rest;
            }
        }
    }
    String::from_utf8(out)
        .ok()
        .filter(|value| !value.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_their_folders() {
        for value in ["refund", "a/b", "查询 订单", "50%", "%41", "..", ""] {
            let name = folder("intent", Some(value));
            assert!(!name.contains('/'));
            assert_eq!(
                decode(name.strip_prefix("intent=").unwrap()).unwrap(),
                value
            );
        }
        assert_eq!(decode("%FF"), None);
        assert_eq!(decode("%zz%4").unwrap(), "%zz%4");
    }
}
