//! What may be wrong with a file of facts.

use serde::Serialize;

/// The number of problems of a sort that are looked for.
pub(super) const MOST_PROBLEMS: usize = 1_000;

/// Whether a file can be used in spite of a [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot: answers would be wrong.
    Error,
    /// It can, though some of it may not be found, or found where it is not meant.
    Warning,
}

/// What sort of problem a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// What stands there is not Turtle; an IRI with a space, for one.
    Syntax,
    /// A literal is not of the type that it says.
    Datatype,
    /// A literal is longer than [`Limits::literal_bytes`](super::Limits::literal_bytes).
    LongLiteral,
    /// A thing has two values of a property that may have one.
    Contradiction,
    /// A class is, by way of others, a subclass of itself.
    Cycle,
    /// A thing has no `rdfs:label`, so that no text can name it.
    NoLabel,
    /// A thing's name is a common word, which texts use without meaning the thing.
    CommonWord,
}

impl ProblemKind {
    /// Tells whether a file with such a problem can be used.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::NoLabel | Self::CommonWord => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Something that is wrong at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in Unicode scalar values, from 1.
    pub column: usize,
    /// Whether the file can be used.
    pub severity: Severity,
    /// What sort of problem it is.
    pub kind: ProblemKind,
    /// What is there, and what was expected.
    pub problem: String,
}

/// A place of a file, both from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Problem {
    pub(super) fn new(place: Place, kind: ProblemKind, problem: impl Into<String>) -> Self {
        Self {
            line: place.line,
            column: place.column,
            severity: kind.severity(),
            kind,
            problem: problem.into(),
        }
    }
}

/// A problem before its place is looked up.
#[derive(Debug)]
pub(super) struct Finding {
    /// The line at whose end the triple was read.
    pub(super) line: u32,
    /// What stands at the place.
    pub(super) at: String,
    pub(super) kind: ProblemKind,
    pub(super) problem: String,
}
