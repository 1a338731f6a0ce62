//! Queries read, and refused where no limit could hold them.

use std::collections::HashSet;

use spargebra::algebra::GraphPattern;
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use spargebra::{Query, SparqlParser};

use super::size::Size;
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::graph::vocabulary::PREFIXES;

/// The length of a query in bytes.
const MOST_BYTES: usize = 8_192;
/// How deep brackets may stand in each other, and how many prefix operators in a row, as queries are
/// read and answered by recursion.
const MOST_NESTED: usize = 50;
/// Triples, steps of paths and operators between patterns: the time that it takes to put them in
/// order grows steeply with their number, and no clock is looked at.
const MOST_PATTERNS: usize = 64;
/// Operands and operators of expressions, which are evaluated for each row.
const MOST_EXPRESSIONS: usize = 500;
/// Calls of `CONCAT` and `REPLACE`: each may multiply the length of what the one before has made.
const MOST_CONCATENATIONS: usize = 2;
/// Patterns that share no variable, of which one at most fits many facts.
const MOST_APART: usize = 3;
/// The rows of a `VALUES` that count as few.
const FEW_ROWS: usize = 10;

/// Reads a `SELECT` or an `ASK`, in which the usual prefixes need no declaration.
pub(crate) fn read(sparql: &str) -> Result<Query, KnowledgeError> {
    if sparql.len() > MOST_BYTES {
        return refused(format!(
            "{} bytes, expected at most {MOST_BYTES}",
            sparql.len()
        ));
    }
    if nesting(sparql) > MOST_NESTED {
        return refused(format!(
            "brackets or operators nested deeper than {MOST_NESTED}"
        ));
    }
    let mut parser = SparqlParser::new();
    for (prefix, namespace) in PREFIXES {
        parser = parser
            .with_prefix(prefix, namespace)
            .map_err(|error| KnowledgeError::Query {
                problem: error.to_string(),
            })?;
    }
    let query = parser
        .parse_query(sparql)
        .map_err(|error| KnowledgeError::Query {
            problem: error.to_string(),
        })?;
    match &query {
        Query::Select { pattern, .. } | Query::Ask { pattern, .. } => {
            bounded(&Size::of(pattern))?;
            connected(pattern)?;
        }
        Query::Construct { .. } => return refused("a CONSTRUCT, expected SELECT or ASK".into()),
        Query::Describe { .. } => return refused("a DESCRIBE, expected SELECT or ASK".into()),
    }
    Ok(query)
}

fn refused<T>(problem: String) -> Result<T, KnowledgeError> {
    Err(KnowledgeError::Query { problem })
}

fn bounded(size: &Size) -> Result<(), KnowledgeError> {
    let bounds = [
        (size.patterns, MOST_PATTERNS, "triples, steps and operators"),
        (
            size.expressions,
            MOST_EXPRESSIONS,
            "operands and operators of expressions",
        ),
        (
            size.concatenations,
            MOST_CONCATENATIONS,
            "calls of CONCAT and REPLACE",
        ),
    ];
    match bounds.into_iter().find(|(found, most, _)| found > most) {
        Some((found, most, what)) => refused(format!("{found} {what}, expected at most {most}")),
        None => Ok(()),
    }
}

fn nesting(sparql: &str) -> usize {
    let (mut open, mut operators, mut most) = (0_usize, 0, 0);
    for byte in sparql.bytes() {
        match byte {
            b'(' | b'{' | b'[' => open += 1,
            b')' | b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        match byte {
            b'!' | b'-' | b'+' | b'^' => operators += 1,
            b' ' | b'\n' | b'\t' | b'\r' => {}
            _ => operators = 0,
        }
        most = most.max(open).max(operators);
    }
    most
}

/// A part of a pattern that is joined to others by the variables they share.
struct Part<'a> {
    /// The names of its variables and blank nodes.
    variables: HashSet<&'a str>,
    /// Whether it says of what or of which value it is, so that few facts fit it.
    bounded: bool,
}

