//! What is wrong with facts that are well written.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use oxrdf::{Literal, Term};
use oxsdatatypes::{Boolean, Date, DateTime, Double, Time};

use super::limits::Limits;
use super::problems::{Finding, MOST_PROBLEMS, ProblemKind};
use super::reading::Source;
use super::schema::Sorts;
use super::statements::{Pattern, Statement};
use super::store::Graph;
use super::terms::Id;
use super::vocabulary::{ALT_LABEL, FUNCTIONAL, LABEL, SUB_CLASS_OF, TYPE, is_of_graphs};
use crate::knowledge::common_words::is_common_word;
use crate::knowledge::facts::{Datatype, Named};

/// Tells what is wrong with a literal by itself.
pub(super) fn literal(literal: &Literal, limits: &Limits) -> Option<(ProblemKind, String)> {
    let text = literal.value();
    if text.len() > limits.literal_bytes {
        let problem = format!(
            "a literal of {} bytes, expected at most {}",
            text.len(),
            limits.literal_bytes
        );
        return Some((ProblemKind::LongLiteral, problem));
    }
    let expected = expected(Datatype::of(literal.datatype().as_str()), text)?;
    let shown: String = text.chars().take(40).collect();
    let datatype = literal.datatype().as_str();
    let datatype = datatype.rsplit('#').next().unwrap_or(datatype);
    Some((
        ProblemKind::Datatype,
        format!("{shown:?} is no xsd:{datatype}, expected one as {expected}"),
    ))
}

/// An example of a datatype, if a text is none of it.
fn expected(datatype: Datatype, text: &str) -> Option<&'static str> {
    let (is_such, example) = match datatype {
        Datatype::Boolean => (Boolean::from_str(text).is_ok(), "true"),
        Datatype::Integer => (is_decimal(text, false), "42"),
        Datatype::Decimal => (is_decimal(text, true), "4.2"),
        Datatype::Double => (Double::from_str(text).is_ok(), "4.2e1"),
        Datatype::Date => (Date::from_str(text).is_ok(), "2024-06-03"),
        Datatype::Time => (Time::from_str(text).is_ok(), "20:30:00"),
        Datatype::DateTime => (DateTime::from_str(text).is_ok(), "2024-06-03T20:30:00"),
        Datatype::String | Datatype::Other => return None,
    };
    (!is_such).then_some(example)
}

fn is_decimal(text: &str, with_fraction: bool) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if with_fraction => (whole, fraction),
        Some(_) => return false,
        None => (digits, ""),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty()) && are_digits(whole) && are_digits(fraction)
}

/// Finds what makes a graph unusable.
pub(super) fn errors(graph: &Graph, source: &Source<'_>) -> Vec<Finding> {
    let mut findings = contradictions(graph, source);
    findings.extend(cycles(graph, source));
    findings
}

/// Finds what may be meant otherwise.
pub(super) fn warnings(graph: &Graph, source: &Source<'_>) -> Vec<Finding> {
    let mut findings = unnamed(graph, source);
    findings.extend(common_words(graph, source));
    findings
}

/// Second values of properties that may have one; texts may have one in each language.
fn contradictions(graph: &Graph, source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for predicate in graph.of_class(FUNCTIONAL) {
        let pattern = Pattern {
            predicate: Some(predicate),
            ..Pattern::default()
        };
        let mut first: HashMap<(Id, Option<String>), Id> = HashMap::new();
        for statement in graph.statements().matching(pattern) {
            let language = language(graph, statement.object);
            let known = *first
                .entry((statement.subject, language))
                .or_insert(statement.object);
            if known != statement.object && findings.len() < MOST_PROBLEMS {
                findings.push(contradiction(graph, source, statement, known));
            }
        }
    }
    findings
}

fn contradiction(graph: &Graph, source: &Source<'_>, second: Statement, known: Id) -> Finding {
    let terms = graph.terms();
    Finding {
        line: source.line(second),
        at: shortened(terms.text(second.object)),
        kind: ProblemKind::Contradiction,
        problem: format!(
            "{} is {:?} and {:?} of <{}>, expected one value, as it is an owl:FunctionalProperty",
            shortened(terms.text(second.predicate)),
            shortened(terms.text(known)),
            shortened(terms.text(second.object)),
            terms.text(second.subject),
        ),
    }
}

fn language(graph: &Graph, id: Id) -> Option<String> {
    match graph.terms().term(id) {
        Term::Literal(literal) => literal.language().map(str::to_owned),
        _ => None,
    }
}

