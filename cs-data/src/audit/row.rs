//! The rows that an audit looks at, how a finding names one, and those that could not be read.

use serde::Serialize;

use crate::error::Error;
use crate::text::{Utterance, normalize};

/// Characters of a text that a finding shows.
const SHOWN_CHARS: usize = 120;

/// A row and its normal form.
pub(super) struct Row {
    pub(super) utterance: Utterance,
    pub(super) normal: String,
}

impl Row {
    pub(super) fn new(utterance: Utterance) -> Self {
        Row {
            normal: normalize(&utterance.text),
            utterance,
        }
    }
}

/// A row of the data.
///
/// ```
/// use cs_data::audit::RowRef;
/// let row = RowRef { row: 0, id: "7".into(), text: "你好".into() };
/// assert_eq!(serde_json::to_value(&row).unwrap()["id"], "7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowRef {
    /// Position of the row in the data, from 0.
    pub row: usize,
    /// Id of the row.
    pub id: String,
    /// Text of the row, cut after 120 characters.
    pub text: String,
}

impl RowRef {
    pub(super) fn new(index: usize, row: &Row) -> Self {
        RowRef {
            row: index,
            id: row.utterance.id.clone(),
            text: Self::clip(&row.utterance.text),
        }
    }

    pub(super) fn clip(text: &str) -> String {
        match text.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        }
    }
}

/// A row that a lenient reader left out.
///
/// ```
/// use cs_data::audit::ReadFault;
/// let fault = ReadFault::new("train.conll:7:1: \"I-city\" after O, expected B-city", true);
/// assert!(fault.labels);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReadFault {
    /// What is wrong, with the file and where in it.
    pub message: String,
    /// Whether spans or tags are at fault; then the row counts as an IOB error.
    pub labels: bool,
}

impl From<&Error> for ReadFault {
    fn from(error: &Error) -> Self {
        let labels = match error {
            Error::Text { labels, .. } => *labels,
            Error::Cell { column, .. } => column == "spans",
            _ => false,
        };
        ReadFault::new(error.to_string(), labels)
    }
}

impl ReadFault {
    /// Makes a fault of a message and of whether spans or tags are at fault.
    pub fn new(message: impl Into<String>, labels: bool) -> Self {
        ReadFault {
            message: message.into(),
            labels,
        }
    }
}
