//! The columns of a Parquet batch as rows.

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringViewArray,
};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use serde_json::{Map, Number, Value};

use crate::dataset::{Builder, Row, json_of};
use crate::error::{Error, Result};
use crate::file::shown;
use crate::formats::columns::{Column, Columns};
use crate::formats::row_reader::MAX_LINE_BYTES;
use crate::text::{SOURCE, Span, check_sentiment, check_text, to_bytes};

use super::partition::Part;

/// The longest row: as much as a line of a text file.
const MAX_ROW_BYTES: usize = MAX_LINE_BYTES;

/// What is wrong with a cell of a row.
pub(crate) struct Broken {
    pub(crate) column: String,
    pub(crate) found: String,
    pub(crate) expected: String,
}

/// The columns of a batch, in the types that rows need.
pub(crate) struct Table<'a> {
    part: &'a Part,
    columns: &'a Columns,
    strings: [Option<StringViewArray>; Column::COUNT],
    spans: Option<Spans>,
    sentiment: Option<Float64Array>,
    turn: Option<Int64Array>,
    /// `span_start` and `span_end`, whose label is among the strings.
    edges: [Option<Int64Array>; 2],
    /// Columns that fill nothing, and their names.
    others: Vec<(String, ArrayRef)>,
}

struct Spans {
    lists: ListArray,
    starts: Int64Array,
    ends: Int64Array,
    labels: StringViewArray,
}

impl<'a> Table<'a> {
    pub(crate) fn new(part: &'a Part, batch: &RecordBatch, columns: &'a Columns) -> Result<Self> {
        let mut table = Table {
            part,
            columns,
            strings: Default::default(),
            spans: None,
            sentiment: None,
            turn: None,
            edges: [None, None],
            others: Vec::new(),
        };
        let schema = batch.schema();
        let mut used = Vec::new();
        let has = |column: &Column| {
            let name = columns.source(*column);
            name.is_some_and(|name| schema.fields().find(name).is_some())
        };
        let has_span = Column::SPAN.iter().all(has);
        let maps_span = Column::SPAN.iter().any(|column| columns.is_mapped(*column));
        for column in Column::ALL {
            let Some(name) = columns.source(column) else {
                continue;
            };
            // A part of a span says nothing.
            if Column::SPAN.contains(&column) && !has_span && !maps_span {
                continue;
            }
            let Some((at, _)) = schema.fields().find(name) else {
                let in_folder = part.values.iter().any(|(key, _)| key == name);
                let is_required =
                    columns.is_required(column) || maps_span && Column::SPAN.contains(&column);
                if is_required && !in_folder {
                    return Err(table.lacks(
                        name,
                        &schema
                            .fields()
                            .iter()
                            .map(|f| f.name().as_str())
                            .collect::<Vec<_>>(),
                    ));
                }
                continue;
            };
            used.push(at);
            table.take(column, name, batch.column(at))?;
        }
        for (at, field) in schema.fields().iter().enumerate() {
            if !used.contains(&at) {
                let column = batch.column(at).clone();
                let name = field.name().clone();
                let plain = table.plain(&name, &column)?;
                table.others.push((name, plain));
            }
        }
        Ok(table)
    }

    fn lacks(&self, name: &str, there: &[&str]) -> Error {
        Error::File {
            path: self.part.path.clone(),
            found: format!("the columns {}", shown(&there.join(", "))),
            expected: format!("a column {name}, or others by --columns FIELD=NAME"),
        }
    }

    /// Takes a column that fills a field.
    fn take(&mut self, column: Column, name: &str, array: &ArrayRef) -> Result<()> {
        if array.data_type() == &DataType::Null {
            return Ok(());
        }
        let number = |kind: &DataType| kind.is_integer();
        match column {
            Column::Spans => self.spans = Some(self.spans(name, array)?),
            Column::Sentiment => {
                let known = |kind: &DataType| kind.is_integer() || kind.is_floating();
                let numbers = self.cast(name, array, known, &DataType::Float64, "numbers")?;
                self.sentiment = Some(numbers.as_primitive::<Float64Type>().clone());
            }
            Column::Turn => {
                let numbers = self.cast(name, array, number, &DataType::Int64, "integers")?;
                self.turn = Some(numbers.as_primitive::<Int64Type>().clone());
            }
            Column::SpanStart | Column::SpanEnd => {
                let numbers = self.cast(name, array, number, &DataType::Int64, "integers")?;
                let edge = usize::from(column == Column::SpanEnd);
                self.edges[edge] = Some(numbers.as_primitive::<Int64Type>().clone());
            }
            Column::Id | Column::DialogueId => {
                let known = |kind: &DataType| is_string(kind) || kind.is_integer();
                let strings = self.cast(
                    name,
                    array,
                    known,
                    &DataType::Utf8View,
                    "strings or integers",
                )?;
                self.strings[column as usize] = Some(strings.as_string_view().clone());
            }
            _ => {
                let strings = self.cast(name, array, is_string, &DataType::Utf8View, "strings")?;
                self.strings[column as usize] = Some(strings.as_string_view().clone());
            }
        }
        Ok(())
    }

