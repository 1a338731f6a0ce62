//! A graph that another server keeps, asked by the SPARQL protocol.

use std::collections::{BTreeMap, HashSet};

use oxrdf::{Literal as Term, NamedNodeRef};
use sha2::{Digest, Sha256};
use sparesults::{QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput};
use ureq::Agent;

use super::error::KnowledgeError;
use super::facts::{Fact, Facts, Iri, Name, Named, Object, Predicate, Rows};
use super::graph::{Limits, sparql, vocabulary};

/// The number of names that are asked for at once.
const NAMES_PER_PAGE: usize = 10_000;
/// The bytes of an answer for each row that it may have.
const BYTES_PER_ROW: usize = 4_096;

/// A SPARQL 1.1 endpoint, as Oxigraph, Fuseki or GraphDB have: facts that change without a restart, and
/// that need not fit into this machine. Each question is one request.
///
/// The protocol is <https://www.w3.org/TR/sparql11-protocol/>, over HTTP without TLS: it is meant for a
/// server beside this one.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    agent: Agent,
    limits: Limits,
    version: String,
}

impl Endpoint {
    /// Asks an endpoint how many facts it has, which, with its address, is the version.
    ///
    /// # Errors
    /// [`KnowledgeError::Endpoint`] if the address is not `http://`, or the server is gone or answers
    /// something else than results; [`KnowledgeError::Time`] if it does not answer in time.
    pub fn open(url: &str, limits: &Limits) -> Result<Self, KnowledgeError> {
        let config = Agent::config_builder()
            .timeout_global(Some(limits.time()))
            .max_redirects(0)
            .proxy(None)
            .build();
        let (url, agent) = (url.to_owned(), config.into());
        let mut endpoint = Self {
            url,
            agent,
            limits: limits.clone(),
            version: String::new(),
        };
        if !endpoint.url.starts_with("http://") {
            return Err(
                endpoint.wrong("no address of HTTP without TLS, expected http://HOST:PORT/PATH")
            );
        }
        let count = endpoint.select("SELECT (COUNT(*) AS ?facts) { ?s ?p ?o }")?;
        let read = format!("{} {:?}", endpoint.url, count.rows);
        let digest = Sha256::digest(read);
        endpoint.version = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(endpoint)
    }

    fn wrong(&self, problem: impl ToString) -> KnowledgeError {
        KnowledgeError::Endpoint {
            url: self.url.clone(),
            problem: problem.to_string(),
        }
    }

    /// Sends a query that has been read, and gives the body of the answer.
    fn post(&self, query: &str) -> Result<Vec<u8>, KnowledgeError> {
        let failed = |error| match error {
            ureq::Error::Timeout(_) => KnowledgeError::Time {
                after: self.limits.time(),
            },
            ureq::Error::BodyExceedsLimit(_) => KnowledgeError::Rows {
                most: self.limits.rows,
            },
            error => self.wrong(error),
        };
        let request = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/sparql-query")
            .header("Accept", "application/sparql-results+json");
        let mut answer = request.send(query).map_err(failed)?;
        let most = self.limits.rows.saturating_mul(BYTES_PER_ROW) as u64;
        answer
            .body_mut()
            .with_config()
            .limit(most)
            .read_to_vec()
            .map_err(failed)
    }

    fn rows(&self, body: &[u8]) -> Result<Rows, KnowledgeError> {
        let parser = QueryResultsParser::from_format(QueryResultsFormat::Json);
        let wrong = |error: &dyn std::fmt::Display| {
            self.wrong(format!("{error}, expected SPARQL results in JSON"))
        };
        let solutions = match parser.for_slice(body).map_err(|error| wrong(&error))? {
            SliceQueryResultsParserOutput::Boolean(answer) => return Ok(Rows::of_ask(answer)),
            SliceQueryResultsParserOutput::Solutions(solutions) => solutions,
        };
        let columns = solutions
            .variables()
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect();
        let mut rows = Vec::new();
        for solution in solutions {
            let solution = solution.map_err(|error| wrong(&error))?;
            if rows.len() == self.limits.rows {
                return Err(KnowledgeError::Rows {
                    most: self.limits.rows,
                });
            }
            let cells = solution.values().iter();
            rows.push(
                cells
                    .map(|cell| cell.as_ref().map(sparql::object))
                    .collect(),
            );
        }
        Ok(Rows { columns, rows })
    }

