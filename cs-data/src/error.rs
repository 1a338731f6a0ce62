//! What can go wrong, with the place and the value.

use std::path::PathBuf;

use crate::text::{EditError, SpanError};

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of this crate.
///
/// ```
/// use cs_data::{Error, Tokenizer};
/// let error = Tokenizer::open("no such folder".as_ref()).unwrap_err();
/// assert!(matches!(error, Error::File { .. }));
/// assert_eq!(
///     error.to_string(),
///     "no such folder: no tokenizer, expected tokenizer.json or vocab.txt"
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A place in a text file holds something else than it should.
    #[error("{}:{line}:{column}: {found}, expected {expected}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1, in Unicode scalar values.
        column: usize,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
        /// Whether it is a span or a tag, not what it labels or how the file is written.
        labels: bool,
    },
    /// A file or folder as a whole is not what it should be.
    #[error("{}: {found}, expected {expected}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A cell of a Parquet file holds something else than it should.
    #[error("{}: row {row}, column {column}: {found}, expected {expected}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Row, from 0.
        row: usize,
        /// Name of the column.
        column: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// A tokenizer file cannot be understood.
    #[error("{}: {source}", path.display())]
    TokenizerFile {
        /// The file.
        path: PathBuf,
        /// What the tokenizer library said.
        source: tokenizers::Error,
    },
    /// The tokenizer failed on a text.
    #[error("tokenizer: {source}")]
    Tokenizer {
        /// What the tokenizer library said.
        source: tokenizers::Error,
    },
    /// An utterance breaks the rules of [`Utterance::validate`](crate::Utterance::validate).
    #[error("row {row} (id {id:?}): {source}")]
    Row {
        /// Its position, from 0.
        row: usize,
        /// Its id.
        id: String,
        /// What is wrong.
        source: SpanError,
    },
    /// A format cannot hold a row's text, or lacks what it must have.
    #[error("row with the id {id:?}: {found}, expected {expected}")]
    Unwritable {
        /// Id of the row.
        id: String,
        /// What the row has.
        found: String,
        /// What the format takes.
        expected: String,
    },
    /// An argument is out of its range.
    #[error("{name} is {found}, expected {expected}")]
    Argument {
        /// The argument's name.
        name: &'static str,
        /// What was given.
        found: String,
        /// What is accepted.
        expected: String,
    },
    /// A Parquet file cannot be understood or written.
    #[cfg(feature = "arrow")]
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet library said.
        source: parquet::errors::ParquetError,
    },
    /// An operator of an augmentation gave edits that cannot be applied.
    #[error("{operator} on the row with id {id:?}: {source}")]
    Edit {
        /// Its name.
        operator: String,
        /// The row.
        id: String,
        /// What is wrong.
        source: EditError,
    },
    /// Another program did not do what it was asked for.
    #[error("{command:?}: {found}, expected {expected}")]
    Process {
        /// The command.
        command: String,
        /// What it did.
        found: String,
        /// What it should have done.
        expected: String,
    },
    /// Arrow refused to build or to combine arrays.
    #[cfg(feature = "arrow")]
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl Error {
    /// The same, as one of spans or tags.
    #[cfg(feature = "arrow")]
    pub(crate) fn of_labels(mut self) -> Self {
        if let Error::Text { labels, .. } = &mut self {
            *labels = true;
        }
        self
    }
}
