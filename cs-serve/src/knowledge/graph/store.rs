//! A graph in memory.

use std::path::Path;

use oxrdf::{NamedNode, NamedNodeRef};
use sha2::{Digest, Sha256};

use super::limits::Limits;
use super::problems::{Finding, Problem};
use super::reading::{Reading, Source};
use super::statements::{Pattern, Statement, Statements};
use super::terms::{Id, Terms};
use super::vocabulary::{CS, TYPE};
use super::{schema, sparql, validate};
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::facts::{Fact, Facts, Iri, Name, Object, Predicate, Rows};

/// Facts in memory, read from Turtle or N-Triples.
///
/// A million facts about 100,000 things take about 100 MB. Properties may declare a unit (`cs:unit`) and
/// that all there is of them is stated (`cs:closed`), and what the thing with the least or the most of it is called
/// (`cs:lowest "cheapest"`, `cs:highest`); the prefix `cs` is what the file declares it to
/// be, else `urn:customer-service-model:`.
///
/// ```
/// use cs_serve::knowledge::{Facts, Graph, Iri, Limits};
///
/// let turtle = r#"
///     @prefix : <http://shop.example/> .
///     @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
///     :kettle rdfs:label "电热水壶"@zh, "electric kettle"@en ; :price 199 .
/// "#;
/// let graph = Graph::from_turtle(turtle, &Limits::default())?;
/// let kettle = Iri::new("http://shop.example/kettle")?;
/// assert_eq!(graph.about(&kettle)?.len(), 3);
/// let rows = graph.select("SELECT ?thing { ?thing <http://shop.example/price> ?p FILTER(?p < 200) }")?;
/// assert_eq!(rows.rows.len(), 1);
/// # Ok::<(), cs_serve::knowledge::KnowledgeError>(())
/// ```
#[derive(Debug)]
pub struct Graph {
    terms: Terms,
    statements: Statements,
    unit: NamedNode,
    closed: NamedNode,
    lowest: NamedNode,
    highest: NamedNode,
    limits: Limits,
    version: String,
}

impl Graph {
    /// Reads a file of Turtle or N-Triples.
    ///
    /// # Errors
    /// The file cannot be read or is too large; [`KnowledgeError::File`] names the first place of it
    /// that is wrong: see [`ProblemKind`](super::ProblemKind).
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, KnowledgeError> {
        Self::from_bytes(&read(path)?, path, limits)
    }

    /// Reads a text of Turtle or N-Triples.
    ///
    /// # Errors
    /// As [`Self::open`]; the path is `<turtle>`.
    pub fn from_turtle(text: &str, limits: &Limits) -> Result<Self, KnowledgeError> {
        Self::from_bytes(text.as_bytes(), Path::new("<turtle>"), limits)
    }

    /// Gives all that is wrong with a file or may be meant otherwise, in its order; at most 1,000 of
    /// each sort.
    ///
    /// # Errors
    /// The file cannot be read or is too large.
    pub fn validate(path: &Path, limits: &Limits) -> Result<Vec<Problem>, KnowledgeError> {
        let text = read(path)?;
        let reading = Reading::of(&text, path, limits)?;
        let (graph, source, mut findings) = Self::load(reading, &text, limits);
        findings.extend(validate::warnings(&graph, &source));
        Ok(source.problems(findings))
    }

