//! Rows of JSON.

use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::cells::{Cell, Cells};
use super::table::{Row, wrong};
use crate::knowledge::error::KnowledgeError;

pub(super) fn rows(
    text: &[u8],
    path: &Path,
    name: Option<&str>,
) -> Result<Vec<Row>, KnowledgeError> {
    let rows: Vec<JsonRow> = serde_json::from_slice(text).map_err(|error| {
        wrong(
            path,
            error.line().max(1),
            error.column().max(1),
            error.to_string(),
        )
    })?;
    let named = rows.into_iter().enumerate().map(|(at, row)| {
        row.named(name)
            .map_err(|problem| wrong(path, 1, 1, format!("row {}: {problem}", at + 1)))
    });
    named.collect()
}

/// An object, or a name and an object.
struct JsonRow {
    name: Option<String>,
    fields: Vec<(String, Vec<Cell>)>,
}

impl JsonRow {
    /// Finds the name: the one before the object, else that in a field.
    fn named(self, field: Option<&str>) -> Result<Row, String> {
        let Self { name, mut fields } = self;
        if let (Some(name), None) = (name, field) {
            fields.retain(|(_, cells)| *cells != [Cell::Text(name.clone())]);
            return Ok(Row { name, fields });
        }
        let at = match field {
            Some(field) => fields.iter().position(|(column, _)| column == field),
            None => (!fields.is_empty()).then_some(0),
        };
        let Some(at) = at else {
            let field = field.map_or("a field".to_owned(), |field| format!("the field {field:?}"));
            return Err(format!("no name, expected {field} with one"));
        };
        match fields.remove(at) {
            (_, cells) if cells.len() == 1 && !matches!(cells[0], Cell::Boolean(_)) => {
                let Some(Cell::Text(name)) = cells.into_iter().next().map(Cell::into_text) else {
                    return Err("no name".to_owned());
                };
                Ok(Row { name, fields })
            }
            (column, cells) => Err(format!(
                "{} values in {column:?}, expected a name",
                cells.len()
            )),
        }
    }
}

impl<'de> Deserialize<'de> for JsonRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = JsonRow;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object, or a list of a name and an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonRow, A::Error> {
        let mut fields = Vec::new();
        while let Some((column, Cells(cells))) = map.next_entry::<String, Cells>()? {
            fields.push((column, cells));
        }
        Ok(JsonRow { name: None, fields })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JsonRow, A::Error> {
        let missing = || A::Error::custom("a list that is no pair, expected a name and an object");
        let name: String = list.next_element()?.ok_or_else(missing)?;
        let row: JsonRow = list.next_element()?.ok_or_else(missing)?;
        match list.next_element::<serde::de::IgnoredAny>()? {
            Some(_) => Err(missing()),
            None => Ok(JsonRow {
                name: Some(name),
                fields: row.fields,
            }),
        }
    }
}
