//! The columns of a Parquet batch, in the types that rows need.

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringViewArray,
    StructArray, new_null_array,
};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};

use crate::error::{Error, Result};
use crate::file::shown;
use crate::formats::columns::{Column, Columns};

use super::partition::Part;

/// The columns of a batch, in the types that rows need.
pub(crate) struct Table<'a> {
    pub(super) part: &'a Part,
    pub(super) columns: &'a Columns,
    pub(super) strings: [Option<StringViewArray>; Column::COUNT],
    pub(super) spans: Option<Spans>,
    pub(super) sentiment: Option<Float64Array>,
    pub(super) turn: Option<Int64Array>,
    /// `span_start` and `span_end`, whose label is among the strings.
    pub(super) edges: [Option<Int64Array>; 2],
    pub(super) others: Vec<Other>,
}

/// A column that fills nothing.
pub(super) struct Other {
    pub(super) name: String,
    pub(super) values: ArrayRef,
}

pub(super) struct Spans {
    pub(super) lists: ListArray,
    pub(super) starts: Int64Array,
    pub(super) ends: Int64Array,
    pub(super) labels: StringViewArray,
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
        let mut span = Column::SPAN.iter();
        let has_span = span.all(|column| position(&schema, columns, *column).is_some());
        let maps_span = Column::SPAN.iter().any(|column| columns.is_mapped(*column));
        for column in Column::ALL {
            let of_span = Column::SPAN.contains(&column);
            // A part of a span says nothing.
            if of_span && !has_span && !maps_span {
                continue;
            }
            let Some(name) = columns.source(column) else {
                continue;
            };
            match position(&schema, columns, column) {
                Some(at) => {
                    used.push(at);
                    table.take(column, name, batch.column(at))?;
                }
                None if columns.is_required(column) || maps_span && of_span => {
                    table.check_given(name, &schema)?;
                }
                None => {}
            }
        }
        for (at, field) in schema.fields().iter().enumerate() {
            if !used.contains(&at) {
                table.take_other(field.name(), batch.column(at))?;
            }
        }
        Ok(table)
    }

    /// Checks that a folder's name gives a column that must be there.
    fn check_given(&self, name: &str, schema: &Schema) -> Result<()> {
        if self.part.values.iter().any(|value| value.column == name) {
            return Ok(());
        }
        let there = schema.fields().iter().map(|field| field.name().as_str());
        Err(self.lacks(name, &there.collect::<Vec<_>>()))
    }

    /// Takes a column that fills nothing.
    fn take_other(&mut self, name: &str, array: &ArrayRef) -> Result<()> {
        let values = self.plain(name, array)?;
        let name = name.to_owned();
        self.others.push(Other { name, values });
        Ok(())
    }

    fn lacks(&self, name: &str, there: &[&str]) -> Error {
        Error::file(
            &self.part.path,
            format!("the columns {}", shown(&there.join(", "))),
            format!("a column {name}, or others by --columns FIELD=NAME"),
        )
    }

    /// Takes a column that fills a field.
    fn take(&mut self, column: Column, name: &str, array: &ArrayRef) -> Result<()> {
        if array.data_type() == &DataType::Null {
            return Ok(());
        }
        match column {
            Column::Spans => self.spans = Some(self.spans(name, array)?),
            Column::Sentiment => {
                let numbers = self.cast(name, array, is_number, &DataType::Float64, "numbers")?;
                self.sentiment = Some(numbers.as_primitive::<Float64Type>().clone());
            }
            Column::Turn => self.turn = Some(self.integers(name, array)?),
            Column::SpanStart | Column::SpanEnd => {
                let edge = usize::from(column == Column::SpanEnd);
                self.edges[edge] = Some(self.integers(name, array)?);
            }
            _ => {
                let (known, expected): (Known, _) = match column {
                    Column::Id | Column::DialogueId => (is_id, "strings or integers"),
                    _ => (is_string, "strings"),
                };
                let strings = self.cast(name, array, known, &DataType::Utf8View, expected)?;
                self.strings[column as usize] = Some(strings.as_string_view().clone());
            }
        }
        Ok(())
    }

    fn integers(&self, name: &str, array: &ArrayRef) -> Result<Int64Array> {
        let known = DataType::is_integer;
        let numbers = self.cast(name, array, known, &DataType::Int64, "integers")?;
        Ok(numbers.as_primitive::<Int64Type>().clone())
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
        if !known(array.data_type()) {
            return Err(self.unfit(name, &array.data_type().to_string(), expected));
        }
        let options = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let cast = cast_with_options(array, kind, &options);
        cast.map_err(|error| self.unfit(name, &error.to_string(), expected))
    }

    fn unfit(&self, column: &str, found: &str, expected: &str) -> Error {
        let found = found.replace("Utf8View", "Utf8");
        let found = format!("column {column} with {found}");
        Error::file(&self.part.path, found, expected)
    }

    fn spans(&self, name: &str, array: &ArrayRef) -> Result<Spans> {
        let expected = "lists of structs with start, end and label";
        let as_list = match array.data_type() {
            DataType::LargeList(item) => DataType::List(item.clone()),
            other => other.clone(),
        };
        let lists = self.cast(name, array, is_span_list, &as_list, expected)?;
        let lists: ListArray = lists.as_list().clone();
        let structs = lists.values().as_struct();
        let starts = self.span_field(structs, name, "start")?;
        let ends = self.span_field(structs, name, "end")?;
        let labels = self.span_field(structs, name, "label")?;
        Ok(Spans {
            starts: starts.as_primitive::<Int64Type>().clone(),
            ends: ends.as_primitive::<Int64Type>().clone(),
            labels: labels.as_string_view().clone(),
            lists,
        })
    }

    /// The starts, ends or labels of all spans.
    fn span_field(&self, spans: &StructArray, name: &str, field: &str) -> Result<ArrayRef> {
        let (known, kind, expected): (Known, _, _) = match field {
            "label" => (is_string_or_null, DataType::Utf8View, "strings"),
            _ => (is_integer_or_null, DataType::Int64, "integers"),
        };
        let column = spans.column_by_name(field).cloned();
        let column = column.unwrap_or_else(|| new_null_array(&kind, 0));
        self.cast(&format!("{name}.{field}"), &column, known, &kind, expected)
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
        let expected = "a type that strings can show";
        self.cast(
            name,
            array,
            |from| can_cast_types(from, &kind),
            &kind,
            expected,
        )
    }

    pub(super) fn string(&self, column: Column, at: usize) -> Option<&str> {
        match &self.strings[column as usize] {
            Some(strings) => strings.is_valid(at).then(|| strings.value(at)),
            None => {
                let name = self.columns.source(column)?;
                let mut values = self.part.values.iter();
                let value = values.find(|value| value.column == name)?;
                value.value.as_deref()
            }
        }
    }
}

/// Which types of a column are known.
type Known = fn(&DataType) -> bool;

/// Where the batch has the column.
fn position(schema: &Schema, columns: &Columns, column: Column) -> Option<usize> {
    let (at, _) = schema.fields().find(columns.source(column)?)?;
    Some(at)
}

fn is_span_list(kind: &DataType) -> bool {
    let (DataType::List(item) | DataType::LargeList(item)) = kind else {
        return false;
    };
    let DataType::Struct(fields) = item.data_type() else {
        return false;
    };
    let mut needed = ["start", "end", "label"].iter();
    needed.all(|field| fields.find(field).is_some())
}

fn is_number(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_floating()
}

fn is_id(kind: &DataType) -> bool {
    is_string(kind) || kind.is_integer()
}

fn is_integer_or_null(kind: &DataType) -> bool {
    kind.is_integer() || kind == &DataType::Null
}

fn is_string_or_null(kind: &DataType) -> bool {
    is_string(kind) || kind == &DataType::Null
}

fn is_string(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_string(values),
        _ => false,
    }
}
