//! The header of CSV or TSV: which column fills what.

use crate::error::{Error, Result};
use crate::file::{TextSlice, shown};
use crate::formats::columns::{Column, Columns};

use super::record::Field;
use super::separator;

/// The columns of a file.
pub(crate) struct Header {
    pub(crate) names: Vec<String>,
    /// Positions of the columns that fill something, by [`Column`].
    pub(crate) at: [Option<usize>; Column::COUNT],
    /// Positions of the others.
    pub(crate) others: Vec<usize>,
}

impl Header {
    /// Finds the `columns` among the `names`, which stand in the `fields` of the record in `piece`.
    pub(crate) fn new(
        piece: TextSlice,
        names: Vec<String>,
        fields: &[Field],
        columns: &Columns,
    ) -> Result<Self> {
        let search = Search {
            piece,
            names: &names,
            fields,
            columns,
        };
        let at = search.positions()?;
        let others = (0..names.len()).filter(|&other| !at.contains(&Some(other)));
        Ok(Header {
            others: others.collect(),
            names,
            at,
        })
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.at[column as usize].is_some()
    }
}

/// What is looked for in a header.
struct Search<'a> {
    piece: TextSlice<'a>,
    names: &'a [String],
    fields: &'a [Field],
    columns: &'a Columns,
}

impl Search<'_> {
    /// Where the columns stand that fill something.
    fn positions(&self) -> Result<[Option<usize>; Column::COUNT]> {
        let mut at = [None; Column::COUNT];
        for column in Column::ALL {
            at[column as usize] = self.find(column)?;
        }
        // Half of a turn or of a span says nothing: such columns are kept as they are.
        let turn = [Column::DialogueId, Column::Turn];
        if !self.is_whole(&turn, &at)? {
            let whole = [Column::DialogueId, Column::Turn, Column::Speaker];
            whole.iter().for_each(|&column| at[column as usize] = None);
        }
        if !self.is_whole(&Column::SPAN, &at)? {
            Column::SPAN
                .iter()
                .for_each(|&column| at[column as usize] = None);
        }
        Ok(at)
    }

    fn find(&self, column: Column) -> Result<Option<usize>> {
        let Some(name) = self.columns.source(column) else {
            return Ok(None);
        };
        let mut found = (0..self.names.len()).filter(|&at| self.names[at] == name);
        let first = found.next();
        if let Some(again) = found.next() {
            let place = self.fields[again].range.start;
            let expected = format!("the column {name} once");
            return Err(self.piece.error(place, shown(&self.names[again]), expected));
        }
        if first.is_none() && self.columns.is_required(column) {
            return Err(self.lacks(column));
        }
        Ok(first)
    }

    fn lacks(&self, column: Column) -> Error {
        let field = column.name();
        let found = format!("the columns {}", shown(&self.names.join(",")));
        let expected = if self.columns.is_mapped(column) {
            format!("a column {} for {field}", self.columns.column(field))
        } else {
            format!("a column {field}, or another by --columns {field}=NAME")
        };
        let likely = match self.names {
            [only] => separator::likely(only),
            _ => Vec::new(),
        };
        let hint = likely
            .iter()
            .map(|one| format!(", or --separator \"{one}\""));
        let expected = expected + &hint.collect::<String>();
        self.piece.error(0, found, expected)
    }

    /// Whether all columns of a group are there; a lack where one of them was mapped is an error.
    fn is_whole(&self, group: &[Column], at: &[Option<usize>]) -> Result<bool> {
        let lacking = group.iter().find(|column| at[**column as usize].is_none());
        let mapped = group.iter().any(|column| self.columns.is_mapped(*column));
        match lacking {
            Some(column) if mapped => Err(self.lacks(*column)),
            lacking => Ok(lacking.is_none()),
        }
    }
}
