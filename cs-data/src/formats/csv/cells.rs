//! A record of CSV or TSV as a row.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::dataset::{Row, TurnRef, json_of};
use crate::error::{Error, Result};
use crate::file::{TextSlice, shown};
use crate::formats::blocks::Rows;
use crate::formats::columns::Column;
use crate::formats::row_reader::{Fault, Place};
use crate::formats::span_fields::SpanFields;
use crate::text::SpanError;
use crate::text::{SOURCE, Span, check_length, to_bytes};

use super::header::Header;
use super::record::{Field, cell};

/// The fields of a record.
pub(crate) struct Cells<'a> {
    pub(crate) header: &'a Header,
    pub(crate) piece: TextSlice<'a>,
    /// Without NUL.
    pub(crate) record: &'a str,
    pub(crate) fields: &'a [Field],
}

impl<'a> Cells<'a> {
    /// Checks the row and adds it.
    pub(crate) fn push(&self, rows: &mut Rows, place: Place) -> Result<(), Fault> {
        let (found, expected) = (self.fields.len(), self.header.names.len());
        if found != expected {
            let found = format!("a row of {found} fields");
            return Err(Fault::Row(self.piece.error(0, found, expected.to_string())));
        }
        let text = self.get(Column::Text);
        check_length(&text).map_err(|rule| Fault::Row(self.broken(Column::Text, &rule)))?;
        let spans = self.spans(&text).map_err(Fault::Row)?;
        let sentiment = self.sentiment().map_err(Fault::Row)?;
        let dialogue_id = self.get(Column::DialogueId);
        let speaker = self.get(Column::Speaker);
        let turn = self.turn(&dialogue_id).map_err(Fault::Row)?;
        let (id, intent) = (self.get(Column::Id), self.get(Column::Intent));
        let (reply, origin) = (self.get(Column::Reply), self.get(Column::Origin));
        let parent = self.get(Column::Parent);
        let extra = self.extra(turn.is_none());
        let row = Row {
            spans: &spans,
            tagged: !self.get(Column::Spans).trim().is_empty(),
            intent: some(intent.trim()),
            sentiment,
            reply: some(&reply),
            dialogue: turn.map(|turn| TurnRef {
                dialogue_id: &dialogue_id,
                turn,
                speaker: some(&speaker),
            }),
            origin: some(&origin).unwrap_or(SOURCE),
            parent: some(&parent),
            extra: extra.as_deref(),
            ..Row::new("", &text)
        };
        rows.push(some(&id), row, place).map_err(Fault::File)
    }

    /// The column's cell, empty where there is none.
    fn get(&self, column: Column) -> Cow<'a, str> {
        let field = self.header.at[column as usize].and_then(|at| self.fields.get(at));
        field.map_or(Cow::Borrowed(""), |field| cell(self.record, field))
    }

    fn place(&self, column: Column) -> usize {
        let field = self.header.at[column as usize].and_then(|at| self.fields.get(at));
        field.map_or(0, |field| field.range.start)
    }

    fn error(&self, column: Column, expected: &str) -> Error {
        let found = shown(&self.get(column));
        self.piece.error(self.place(column), found, expected)
    }

    fn broken(&self, column: Column, rule: &SpanError) -> Error {
        self.piece.broken(self.place(column), rule)
    }

    /// A number, or a word for one.
    fn sentiment(&self) -> Result<Option<f32>> {
        if !self.header.has(Column::Sentiment) {
            return Ok(None);
        }
        let cell = self.get(Column::Sentiment);
        let value = match cell.trim() {
            "" => return Ok(None),
            "positive" => 1.0,
            "neutral" => 0.5,
            "negative" => 0.0,
            number => number.parse::<f64>().unwrap_or(f64::NAN),
        };
        if !(0.0..=1.0).contains(&value) {
            return Err(self.error(Column::Sentiment, "a number from 0 to 1"));
        }
        Ok(Some(value as f32))
    }

    fn turn(&self, dialogue_id: &str) -> Result<Option<u32>> {
        if dialogue_id.is_empty() {
            return Ok(None);
        }
        let turn = self.get(Column::Turn).trim().parse();
        let expected = "a turn (a number from 0) beside dialogue_id";
        turn.map(Some)
            .map_err(|_| self.error(Column::Turn, expected))
    }

    /// The spans of the column `spans` and the one of `span_start`, `span_end` and `span_label`.
    fn spans(&self, text: &str) -> Result<Vec<Span>> {
        if !self.header.has(Column::Spans) && !self.header.has(Column::SpanStart) {
            return Ok(Vec::new());
        }
        let list = self.get(Column::Spans);
        let mut spans: Vec<Span> = Vec::new();
        if !list.trim().is_empty() {
            let fields: Vec<SpanFields> = serde_json::from_str(&list).map_err(|_| {
                let expected = "a list of objects with start, end (characters) and label, as JSON";
                self.error(Column::Spans, expected).of_labels()
            })?;
            spans.extend(fields.into_iter().map(Span::from));
        }
        let column = if spans.is_empty() {
            spans.extend(self.span()?);
            Column::SpanStart
        } else {
            Column::Spans
        };
        to_bytes(&mut spans, text).map_err(|rule| self.broken(column, &rule))?;
        Ok(spans)
    }

    fn span(&self) -> Result<Option<Span>> {
        if !self.header.has(Column::SpanStart) {
            return Ok(None);
        }
        let (start, end) = (self.get(Column::SpanStart), self.get(Column::SpanEnd));
        let label = self.get(Column::SpanLabel);
        if [&start, &end, &label]
            .iter()
            .all(|cell| cell.trim().is_empty())
        {
            return Ok(None);
        }
        let start = self.edge(Column::SpanStart, &start)?;
        let end = self.edge(Column::SpanEnd, &end)?;
        Ok(Some(Span::new(start, end, label.trim())))
    }

    fn edge(&self, column: Column, cell: &str) -> Result<usize> {
        let expected = "a number of characters from 0";
        let number = cell.trim().parse();
        number.map_err(|_| self.error(column, expected).of_labels())
    }

    /// The cell at a position, if anything is in it.
    fn filled(&self, at: usize) -> Option<Cow<'a, str>> {
        let value = cell(self.record, self.fields.get(at)?);
        Some(value).filter(|value| !value.is_empty())
    }

    /// The cells that fill no field, without empty ones, and the members of the column `extra`.
    /// Outside a dialogue, `turn` and `speaker` are such cells, too.
    fn extra(&self, outside: bool) -> Option<String> {
        let Header { names, at, others } = self.header;
        let [packed, turn, speaker] =
            [Column::Extra, Column::Turn, Column::Speaker].map(|column| at[column as usize]);
        if others.is_empty() && packed.or(turn).or(speaker).is_none() {
            return None;
        }
        let stray = [turn, speaker].into_iter().flatten().filter(|_| outside);
        let mut extra = Map::new();
        for at in others.iter().copied().chain(stray) {
            if let Some(value) = self.filled(at) {
                extra.insert(names[at].clone(), Value::from(value));
            }
        }
        if let Some(value) = packed.and_then(|at| self.filled(at)) {
            // Any other file may have a column of that name for something else.
            match serde_json::from_str::<Map<String, Value>>(&value) {
                Ok(members) => extra.extend(members),
                Err(_) => drop(extra.insert("extra".into(), Value::from(value))),
            }
        }
        (!extra.is_empty()).then(|| json_of(&extra))
    }
}

fn some(cell: &str) -> Option<&str> {
    Some(cell).filter(|cell| !cell.is_empty())
}
