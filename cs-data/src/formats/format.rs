//! The file formats.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};

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
    /// JSON Lines: one JSON object a line; offsets in Unicode scalar values. Fields: `text`, and if
    /// known `id`, `spans` (`start`, `end`, `label`), `intent`, `sentiment`, `reply`, `dialogue_id`
    /// with `turn` and `speaker`, `origin`, `parent`; others by [`Columns`](crate::Columns), and
    /// `tokens` with `ner_tags` instead of `text`.
    Jsonl,
    /// Comma-separated values with a header, quoted as in RFC 4180.
    Csv,
    /// Tab-separated values with a header. A cell in quotes that close at its end is quoted as in
    /// RFC 4180; any other quote is text.
    Tsv,
    /// A folder with a sentence a line in `seq.in`, an intent a line in `label`, and perhaps IOB2
    /// tags in `seq.out`.
    Seq,
    /// Apache Parquet with the columns of [`Dataset`](crate::Dataset), offsets in Unicode scalar
    /// values; other columns are kept. Also a folder of such files, partitioned by a column in
    /// the way of Hive (`intent=refund/part-0.parquet`), as PyArrow's datasets, DataFusion, Spark
    /// and Ray read and write them when the data outgrows a machine.
    Parquet,
    /// CoNLL: a token and its tag a line, a blank line between sentences; any
    /// [`Scheme`](crate::Scheme). Other fields are in comment lines (`# intent = refund`). Also
    /// `token:tag token:tag` with a sentence a line.
    Conll,
    /// Inline markup: a row a line, entities in brackets, as in `[用户] 查询[订单]12345` and
    /// `to [New York](city)`.
    Markup,
    /// Rasa's `nlu` section in YAML. What entities have beside their names is `entity_attributes`
    /// in `extra`, sections without examples `rasa_sections`.
    Rasa,
    /// JSON in one piece: an array of objects as in JSONL; also Hugging Face's other shapes
    /// (objects of such arrays or of columns, `tokens` with `ner_tags`, numbered classes) and, by
    /// [`ReadOptions::records`](crate::ReadOptions::records), any JSON.
    Json,
    /// What doccano exports: JSON Lines, or an array, with `label` as `[[start, end, label]]` or as
    /// classes, or `entities` with offsets, and `cats`.
    Doccano,
    /// What Label Studio exports (JSON, or JSON-MIN) and imports: tasks with `data` and
    /// `annotations`.
    LabelStudio,
    /// Rasa's older JSON: `rasa_nlu_data` with `common_examples`; what is beside them becomes what
    /// it does in [`Format::Rasa`].
    RasaJson,
    /// Plain texts, one a line, without labels.
    Text,
}

/// The formats that no ending says.
const NAMED: [Format; 5] = [
    Format::Seq,
    Format::Doccano,
    Format::LabelStudio,
    Format::RasaJson,
    Format::Text,
];

impl Format {
    /// Whether a file can say of a row that it has no entities, rather than nothing about them.
    pub(crate) fn says_tagged(self) -> bool {
        !matches!(
            self,
            Self::Conll | Self::Seq | Self::Markup | Self::Rasa | Self::RasaJson | Self::Text
        )
    }

    /// The format that the ending of a file's name says.
    pub(crate) fn of_ending(path: &Path) -> Option<Self> {
        let ending = ending(path);
        let name = match &*ending {
            "txt" => "conll",
            "yml" | "yaml" => "rasa",
            other => other,
        };
        let format: Format = name.parse().ok()?;
        (!NAMED.contains(&format)).then_some(format)
    }

    const NAMES: [(&'static str, Format); 13] = [
        ("jsonl", Format::Jsonl),
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("seq", Format::Seq),
        ("parquet", Format::Parquet),
        ("conll", Format::Conll),
        ("markup", Format::Markup),
        ("rasa", Format::Rasa),
        ("json", Format::Json),
        ("doccano", Format::Doccano),
        ("labelstudio", Format::LabelStudio),
        ("rasa-json", Format::RasaJson),
        ("text", Format::Text),
    ];
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, format)| *format).ok_or_else(|| {
            Error::argument("format", name, Self::NAMES.map(|(name, _)| name).join(", "))
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

/// The ending of a file's name, in small letters.
pub(crate) fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_lowercase()
}
