//! What stands between the cells of a table.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::formats::columns::{Column, Columns};

use super::record::{Dialect, Field, cell};

/// What is tried where a header does not have the columns that it must have.
const KNOWN: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The character between the cells of a CSV or TSV file.
///
/// ```
/// use cs_data::Separator;
/// assert_eq!("tab".parse::<Separator>()?, r"\t".parse()?);
/// assert_eq!(";".parse::<Separator>()?.to_string(), ";");
/// assert!("\"".parse::<Separator>().is_err());
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Separator(pub(crate) u8);

impl FromStr for Separator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let byte = match (text, text.as_bytes()) {
            ("tab" | "\\t" | "\t", _) => Some(b'\t'),
            (_, [byte]) => Some(*byte).filter(|byte| can_separate(*byte)),
            _ => None,
        };
        byte.map(Separator).ok_or_else(|| {
            Error::argument(
                "separator",
                format!("{text:?}"),
                "an ASCII character that is no letter, digit or quote, or tab",
            )
        })
    }
}

fn can_separate(byte: u8) -> bool {
    byte.is_ascii_punctuation() && byte != b'"' || byte == b' '
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "{}", char::from(byte)),
        }
    }
}

/// The separator of Excel's first line, `sep=;`, and the length of that line with its end.
pub(crate) fn of_first_line(bytes: &[u8]) -> Option<(Separator, usize)> {
    let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    let line = std::str::from_utf8(&bytes[..end]).ok()?;
    let line = line.trim_end_matches(['\n', '\r']);
    let quoted = line
        .strip_prefix('"')
        .and_then(|line| line.strip_suffix('"'));
    match quoted.unwrap_or(line).strip_prefix("sep=")?.as_bytes() {
        [byte] if *byte == b'\t' || can_separate(*byte) => Some((Separator(*byte), end)),
        _ => None,
    }
}

/// The dialect under which alone the first record has every column that must be there; `usual` if
/// it does, or if nothing is sure.
pub(crate) fn detect(
    usual: Dialect,
    record: &[u8],
    columns: &Columns,
    has_header: bool,
) -> Dialect {
    if fits(&usual.names(record, has_header), columns) {
        return usual;
    }
    let others = KNOWN.map(|delimiter| Dialect { delimiter, ..usual });
    let others = others.into_iter();
    let mut fitting = others.filter(|other| fits(&other.names(record, has_header), columns));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => only,
        _ => usual,
    }
}

/// Whether every column that must be there is among the names.
fn fits(names: &[String], columns: &Columns) -> bool {
    let text = columns.source(Column::Text).unwrap_or_default();
    let mut needed = columns.pairs().map(|(_, column)| column).chain([text]);
    needed.all(|needed| names.iter().any(|name| name == needed))
}

/// The separators that would cut a header that is one cell.
pub(crate) fn likely(header: &str) -> Vec<Separator> {
    let known = KNOWN
        .into_iter()
        .filter(|byte| header.as_bytes().contains(byte));
    known.map(Separator).collect()
}

impl Dialect {
    /// As [`names`], of the bytes of the first record.
    fn names(self, record: &[u8], has_header: bool) -> Vec<String> {
        let mut fields = Vec::new();
        let text = String::from_utf8_lossy(record);
        self.split(text.as_bytes(), &mut fields);
        names(&text, &fields, has_header)
    }
}

/// The names of the columns: the cells of the first record, or their numbers.
pub(crate) fn names(record: &str, fields: &[Field], has_header: bool) -> Vec<String> {
    match has_header {
        true => {
            let cells = fields.iter().map(|field| cell(record, field));
            cells.map(|cell| cell.trim().to_owned()).collect()
        }
        false => (1..=fields.len()).map(|at| at.to_string()).collect(),
    }
}
