//! Which file format, and which of its columns fill which field.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::tags::Scheme;

use super::annotation::sniff;
use super::columns::Columns;
use super::csv::Separator;
use super::input::Charset;
use super::json::RecordPath;

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
    /// with `turn` and `speaker`, `origin`, `parent`; others by [`Columns`], and `tokens` with
    /// `ner_tags` instead of `text`.
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
    /// CoNLL: a token and its tag a line, a blank line between sentences; any [`Scheme`]. Other
    /// fields are in comment lines (`# intent = refund`). Also `token:tag token:tag` with a
    /// sentence a line.
    Conll,
    /// Inline markup: a row a line, entities in brackets, as in `[用户] 查询[订单]12345` and
    /// `to [New York](city)`.
    Markup,
    /// Rasa's `nlu` section in YAML. What entities have beside their names is `entity_attributes`
    /// in `extra`, sections without examples `rasa_sections`.
    Rasa,
    /// JSON in one piece: an array of objects as in JSONL; also Hugging Face's other shapes
    /// (objects of such arrays or of columns, `tokens` with `ner_tags`, numbered classes) and, by
    /// [`ReadOptions::records`], any JSON.
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

    /// Finds the format by ending. A folder is [`Format::Parquet`] if such a file or a partition is
    /// in it, [`Format::Seq`] if `seq.in` is or nothing that is known, else what its files are.
    ///
    /// # Errors
    ///
    /// Another ending; a folder with files of several formats.
    pub fn of(path: &Path) -> Result<Self> {
        if path.is_dir() {
            if crate::formats::parquet::has_parquet(path) {
                return Ok(Format::Parquet);
            }
            if path.join("seq.in").exists() {
                return Ok(Format::Seq);
            }
            return Ok(crate::formats::union::format(path)?.unwrap_or(Format::Seq));
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
            .filter(|format| !NAMED.contains(format))
            .ok_or_else(|| Error::File {
                path: path.into(),
                found: format!("the ending {ending:?}"),
                expected: "jsonl, csv, tsv, parquet, conll, txt, markup, json, yml, a folder of such files or with seq.in, or a format by name"
                    .into(),
            })
    }

    /// Finds the format of a file of texts whose labels do not matter: [`Format::Text`] for a
    /// `.txt` file that does not show tokens and tags in its first lines; `None`: by the ending.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn of_texts(path: &Path, encoding: Option<Charset>) -> Result<Option<Self>> {
        let is_plain = path.is_file()
            && Self::of(path).is_ok_and(|format| format == Format::Conll)
            && !path
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("conll"));
        let is_text = is_plain && !sniff::is_tagged(path, encoding)?;
        Ok(is_text.then_some(Format::Text))
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
                expected: Self::NAMES.map(|(name, _)| name).join(", "),
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
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Format of the file; `None`: by the ending.
    pub format: Option<Format>,
    /// Which column fills which field, for CSV, TSV, Parquet, JSON Lines and JSON; any other format
    /// refuses them, as every option that it would not heed.
    pub columns: Columns,
    /// Whether the first line of CSV and TSV is a row; the names of columns are then 1, 2, 3 and so
    /// on.
    pub no_header: bool,
    /// Whether broken rows are left out, instead of stopping at the first; a
    /// [`Reader`](crate::Reader) says which and why.
    pub lenient: bool,
    /// Scheme of the tags; `None`: as the file shows ([`Format::Seq`]: IOB2).
    pub scheme: Option<Scheme>,
    /// Where in a JSON file the rows are; `None`: by its shape. Columns are then paths too:
    /// `text=content`, `text=0`, `text=a.b`, or `dialogue_id=$1` for what the first `*` stands for.
    pub records: Option<RecordPath>,
    /// Encoding of a file of text; `None`: UTF-8, or UTF-16 where its first bytes leave no doubt.
    pub encoding: Option<Charset>,
    /// Separator of CSV and TSV; `None`: what the line `sep=;` says, else the comma or tab, or
    /// whichever of comma, semicolon, tab and `|` alone gives the columns that must be there.
    pub separator: Option<Separator>,
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
    /// Format of the file; `None`: by the ending.
    pub format: Option<Format>,
    /// Scheme of the tags; `None`: IOB2.
    pub scheme: Option<Scheme>,
    /// Column by which Parquet is partitioned, into a folder with a file for each of its values:
    /// `intent`, `speaker` or `origin`.
    pub partition_by: Option<String>,
}
