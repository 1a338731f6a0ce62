//! Spans as files have them.

use serde::Deserialize;

use crate::text::Span;

/// A span as files have it, in characters.
#[derive(Deserialize)]
pub(crate) struct SpanFields {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) label: String,
}

impl From<SpanFields> for Span {
    fn from(SpanFields { start, end, label }: SpanFields) -> Self {
        Span { start, end, label }
    }
}