/// The last part of an IRI, or the beginning of a value.
fn shortened(text: &str) -> String {
    let last = match text.contains("://") || text.starts_with("urn:") {
        true => text.rsplit(['/', '#', ':']).next().unwrap_or(text),
        false => text,
    };
    last.chars()
        .take_while(|c| !"\"\\\n\r".contains(*c))
        .take(40)
        .collect()
}

/// Statements that make a class a subclass of itself: what is left when classes without superclasses
/// are taken away again and again, and then those without subclasses.
fn cycles(graph: &Graph, source: &Source<'_>) -> Vec<Finding> {
    let mut edges: Vec<Statement> = graph.with_predicate(SUB_CLASS_OF).collect();
    loop {
        let before = edges.len();
        let below: HashSet<Id> = edges.iter().map(|edge| edge.subject).collect();
        let above: HashSet<Id> = edges.iter().map(|edge| edge.object).collect();
        edges.retain(|edge| below.contains(&edge.object) && above.contains(&edge.subject));
        if edges.len() == before {
            break;
        }
    }
    let finding = |edge: &Statement| Finding {
        line: source.line(*edge),
        at: shortened(graph.terms().text(edge.object)),
        kind: ProblemKind::Cycle,
        problem: format!(
            "{} is a subclass of {}, and that by way of others of it, expected no circle",
            shortened(graph.terms().text(edge.subject)),
            shortened(graph.terms().text(edge.object)),
        ),
    };
    edges.iter().take(MOST_PROBLEMS).map(finding).collect()
}

/// Things, classes and properties that no text can name.
fn unnamed(graph: &Graph, source: &Source<'_>) -> Vec<Finding> {
    let named: HashSet<Id> = graph
        .with_predicate(LABEL)
        .map(|statement| statement.subject)
        .collect();
    let is_unnamed = |id: Id| {
        graph.terms().iri(id).is_some_and(|iri| !is_of_graphs(iri)) && !named.contains(&id)
    };
    let subjects = graph.statements().subjects().filter_map(|id| {
        first(
            graph,
            Pattern {
                subject: Some(id),
                ..Pattern::default()
            },
        )
        .map(|first| (id, first))
    });
    let predicates = graph.statements().predicates().filter_map(|id| {
        first(
            graph,
            Pattern {
                predicate: Some(id),
                ..Pattern::default()
            },
        )
        .map(|first| (id, first))
    });
    let classes = graph
        .with_predicate(TYPE)
        .map(|statement| (statement.object, statement));
    let mut seen = HashSet::new();
    let unnamed = subjects.chain(predicates).chain(classes);
    let unnamed = unnamed.filter(|(id, _)| is_unnamed(*id) && seen.insert(*id));
    let finding = |(id, statement): (Id, Statement)| Finding {
        line: source.line(statement),
        at: shortened(graph.terms().text(id)),
        kind: ProblemKind::NoLabel,
        problem: format!(
            "<{}> has no rdfs:label, so that no text can name it",
            graph.terms().text(id)
        ),
    };
    unnamed.take(MOST_PROBLEMS).map(finding).collect()
}

fn first(graph: &Graph, pattern: Pattern) -> Option<Statement> {
    graph.statements().matching(pattern).next()
}

/// Names of things that texts use without meaning them.
fn common_words(graph: &Graph, source: &Source<'_>) -> Vec<Finding> {
    let sorts = Sorts::of(graph);
    let names = [LABEL, ALT_LABEL]
        .into_iter()
        .flat_map(|predicate| graph.with_predicate(predicate));
    let is_entity = |statement: &Statement| {
        graph
            .terms()
            .iri(statement.subject)
            .is_some_and(|iri| !is_of_graphs(iri))
            && sorts.named(statement.subject) == Named::Entity
    };
    let is_common = |statement: &Statement| {
        let name = graph.terms().text(statement.object).to_lowercase();
        name.chars().count() < 2 || is_common_word(&name)
    };
    let common = names.filter(|name| is_entity(name) && is_common(name));
    let finding = |statement: Statement| Finding {
        line: source.line(statement),
        at: shortened(graph.terms().text(statement.object)),
        kind: ProblemKind::CommonWord,
        problem: format!(
            "the name {:?} is a common word, expected one that means <{}> alone",
            graph.terms().text(statement.object),
            graph.terms().text(statement.subject),
        ),
    };
    common.take(MOST_PROBLEMS).map(finding).collect()
}