    /// The things of the first column of an answer, blank nodes left out.
    fn things(&self, query: &str) -> Result<Vec<Iri>, KnowledgeError> {
        let rows = self.select(query)?.rows;
        Ok(rows
            .into_iter()
            .filter_map(|row| thing(row.into_iter().next()?))
            .collect())
    }
}

impl Facts for Endpoint {
    fn names(&self, each: &mut dyn FnMut(Name)) -> Result<(), KnowledgeError> {
        let set =
            |query| Ok::<HashSet<Iri>, KnowledgeError>(self.things(query)?.into_iter().collect());
        let predicates = set(PREDICATES)?;
        let classes = set(CLASSES)?;
        for page in 0.. {
            let start = page * NAMES_PER_PAGE;
            let rows = self
                .select(&format!("{NAMES} LIMIT {NAMES_PER_PAGE} OFFSET {start}"))?
                .rows;
            let count = rows.len();
            rows.into_iter()
                .filter_map(named)
                .for_each(|(iri, preferred, name)| {
                    let named = match (predicates.contains(&iri), classes.contains(&iri)) {
                        (true, _) => Named::Predicate,
                        (false, true) => Named::Class,
                        (false, false) => Named::Entity,
                    };
                    let (text, language) = (name.text, name.language);
                    each(Name {
                        iri,
                        named,
                        text,
                        language,
                        preferred,
                    });
                });
            if count < NAMES_PER_PAGE {
                break;
            }
        }
        Ok(())
    }

    fn predicates(&self) -> Result<Vec<Predicate>, KnowledgeError> {
        let predicate = |iri| Predicate {
            iri,
            unit: None,
            single: false,
            closed: false,
            lowest: Vec::new(),
            highest: Vec::new(),
            range: None,
        };
        let mut found: BTreeMap<Iri, Predicate> = self
            .things(PREDICATES)?
            .into_iter()
            .map(|iri| (iri.clone(), predicate(iri)))
            .collect();
        found.retain(|iri, _| !vocabulary::is_of_graphs(iri.as_str()));
        for row in self.select(DECLARATIONS)?.rows {
            let [
                Some(Object::Entity(iri)),
                Some(Object::Entity(says)),
                Some(value),
            ] = &row[..]
            else {
                continue;
            };
            let Some(predicate) = found.get_mut(iri) else {
                continue;
            };
            match (says.as_str().rsplit(['#', ':']).next(), value) {
                (Some("unit"), Object::Literal(unit)) => predicate.unit = Some(unit.text.clone()),
                (Some("closed"), Object::Literal(is)) => {
                    predicate.closed = is.text == "true" || is.text == "1"
                }
                (Some("lowest"), Object::Literal(word)) => predicate.lowest.push(word.text.clone()),
                (Some("highest"), Object::Literal(word)) => {
                    predicate.highest.push(word.text.clone());
                }
                (Some("range"), Object::Entity(range)) => predicate.range = Some(range.clone()),
                (Some("type"), Object::Entity(_)) => predicate.single = true,
                _ => {}
            }
        }
        for predicate in found.values_mut() {
            predicate.lowest.sort();
            predicate.highest.sort();
        }
        Ok(found.into_values().collect())
    }

    fn classes_of(&self, entity: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        self.things(&format!("SELECT ?class {{ {} a ?class }}", term(entity)))
    }

    fn about(&self, entity: &Iri) -> Result<Vec<Fact>, KnowledgeError> {
        let query = format!(
            "SELECT ?predicate ?object {{ {} ?predicate ?object }}",
            term(entity)
        );
        let fact = |row: Vec<Option<Object>>| {
            let [predicate, object] = <[_; 2]>::try_from(row).ok()?;
            let (predicate, object) = (thing(predicate)?, object?);
            (!is_blank(&object)).then(|| Fact {
                subject: entity.clone(),
                predicate,
                object,
            })
        };
        Ok(self
            .select(&query)?
            .rows
            .into_iter()
            .filter_map(fact)
            .collect())
    }

