//! Which column of a file fills which field.

use std::str::FromStr;

use crate::error::{Error, Result};

/// What a column can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Id,
    Text,
    /// A list as in JSONL.
    Spans,
    Intent,
    Sentiment,
    Reply,
    DialogueId,
    Turn,
    Speaker,
    Origin,
    Parent,
    /// An object of what no column of its own can hold.
    Extra,
    /// With the next two, for files of at most one span a row.
    SpanStart,
    SpanEnd,
    SpanLabel,
}

impl Column {
    /// The one span of a row.
    pub(crate) const SPAN: [Column; 3] = [Column::SpanStart, Column::SpanEnd, Column::SpanLabel];

    pub(crate) const COUNT: usize = 15;

    pub(crate) const ALL: [Column; Column::COUNT] = [
        Column::Id,
        Column::Text,
        Column::Spans,
        Column::Intent,
        Column::Sentiment,
        Column::Reply,
        Column::DialogueId,
        Column::Turn,
        Column::Speaker,
        Column::Origin,
        Column::Parent,
        Column::Extra,
        Column::SpanStart,
        Column::SpanEnd,
        Column::SpanLabel,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Column::Id => "id",
            Column::Text => "text",
            Column::Spans => "spans",
            Column::Intent => "intent",
            Column::Sentiment => "sentiment",
            Column::Reply => "reply",
            Column::DialogueId => "dialogue_id",
            Column::Turn => "turn",
            Column::Speaker => "speaker",
            Column::Origin => "origin",
            Column::Parent => "parent",
            Column::Extra => "extra",
            Column::SpanStart => "span_start",
            Column::SpanEnd => "span_end",
            Column::SpanLabel => "span_label",
        }
    }
}

/// Which column of a table, or which value of a JSON object, fills which field. A field that is not
/// mapped takes the column of its own name if there is one that fills no other; columns that fill
/// nothing are kept in `extra`. Without a header, the names of columns are their numbers, from 1.
/// In JSON, columns are keys or paths: `text=a.b`.
///
/// | field | cell |
/// | --- | --- |
/// | `text` | must be there |
/// | `id`, `intent`, `reply`, `origin`, `parent` | empty: none |
/// | `sentiment` | a number from 0 to 1, or `positive`, `neutral`, `negative`; empty: none |
/// | `dialogue_id`, `turn`, `speaker` | the first two together |
/// | `spans` | a JSON list of objects with `start`, `end` (characters), `label` |
/// | `span_start`, `span_end`, `span_label` | one span a row, in characters; all empty: none |
/// | `extra` | a JSON object; its members count as columns |
///
/// ```
/// use cs_data::Columns;
/// let columns: Columns = "text=text,intent=category".parse()?;
/// assert_eq!(columns.column("intent"), "category");
/// assert_eq!(columns.column("sentiment"), "sentiment");
/// assert!("intnt=category".parse::<Columns>().is_err());
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Columns {
    /// Pairs of a field and its column.
    mapped: Vec<(String, String)>,
}

impl Columns {
    /// Gives the column that is mapped to `field`, or else `field` itself.
    pub fn column<'a>(&'a self, field: &'a str) -> &'a str {
        self.mapping(field).unwrap_or(field)
    }

    /// Whether the file must have the column of `field`.
    pub(crate) fn is_required(&self, column: Column) -> bool {
        column == Column::Text || self.is_mapped(column)
    }

    /// The column that fills `column`: the mapped one, else the one of its own name unless that
    /// fills another field.
    pub(crate) fn source(&self, column: Column) -> Option<&str> {
        let name = column.name();
        let mapped = self.mapping(name);
        let is_taken = || self.pairs().any(|(_, source)| source == name);
        mapped.or_else(|| (!is_taken()).then_some(name))
    }

    /// The mapped column of `column`.
    pub(crate) fn mapped_source(&self, column: Column) -> Option<&str> {
        self.mapping(column.name())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mapped.is_empty()
    }

    pub(crate) fn is_mapped(&self, column: Column) -> bool {
        self.mapping(column.name()).is_some()
    }

    /// Fields and their columns, as given.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.mapped.iter();
        pairs.map(|(field, column)| (field.as_str(), column.as_str()))
    }

    fn mapping(&self, field: &str) -> Option<&str> {
        self.mapped
            .iter()
            .find(|(mapped, _)| mapped == field)
            .map(|(_, column)| column.as_str())
    }
}

impl FromStr for Columns {
    type Err = Error;

    /// Reads `field=column` pairs, separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        let mut columns = Columns::default();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (field, column) = pair
                .split_once('=')
                .ok_or_else(|| Error::argument("columns", pair.trim(), "field=column"))?;
            let (field, column) = (field.trim(), column.trim());
            let fields = Column::ALL.map(Column::name);
            if !fields.contains(&field) {
                return Err(Error::argument(
                    "columns",
                    pair.trim(),
                    format!("a field of {}", fields.join(", ")),
                ));
            }
            if column.is_empty() || columns.mapping(field).is_some() {
                return Err(Error::argument(
                    "columns",
                    pair.trim(),
                    format!("one column for {field}"),
                ));
            }
            columns.mapped.push((field.into(), column.into()));
        }
        if columns.source(Column::Text).is_none() {
            return Err(Error::argument(
                "columns",
                text,
                "text=COLUMN too, since the column text fills another field",
            ));
        }
        Ok(columns)
    }
}
