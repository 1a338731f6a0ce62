//! What can be wrong with an utterance.

use std::fmt;

/// What is wrong with an utterance; `index` counts its spans from 0.
///
/// ```
/// use cs_data::{Span, SpanError, Utterance};
/// let row = Utterance::new("1", "订单").with_spans(vec![Span::new(0, 9, "order")]);
/// let error = row.validate().unwrap_err();
/// assert_eq!(error, SpanError::OutOfBounds { index: 0, start: 0, end: 9, len: 6 });
/// assert_eq!(error.to_string(), "span 0 is 0..9, expected an end of at most 6");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SpanError {
    /// A span reaches past the end of the text.
    OutOfBounds {
        /// Number of the span.
        index: usize,
        /// First byte of the span.
        start: usize,
        /// One past the last byte of the span.
        end: usize,
        /// Length of the text in bytes.
        len: usize,
    },
    /// A span's edge lies inside a character.
    InsideCharacter {
        /// Number of the span.
        index: usize,
        /// The byte at which the edge lies.
        offset: usize,
    },
    /// A span covers nothing.
    Empty {
        /// Number of the span.
        index: usize,
        /// First byte of the span.
        start: usize,
        /// One past the last byte of the span.
        end: usize,
    },
    /// A span starts before the span in front of it.
    Order {
        /// Number of the span.
        index: usize,
        /// First byte of the span.
        start: usize,
        /// First byte of the span before it.
        previous: usize,
    },
    /// A span shares text with the span in front of it.
    Overlap {
        /// Number of the span.
        index: usize,
        /// First byte of the span.
        start: usize,
        /// One past the last byte of the span before it.
        previous: usize,
    },
    /// A label is empty or contains white space.
    Label {
        /// Number of the span.
        index: usize,
        /// The label of the span.
        label: String,
    },
    /// The sentiment is not a number from 0 to 1.
    Sentiment {
        /// The sentiment that was given.
        value: f32,
    },
    /// The text contains a NUL character.
    Nul {
        /// The byte at which the NUL character stands.
        offset: usize,
    },
    /// The text is longer than [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES).
    TooLong {
        /// Length of the text in bytes.
        len: usize,
        /// Longest text allowed, in bytes.
        max: usize,
    },
}

impl SpanError {
    /// Number of the span at fault; `None` if the fault is in the text or the sentiment.
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

    /// What there is.
    pub(crate) fn found(&self) -> String {
        match self {
            Self::OutOfBounds {
                index, start, end, ..
            }
            | Self::Empty { index, start, end } => {
                format!("span {index} is {start}..{end}")
            }
            Self::InsideCharacter { index, offset } => {
                format!("span {index} has an edge at {offset}, inside a character")
            }
            Self::Order { index, start, .. } | Self::Overlap { index, start, .. } => {
                format!("span {index} starts at {start}")
            }
            Self::Label { index, label } => format!("span {index} has the label {label:?}"),
            Self::Sentiment { value } => format!("sentiment is {value}"),
            Self::Nul { offset } => format!("text has a NUL character at {offset}"),
            Self::TooLong { len, .. } => format!("text of {len} bytes"),
        }
    }

    /// What there should be.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::OutOfBounds { len, .. } => format!("an end of at most {len}"),
            Self::InsideCharacter { .. } => "a boundary".into(),
            Self::Empty { .. } => "a start below its end".into(),
            Self::Order { previous, .. } => {
                format!("spans in order (the last began at {previous})")
            }
            Self::Overlap { previous, .. } => format!("{previous} or later (the last span's end)"),
            Self::Label { .. } => "a word without white space".into(),
            Self::Sentiment { .. } => "a number from 0 to 1".into(),
            Self::Nul { .. } => "none".into(),
            Self::TooLong { max, .. } => format!("at most {max}"),
        }
    }
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, expected {}", self.found(), self.expected())
    }
}

impl std::error::Error for SpanError {}
