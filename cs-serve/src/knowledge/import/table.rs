//! Rows that have names.

use std::path::Path;

use cs_data::file::line_column;

use super::cells::Cell;
use super::{csv_table, json_table};
use crate::knowledge::error::KnowledgeError;

/// Rows of a file, each about one thing, all of one class.
#[derive(Debug)]
pub struct Table {
    pub(super) class: String,
    /// The headings, in the order in which they first stand.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// The values by column; none where nothing is known.
    pub(super) fields: Vec<(String, Vec<Cell>)>,
}

impl Table {
    /// Reads a table: a `.csv` file with a line of headings; or a `.json` file, a list of objects or of
    /// pairs of a name and an object.
    ///
    /// `name` is the heading of the column with the things' names, by default the first one. In a CSV
    /// file, several values of a cell stand between `;`, `；` or `|`.
    ///
    /// # Errors
    /// The file cannot be read, or [`KnowledgeError::File`] says what is wrong where.
    pub fn open(path: &Path, class: &str, name: Option<&str>) -> Result<Self, KnowledgeError> {
        let text = std::fs::read(path).map_err(|source| KnowledgeError::Io {
            path: path.into(),
            source,
        })?;
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        check_utf8(text, path)?;
        let rows = match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => csv_table::rows(text, path, name)?,
            Some("json") => json_table::rows(text, path, name)?,
            _ => return Err(wrong(path, 1, 1, "its ending is neither .csv nor .json")),
        };
        if rows.is_empty() {
            return Err(wrong(path, 1, 1, "no rows, expected one at least"));
        }
        let mut columns: Vec<String> = Vec::new();
        for (column, _) in rows.iter().flat_map(|row| &row.fields) {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
        Ok(Self {
            class: class.to_owned(),
            columns,
            rows,
        })
    }
}

fn check_utf8(text: &[u8], path: &Path) -> Result<(), KnowledgeError> {
    std::str::from_utf8(text).map(|_| ()).map_err(|error| {
        let at = error.valid_up_to();
        let place = line_column(text, at);
        let found = format!("the byte 0x{:02x}, expected UTF-8", text[at]);
        wrong(path, place.line, place.column, found)
    })
}

pub(super) fn wrong(
    path: &Path,
    line: usize,
    column: usize,
    problem: impl Into<String>,
) -> KnowledgeError {
    KnowledgeError::File {
        path: path.into(),
        line,
        column,
        problem: problem.into(),
    }
}
