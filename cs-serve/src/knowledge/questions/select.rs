//! Things that fulfil conditions.

use std::collections::HashMap;

use super::answering::{Known, of_predicate};
use crate::knowledge::value::{Value, read, same_text};
use crate::knowledge::{Fact, Iri, KnowledgeError, Object};

/// What the value of a predicate has to be, in a customer's words.
pub(super) struct Condition<'a> {
    pub(super) predicate: &'a Iri,
    pub(super) text: &'a str,
}

/// Things, and the facts by which they fulfil the conditions.
pub(super) struct Selected {
    pub(super) things: Vec<Iri>,
    pub(super) facts: Vec<Fact>,
}

/// Gives the things of a class that fulfil all conditions, in the graph's order.
pub(super) fn select(
    known: Known,
    class: &Iri,
    conditions: &[Condition],
) -> Result<Selected, KnowledgeError> {
    let mut selected = Selected {
        things: Vec::new(),
        facts: Vec::new(),
    };
    let mut wanted: Vec<(Wanted, HashMap<Iri, Vec<Fact>>)> = Vec::new();
    for condition in conditions {
        let mut stated: HashMap<Iri, Vec<Fact>> = HashMap::new();
        for fact in known.facts.of_class(class, condition.predicate)? {
            stated.entry(fact.subject.clone()).or_default().push(fact);
        }
        wanted.push((Wanted::new(known, condition), stated));
    }
    for thing in known.facts.instances(class)? {
        let fulfilled: Option<Vec<Fact>> = wanted
            .iter()
            .map(|(wanted, stated)| wanted.fulfilled_by(known, stated.get(&thing)?).cloned())
            .collect();
        if let Some(facts) = fulfilled {
            selected.things.push(thing);
            selected.facts.extend(facts);
        }
    }
    Ok(selected)
}

/// A condition that has been read.
struct Wanted<'a> {
    predicate: &'a Iri,
    text: &'a str,
    values: Vec<Value>,
    things: Vec<Iri>,
}

impl<'a> Wanted<'a> {
    fn new(known: Known, condition: &Condition<'a>) -> Self {
        let mentions = known.linker.mentions(condition.text);
        let candidates = mentions.iter().flat_map(|mention| mention.likeliest());
        Self {
            predicate: condition.predicate,
            text: condition.text,
            values: read(condition.text)
                .into_iter()
                .map(|found| found.value)
                .collect(),
            things: candidates.map(|candidate| candidate.iri.clone()).collect(),
        }
    }

    fn fulfilled_by<'b>(&'b self, known: Known, facts: &'b [Fact]) -> Option<&'b Fact> {
        let predicate = self.predicate;
        of_predicate(facts, predicate).find(|fact| match &fact.object {
            Object::Entity(iri) => self.things.contains(iri),
            Object::Literal(literal) => {
                let unit = known
                    .predicates
                    .get(predicate)
                    .and_then(|it| it.unit.as_deref());
                let stated = Value::of_literal(literal, unit);
                let agrees = |wanted: &Value| {
                    stated
                        .iter()
                        .any(|stated| wanted.agrees(stated) == Some(true))
                };
                same_text(self.text, &literal.text) || self.values.iter().any(agrees)
            }
        })
    }
}