/// Refuses a pattern with two parts that share no variable, unless one of them fits few facts, and
/// one with many such: all pairs of what fits them are formed, between which no clock is looked at.
fn connected(pattern: &GraphPattern) -> Result<(), KnowledgeError> {
    let mut parts = Vec::new();
    collect(pattern, &mut parts)?;
    let mut joined: Vec<Part<'_>> = Vec::new();
    for mut part in parts {
        let (shared, apart) = joined
            .into_iter()
            .partition(|other| !other.variables.is_disjoint(&part.variables));
        joined = apart;
        for other in Vec::<Part<'_>>::from_iter(shared) {
            part.bounded |= other.bounded;
            part.variables.extend(other.variables);
        }
        joined.push(part);
    }
    let open = joined.iter().filter(|part| !part.bounded).count();
    if open > 1 || joined.len() > MOST_APART {
        return refused(
            "patterns that share no variable, expected each to be joined to the others".into(),
        );
    }
    Ok(())
}

fn collect<'a>(pattern: &'a GraphPattern, parts: &mut Vec<Part<'a>>) -> Result<(), KnowledgeError> {
    let mut apart = false;
    match pattern {
        GraphPattern::Bgp { patterns } => parts.extend(patterns.iter().map(part_of_triple)),
        GraphPattern::Path {
            subject, object, ..
        } => {
            parts.push(part(subject, None, object));
        }
        GraphPattern::Join { left, right } | GraphPattern::LeftJoin { left, right, .. } => {
            collect(left, parts)?;
            collect(right, parts)?;
        }
        GraphPattern::Lateral { left, right } => {
            collect(left, parts)?;
            collect(right, parts)?;
        }
        GraphPattern::Minus { left, right } => {
            collect(left, parts)?;
            connected(right)?;
        }
        GraphPattern::Filter { inner, .. }
        | GraphPattern::Extend { inner, .. }
        | GraphPattern::Graph { inner, .. }
        | GraphPattern::OrderBy { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. }
        | GraphPattern::Service { inner, .. } => collect(inner, parts)?,
        GraphPattern::Union { left, right } => {
            connected(left)?;
            connected(right)?;
            apart = true;
        }
        GraphPattern::Project { inner, .. } | GraphPattern::Group { inner, .. } => {
            connected(inner)?;
            apart = true;
        }
        GraphPattern::Values { .. } => apart = true,
    }
    if apart {
        let bounded =
            matches!(pattern, GraphPattern::Values { bindings, .. } if bindings.len() <= FEW_ROWS);
        let mut variables = HashSet::new();
        pattern.on_in_scope_variable(|variable| {
            variables.insert(variable.as_str());
        });
        parts.push(Part { variables, bounded });
    }
    Ok(())
}

fn part_of_triple(triple: &TriplePattern) -> Part<'_> {
    let predicate = match &triple.predicate {
        NamedNodePattern::Variable(variable) => Some(variable.as_str()),
        NamedNodePattern::NamedNode(_) => None,
    };
    part(&triple.subject, predicate, &triple.object)
}

fn part<'a>(
    subject: &'a TermPattern,
    predicate: Option<&'a str>,
    object: &'a TermPattern,
) -> Part<'a> {
    let bounded =
        matches!(subject, TermPattern::NamedNode(_)) || matches!(object, TermPattern::Literal(_));
    let variables = [open(subject), predicate, open(object)];
    Part {
        variables: variables.into_iter().flatten().collect(),
        bounded,
    }
}

fn open(term: &TermPattern) -> Option<&str> {
    match term {
        TermPattern::Variable(variable) => Some(variable.as_str()),
        TermPattern::BlankNode(node) => Some(node.as_str()),
        TermPattern::NamedNode(_) | TermPattern::Literal(_) => None,
    }
}
