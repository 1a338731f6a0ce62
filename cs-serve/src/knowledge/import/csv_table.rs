//! Rows of CSV.

use std::collections::HashSet;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::cells::Cell;
use super::table::{Row, wrong};
use crate::knowledge::error::KnowledgeError;

/// What stands between several values of a cell.
const SEPARATORS: [char; 3] = [';', '；', '|'];

pub(super) fn rows(
    text: &[u8],
    path: &Path,
    name: Option<&str>,
) -> Result<Vec<Row>, KnowledgeError> {
    let mut reader = ReaderBuilder::new().from_reader(text);
    let headings = reader
        .headers()
        .map_err(|error| failed(path, &error))?
        .clone();
    if let Some(twice) = first_twice(&headings) {
        let problem = format!("two columns {twice:?}, expected one");
        return Err(wrong(path, 1, 1, problem));
    }
    let name_at = name_column(&headings, path, name)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| failed(path, &error))?;
        let line = record
            .position()
            .map_or(1, |position| position.line() as usize);
        rows.push(row(&headings, &record, name_at).ok_or_else(|| {
            let heading = headings.get(name_at).unwrap_or_default();
            wrong(
                path,
                line,
                1,
                format!("nothing in the column {heading:?}, expected a name"),
            )
        })?);
    }
    keep_mixed_columns_as_text(&headings, &mut rows);
    Ok(rows)
}

fn name_column(
    headings: &StringRecord,
    path: &Path,
    name: Option<&str>,
) -> Result<usize, KnowledgeError> {
    let Some(name) = name else {
        return Ok(0);
    };
    headings
        .iter()
        .position(|heading| heading.trim() == name)
        .ok_or_else(|| {
            let known: Vec<_> = headings.iter().collect();
            wrong(
                path,
                1,
                1,
                format!("no column {name:?}, expected one of {}", known.join(", ")),
            )
        })
}

fn first_twice(headings: &StringRecord) -> Option<&str> {
    let mut seen = HashSet::new();
    headings.iter().map(str::trim).find(|it| !seen.insert(*it))
}

/// A row, unless it has no name.
fn row(headings: &StringRecord, record: &StringRecord, name_at: usize) -> Option<Row> {
    let name = record
        .get(name_at)
        .map(str::trim)
        .filter(|name| !name.is_empty())?;
    let others = headings
        .iter()
        .zip(record)
        .enumerate()
        .filter(|(at, _)| *at != name_at);
    let fields = others.map(|(_, (heading, cell))| {
        let values = cell
            .split(SEPARATORS)
            .map(str::trim)
            .filter(|value| !value.is_empty());
        (
            heading.trim().to_owned(),
            values.map(Cell::untyped).collect(),
        )
    });
    Some(Row {
        name: name.to_owned(),
        fields: fields.collect(),
    })
}

/// A column with a text has nothing but texts.
fn keep_mixed_columns_as_text(headings: &StringRecord, rows: &mut [Row]) {
    for heading in headings.iter().map(str::trim) {
        let cells = || {
            rows.iter()
                .flat_map(|row| &row.fields)
                .filter(|(column, _)| column == heading)
        };
        let is_text = |cell: &Cell| matches!(cell, Cell::Text(_));
        if !cells().any(|(_, cells)| cells.iter().any(is_text)) {
            continue;
        }
        for (column, cells) in rows.iter_mut().flat_map(|row| &mut row.fields) {
            if column == heading {
                *cells = std::mem::take(cells)
                    .into_iter()
                    .map(Cell::into_text)
                    .collect();
            }
        }
    }
}

fn failed(path: &Path, error: &csv::Error) -> KnowledgeError {
    let line = error
        .position()
        .map_or(1, |position| position.line() as usize);
    wrong(path, line, 1, error.to_string())
}
