//! Triples of numbers, sorted three ways so that whatever is given of one stands together.

use super::terms::Id;

/// A triple in one of the three orders.
pub(super) type Triple = [Id; 3];

/// What is given of a triple.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pattern {
    pub(super) subject: Option<Id>,
    pub(super) predicate: Option<Id>,
    pub(super) object: Option<Id>,
}

/// A triple by the parts' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) subject: Id,
    pub(super) predicate: Id,
    pub(super) object: Id,
}

/// Which part of a triple stands where.
#[derive(Debug, Clone, Copy)]
enum Order {
    SubjectPredicateObject,
    PredicateObjectSubject,
    ObjectSubjectPredicate,
}

impl Order {
    fn statement(self, [a, b, c]: Triple) -> Statement {
        let (subject, predicate, object) = match self {
            Self::SubjectPredicateObject => (a, b, c),
            Self::PredicateObjectSubject => (c, a, b),
            Self::ObjectSubjectPredicate => (b, c, a),
        };
        Statement {
            subject,
            predicate,
            object,
        }
    }
}

/// All triples of a graph.
#[derive(Debug, Default)]
pub(super) struct Statements {
    by_subject: Vec<Triple>,
    by_predicate: Vec<Triple>,
    by_object: Vec<Triple>,
}

impl Statements {
    /// Takes triples of subject, predicate and object, in any order and repeated or not.
    pub(super) fn new(mut by_subject: Vec<Triple>) -> Self {
        by_subject.sort_unstable();
        by_subject.dedup();
        by_subject.shrink_to_fit();
        let mut by_predicate: Vec<_> = by_subject.iter().map(|&[s, p, o]| [p, o, s]).collect();
        by_predicate.sort_unstable();
        let mut by_object: Vec<_> = by_subject.iter().map(|&[s, p, o]| [o, s, p]).collect();
        by_object.sort_unstable();
        Self {
            by_subject,
            by_predicate,
            by_object,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_subject.len()
    }

    /// Gives the triples that a pattern fits, found by two binary searches.
    pub(super) fn matching(
        &self,
        pattern: Pattern,
    ) -> impl ExactSizeIterator<Item = Statement> + Clone + use<'_> {
        let Pattern {
            subject,
            predicate,
            object,
        } = pattern;
        let (order, triples, given) = match (subject, predicate, object) {
            (Some(s), Some(p), o) => (
                Order::SubjectPredicateObject,
                &self.by_subject,
                [Some(s), Some(p), o],
            ),
            (Some(s), None, None) => (
                Order::SubjectPredicateObject,
                &self.by_subject,
                [Some(s), None, None],
            ),
            (None, Some(p), o) => (
                Order::PredicateObjectSubject,
                &self.by_predicate,
                [Some(p), o, None],
            ),
            (s, None, Some(o)) => (
                Order::ObjectSubjectPredicate,
                &self.by_object,
                [Some(o), s, None],
            ),
            (None, None, None) => (Order::SubjectPredicateObject, &self.by_subject, [None; 3]),
        };
        let least = given.map(|part| part.unwrap_or(Id::MIN));
        let most = given.map(|part| part.unwrap_or(Id::MAX));
        let start = triples.partition_point(|triple| *triple < least);
        let end = triples.partition_point(|triple| *triple <= most);
        triples[start..end]
            .iter()
            .map(move |&triple| order.statement(triple))
    }

    /// Gives each predicate once.
    pub(super) fn predicates(&self) -> impl Iterator<Item = Id> + '_ {
        let mut rest = self.by_predicate.as_slice();
        std::iter::from_fn(move || {
            let &[predicate, ..] = rest.first()?;
            rest = &rest[rest.partition_point(|triple| triple[0] <= predicate)..];
            Some(predicate)
        })
    }

    /// Gives each subject once.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Id> + '_ {
        self.by_subject
            .chunk_by(|a, b| a[0] == b[0])
            .map(|chunk| chunk[0][0])
    }
}
