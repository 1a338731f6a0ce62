//! Spans of tag sequences, as seqeval reads them.

use cs_data::{Scheme, Span};

/// How tags that break the scheme are read.
///
/// ```
/// use cs_data::Span;
/// use cs_train::metrics::TagMode;
///
/// let tags = ["B-city", "I-city", "O", "I-date"];
/// assert_eq!(TagMode::Strict.spans(&tags), [Span::new(0, 2, "city")]);
/// assert_eq!(TagMode::Default.spans(&tags), [Span::new(0, 2, "city"), Span::new(3, 4, "date")]);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TagMode {
    /// An `I-x` that continues nothing opens a span: seqeval's default, and conlleval's.
    #[default]
    Default,
    /// Only `B-x` opens a span: seqeval's `mode="strict", scheme=IOB2`.
    Strict,
}

impl TagMode {
    /// The spans of IOB2 tags, in tokens: `start` is the index of a span's first tag, `end` one
    /// past that of its last. What is no tag of IOB2 counts as `O`. O(tags).
    ///
    /// Scores of tag sequences are those of
    /// [`LabelCounts::add_spans`](super::LabelCounts::add_spans) over the spans of each sequence.
    #[must_use]
    pub fn spans<S: AsRef<str>>(self, tags: &[S]) -> Vec<Span> {
        let tokens: Vec<_> = (0..tags.len()).map(|at| at..at + 1).collect();
        let mut spans = Scheme::Iob2.decode_lenient(&tokens, tags);
        if self == Self::Strict {
            spans.retain(|span| tags[span.start].as_ref().starts_with("B-"));
        }
        spans
    }
}
