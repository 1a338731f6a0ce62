//! Tables as Turtle.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use oxrdf::{Literal, NamedNode, NamedNodeRef, Term, TripleRef, vocab::xsd};
use oxttl::TurtleSerializer;

use super::ImportConfig;
use super::cells::Cell;
use super::table::Table;
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::facts::Iri;
use crate::knowledge::graph::vocabulary::{
    ALT_LABEL, CLASS, CS, FUNCTIONAL, LABEL, PREFIXES, PROPERTY, TYPE,
};

/// Writes tables as one Turtle file.
///
/// A thing is called by its name, so that a name that stands in several tables is one thing, and a
/// value that is the name of a row is that thing. A property is functional (another value contradicts)
/// where no thing has two values of it.
///
/// # Errors
/// The namespace is no IRI, or a column that the configuration names is in no table.
pub fn to_turtle(tables: &[Table], config: &ImportConfig) -> Result<String, KnowledgeError> {
    Iri::new(&config.namespace)?;
    check_columns(tables, config)?;
    let things: HashSet<&str> = tables
        .iter()
        .flat_map(|table| &table.rows)
        .map(|row| row.name.as_str())
        .collect();
    let mut facts = FactsOfTables::default();
    for table in tables {
        facts.add(table, &things, config);
    }
    facts.written(config).map_err(|_| KnowledgeError::Iri {
        found: config.namespace.clone(),
    })
}

fn check_columns(tables: &[Table], config: &ImportConfig) -> Result<(), KnowledgeError> {
    let known: BTreeSet<&str> = tables
        .iter()
        .flat_map(|table| &table.columns)
        .map(String::as_str)
        .collect();
    let named = config
        .aliases
        .iter()
        .chain(config.units.keys())
        .chain(&config.closed);
    let headings = || known.iter().copied().collect::<Vec<_>>().join(", ");
    match named
        .into_iter()
        .find(|column| !known.contains(column.as_str()))
    {
        Some(column) => Err(KnowledgeError::Column {
            found: column.clone(),
            known: headings(),
        }),
        None => Ok(()),
    }
}

/// A heading without the unit that stands in brackets behind it.
fn heading(column: &str) -> (&str, Option<&str>) {
    let inner = column
        .strip_suffix([')', '）'])
        .and_then(|rest| rest.rsplit_once(['(', '（']));
    match inner {
        Some((name, unit)) if !name.trim().is_empty() => (name.trim(), Some(unit.trim())),
        _ => (column, None),
    }
}

/// What is said of a thing.
#[derive(Default)]
struct Said<'a> {
    classes: BTreeSet<&'a str>,
    aliases: BTreeSet<String>,
    /// The values by property, each once and in their order.
    values: BTreeMap<&'a str, Vec<Value>>,
}

#[derive(PartialEq)]
enum Value {
    Thing(String),
    Cell(Cell),
}

/// All that tables say, merged by name, in the order of the rows.
#[derive(Default)]
struct FactsOfTables<'a> {
    order: Vec<&'a str>,
    said: HashMap<&'a str, Said<'a>>,
    /// The properties with their units.
    properties: BTreeMap<&'a str, Option<&'a str>>,
    closed: BTreeSet<&'a str>,
    classes: BTreeSet<&'a str>,
}

impl<'a> FactsOfTables<'a> {
    fn add(&mut self, table: &'a Table, things: &HashSet<&str>, config: &'a ImportConfig) {
        self.classes.insert(&table.class);
        for row in &table.rows {
            let said = self.said.entry(&row.name).or_insert_with(|| {
                self.order.push(&row.name);
                Said::default()
            });
            said.classes.insert(&table.class);
            for (column, cells) in &row.fields {
                if config.aliases.contains(column) {
                    said.aliases.extend(cells.iter().map(written));
                    continue;
                }
                let (property, unit) = heading(column);
                let unit = config.units.get(column).map(String::as_str).or(unit);
                let known = self.properties.entry(property).or_default();
                *known = known.or(unit);
                if config.closed.contains(column) {
                    self.closed.insert(property);
                }
                let values = said.values.entry(property).or_default();
                for cell in cells {
                    let value = match cell {
                        Cell::Text(text) if things.contains(text.as_str()) => {
                            Value::Thing(text.clone())
                        }
                        _ => Value::Cell(cell.clone()),
                    };
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
            }
        }
    }

    /// Whether no thing has two values of a property.
    fn is_single(&self, property: &str) -> bool {
        let two = |said: &Said<'_>| {
            said.values
                .get(property)
                .is_some_and(|values| values.len() > 1)
        };
        !self.said.values().any(two)
    }

