//! A text file in memory that knows where things are.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::position;

/// The longest piece of a file that an error message shows, in characters.
const SHOWN_CHARS: usize = 40;

pub(crate) struct TextFile {
    path: PathBuf,
    /// The text, without a byte order mark.
    text: String,
}

impl TextFile {
    /// Reads a file; refuses one that is not UTF-8, has NUL bytes, or nothing but white space.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.into(),
            source,
        })?;
        Self::new(path, bytes)
    }

    pub(crate) fn new(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        position::utf8(path, &bytes)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let source = TextFile {
            path: path.into(),
            text,
        };
        if let Some(at) = source.text.find('\0') {
            return Err(source.error(at, "a NUL byte", "text"));
        }
        if source.text.trim().is_empty() {
            return Err(Error::file(path, "no rows", "at least one row"));
        }
        Ok(source)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The lines with the byte at which each starts, without line ends.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut start = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let at = start;
            start += line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            (at, line.strip_suffix('\r').unwrap_or(line))
        })
    }

    /// An error at a byte of the text (or just past its end). Counts lines, so O(n).
    pub(crate) fn error(
        &self,
        byte: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        position::error(&self.path, self.text.as_bytes(), byte, found, expected)
    }
}

/// A value for an error message: quoted, escaped, cut.
pub(crate) fn shown(value: &str) -> String {
    let mut chars = value.chars();
    let head: String = chars.by_ref().take(SHOWN_CHARS).collect();
    let rest = chars.count();
    if rest == 0 {
        format!("{head:?}")
    } else {
        format!("{head:?} and {rest} more characters")
    }
}
