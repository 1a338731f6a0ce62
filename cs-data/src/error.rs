//! What can go wrong, with the place and the value.

use std::ops::Range;
use std::path::PathBuf;

use crate::tags::Scheme;
use crate::text::Span;

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of this crate.
///
/// ```
/// use cs_data::{Error, Tokenizer};
/// let error = Tokenizer::from_json(b"{}", "tokenizer.json".as_ref()).unwrap_err();
/// assert!(!matches!(error, Error::Io { .. }));
/// assert!(error.to_string().starts_with("tokenizer.json"), "{error}");
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
        source: crate::text::EditError,
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

/// What is wrong with an utterance; `index` counts its spans from 0.
///
/// ```
/// use cs_data::{Span, SpanError, Utterance};
/// let row = Utterance::new("1", "订单").with_spans(vec![Span::new(0, 9, "order")]);
/// let error = row.validate().unwrap_err();
/// assert_eq!(error, SpanError::OutOfBounds { index: 0, start: 0, end: 9, len: 6 });
/// assert_eq!(error.to_string(), "span 0 is 0..9, expected an end of at most 6");
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// A span reaches past the end of the text.
    #[error("span {index} is {start}..{end}, expected an end of at most {len}")]
    OutOfBounds {
        /// Which span.
        index: usize,
        /// Its start.
        start: usize,
        /// Its end.
        end: usize,
        /// Length of the text.
        len: usize,
    },
    /// A span's edge lies inside a character.
    #[error("span {index} has an edge at {offset}, inside a character, expected a boundary")]
    InsideCharacter {
        /// Which span.
        index: usize,
        /// The edge.
        offset: usize,
    },
    /// A span covers nothing.
    #[error("span {index} is {start}..{end}, expected a start below its end")]
    Empty {
        /// Which span.
        index: usize,
        /// Its start.
        start: usize,
        /// Its end.
        end: usize,
    },
    /// A span starts before the one in front of it.
    #[error(
        "span {index} starts at {start}, expected spans in order (the last began at {previous})"
    )]
    Order {
        /// Which span.
        index: usize,
        /// Its start.
        start: usize,
        /// Start of the span before it.
        previous: usize,
    },
    /// A span shares text with the one in front of it.
    #[error("span {index} starts at {start}, expected {previous} or later (the last span's end)")]
    Overlap {
        /// Which span.
        index: usize,
        /// Its start.
        start: usize,
        /// End of the span before it.
        previous: usize,
    },
    /// A label is empty or contains white space.
    #[error("span {index} has the label {label:?}, expected a word without white space")]
    Label {
        /// Which span.
        index: usize,
        /// Its label.
        label: String,
    },
    /// The sentiment is not a number from 0 to 1.
    #[error("sentiment is {value}, expected a number from 0 to 1")]
    Sentiment {
        /// The value.
        value: f32,
    },
    /// The text contains a NUL character.
    #[error("text has a NUL character at {offset}, expected none")]
    Nul {
        /// Byte offset.
        offset: usize,
    },
    /// The text is longer than [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES).
    #[error("text of {len} bytes, expected at most {max}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
}

impl SpanError {
    /// The span at fault; `None` if it is the text or the sentiment.
    ///
    /// ```
    /// use cs_data::SpanError;
    /// assert_eq!(SpanError::Empty { index: 2, start: 1, end: 1 }.index(), Some(2));
    /// assert_eq!(SpanError::Sentiment { value: 2.0 }.index(), None);
    /// ```
    pub fn index(&self) -> Option<usize> {
        match self {
            SpanError::OutOfBounds { index, .. }
            | SpanError::InsideCharacter { index, .. }
            | SpanError::Empty { index, .. }
            | SpanError::Order { index, .. }
            | SpanError::Overlap { index, .. }
            | SpanError::Label { index, .. } => Some(*index),
            SpanError::Sentiment { .. } | SpanError::Nul { .. } | SpanError::TooLong { .. } => None,
        }
    }

    /// What was found and what was expected, for an error with a place.
    #[cfg(feature = "arrow")]
    pub(crate) fn parts(&self) -> (String, String) {
        let message = self.to_string();
        let (found, expected) = message
            .split_once(", expected ")
            .unwrap_or((&message, "none"));
        (found.into(), expected.into())
    }
}