    /// Gives the number of facts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Tells whether there is no fact.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn from_bytes(text: &[u8], path: &Path, limits: &Limits) -> Result<Self, KnowledgeError> {
        let reading = Reading::of(text, path, limits)?;
        let (graph, source, findings) = Self::load(reading, text, limits);
        let problems = source.problems(findings);
        let Some(first) = problems.first() else {
            return Ok(graph);
        };
        let mut problem = first.problem.clone();
        if problems.len() > 1 {
            problem += &format!(" (and {} more problems)", problems.len() - 1);
        }
        Err(KnowledgeError::File {
            path: path.into(),
            line: first.line,
            column: first.column,
            problem,
        })
    }

    fn load<'a>(
        reading: Reading,
        text: &'a [u8],
        limits: &Limits,
    ) -> (Self, Source<'a>, Vec<Finding>) {
        let Reading {
            mut terms,
            triples,
            lines,
            syntax,
            mut findings,
            namespace,
        } = reading;
        terms.shrink();
        let namespace = namespace.as_deref().unwrap_or(CS);
        let graph = Self {
            terms,
            statements: Statements::new(triples.clone()),
            unit: NamedNode::new_unchecked(format!("{namespace}unit")),
            closed: NamedNode::new_unchecked(format!("{namespace}closed")),
            lowest: NamedNode::new_unchecked(format!("{namespace}lowest")),
            highest: NamedNode::new_unchecked(format!("{namespace}highest")),
            limits: limits.clone(),
            version: version(text),
        };
        let source = Source {
            text,
            triples,
            lines,
            syntax,
        };
        findings.extend(validate::errors(&graph, &source));
        (graph, source, findings)
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.statements
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn unit(&self) -> NamedNodeRef<'_> {
        self.unit.as_ref()
    }

    pub(super) fn closed(&self) -> NamedNodeRef<'_> {
        self.closed.as_ref()
    }

    pub(super) fn lowest(&self) -> NamedNodeRef<'_> {
        self.lowest.as_ref()
    }

    pub(super) fn highest(&self) -> NamedNodeRef<'_> {
        self.highest.as_ref()
    }

    /// The statements with a predicate.
    pub(super) fn with_predicate(
        &self,
        predicate: NamedNodeRef<'_>,
    ) -> impl Iterator<Item = Statement> {
        let predicate = self.terms.find(predicate.into());
        let pattern = predicate.map(|id| Pattern {
            predicate: Some(id),
            ..Pattern::default()
        });
        pattern
            .into_iter()
            .flat_map(|pattern| self.statements.matching(pattern))
    }

    /// The things of a class.
    pub(super) fn of_class(&self, class: NamedNodeRef<'_>) -> impl Iterator<Item = Id> {
        let ids = self
            .terms
            .find(TYPE.into())
            .zip(self.terms.find(class.into()));
        let pattern = ids.map(|(predicate, class)| Pattern {
            predicate: Some(predicate),
            object: Some(class),
            ..Pattern::default()
        });
        let found = pattern
            .into_iter()
            .flat_map(|pattern| self.statements.matching(pattern));
        found.map(|statement| statement.subject)
    }

    /// A value of a property of a thing.
    pub(super) fn value(&self, subject: Id, predicate: NamedNodeRef<'_>) -> Option<Id> {
        self.values(subject, predicate).next()
    }

    pub(super) fn values(
        &self,
        subject: Id,
        predicate: NamedNodeRef<'_>,
    ) -> impl Iterator<Item = Id> {
        let predicate = self.terms.find(predicate.into());
        let pattern = predicate.map(|predicate| Pattern {
            subject: Some(subject),
            predicate: Some(predicate),
            object: None,
        });
        let statements = pattern
            .into_iter()
            .flat_map(|it| self.statements.matching(it));
        statements.map(|statement| statement.object)
    }

    pub(super) fn object(&self, id: Id) -> Object {
        sparql::object(&self.terms.term(id))
    }

    fn find(&self, iri: &Iri) -> Option<Id> {
        self.terms
            .find(NamedNodeRef::new_unchecked(iri.as_str()).into())
    }

    /// The terms that an object is: one thing, or the literals with its text.
    fn same(&self, object: &Object) -> Vec<Id> {
        match object {
            Object::Entity(iri) => self.find(iri).into_iter().collect(),
            Object::Literal(literal) => self.terms.literals(&literal.text).collect(),
        }
    }

    fn iri(&self, id: Id) -> Option<Iri> {
        self.terms.iri(id).map(Iri::checked)
    }

    fn fact(&self, statement: Statement) -> Option<Fact> {
        if self.terms.is_blank(statement.object) {
            return None;
        }
        Some(Fact {
            subject: self.iri(statement.subject)?,
            predicate: self.iri(statement.predicate)?,
            object: self.object(statement.object),
        })
    }

    /// Collects what is found, unless it is too much.
    fn bounded<T>(
        &self,
        found: impl ExactSizeIterator<Item = Statement>,
        each: impl FnMut(Statement) -> Option<T>,
    ) -> Result<Vec<T>, KnowledgeError> {
        match found.len() <= self.limits.rows {
            true => Ok(found.filter_map(each).collect()),
            false => Err(KnowledgeError::Rows {
                most: self.limits.rows,
            }),
        }
    }
}

impl Facts for Graph {
    fn names(&self, each: &mut dyn FnMut(Name)) -> Result<(), KnowledgeError> {
        schema::names(self, each);
        Ok(())
    }

    fn predicates(&self) -> Result<Vec<Predicate>, KnowledgeError> {
        Ok(schema::predicates(self))
    }

    fn classes_of(&self, entity: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        let Some((subject, predicate)) = self.find(entity).zip(self.terms.find(TYPE.into())) else {
            return Ok(Vec::new());
        };
        let pattern = Pattern {
            subject: Some(subject),
            predicate: Some(predicate),
            object: None,
        };
        self.bounded(self.statements.matching(pattern), |statement| {
            self.iri(statement.object)
        })
    }

    fn about(&self, entity: &Iri) -> Result<Vec<Fact>, KnowledgeError> {
        let Some(subject) = self.find(entity) else {
            return Ok(Vec::new());
        };
        let pattern = Pattern {
            subject: Some(subject),
            ..Pattern::default()
        };
        self.bounded(self.statements.matching(pattern), |statement| {
            self.fact(statement)
        })
    }

    fn having(&self, predicate: &Iri, object: &Object) -> Result<Vec<Iri>, KnowledgeError> {
        let Some(predicate) = self.find(predicate) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for object in self.same(object) {
            let pattern = Pattern {
                predicate: Some(predicate),
                object: Some(object),
                subject: None,
            };
            found.extend(
                self.bounded(self.statements.matching(pattern), |statement| {
                    self.iri(statement.subject)
                })?,
            );
        }
        Ok(found)
    }

    fn instances(&self, class: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        self.having(&Iri::checked(TYPE.as_str()), &Object::Entity(class.clone()))
    }

    fn select(&self, sparql: &str) -> Result<Rows, KnowledgeError> {
        sparql::select(self, sparql)
    }

    fn version(&self) -> &str {
        &self.version
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KnowledgeError> {
    std::fs::read(path).map_err(|source| KnowledgeError::Io {
        path: path.into(),
        source,
    })
}

/// The first 16 digits of the SHA-256.
fn version(text: &[u8]) -> String {
    Sha256::digest(text)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
