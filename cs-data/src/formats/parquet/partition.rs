//! Folders of Parquet files, partitioned in the way of Hive: `column=value/…/part-0.parquet`.
//!
//! Values are percent-encoded, as PyArrow and Spark do, and a missing one has Hive's name for it.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::failed;
use crate::formats::row_reader::no_rows;

/// The name of a folder that stands for no value.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file and the columns that its folders give.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<(String, Option<String>)>,
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

fn collect(
    folder: &Path,
    values: &[(String, Option<String>)],
    parts: &mut Vec<Part>,
) -> Result<()> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = entries
        .map_err(failed(folder))?
        .iter()
        .map(std::fs::DirEntry::path)
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // What Spark and others leave beside the data.
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            let mut values = values.to_vec();
            if let Some((column, value)) = name.split_once('=') {
                let broken = || Error::File {
                    path: path.clone(),
                    found: format!("the value {value:?}"),
                    expected: "percent-encoded UTF-8".into(),
                };
                let column = decode(column).ok_or_else(broken)?;
                let value = match value {
                    NONE => None,
                    value => Some(decode(value).ok_or_else(broken)?),
                };
                values.push((column, value));
            }
            collect(&path, &values, parts)?;
        } else if is_parquet(&path) {
            let values = values.to_vec();
            parts.push(Part { path, values });
        }
    }
    Ok(())
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
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