    fn written(&self, config: &ImportConfig) -> std::io::Result<String> {
        let mut writer = TurtleSerializer::new();
        for (prefix, namespace) in PREFIXES {
            writer = writer
                .with_prefix(prefix, namespace)
                .map_err(std::io::Error::other)?;
        }
        let writer = writer
            .with_prefix("", &config.namespace)
            .map_err(std::io::Error::other)?;
        let mut output = Output {
            writer: writer.for_writer(Vec::new()),
            namespace: &config.namespace,
        };
        for class in &self.classes {
            output.named(&output.class(class), class, CLASS)?;
        }
        for (property, unit) in &self.properties {
            let iri = output.property(property);
            output.named(&iri, property, PROPERTY)?;
            if self.is_single(property) {
                output.fact(&iri, TYPE, FUNCTIONAL.into_owned())?;
            }
            if let Some(unit) = unit {
                output.fact(&iri, cs("unit").as_ref(), Literal::from(*unit))?;
            }
            if self.closed.contains(property) {
                output.fact(&iri, cs("closed").as_ref(), Literal::from(true))?;
            }
        }
        for name in &self.order {
            output.thing(name, &self.said[name])?;
        }
        String::from_utf8(output.writer.finish()?).map_err(std::io::Error::other)
    }
}

fn cs(local: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{CS}{local}"))
}

struct Output<'a> {
    writer: oxttl::turtle::WriterTurtleSerializer<Vec<u8>>,
    namespace: &'a str,
}

impl Output<'_> {
    fn fact(
        &mut self,
        subject: &NamedNode,
        predicate: NamedNodeRef<'_>,
        object: impl Into<Term>,
    ) -> std::io::Result<()> {
        self.writer
            .serialize_triple(TripleRef::new(subject, predicate, &object.into()))
    }

    fn named(
        &mut self,
        subject: &NamedNode,
        name: &str,
        class: NamedNodeRef<'_>,
    ) -> std::io::Result<()> {
        self.fact(subject, TYPE, class.into_owned())?;
        self.fact(subject, LABEL, in_its_language(name))
    }

    fn thing(&mut self, name: &str, said: &Said<'_>) -> std::io::Result<()> {
        let subject = self.iri("", name);
        for class in &said.classes {
            self.fact(&subject, TYPE, self.class(class))?;
        }
        self.fact(&subject, LABEL, in_its_language(name))?;
        for alias in &said.aliases {
            self.fact(&subject, ALT_LABEL, in_its_language(alias))?;
        }
        for (property, values) in &said.values {
            let property = self.property(property);
            for value in values {
                let object = match value {
                    Value::Thing(other) => self.iri("", other).into(),
                    Value::Cell(cell) => Term::from(literal(cell)),
                };
                self.fact(&subject, property.as_ref(), object)?;
            }
        }
        Ok(())
    }

    fn class(&self, name: &str) -> NamedNode {
        self.iri("class/", name)
    }

    fn property(&self, name: &str) -> NamedNode {
        self.iri("property/", name)
    }

    /// The IRI of a name: what may stand in none is escaped.
    fn iri(&self, of: &str, name: &str) -> NamedNode {
        let mut iri = format!("{}{of}", self.namespace);
        for c in name.chars() {
            if c.is_alphanumeric() || "-_.~".contains(c) {
                iri.push(c);
            } else {
                let bytes = c.to_string().into_bytes();
                iri.extend(bytes.iter().map(|byte| format!("%{byte:02X}")));
            }
        }
        NamedNode::new_unchecked(iri)
    }
}

fn literal(cell: &Cell) -> Literal {
    match cell {
        Cell::Text(text) => Literal::from(text.as_str()),
        Cell::Boolean(value) => Literal::from(*value),
        Cell::Integer(text) => Literal::new_typed_literal(text, xsd::INTEGER),
        Cell::Decimal(text) => Literal::new_typed_literal(text, xsd::DECIMAL),
    }
}

fn written(cell: &Cell) -> String {
    literal(cell).value().to_owned()
}

/// A name with its language: Chinese if it has a Han character, else English.
fn in_its_language(name: &str) -> Literal {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let language = if name.contains(is_han) { "zh" } else { "en" };
    Literal::new_language_tagged_literal_unchecked(name, language)
}
