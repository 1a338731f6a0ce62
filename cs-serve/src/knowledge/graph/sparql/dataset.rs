//! The graph as an evaluator of SPARQL sees it.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Instant;

use oxrdf::Term;
use spareval::{InternalQuad, QueryableDataset};

use crate::knowledge::graph::statements::{Pattern, Statement};
use crate::knowledge::graph::store::Graph;
use crate::knowledge::graph::terms::Id;

/// How many facts are looked at between two looks at the clock.
const FACTS_PER_LOOK: usize = 64;

/// What a query had too little of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Spent {
    Time,
    Facts,
}

/// What a query may still use.
#[derive(Clone)]
pub(super) struct Budget {
    left: Rc<Left>,
    until: Instant,
}

struct Left {
    facts: Cell<usize>,
    spent: Cell<Option<Spent>>,
}

impl Budget {
    pub(super) fn new(facts: usize, until: Instant) -> Self {
        let left = Left {
            facts: Cell::new(facts),
            spent: Cell::new(None),
        };
        Self {
            left: Rc::new(left),
            until,
        }
    }

    /// Tells what it had too little of.
    pub(super) fn spent(&self) -> Option<Spent> {
        self.left.spent.get()
    }

    pub(super) fn look_at_the_clock(&self) {
        if Instant::now() > self.until {
            self.left.spent.set(Some(Spent::Time));
        }
    }

    /// Tells whether a fact may be looked at; once it has said no, it always does.
    fn take_a_fact(&self) -> bool {
        let left = self.left.facts.get();
        self.left.facts.set(left.saturating_sub(1));
        if left == 0 && self.spent().is_none() {
            self.left.spent.set(Some(Spent::Facts));
        } else if left.is_multiple_of(FACTS_PER_LOOK) {
            self.look_at_the_clock();
        }
        self.spent().is_none()
    }
}

/// A graph while a query is answered.
///
/// When the budget is spent it has no more facts, so that the evaluation ends; its results are then
/// of no use. An error of the dataset would not do, as aggregates go on after one.
pub(super) struct Asked<'a> {
    pub(super) graph: &'a Graph,
    pub(super) budget: Budget,
}

/// A term of a query or of its answer. Those of the graph are always given by number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum AskedTerm {
    Known(Id),
    New(Term),
}

/// What is given at one place of a pattern.
enum Given {
    Nothing,
    Term(Id),
    /// No fact has it.
    Unknown,
}

impl From<Option<&AskedTerm>> for Given {
    fn from(term: Option<&AskedTerm>) -> Self {
        match term {
            None => Self::Nothing,
            Some(AskedTerm::Known(id)) => Self::Term(*id),
            Some(AskedTerm::New(_)) => Self::Unknown,
        }
    }
}

/// The pattern, unless it has a term that no fact has.
fn pattern(terms: [Option<&AskedTerm>; 3]) -> Option<Pattern> {
    let mut ids = [None; 3];
    for (id, term) in ids.iter_mut().zip(terms) {
        *id = match Given::from(term) {
            Given::Nothing => None,
            Given::Term(id) => Some(id),
            Given::Unknown => return None,
        };
    }
    let [subject, predicate, object] = ids;
    Some(Pattern {
        subject,
        predicate,
        object,
    })
}

impl<'a> QueryableDataset<'a> for Asked<'a> {
    type InternalTerm = AskedTerm;
    type Error = Infallible;

    fn internal_quads_for_pattern(
        &self,
        subject: Option<&AskedTerm>,
        predicate: Option<&AskedTerm>,
        object: Option<&AskedTerm>,
        graph_name: Option<Option<&AskedTerm>>,
    ) -> impl Iterator<Item = Result<InternalQuad<AskedTerm>, Infallible>> + use<'a> {
        let graph = self.graph;
        let budget = self.budget.clone();
        let in_default_graph = graph_name == Some(None);
        let pattern = pattern([subject, predicate, object]).filter(|_| in_default_graph);
        let found = pattern.map(|pattern| graph.statements().matching(pattern));
        let quad = |statement: Statement| InternalQuad {
            subject: AskedTerm::Known(statement.subject),
            predicate: AskedTerm::Known(statement.predicate),
            object: AskedTerm::Known(statement.object),
            graph_name: None,
        };
        let affordable = move |statement| budget.take_a_fact().then(|| Ok(quad(statement)));
        found.into_iter().flatten().map_while(affordable)
    }

    fn internalize_term(&self, term: Term) -> Result<AskedTerm, Infallible> {
        let known = self.graph.terms().find(term.as_ref());
        Ok(known.map_or(AskedTerm::New(term), AskedTerm::Known))
    }

    fn externalize_term(&self, term: AskedTerm) -> Result<Term, Infallible> {
        Ok(match term {
            AskedTerm::Known(id) => self.graph.terms().term(id),
            AskedTerm::New(term) => term,
        })
    }
}
