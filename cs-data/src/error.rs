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
/// assert!(error.to_string().starts_with("no such folder: no tokenizer, expected tokenizer.json"));
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
    /// A line and column of a text file hold something else than they should.
    #[error("{}:{line}:{column}: {found}, expected {expected}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1, in Unicode scalar values.
        column: usize,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
        /// Whether the fault is in a span or a tag, and not in another field or in how the file is
        /// written.
        labels: bool,
    },
    /// A file or folder as a whole is not what it should be.
    #[error("{}: {found}, expected {expected}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the file or folder is.
        found: String,
        /// What the file or folder should be.
        expected: String,
    },
    /// A cell of a Parquet file holds something else than it should.
    #[error("{}: row {row}, column {column}: {found}, expected {expected}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Row of the cell, from 0.
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
        /// Position of the utterance among the rows, from 0.
        row: usize,
        /// Id of the utterance.
        id: String,
        /// The rule that the utterance breaks.
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
        /// Name of the argument.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are accepted.
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
        /// Name of the operator.
        operator: String,
        /// Id of the row.
        id: String,
        /// Why the edits cannot be applied.
        source: EditError,
    },
    /// Another program did not do what it was asked for.
    #[error("{command:?}: {found}, expected {expected}")]
    Process {
        /// The command of the program.
        command: String,
        /// What the program did.
        found: String,
        /// What the program should have done.
        expected: String,
    },
    /// A model that an operator asked, which is none of this crate's, failed.
    #[error("{name}: {source}")]
    Model {
        /// The name of the model.
        name: String,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Arrow refused to build or to combine arrays.
    #[cfg(feature = "arrow")]
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl Error {
    pub(crate) fn argument(
        name: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Error::Argument {
            name,
            found: found.into(),
            expected: expected.into(),
        }
    }

    pub(crate) fn file(
        path: impl Into<PathBuf>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Error::File {
            path: path.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    pub(crate) fn tokenizer(source: tokenizers::Error) -> Self {
        Error::Tokenizer { source }
    }

    #[cfg(feature = "arrow")]
    pub(crate) fn unwritable(
        id: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Error::Unwritable {
            id: id.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The same error, as one of spans or tags.
    #[cfg(feature = "arrow")]
    pub(crate) fn of_labels(mut self) -> Self {
        if let Error::Text { labels, .. } = &mut self {
            *labels = true;
        }
        self
    }
}
