//! Personal data, with their places in a text.

use serde::Serialize;

use super::kind::Kind;
use super::numbers::Numbers;
use super::recognizers::{self, Span};
use super::view::View;

/// Where a text has personal data, without what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What kind they are of.
    pub kind: Kind,
    /// Their first character, counted in Unicode scalar values.
    pub start: usize,
    /// The character after their last.
    pub end: usize,
}

/// Finds the personal data of a text, from left to right and without overlaps: of two that overlap, the
/// longer stands, and of those the surer. Takes time in proportion to the text, some 10 µs for a turn
/// of 50 characters. What a masked text has in place of values is none.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    let view = View::of(text);
    let numbers = Numbers::of(&view);
    let mut spans = recognizers::find(&view, &numbers);
    spans.sort_by_key(|it| {
        (
            std::cmp::Reverse((it.end - it.start, it.certainty)),
            it.start,
        )
    });
    let told = |it: Span| {
        let (start, end) = view.original(it.start, it.end);
        Found {
            kind: it.kind,
            start,
            end,
        }
    };
    without_overlaps(spans.into_iter().map(told))
}

/// Keeps what overlaps nothing before it, and puts that in the text's order.
pub(super) fn without_overlaps(found: impl IntoIterator<Item = Found>) -> Vec<Found> {
    let mut kept = std::collections::BTreeMap::new();
    for it in found {
        let before = kept.range(..it.end).next_back();
        if before.is_none_or(|(_, before): (_, &Found)| before.end <= it.start) {
            kept.insert(it.start, it);
        }
    }
    kept.into_values().collect()
}