    /// The column as `kind`, if its own type is a known one.
    fn cast(
        &self,
        name: &str,
        array: &ArrayRef,
        known: impl Fn(&DataType) -> bool,
        kind: &DataType,
        expected: &str,
    ) -> Result<ArrayRef> {
        let fail = |found: String| Error::File {
            path: self.part.path.clone(),
            found: format!("column {name} with {}", found.replace("Utf8View", "Utf8")),
            expected: expected.into(),
        };
        if !known(array.data_type()) {
            return Err(fail(array.data_type().to_string()));
        }
        let options = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        cast_with_options(array, kind, &options).map_err(|error| fail(error.to_string()))
    }

    fn spans(&self, name: &str, array: &ArrayRef) -> Result<Spans> {
        let expected = "lists of structs with start, end and label";
        let item = match array.data_type() {
            DataType::List(item) | DataType::LargeList(item) => item.data_type().clone(),
            _ => DataType::Null,
        };
        let has = |kind: &DataType, field: &str| matches!(kind, DataType::Struct(fields) if fields.find(field).is_some());
        let known = |_: &DataType| {
            ["start", "end", "label"]
                .iter()
                .all(|field| has(&item, field))
        };
        let as_list = match array.data_type() {
            DataType::LargeList(item) => DataType::List(item.clone()),
            other => other.clone(),
        };
        let lists: ListArray = self
            .cast(name, array, known, &as_list, expected)?
            .as_list()
            .clone();
        let structs = lists.values().as_struct();
        let field = |field: &str, known: fn(&DataType) -> bool, kind, expected| {
            let name = format!("{name}.{field}");
            let column = structs.column_by_name(field).cloned();
            let column = column.unwrap_or_else(|| arrow::array::new_null_array(kind, 0));
            self.cast(&name, &column, known, kind, expected)
        };
        let integer = |kind: &DataType| kind.is_integer() || kind == &DataType::Null;
        let string = |kind: &DataType| is_string(kind) || kind == &DataType::Null;
        let starts = field("start", integer, &DataType::Int64, "integers")?;
        let ends = field("end", integer, &DataType::Int64, "integers")?;
        let labels = field("label", string, &DataType::Utf8View, "strings")?;
        Ok(Spans {
            starts: starts.as_primitive::<Int64Type>().clone(),
            ends: ends.as_primitive::<Int64Type>().clone(),
            labels: labels.as_string_view().clone(),
            lists,
        })
    }

    /// A column as booleans, integers, floats or strings.
    fn plain(&self, name: &str, array: &ArrayRef) -> Result<ArrayRef> {
        let kind = match array.data_type() {
            DataType::Boolean | DataType::Null => return Ok(array.clone()),
            DataType::UInt64 => DataType::Utf8,
            kind if kind.is_integer() => DataType::Int64,
            kind if kind.is_floating() => DataType::Float64,
            kind if is_string(kind) => DataType::Utf8View,
            _ => DataType::Utf8,
        };
        let known = |from: &DataType| can_cast_types(from, &kind);
        self.cast(name, array, known, &kind, "a type that strings can show")
    }

    fn string(&self, column: Column, at: usize) -> Option<&str> {
        match &self.strings[column as usize] {
            Some(strings) => strings.is_valid(at).then(|| strings.value(at)),
            None => {
                let name = self.columns.source(column)?;
                let mut values = self.part.values.iter();
                let (_, value) = values.find(|(key, _)| key == name)?;
                value.as_deref()
            }
        }
    }

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
}

struct Parts<'a> {
    row: Row<'a>,
    spans: Vec<Span>,
    extra: Option<String>,
    /// Size of the row in bytes.
    size: usize,
}

