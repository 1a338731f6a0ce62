//! Which file format, and which of its columns mean what.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::formats::json_records::RecordPath;
use crate::scheme::Scheme;

/// A file format, read by [`Reader`](crate::Reader) and written by [`Writer`](crate::Writer).
///
/// ```
/// use cs_data::Format;
/// assert_eq!("tsv".parse::<Format>()?, Format::Tsv);
/// assert_eq!(Format::of("train.jsonl".as_ref())?, Format::Jsonl);
/// assert!("docx".parse::<Format>().is_err());
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line; offsets in Unicode scalar values. Fields: `text`, and if known
    /// `id`, `spans` (`start`, `end`, `label`), `intent`, `sentiment`, `reply`, `dialogue_id`
    /// with `turn` and `speaker`, `origin`, `parent`.
    Jsonl,
    /// Comma-separated values with a header, quoted as in RFC 4180.
    Csv,
    /// Tab-separated values with a header; quotes are text.
    Tsv,
    /// A folder with a sentence a line in `seq.in`, an intent a line in `label`, and perhaps IOB2
    /// tags in `seq.out`.
    Seq,
    /// Apache Parquet with the columns of [`Dataset`](crate::Dataset), offsets in Unicode scalar
    /// values; other columns are kept. Also a folder of such files, partitioned by a column in
    /// the way of Hive (`intent=refund/part-0.parquet`), as PyArrow's datasets, DataFusion, Spark
    /// and Ray read and write them when the data outgrows a machine.
    Parquet,
    /// A token and its tag a line, a blank line between sentences; any [`Scheme`]. Other fields in
    /// comment lines (`# intent = refund`). Also `token:tag token:tag` with a sentence a line.
    Conll,
    /// A row a line, entities in brackets: `[用户] 查询[订单]12345`, `to [New York](city)`.
    Markup,
    /// Rasa's `nlu` section in YAML. What entities have beside their names is `entity_attributes`
    /// in `extra`, sections without examples `rasa_sections`.
    Rasa,
    /// An array of objects as in JSONL; also Hugging Face's other shapes (objects of such arrays or
    /// of columns, `tokens` with `ner_tags`, numbered classes) and, by
    /// [`ReadOptions::records`], any JSON.
    Json,
}

impl Format {
    const NAMES: [(&'static str, Format); 9] = [
        ("jsonl", Format::Jsonl),
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("seq", Format::Seq),
        ("parquet", Format::Parquet),
        ("conll", Format::Conll),
        ("markup", Format::Markup),
        ("rasa", Format::Rasa),
        ("json", Format::Json),
    ];

    /// The format by ending. A folder is [`Format::Parquet`] if such a file or a partition is in it,
    /// else [`Format::Seq`].
    ///
    /// # Errors
    ///
    /// Another ending.
    pub fn of(path: &Path) -> Result<Self> {
        if path.is_dir() {
            let is_table = crate::formats::partition::has_parquet(path);
            return Ok(if is_table {
                Format::Parquet
            } else {
                Format::Seq
            });
        }
        let ending = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let ending = match &*ending {
            "txt" => "conll".into(),
            "yml" | "yaml" => "rasa".into(),
            _ => ending,
        };
        ending
            .parse()
            .ok()
            .filter(|format| *format != Format::Seq)
            .ok_or_else(|| Error::File {
                path: path.into(),
                found: format!("the ending {ending:?}"),
                expected: "jsonl, csv, tsv, parquet, conll, txt, markup, json, yml, a folder with seq.in, or a format by name"
                    .into(),
            })
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, format)| *format)
            .ok_or_else(|| Error::Argument {
                name: "format",
                found: name.into(),
                expected: "jsonl, csv, tsv, seq, parquet, conll, markup, rasa or json".into(),
            })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES
            .iter()
            .find(|(_, format)| format == self)
            .map(|(name, _)| *name);
        f.write_str(name.unwrap_or_default())
    }
}

/// What a column of CSV and TSV can fill.
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

/// Which column of a CSV or TSV file fills which field. A field that is not mapped takes the
/// column of its own name if there is one; columns that fill nothing are kept in `extra`. Without
/// a header, columns are named by their numbers, from 1.
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
    /// The column of `field`.
    pub fn column<'a>(&'a self, field: &'a str) -> &'a str {
        self.mapping(field).unwrap_or(field)
    }

    /// Whether the file must have the column of `field`.
    pub(crate) fn is_required(&self, column: Column) -> bool {
        column == Column::Text || self.is_mapped(column)
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

    /// `field=column` pairs, separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        let mut columns = Columns::default();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let fail = |expected: String| Error::Argument {
                name: "columns",
                found: pair.trim().into(),
                expected,
            };
            let (field, column) = pair
                .split_once('=')
                .ok_or_else(|| fail("field=column".into()))?;
            let (field, column) = (field.trim(), column.trim());
            let fields = Column::ALL.map(Column::name);
            if !fields.contains(&field) {
                return Err(fail(format!("a field of {}", fields.join(", "))));
            }
            if column.is_empty() || columns.mapping(field).is_some() {
                return Err(fail(format!("one column for {field}")));
            }
            columns.mapped.push((field.into(), column.into()));
        }
        Ok(columns)
    }
}

/// How to read a file.
///
/// ```
/// use cs_data::{Format, ReadOptions};
/// let options = ReadOptions {
///     format: Some(Format::Csv),
///     columns: "intent=category".parse()?,
///     ..ReadOptions::default()
/// };
/// assert_eq!(options.columns.column("text"), "text");
/// assert_eq!(ReadOptions::default().format, None); // by ending
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// `None`: by the ending.
    pub format: Option<Format>,
    /// For CSV, TSV and Parquet.
    pub columns: Columns,
    /// CSV and TSV whose first line is a row; columns are then named 1, 2, 3 and so on.
    pub no_header: bool,
    /// Leave out broken rows instead of stopping at the first; a [`Reader`](crate::Reader) says
    /// which and why.
    pub lenient: bool,
    /// Of tags; `None`: as the file shows ([`Format::Seq`]: IOB2).
    pub scheme: Option<Scheme>,
    /// Where in a JSON file the rows are; `None`: by its shape. Columns are then paths too:
    /// `text=content`, `text=0`, `text=a.b`, or `dialogue_id=$1` for what the first `*` stands for.
    pub records: Option<RecordPath>,
}

/// How to write a file.
///
/// ```
/// use cs_data::{Format, WriteOptions};
/// let options = WriteOptions { partition_by: Some("intent".into()), ..WriteOptions::default() };
/// assert_eq!((options.format, options.scheme), (None, None)); // by ending, IOB2
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// `None`: by the ending.
    pub format: Option<Format>,
    /// Of tags; `None`: IOB2.
    pub scheme: Option<Scheme>,
    /// Parquet: a folder with a file for each value of this column: `intent`, `speaker` or
    /// `origin`.
    pub partition_by: Option<String>,
}
