//! What stands in a cell.

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A value of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cell {
    Text(String),
    Boolean(bool),
    /// A whole number as it is written.
    Integer(String),
    /// A decimal fraction as it is written.
    Decimal(String),
}

/// A whole number of more digits is a telephone or an order's number, and no quantity.
const MOST_DIGITS: usize = 6;

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_whole(text: &str) -> bool {
    is_number(text) && text.len() <= MOST_DIGITS && (text == "0" || !text.starts_with('0'))
}

impl Cell {
    /// What a text without types says.
    pub(super) fn untyped(text: &str) -> Self {
        let digits = text.strip_prefix('-').unwrap_or(text);
        match (digits.split_once('.'), text) {
            (None, "true") => Self::Boolean(true),
            (None, "false") => Self::Boolean(false),
            (None, _) if is_whole(digits) => Self::Integer(text.to_owned()),
            (Some((whole, part)), _) if is_whole(whole) && is_number(part) => {
                Self::Decimal(text.to_owned())
            }
            _ => Self::Text(text.to_owned()),
        }
    }

    /// Itself as it was written.
    pub(super) fn into_text(self) -> Self {
        match self {
            Self::Integer(text) | Self::Decimal(text) => Self::Text(text),
            Self::Boolean(value) => Self::Text(value.to_string()),
            Self::Text(text) => Self::Text(text),
        }
    }
}

/// The values of a field of JSON: one, none or several.
pub(super) struct Cells(pub(super) Vec<Cell>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellsVisitor)
    }
}

struct CellsVisitor;

impl<'de> Visitor<'de> for CellsVisitor {
    type Value = Cells;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text, a number, true, false, null or a list of such")
    }

    fn visit_unit<E: Error>(self) -> Result<Cells, E> {
        Ok(Cells(Vec::new()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cells, E> {
        let text = text.trim();
        Ok(Cells(if text.is_empty() {
            Vec::new()
        } else {
            vec![Cell::Text(text.to_owned())]
        }))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Cells, E> {
        Ok(Cells(vec![Cell::Boolean(value)]))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Cells, E> {
        Ok(Cells(vec![Cell::Integer(value.to_string())]))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Cells, E> {
        Ok(Cells(vec![Cell::Integer(value.to_string())]))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Cells, E> {
        Ok(Cells(vec![Cell::Decimal(value.to_string())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cells, A::Error> {
        let mut cells = Vec::new();
        while let Some(Cells(more)) = list.next_element()? {
            cells.extend(more);
        }
        Ok(Cells(cells))
    }
}
