//! SPARQL over the graph, with what an answer may cost.

mod dataset;
mod query;
mod size;

pub(crate) use query::read;

use std::time::Instant;

use oxrdf::Term;
use spareval::{QueryEvaluationError, QueryEvaluator, QueryResults, QuerySolutionIter};

use super::store::Graph;
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::facts::{Datatype, Iri, Literal, Object, Rows};
use dataset::{Asked, Budget, Spent};

/// The stack on which the longest query can be read and answered, which is done by recursion. Only
/// what is used of it takes memory.
const STACK_BYTES: usize = 256 << 20;

/// Answers a query.
pub(super) fn select(graph: &Graph, sparql: &str) -> Result<Rows, KnowledgeError> {
    on_a_large_stack(|| select_here(graph, sparql))
}

/// Does something with a query on a thread of its own.
pub(crate) fn on_a_large_stack<T: Send>(
    task: impl FnOnce() -> Result<T, KnowledgeError> + Send,
) -> Result<T, KnowledgeError> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new()
            .name("query".into())
            .stack_size(STACK_BYTES);
        let thread = builder
            .spawn_scoped(scope, task)
            .map_err(|source| KnowledgeError::Thread { source })?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn select_here(graph: &Graph, sparql: &str) -> Result<Rows, KnowledgeError> {
    let limits = graph.limits();
    let budget = Budget::new(limits.facts, Instant::now() + limits.time());
    let query = read(sparql)?;
    let asked = Asked {
        graph,
        budget: budget.clone(),
    };
    let rows = match QueryEvaluator::new()
        .prepare(&query)
        .execute(asked)
        .map_err(failed)?
    {
        QueryResults::Boolean(answer) => Ok(Rows::of_ask(answer)),
        QueryResults::Solutions(solutions) => rows(solutions, &budget, limits.rows),
        QueryResults::Graph(_) => Ok(Rows::default()), // `read` has refused it
    };
    match budget.spent() {
        Some(Spent::Time) => Err(KnowledgeError::Time {
            after: limits.time(),
        }),
        Some(Spent::Facts) => Err(KnowledgeError::Facts { most: limits.facts }),
        None => rows,
    }
}

fn rows(
    solutions: QuerySolutionIter<'_>,
    budget: &Budget,
    most: usize,
) -> Result<Rows, KnowledgeError> {
    let columns = solutions
        .variables()
        .iter()
        .map(|variable| variable.as_str().to_owned())
        .collect();
    let mut rows = Vec::new();
    for solution in solutions {
        let solution = solution.map_err(failed)?;
        if rows.len() == most {
            return Err(KnowledgeError::Rows { most });
        }
        budget.look_at_the_clock();
        if budget.spent().is_some() {
            break;
        }
        rows.push(
            solution
                .values()
                .iter()
                .map(|value| value.as_ref().map(object))
                .collect(),
        );
    }
    Ok(Rows { columns, rows })
}

fn failed(error: QueryEvaluationError) -> KnowledgeError {
    KnowledgeError::Query {
        problem: error.to_string(),
    }
}

/// A term as whoever asks sees it.
pub(crate) fn object(term: &Term) -> Object {
    match term {
        Term::NamedNode(node) => Object::Entity(Iri::checked(node.as_str())),
        Term::BlankNode(node) => Object::Entity(Iri::checked(&node.to_string())),
        Term::Literal(literal) => Object::Literal(Literal {
            text: literal.value().to_owned(),
            datatype: Datatype::of(literal.datatype().as_str()),
            language: literal.language().map(str::to_owned),
        }),
    }
}
