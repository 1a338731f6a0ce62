//! Arguments that several examples share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cs_data::{
    Charset, Columns, Dataset, Format, ReadOptions, Reader, RecordPath, Scheme, Separator,
};

use cs_model::Bundle;

use crate::error::Result;

/// How labelled files are read.
#[derive(Debug, Clone, Default, Args)]
pub struct DataArgs {
    /// Format of the labelled data, by ending and what the file shows if left out: jsonl, csv, tsv,
    /// seq, parquet, conll, markup, rasa, json, doccano, labelstudio, rasa-json or text
    #[arg(long, visible_alias = "from")]
    pub format: Option<Format>,
    /// Which column or key fills which field, e.g. text=text,intent=category; in JSON also paths
    #[arg(long, default_value = "", hide_default_value = true)]
    pub columns: Columns,
    /// The first line of CSV and TSV is a row; columns are named 1, 2, 3 and so on
    #[arg(long)]
    pub no_header: bool,
    /// Scheme of tags, as the file shows if left out: iob1, iob2, iobes, bilou or bmes
    #[arg(long)]
    pub scheme: Option<Scheme>,
    /// Where in a JSON file the rows are, e.g. train.* or *.messages.*
    #[arg(long, value_name = "PATH")]
    pub records: Option<RecordPath>,
    /// Encoding of files of text, e.g. gbk, gb18030, big5 or windows-1252; if left out UTF-8, or
    /// UTF-16 where the file shows it
    #[arg(long)]
    pub encoding: Option<Charset>,
    /// What stands between the cells of CSV and TSV, e.g. ";", "|" or tab; as the header shows if
    /// left out
    #[arg(long, value_name = "CHARACTER")]
    pub separator: Option<Separator>,
}

impl DataArgs {
    /// How to read, strictly.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            format: self.format,
            columns: self.columns.clone(),
            no_header: self.no_header,
            scheme: self.scheme,
            records: self.records.clone(),
            encoding: self.encoding,
            separator: self.separator,
            ..ReadOptions::default()
        }
    }

    /// Reads a labelled file or folder.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::Error::Data), naming file, line and column.
    pub fn open(&self, path: &Path) -> Result<Dataset> {
        Ok(Dataset::open(path, &self.options())?)
    }

    /// Reads texts whose labels, if any, are not looked at. A `.txt` file is one of texts, one a
    /// line, unless it shows tokens and tags, or a format is named.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_texts(&self, path: &Path) -> Result<Dataset> {
        let options = ReadOptions {
            format: match self.format {
                Some(format) => Some(format),
                None => Format::of_texts(path, self.encoding)?,
            },
            ..self.options()
        };
        Ok(Dataset::open(path, &options)?)
    }

    /// Reads what can be read of a labelled file or folder, and says what is wrong with each other
    /// row.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), of a file that cannot be read at all.
    pub fn open_lenient(&self, path: &Path) -> Result<(Dataset, Vec<cs_data::Error>)> {
        let options = ReadOptions {
            lenient: true,
            ..self.options()
        };
        let mut reader = Reader::open(path, &options)?;
        let data = reader.read_all()?;
        Ok((data, reader.take_skipped()))
    }
}

/// `--json`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Output {
    /// Print JSON, and nothing else, to standard output
    #[arg(long)]
    pub json: bool,
}

/// `--input`.
#[derive(Debug, Clone, Default, Args)]
pub struct InputArgs {
    /// Texts, one a line, or JSON objects with a `text`; standard input if left out
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// `--max-length`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LengthArgs {
    /// Tokens of a text that are read, special ones included; as the model says if left out
    #[arg(long, value_name = "TOKENS")]
    pub max_length: Option<usize>,
}

impl LengthArgs {
    /// The bundle with this longest input.
    ///
    /// # Errors
    ///
    /// More than the encoder has positions for, or too few for a word.
    pub fn apply(self, bundle: Bundle) -> Result<Bundle> {
        match self.max_length {
            Some(length) => Ok(bundle.with_max_length(length)?),
            None => Ok(bundle),
        }
    }
}

/// What runs the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackendKind {
    /// The native CPU runtime: int8 where the folder has it.
    Native,
    /// libtorch, fp32.
    #[cfg(feature = "torch")]
    Torch,
}
