//! How files are read and written.

use crate::tags::Scheme;

use super::columns::Columns;
use super::csv::Separator;
use super::format::Format;
use super::input::Charset;
use super::json::RecordPath;

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
    /// Scheme of the tags of CoNLL and `seq`; `None`: IOB2.
    pub scheme: Option<Scheme>,
    /// Column by which Parquet is partitioned, into a folder with a file for each of its values:
    /// `intent`, `speaker` or `origin`.
    pub partition_by: Option<String>,
}