    fn having(&self, predicate: &Iri, object: &Object) -> Result<Vec<Iri>, KnowledgeError> {
        let predicate = term(predicate);
        self.things(&match object {
            Object::Entity(iri) => format!("SELECT ?thing {{ ?thing {predicate} {} }}", term(iri)),
            Object::Literal(literal) => {
                let text = Term::from(literal.text.as_str());
                format!("SELECT DISTINCT ?thing {{ ?thing {predicate} ?value FILTER(isLiteral(?value) && str(?value) = {text}) }}")
            }
        })
    }

    fn instances(&self, class: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        self.things(&format!("SELECT ?thing {{ ?thing a {} }}", term(class)))
    }

    fn of_class(&self, class: &Iri, predicate: &Iri) -> Result<Vec<Fact>, KnowledgeError> {
        let query = format!(
            "SELECT ?thing ?object {{ ?thing a {} ; {} ?object }} ORDER BY ?thing",
            term(class),
            term(predicate)
        );
        let fact = |row: Vec<Option<Object>>| {
            let [subject, object] = <[_; 2]>::try_from(row).ok()?;
            let (subject, object) = (thing(subject)?, object?);
            (!is_blank(&object)).then(|| Fact {
                subject,
                predicate: predicate.clone(),
                object,
            })
        };
        let rows = self.select(&query)?.rows;
        Ok(rows.into_iter().filter_map(fact).collect())
    }

    fn select(&self, sparql: &str) -> Result<Rows, KnowledgeError> {
        let query = sparql::on_a_large_stack(|| Ok(sparql::read(sparql)?.to_string()))?;
        self.rows(&self.post(&query)?)
    }

    fn version(&self) -> &str {
        &self.version
    }
}

const PREDICATES: &str = "SELECT DISTINCT ?predicate { { ?s ?predicate ?o } UNION { VALUES ?class { rdf:Property \
    owl:FunctionalProperty owl:ObjectProperty owl:DatatypeProperty } ?predicate a ?class } }";
const CLASSES: &str = "SELECT DISTINCT ?class { { ?s a ?class } UNION { VALUES ?sort { rdfs:Class owl:Class } ?class a ?sort } }";
const NAMES: &str = "SELECT ?thing ?says ?name { VALUES ?says { rdfs:label skos:altLabel } ?thing ?says ?name } ORDER BY ?thing ?says ?name";
const DECLARATIONS: &str = "SELECT ?predicate ?says ?value { ?predicate ?says ?value \
    FILTER(?says IN (cs:unit, cs:closed, cs:lowest, cs:highest, rdfs:range) || (?says = rdf:type && ?value = owl:FunctionalProperty)) }";

fn is_blank(object: &Object) -> bool {
    matches!(object, Object::Entity(iri) if iri.as_str().starts_with("_:"))
}

/// An IRI as a query has it. Its characters have been checked where it was made.
fn term(iri: &Iri) -> String {
    NamedNodeRef::new_unchecked(iri.as_str()).to_string()
}

/// A thing that has an IRI.
fn thing(object: Option<Object>) -> Option<Iri> {
    match object {
        Some(Object::Entity(iri)) if !iri.as_str().starts_with("_:") => Some(iri),
        _ => None,
    }
}

/// A row of `NAMES`: a thing, whether it is the preferred name, and the name.
fn named(row: Vec<Option<Object>>) -> Option<(Iri, bool, super::facts::Literal)> {
    let [of, says, name] = <[_; 3]>::try_from(row).ok()?;
    let Some(Object::Literal(name)) = name else {
        return None;
    };
    Some((
        thing(of)?,
        thing(says)?.as_str() == vocabulary::LABEL.as_str(),
        name,
    ))
}
