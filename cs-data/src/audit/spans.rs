//! Spans that pass validation and yet cannot be what was meant.

use serde::Serialize;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::text::is_latin;

use super::row::{Row, RowRef};

/// What is wrong with a span.
///
/// ```
/// use cs_data::audit::SpanFaultKind;
/// assert!(SpanFaultKind::CutsWord.is_error());
/// assert!(!SpanFaultKind::Punctuation.is_error()); // "Yahoo!" may be right
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanFaultKind {
    /// The span has nothing but white space and punctuation.
    Blank,
    /// The span has white space at an edge.
    WhiteSpace,
    /// The span has an edge inside a word of Latin letters or inside a number. Tags over words
    /// cannot say it.
    CutsWord,
    /// The span has a comma, full stop or the like at an edge. Suspicious, not an error.
    Punctuation,
}

impl SpanFaultKind {
    /// Whether the fault counts as an IOB error.
    pub fn is_error(self) -> bool {
        self != SpanFaultKind::Punctuation
    }
}

/// A span at fault.
///
/// ```
/// use cs_data::audit::{Audit, Rules, SpanFaultKind};
/// use cs_data::{Dataset, Span, Utterance};
/// let row = Utterance::new("7", "fly to Boston").with_spans(vec![Span::new(6, 13, "city")]);
/// let report = Audit::new(&Dataset::from_utterances([row])?).run(&Rules::default())?;
/// let fault = &report.examples.span_faults[0];
/// assert_eq!((fault.kind, fault.surface.as_str()), (SpanFaultKind::WhiteSpace, " Boston"));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpanFault {
    /// What is wrong with the span.
    pub kind: SpanFaultKind,
    /// The text of the span.
    pub surface: String,
    /// Label of the span.
    pub label: String,
    /// The row that has the span.
    pub row: RowRef,
}

/// The first fault of each span, in order.
pub(super) fn faults(rows: &[Row]) -> Vec<SpanFault> {
    let mut faults = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let text = &row.utterance.text;
        for span in &row.utterance.spans {
            if let Some(kind) = fault(text, span.start, span.end) {
                faults.push(SpanFault {
                    kind,
                    surface: text[span.range()].to_owned(),
                    label: span.label.clone(),
                    row: RowRef::new(index, row),
                });
            }
        }
    }
    faults
}

fn fault(text: &str, start: usize, end: usize) -> Option<SpanFaultKind> {
    let surface = &text[start..end];
    let edges = || {
        let mut chars = surface.chars();
        let first = chars.next();
        [first, chars.next_back().or(first)].into_iter().flatten()
    };
    if surface
        .chars()
        .all(|char| char.is_whitespace() || is_punctuation(char))
    {
        Some(SpanFaultKind::Blank)
    } else if edges().any(char::is_whitespace) {
        Some(SpanFaultKind::WhiteSpace)
    } else if cuts_word(text, start) || cuts_word(text, end) {
        Some(SpanFaultKind::CutsWord)
    } else if edges().any(|char| ",.;:!?，。；：！？、".contains(char)) {
        Some(SpanFaultKind::Punctuation)
    } else {
        None
    }
}

/// Whether `byte` lies between two Latin letters or two digits. "10km" may be cut, "km" not.
pub(super) fn cuts_word(text: &str, byte: usize) -> bool {
    let (head, tail) = text.split_at(byte);
    match (head.chars().next_back(), tail.chars().next()) {
        (Some(before), Some(after)) => {
            (is_latin(before) && is_latin(after))
                || (before.is_ascii_digit() && after.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_punctuation(char: char) -> bool {
    char.general_category_group() == GeneralCategoryGroup::Punctuation
}
