//! What is known, whoever keeps it.

use std::fmt;
use std::sync::Arc;

use super::error::KnowledgeError;

/// The IRI by which a graph calls a thing: <https://www.rfc-editor.org/rfc/rfc3987>.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iri(Arc<str>);

impl Iri {
    /// Takes an absolute IRI.
    ///
    /// ```
    /// use cs_serve::knowledge::Iri;
    ///
    /// assert_eq!(Iri::new("http://shop.example/kettle")?.as_str(), "http://shop.example/kettle");
    /// assert!(Iri::new("a kettle").is_err());
    /// # Ok::<(), cs_serve::knowledge::KnowledgeError>(())
    /// ```
    ///
    /// # Errors
    /// [`KnowledgeError::Iri`] if it has no scheme, or a character that stands in no IRI: a space,
    /// a control character, one of ``<>"{}|\^` ``.
    pub fn new(text: &str) -> Result<Self, KnowledgeError> {
        let has_scheme = text.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
        let stands_in_iri = |c: char| c > ' ' && !c.is_control() && !"<>\"{}|\\^`".contains(c);
        if has_scheme && text.chars().all(stands_in_iri) {
            return Ok(Self(text.into()));
        }
        Err(KnowledgeError::Iri {
            found: text.chars().take(80).collect(),
        })
    }

    /// Takes what a parser has checked, or the name of a blank node.
    pub(super) fn checked(text: &str) -> Self {
        Self(text.into())
    }

    /// Gives it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Iri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Iri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// What the text of a literal is to be read as: a type of <https://www.w3.org/TR/xmlschema11-2/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Datatype {
    /// Text, with a language or without.
    String,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// A whole number, of `xsd:integer` or a type derived from it.
    Integer,
    /// A decimal fraction.
    Decimal,
    /// A number in floating point, of `xsd:double` or `xsd:float`.
    Double,
    /// A day, as `2024-06-03`.
    Date,
    /// A time of day, as `20:30:00`.
    Time,
    /// A day and a time of it.
    DateTime,
    /// Any other type, whose text is taken as it stands.
    Other,
}

impl Datatype {
    /// Gives the datatype that an IRI names.
    pub(super) fn of(iri: &str) -> Self {
        const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
        match iri.strip_prefix(XSD) {
            Some("string" | "normalizedString" | "token") => Self::String,
            Some("boolean") => Self::Boolean,
            Some(
                "integer" | "long" | "int" | "short" | "byte" | "nonNegativeInteger"
                | "positiveInteger" | "nonPositiveInteger" | "negativeInteger" | "unsignedLong"
                | "unsignedInt" | "unsignedShort" | "unsignedByte",
            ) => Self::Integer,
            Some("decimal") => Self::Decimal,
            Some("double" | "float") => Self::Double,
            Some("date") => Self::Date,
            Some("time") => Self::Time,
            Some("dateTime") => Self::DateTime,
            None if iri == "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString" => Self::String,
            _ => Self::Other,
        }
    }
}

/// A value that a graph states.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Literal {
    /// Its lexical form, as it was written.
    pub text: String,
    /// How the text is to be read.
    pub datatype: Datatype,
    /// The language of a text, as `zh` or `en-GB`, in lower case.
    pub language: Option<String>,
}

/// What a fact says of its subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// Another thing.
    Entity(Iri),
    /// A value.
    Literal(Literal),
}

/// One statement of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// What it is about.
    pub subject: Iri,
    /// Which of its properties.
    pub predicate: Iri,
    /// The value of that.
    pub object: Object,
}

/// What sort of thing a [`Name`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// A thing that facts are about.
    Entity,
    /// What things are: the object of `rdf:type`, or an `rdfs:Class`.
    Class,
    /// A property: what stands between subject and object, or is declared an `rdf:Property`.
    Predicate,
}

/// One of the words by which people call a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What it names.
    pub iri: Iri,
    /// What sort of thing that is.
    pub named: Named,
    /// The name.
    pub text: String,
    /// The language of the name, as `zh`, in lower case.
    pub language: Option<String>,
    /// Whether it is the name to call it by (`rdfs:label`), and not another one (`skos:altLabel`).
    pub preferred: bool,
}

