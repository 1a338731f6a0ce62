//! Where in a file a byte stands.

use std::path::Path;

use crate::error::{Error, Result};

/// Line and column of a byte of a text, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in Unicode scalar values.
    pub column: usize,
}

/// Gives the line and the column of a byte of UTF-8. Takes time in proportion to `at`.
pub fn line_column(bytes: &[u8], at: usize) -> Position {
    let before = &bytes[..at.min(bytes.len())];
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    // Every byte but a continuation begins a scalar value.
    let column = before[line_start..]
        .iter()
        .filter(|&&byte| byte & 0xc0 != 0x80)
        .count();
    Position {
        line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
        column: column + 1,
    }
}

pub(crate) fn error(
    path: &Path,
    bytes: &[u8],
    at: usize,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Error {
    let Position { line, column } = line_column(bytes, at);
    let (found, expected) = (found.into(), expected.into());
    Error::Text {
        path: path.into(),
        line,
        column,
        found,
        expected,
        labels: false,
    }
}

/// The bytes as text.
pub(crate) fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|fault| {
        let at = fault.valid_up_to();
        error(
            path,
            bytes,
            at,
            format!("the byte 0x{:02x}", bytes[at]),
            "UTF-8",
        )
    })
}

/// What `serde_json` found wrong in a whole file.
pub(crate) fn json_error(path: &Path, bytes: &[u8], fault: &serde_json::Error) -> Error {
    let ends = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1);
    let start = std::iter::once(0)
        .chain(ends)
        .nth(fault.line().saturating_sub(1));
    let at = start.unwrap_or_default() + fault.column().saturating_sub(1);
    let message = fault.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(text, _)| text);
    error(path, bytes, at, message, "a JSON object")
}

/// A piece of a file that knows where it begins.
#[cfg(feature = "arrow")]
#[derive(Clone, Copy)]
pub(crate) struct TextSlice<'a> {
    pub(crate) path: &'a Path,
    /// The line on which it begins, at its first byte, from 1.
    pub(crate) line: usize,
    pub(crate) bytes: &'a [u8],
}

#[cfg(feature = "arrow")]
impl<'a> TextSlice<'a> {
    /// An error at one of its bytes (or just past its end).
    pub(crate) fn error(
        &self,
        byte: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let mut error = error(self.path, self.bytes, byte, found, expected);
        if let Error::Text { line, .. } = &mut error {
            *line += self.line - 1;
        }
        error
    }

    /// `rule` as an error at one of its bytes.
    pub(crate) fn broken(&self, byte: usize, rule: &crate::text::SpanError) -> Error {
        let (found, expected) = (rule.found(), rule.expected());
        let error = self.error(byte, found, expected);
        match rule.index() {
            Some(_) => error.of_labels(),
            None => error,
        }
    }

    /// Itself as text, without NUL.
    pub(crate) fn text(&self) -> Result<&'a str> {
        let text = std::str::from_utf8(self.bytes).map_err(|fault| {
            let at = fault.valid_up_to();
            let expected = expected_encoding(self.bytes);
            self.error(at, format!("the byte 0x{:02x}", self.bytes[at]), expected)
        })?;
        match memchr::memchr(0, self.bytes) {
            Some(at) => Err(self.error(at, "a NUL byte", "text")),
            None => Ok(text),
        }
    }
}

/// What bytes that are no UTF-8 should be: UTF-8, or, by an argument, an encoding that fits them.
#[cfg(feature = "arrow")]
pub(crate) fn expected_encoding(bytes: &[u8]) -> String {
    let gbk = encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(bytes);
    let such = if gbk.is_some() { "gbk" } else { "windows-1252" };
    format!("UTF-8, or another encoding by --encoding, such as {such}")
}
