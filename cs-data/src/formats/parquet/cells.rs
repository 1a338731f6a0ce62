//! The rows of a Parquet batch, from the cells of its columns.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use serde_json::{Map, Number, Value};

use crate::dataset::{Builder, Row, TurnRef, json_of};
use crate::error::Result;
use crate::file::shown;
use crate::formats::columns::Column;
use crate::formats::row_reader::MAX_LINE_BYTES;
use crate::text::{SOURCE, Span, SpanError, check_sentiment, check_text, to_bytes};

use super::partition::PartValue;
use super::table::{Spans, Table};

/// The longest row: as much as a line of a text file.
const MAX_ROW_BYTES: usize = MAX_LINE_BYTES;

/// What is wrong with a cell of a row.
pub(crate) struct Broken {
    pub(crate) column: String,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Broken {
    fn new(column: Column, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Broken {
            column: column.name().to_owned(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    fn rule(column: Column, rule: &SpanError) -> Self {
        Self::new(column, rule.found(), rule.expected())
    }
}

struct Parts<'a> {
    row: Row<'a>,
    spans: Vec<Span>,
    extra: Option<String>,
    /// Size of the row in bytes.
    size: usize,
}

impl Table<'_> {
    /// Adds a row and gives its size in bytes, or what is wrong with it.
    pub(crate) fn push(
        &self,
        at: usize,
        row: usize,
        builder: &mut Builder,
    ) -> Result<Result<usize, Broken>> {
        let number = row.to_string();
        let parts = match self.row(at, &number) {
            Ok(parts) => parts,
            Err(broken) => return Ok(Err(broken)),
        };
        let row = Row {
            spans: &parts.spans,
            tagged: self
                .spans
                .as_ref()
                .is_some_and(|column| column.lists.is_valid(at)),
            extra: parts.extra.as_deref(),
            ..parts.row
        };
        builder.push_row(&row)?;
        Ok(Ok(parts.size))
    }

    fn row<'s>(&'s self, at: usize, number: &'s str) -> Result<Parts<'s>, Broken> {
        for column in Column::ALL {
            if column != Column::Text && self.string(column, at).is_some_and(|s| s.contains('\0')) {
                return Err(Broken::new(column, "a NUL character", "none"));
            }
        }
        let text = self.string(Column::Text, at);
        let text = text.ok_or_else(|| Broken::new(Column::Text, "null", "a text"))?;
        check_text(text).map_err(|rule| Broken::rule(Column::Text, &rule))?;
        let size = self.size(at)?;
        let row = Row {
            intent: self.string(Column::Intent, at),
            sentiment: self.row_sentiment(at)?,
            reply: self.string(Column::Reply, at),
            dialogue: self.dialogue(at)?,
            origin: self.string(Column::Origin, at).unwrap_or(SOURCE),
            parent: self.string(Column::Parent, at),
            ..Row::new(self.string(Column::Id, at).unwrap_or(number), text)
        };
        Ok(Parts {
            row,
            spans: self.row_spans(at, text)?,
            extra: self.extra(at)?,
            size,
        })
    }

    fn row_sentiment(&self, at: usize) -> Result<Option<f32>, Broken> {
        let column = self.sentiment.as_ref();
        let Some(column) = column.filter(|column| column.is_valid(at)) else {
            return Ok(None);
        };
        let value = column.value(at);
        if !(0.0..=1.0).contains(&value) || check_sentiment(value as f32).is_err() {
            let expected = "a number from 0 to 1";
            return Err(Broken::new(Column::Sentiment, value.to_string(), expected));
        }
        Ok(Some(value as f32))
    }

    fn dialogue(&self, at: usize) -> Result<Option<TurnRef<'_>>, Broken> {
        let Some(dialogue_id) = self.string(Column::DialogueId, at) else {
            return Ok(None);
        };
        let turn = self.turn.as_ref().and_then(|column| integer(column, at));
        let valid = turn.and_then(|turn| u32::try_from(turn).ok());
        let turn = valid.ok_or_else(|| {
            let found = turn.map_or_else(|| "null".into(), |turn| turn.to_string());
            let expected = "a turn (a number from 0) beside dialogue_id";
            Broken::new(Column::Turn, found, expected)
        })?;
        Ok(Some(TurnRef {
            dialogue_id,
            turn,
            speaker: self.string(Column::Speaker, at),
        }))
    }

    /// What the strings of a row take, in bytes.
    fn size(&self, at: usize) -> Result<usize, Broken> {
        let fields = Column::ALL.iter();
        let fields = fields.filter_map(|column| Some((column.name(), self.string(*column, at)?)));
        let others = self.others.iter().filter_map(|other| {
            let strings = other.values.as_string_view_opt();
            let strings = strings.filter(|all| all.is_valid(at))?;
            Some((other.name.as_str(), strings.value(at)))
        });
        let mut size = 0;
        for (name, string) in fields.chain(others) {
            size += string.len();
            if size > MAX_ROW_BYTES {
                return Err(Broken {
                    column: name.to_owned(),
                    found: format!("a row of more than {MAX_ROW_BYTES} bytes"),
                    expected: "a shorter one".into(),
                });
            }
        }
        Ok(size)
    }

    fn row_spans(&self, at: usize, text: &str) -> Result<Vec<Span>, Broken> {
        let lists = self.spans.as_ref();
        let Some(column) = lists.filter(|column| column.lists.is_valid(at)) else {
            return self.only_span(at, text);
        };
        let offsets = column.lists.value_offsets();
        let mut spans = Vec::new();
        for item in offsets[at] as usize..offsets[at + 1] as usize {
            let span = column.span(item).ok_or_else(|| {
                let found = format!("span {} with a null or negative field", spans.len());
                Broken::new(Column::Spans, found, "start, end (characters) and label")
            })?;
            spans.push(span);
        }
        if spans.is_empty() {
            return self.only_span(at, text);
        }
        to_bytes(&mut spans, text).map_err(|rule| Broken::rule(Column::Spans, &rule))?;
        Ok(spans)
    }

    /// The span of `span_start`, `span_end` and `span_label`.
    fn only_span(&self, at: usize, text: &str) -> Result<Vec<Span>, Broken> {
        let [start, end] = self.edges.each_ref();
        let start = start.as_ref().and_then(|column| integer(column, at));
        let end = end.as_ref().and_then(|column| integer(column, at));
        let label = self.string(Column::SpanLabel, at);
        if start.is_none() && end.is_none() && label.is_none() {
            return Ok(Vec::new());
        }
        let (Some(start), Some(end), Some(label)) = (natural(start), natural(end), label) else {
            let expected = "span_start, span_end (characters) and span_label";
            return Err(Broken::new(Column::SpanStart, "a part of a span", expected));
        };
        let mut spans = vec![Span::new(start, end, label)];
        to_bytes(&mut spans, text).map_err(|rule| Broken::rule(Column::SpanStart, &rule))?;
        Ok(spans)
    }

    /// The column `extra`, the columns that fill nothing, and those that the folders give.
    fn extra(&self, at: usize) -> Result<Option<String>, Broken> {
        let mut extra: Map<String, Value> = match self.string(Column::Extra, at) {
            None => Map::new(),
            Some(json) => serde_json::from_str(json)
                .map_err(|_| Broken::new(Column::Extra, shown(json), "a JSON object"))?,
        };
        for other in &self.others {
            if let Some(value) = value(&other.values, at) {
                extra.insert(other.name.clone(), value);
            }
        }
        for PartValue { column, value } in &self.part.values {
            let mut fields = Column::ALL.iter();
            let is_field = fields.any(|field| self.columns.source(*field) == Some(column));
            if let Some(value) = value.as_ref().filter(|_| !is_field) {
                extra.insert(column.clone(), Value::from(value.as_str()));
            }
        }
        Ok((!extra.is_empty()).then(|| json_of(&extra)))
    }
}

impl Spans {
    /// The span at a position of the flat columns; `None` if a part of it is null or negative.
    fn span(&self, at: usize) -> Option<Span> {
        let is_whole = self.lists.values().is_valid(at) && self.labels.is_valid(at);
        let start = natural(integer(&self.starts, at))?;
        let end = natural(integer(&self.ends, at))?;
        is_whole.then(|| Span::new(start, end, self.labels.value(at)))
    }
}

fn integer(column: &Int64Array, at: usize) -> Option<i64> {
    column.is_valid(at).then(|| column.value(at))
}

fn natural(value: Option<i64>) -> Option<usize> {
    usize::try_from(value?).ok()
}

/// The value of a row in a column that [`Table::plain`] made.
fn value(column: &ArrayRef, at: usize) -> Option<Value> {
    if column.data_type() == &DataType::Null || column.is_null(at) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Boolean => column.as_boolean().value(at).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(at).into(),
        DataType::Float64 => {
            let number = column.as_primitive::<Float64Type>().value(at);
            Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        DataType::Utf8View => column.as_string_view().value(at).into(),
        _ => column.as_string::<i32>().value(at).into(),
    })
}