/// What the graph says of a property itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// The property.
    pub iri: Iri,
    /// The unit of its values where they are bare numbers (`cs:unit`), as `元` or `kg`.
    pub unit: Option<String>,
    /// Whether a thing has one value of it at most (`owl:FunctionalProperty`), so that another one
    /// contradicts.
    pub single: bool,
    /// Whether everything true of it is stated (`cs:closed true`), so that what is not is false.
    pub closed: bool,
    /// What a thing with the lowest value of it is called (`cs:lowest`), as `最便宜` or `cheapest`.
    pub lowest: Vec<String>,
    /// What one with the highest value is called (`cs:highest`).
    pub highest: Vec<String>,
    /// The class or type of its values (`rdfs:range`).
    pub range: Option<Iri>,
}

/// The answer to a query: rows with a cell for each column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// The variables of a `SELECT`, without `?`; of an `ASK`, `answer` alone.
    pub columns: Vec<String>,
    /// A row for each solution; a variable may be left open.
    pub rows: Vec<Vec<Option<Object>>>,
}

impl Rows {
    /// The answer to an `ASK`.
    pub(super) fn of_ask(answer: bool) -> Self {
        let (text, datatype) = (answer.to_string(), Datatype::Boolean);
        let cell = Object::Literal(Literal {
            text,
            datatype,
            language: None,
        });
        Self {
            columns: vec!["answer".to_owned()],
            rows: vec![vec![Some(cell)]],
        }
    }
}

/// A graph of facts that can be asked.
///
/// Whoever keeps it bounds the rows and the time of each question: one that has more of either fails
/// with [`KnowledgeError::Rows`] or [`KnowledgeError::Time`]. Things without an IRI (blank nodes) are
/// seen by [`Self::select`] alone.
pub trait Facts: Send + Sync {
    /// Gives every name of every entity, class and predicate, in the graph's order.
    ///
    /// # Errors
    /// The graph cannot be read.
    fn names(&self, each: &mut dyn FnMut(Name)) -> Result<(), KnowledgeError>;

    /// Gives the properties that things have, sorted.
    ///
    /// # Errors
    /// The graph cannot be read.
    fn predicates(&self) -> Result<Vec<Predicate>, KnowledgeError>;

    /// Gives the classes that a thing is of (`rdf:type`).
    ///
    /// # Errors
    /// There are too many rows, or the graph cannot be read in time.
    fn classes_of(&self, entity: &Iri) -> Result<Vec<Iri>, KnowledgeError>;

    /// Gives the facts whose subject is a thing; none if nothing is known of it.
    ///
    /// # Errors
    /// There are too many rows, or the graph cannot be read in time.
    fn about(&self, entity: &Iri) -> Result<Vec<Fact>, KnowledgeError>;

    /// Gives the things of which `predicate` has just this value, literals by their text.
    ///
    /// # Errors
    /// There are too many rows, or the graph cannot be read in time.
    fn having(&self, predicate: &Iri, object: &Object) -> Result<Vec<Iri>, KnowledgeError>;

    /// Gives the things of a class.
    ///
    /// # Errors
    /// There are too many rows, or the graph cannot be read in time.
    fn instances(&self, class: &Iri) -> Result<Vec<Iri>, KnowledgeError>;

    /// Gives what is stated with a predicate of the things of a class. By default all that is stated of each is looked
    /// at, which where facts are elsewhere takes a request a thing.
    ///
    /// # Errors
    /// Those of [`instances`](Self::instances) and [`about`](Self::about).
    fn of_class(&self, class: &Iri, predicate: &Iri) -> Result<Vec<Fact>, KnowledgeError> {
        let mut found = Vec::new();
        for thing in self.instances(class)? {
            let about = self.about(&thing)?.into_iter();
            found.extend(about.filter(|fact| fact.predicate == *predicate));
        }
        Ok(found)
    }

    /// Answers a SPARQL 1.1 query, `SELECT` or `ASK`.
    ///
    /// # Errors
    /// [`KnowledgeError::Query`] for a query that is none or of another form; or there are too many
    /// rows, or the graph cannot be read in time.
    fn select(&self, sparql: &str) -> Result<Rows, KnowledgeError>;

    /// Gives what tells this version of the graph from others: a hash of what was read.
    fn version(&self) -> &str;
}