/// Tags and spans that do not fit each other; `index` counts tags from 0.
///
/// ```
/// use cs_data::{IobError, iob};
/// let error = iob::validate(&["O", "I-city"]).unwrap_err();
/// assert_eq!(
///     error,
///     IobError::StartsInside { index: 1, tag: "I-city".into(), previous: Some("O".into()) }
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IobError {
    /// Not one tag for each token.
    #[error("{tags} tags for {tokens} tokens, expected as many")]
    Length {
        /// Number of tokens.
        tokens: usize,
        /// Number of tags.
        tags: usize,
    },
    /// A tag that the scheme does not have, such as none of `O`, `B-label`, `I-label` in IOB2.
    #[error("tag {index} is {tag:?}, expected {}", scheme.tag_forms())]
    Malformed {
        /// Which tag.
        index: usize,
        /// The tag.
        tag: String,
        /// The scheme.
        scheme: Scheme,
    },
    /// An `I-` tag that continues nothing.
    #[error(
        "tag {index} is {tag:?} after {}, expected the same label before it",
        previous.as_deref().unwrap_or("the start")
    )]
    StartsInside {
        /// Which tag.
        index: usize,
        /// The tag.
        tag: String,
        /// The tag before it, `None` at the start.
        previous: Option<String>,
    },
    /// A tag that the scheme does not allow after the one before it.
    #[error(
        "tag {index} is {tag:?} after {}, expected {expected}",
        previous.as_deref().unwrap_or("the start")
    )]
    Follows {
        /// Which tag.
        index: usize,
        /// The tag.
        tag: String,
        /// The tag before it, `None` at the start.
        previous: Option<String>,
        /// What may stand there.
        expected: String,
    },
    /// The last tag leaves a span open in a scheme that marks ends.
    #[error("tag {index} is {tag:?} at the end, expected {expected} after it")]
    Unclosed {
        /// Which tag.
        index: usize,
        /// The tag.
        tag: String,
        /// What should follow.
        expected: String,
    },
    /// A span's edge lies inside a token.
    #[error("span {}..{} {:?} cuts the token {}..{}", span.start, span.end, span.label, token.start, token.end)]
    CutsToken {
        /// The span.
        span: Span,
        /// The token.
        token: Range<usize>,
    },
    /// A span contains no token, so no tag can stand for it.
    #[error("span {}..{} {:?} contains no token", span.start, span.end, span.label)]
    NoToken {
        /// The span.
        span: Span,
    },
    /// Two spans claim the same token.
    #[error("span {}..{} {:?} overlaps the one before it", span.start, span.end, span.label)]
    Overlap {
        /// The later span.
        span: Span,
    },
    /// A label that cannot stand in a tag.
    #[error("label {label:?}, expected a word without white space")]
    Label {
        /// The label.
        label: String,
    },
}

impl IobError {
    /// The tag at fault, where one is.
    ///
    /// ```
    /// use cs_data::iob;
    /// assert_eq!(iob::validate(&["O", "X"]).unwrap_err().index(), Some(1));
    /// ```
    pub fn index(&self) -> Option<usize> {
        match self {
            IobError::Malformed { index, .. }
            | IobError::StartsInside { index, .. }
            | IobError::Follows { index, .. }
            | IobError::Unclosed { index, .. } => Some(*index),
            _ => None,
        }
    }
}

/// Tag sequences that no one scheme explains.
///
/// ```
/// use cs_data::{MixedSchemes, Scheme};
/// let error: MixedSchemes = Scheme::detect([["B-a", "I-a"], ["O", "U-a"]]).unwrap_err();
/// assert_eq!((error.scheme, error.sequence, error.source.index()), (Scheme::Iob2, 1, Some(1)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sequence {sequence} is not {scheme} as most are: {source}")]
pub struct MixedSchemes {
    /// The scheme of most sequences.
    pub scheme: Scheme,
    /// The first sequence in another one, from 0.
    pub sequence: usize,
    /// Its first tag that contradicts, and why.
    pub source: IobError,
}
