//! Values against each other, and against what a text says.

use std::collections::HashSet;

use super::answer::{Answer, Unknown};
use super::answering::Known;
use super::template::Order;
use crate::knowledge::value::{Value, fold, read};
use crate::knowledge::{Datatype, Fact, Iri, Object};

/// Gives the things with the lowest or highest value, and the values of all, by what is stated of a property. Of a thing
/// with several, the first counts.
pub(super) fn at_end(
    known: Known,
    mut facts: Vec<Fact>,
    predicate: &Iri,
    order: Order,
) -> Result<Answer, Unknown> {
    let mut seen = HashSet::new();
    facts.retain(|fact| seen.insert(fact.subject.clone()));
    if facts.is_empty() {
        return Err(Unknown::Nothing);
    }
    let values = facts
        .iter()
        .map(|fact| Some(valued(known, fact).first()?.1.clone()));
    let values: Option<Vec<Value>> = values.collect();
    let numbers = values.and_then(|values| {
        values
            .iter()
            .map(|value| number(&values[0], value))
            .collect::<Option<Vec<f64>>>()
    });
    let Some(numbers) = numbers else {
        let predicate = predicate.clone();
        return Err(Unknown::Order { predicate });
    };
    let end = numbers.iter().copied().reduce(|one, other| match order {
        Order::Lowest => one.min(other),
        Order::Highest => one.max(other),
    });
    let best = facts
        .iter()
        .zip(&numbers)
        .filter(|(_, number)| Some(**number) == end);
    let things = best.map(|(fact, _)| fact.subject.clone()).collect();
    Ok(Answer::Things { things, facts })
}

/// What a fact's literal says.
pub(super) fn valued<'a>(known: Known, fact: &'a Fact) -> Vec<(&'a Fact, Value)> {
    let Object::Literal(literal) = &fact.object else {
        return Vec::new();
    };
    let unit = known
        .predicates
        .get(&fact.predicate)
        .and_then(|it| it.unit.as_deref());
    Value::of_literal(literal, unit)
        .into_iter()
        .map(|value| (fact, value))
        .collect()
}

/// An amount as a number, if it can be compared with the first one.
fn number(first: &Value, value: &Value) -> Option<f64> {
    match value {
        Value::Amount(amount) if first.is_comparable(value) && amount.low.is_finite() => {
            Some(amount.low)
        }
        _ => None,
    }
}

/// Whether it is so, with the facts that say so: by a value of the text, or as the fact is a truth.
pub(super) fn truth(
    known: Known,
    text: &str,
    predicate: &Iri,
    facts: &[Fact],
) -> Option<(bool, Vec<Fact>)> {
    let stated: Vec<(&Fact, Value)> = facts.iter().flat_map(|fact| valued(known, fact)).collect();
    if let Some((fact, Value::Truth(yes))) = stated
        .iter()
        .find(|(_, value)| matches!(value, Value::Truth(_)))
    {
        return Some((*yes, vec![(*fact).clone()]));
    }
    let said = read(text);
    let agrees = |value: &Value| {
        said.iter()
            .filter_map(|found| found.value.agrees(value))
            .max()
    };
    let judged = || stated.iter().map(|(fact, value)| (*fact, agrees(value)));
    let found = judged()
        .find(|(_, agrees)| *agrees == Some(true))
        .or_else(|| {
            facts
                .iter()
                .find(|fact| is_said(known, text, fact))
                .map(|fact| (fact, Some(true)))
        })
        .or_else(|| judged().find(|(_, agrees)| *agrees == Some(false)));
    if let Some((fact, Some(yes))) = found {
        return Some((yes, vec![fact.clone()]));
    }
    let is_closed = known.predicates.get(predicate).is_some_and(|it| it.closed);
    is_closed.then(|| (false, facts.to_vec()))
}

/// Whether the text says what a fact states.
fn is_said(known: Known, text: &str, fact: &Fact) -> bool {
    match &fact.object {
        Object::Entity(iri) => {
            let mentions = known.linker.mentions(text);
            mentions
                .iter()
                .flat_map(|it| it.likeliest())
                .any(|one| one.iri == *iri)
        }
        Object::Literal(literal) if literal.datatype != Datatype::String => false,
        Object::Literal(literal) => {
            let folded = |text: &str| text.chars().map(fold).collect::<String>();
            let stated = folded(literal.text.trim());
            !stated.is_empty() && folded(text).contains(&stated)
        }
    }
}