impl Table<'_> {
    fn row<'s>(&'s self, at: usize, number: &'s str) -> Result<Parts<'s>, Broken> {
        let broken = |column: Column, found: &str, expected: &str| {
            named(column, (found.to_owned(), expected.to_owned()))
        };
        for column in Column::ALL {
            if column != Column::Text && self.string(column, at).is_some_and(|s| s.contains('\0')) {
                return Err(broken(column, "a NUL character", "none"));
            }
        }
        let text = self.string(Column::Text, at);
        let text = text.ok_or_else(|| broken(Column::Text, "null", "a text"))?;
        check_text(text).map_err(|rule| named(Column::Text, (rule.found(), rule.expected())))?;
        let size = self.size(at)?;
        let sentiment = self.sentiment.as_ref().filter(|column| column.is_valid(at));
        let sentiment = sentiment.map(|column| column.value(at));
        if let Some(value) = sentiment
            && (!(0.0..=1.0).contains(&value) || check_sentiment(value as f32).is_err())
        {
            let found = value.to_string();
            return Err(broken(Column::Sentiment, &found, "a number from 0 to 1"));
        }
        let turn = self.turn.as_ref().filter(|column| column.is_valid(at));
        let turn = turn.map(|column| column.value(at));
        let dialogue = match self.string(Column::DialogueId, at) {
            None => None,
            Some(id) => {
                let valid = turn.and_then(|turn| u32::try_from(turn).ok());
                let found = turn.map_or_else(|| "null".into(), |turn| turn.to_string());
                let expected = "a turn (a number from 0) beside dialogue_id";
                let turn = valid.ok_or_else(|| broken(Column::Turn, &found, expected))?;
                Some((id, turn, self.string(Column::Speaker, at)))
            }
        };
        let row = Row {
            intent: self.string(Column::Intent, at),
            sentiment: sentiment.map(|value| value as f32),
            reply: self.string(Column::Reply, at),
            dialogue,
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

    /// What the strings of a row take, in bytes.
    fn size(&self, at: usize) -> Result<usize, Broken> {
        let fields = Column::ALL.iter();
        let fields = fields.filter_map(|column| Some((column.name(), self.string(*column, at)?)));
        let others = self.others.iter().filter_map(|(name, column)| {
            let strings = column.as_string_view_opt().filter(|all| all.is_valid(at))?;
            Some((name.as_str(), strings.value(at)))
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
            let is_whole = column.lists.values().is_valid(item)
                && column.starts.is_valid(item)
                && column.ends.is_valid(item)
                && column.labels.is_valid(item);
            let number = |value: i64| usize::try_from(value).ok();
            let edges = number(column.starts.value(item)).zip(number(column.ends.value(item)));
            let Some((start, end)) = edges.filter(|_| is_whole) else {
                let found = format!("span {} with a null or negative field", spans.len());
                return Err(named(
                    Column::Spans,
                    (found, "start, end (characters) and label".into()),
                ));
            };
            spans.push(Span::new(start, end, column.labels.value(item)));
        }
        if spans.is_empty() {
            return self.only_span(at, text);
        }
        to_bytes(&mut spans, text)
            .map_err(|rule| named(Column::Spans, (rule.found(), rule.expected())))?;
        Ok(spans)
    }

    /// The span of `span_start`, `span_end` and `span_label`.
    fn only_span(&self, at: usize, text: &str) -> Result<Vec<Span>, Broken> {
        let edge = |column: &Option<Int64Array>| {
            let column = column.as_ref().filter(|column| column.is_valid(at))?;
            Some(column.value(at))
        };
        let [start, end] = [0, 1].map(|side| edge(&self.edges[side]));
        let label = self.string(Column::SpanLabel, at);
        if start.is_none() && end.is_none() && label.is_none() {
            return Ok(Vec::new());
        }
        let number = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok());
        let (Some(start), Some(end), Some(label)) = (number(start), number(end), label) else {
            let found = "a part of a span".to_owned();
            let expected = "span_start, span_end (characters) and span_label";
            return Err(named(Column::SpanStart, (found, expected.into())));
        };
        let mut spans = vec![Span::new(start, end, label)];
        to_bytes(&mut spans, text)
            .map_err(|rule| named(Column::SpanStart, (rule.found(), rule.expected())))?;
        Ok(spans)
    }

    /// The column `extra`, the columns that fill nothing, and those that the folders give.
    fn extra(&self, at: usize) -> Result<Option<String>, Broken> {
        let mut extra: Map<String, Value> = match self.string(Column::Extra, at) {
            None => Map::new(),
            Some(json) => serde_json::from_str(json)
                .map_err(|_| named(Column::Extra, (shown(json), "a JSON object".into())))?,
        };
        for (name, column) in &self.others {
            if let Some(value) = value(column, at) {
                extra.insert(name.clone(), value);
            }
        }
        for (name, value) in &self.part.values {
            let fills = |column: &Column| self.columns.source(*column) == Some(name);
            let is_field = Column::ALL.iter().any(fills);
            if let Some(value) = value.as_ref().filter(|_| !is_field) {
                extra.insert(name.clone(), Value::from(value.as_str()));
            }
        }
        Ok((!extra.is_empty()).then(|| json_of(&extra)))
    }
}

fn named(column: Column, (found, expected): (String, String)) -> Broken {
    Broken {
        column: column.name().to_owned(),
        found,
        expected,
    }
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

fn is_string(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_string(values),
        _ => false,
    }
}
