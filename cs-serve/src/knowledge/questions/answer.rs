//! What a question is answered with.

use crate::knowledge::linking::Candidate;
use crate::knowledge::{Fact, Iri};

/// An answer, with the facts that it follows from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The values that were asked for.
    Attribute {
        /// What is known: one fact at least.
        facts: Vec<Fact>,
        /// The predicates of which nothing is known.
        missing: Vec<Iri>,
    },
    /// Yes or no.
    YesNo {
        /// Whether it is so.
        yes: bool,
        /// The facts that say so. There may be none if the answer is no and
        /// [everything that is so is stated](crate::knowledge::Predicate::closed).
        facts: Vec<Fact>,
    },
    /// Things that fulfil the conditions, are of the class that was asked about, or are at the end of the order that
    /// was asked for; several if they are as good.
    Things {
        /// The things: one at least.
        things: Vec<Iri>,
        /// The facts that were looked at: of each thing those of the conditions, and of all things
        /// compared the values.
        facts: Vec<Fact>,
    },
    /// The number of things that fulfil the conditions, which may be 0.
    Count {
        /// The number.
        count: usize,
        /// The facts by which they do.
        facts: Vec<Fact>,
    },
    /// Several things are called so: "which one do you mean?"
    Which {
        /// The things, the likeliest first.
        candidates: Vec<Candidate>,
    },
    /// The facts do not say.
    Unknown(Unknown),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// No template is for the turn's intent.
    #[error("no template for the intent {intent:?}")]
    Intent {
        /// The intent; empty if the turn has none.
        intent: String,
    },
    /// It is not said what the question is about, or only one thing to compare.
    #[error("nothing that the question could be about")]
    Subject,
    /// It is not said which property is asked for.
    #[error("no property that the question could be about")]
    Predicate,
    /// Nothing is stated of it.
    #[error("nothing is stated of {predicates:?} of {subject:?}")]
    Value {
        /// The thing.
        subject: Iri,
        /// Its properties that are asked for.
        predicates: Vec<Iri>,
    },
    /// The values of a property have no common order: they are texts, or of different units.
    #[error("values of {predicate} that have no order")]
    Order {
        /// The property.
        predicate: Iri,
    },
    /// More is asked of a thing than the facts can be held against.
    #[error("a condition that cannot be understood")]
    Condition,
    /// Nothing fulfils the conditions.
    #[error("nothing fulfils the conditions")]
    Nothing,
}
