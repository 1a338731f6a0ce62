//! In which way spans are wrong.

use cs_data::Span;
use serde::{Deserialize, Serialize};

/// What is wrong with a span, after the categories of MUC-5 (Chinchor and Sundheim 1993) as
/// SemEval-2013 task 9 has them.
///
/// ```
/// use cs_data::Span;
/// use cs_train::metrics::{MismatchKind, span_mismatches};
///
/// let (gold, predicted) = ([Span::new(0, 5, "city")], [Span::new(0, 5, "date")]);
/// let errors = span_mismatches(&gold, &predicted);
/// assert_eq!(errors[0].kind, MismatchKind::WrongLabel);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MismatchKind {
    /// A gold span that no prediction touches.
    Missed,
    /// A predicted span that no gold span touches.
    Spurious,
    /// Right ends, wrong label.
    WrongLabel,
    /// Right label, overlapping, but not from the same start to the same end.
    WrongBoundary,
    /// Overlapping, with another label and other ends.
    WrongBoth,
}

impl MismatchKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Missed,
        Self::Spurious,
        Self::WrongLabel,
        Self::WrongBoundary,
        Self::WrongBoth,
    ];
}

/// A wrong span, with what it was taken for.
///
/// ```
/// use cs_data::Span;
/// let gold = [Span::new(0, 5, "city")];
/// let errors = cs_train::metrics::span_mismatches(&gold, &[]);
/// assert_eq!((errors[0].gold.unwrap().end, errors[0].predicted), (5, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanMismatch<'a> {
    /// In which way it is wrong.
    pub kind: MismatchKind,
    /// The gold span; `None` of a spurious one.
    pub gold: Option<&'a Span>,
    /// The predicted span; `None` of a missed one.
    pub predicted: Option<&'a Span>,
}

type Rule = (MismatchKind, fn(&Span, &Span) -> bool);

/// Which pairs are matched, in this order.
const RULES: [Rule; 3] = [
    (MismatchKind::WrongLabel, |a, b| a.range() == b.range()),
    (MismatchKind::WrongBoundary, |a, b| {
        overlap(a, b) && a.label == b.label
    }),
    (MismatchKind::WrongBoth, overlap),
];

fn overlap(a: &Span, b: &Span) -> bool {
    a.start < b.end && b.start < a.end
}

/// What is wrong with one text's predicted spans.
///
/// Spans that are right are set aside; of the rest, pairs with the same ends are matched first,
/// then overlapping pairs with the same label, then overlapping pairs, each in the order of the
/// text and each span once. What is left is missed or spurious. O(gold · predicted) of one text.
#[must_use]
pub fn span_mismatches<'a>(gold: &'a [Span], predicted: &'a [Span]) -> Vec<SpanMismatch<'a>> {
    let unmatched = |spans: &'a [Span], others: &[Span]| -> Vec<&'a Span> {
        spans.iter().filter(|span| !others.contains(span)).collect()
    };
    let mut gold_left = unmatched(gold, predicted);
    let mut predicted_left = unmatched(predicted, gold);
    let mut errors = Vec::new();
    for (kind, pairs) in RULES {
        gold_left.retain(|gold| {
            let Some(at) = predicted_left.iter().position(|other| pairs(gold, other)) else {
                return true;
            };
            errors.push(SpanMismatch {
                kind,
                gold: Some(gold),
                predicted: Some(predicted_left.remove(at)),
            });
            false
        });
    }
    errors.extend(gold_left.into_iter().map(|gold| SpanMismatch {
        kind: MismatchKind::Missed,
        gold: Some(gold),
        predicted: None,
    }));
    errors.extend(predicted_left.into_iter().map(|predicted| SpanMismatch {
        kind: MismatchKind::Spurious,
        gold: None,
        predicted: Some(predicted),
    }));
    errors
}
