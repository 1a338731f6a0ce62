//! What the properties of a graph are like: whose they are, and what their values are.

use std::collections::{HashMap, HashSet};

use super::phrases::Phrases;
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::facts::{
    Datatype, Fact, Facts, Iri, Literal, Name, Named, Object, Predicate,
};
use crate::knowledge::value::Value;

/// The most values of a property that are looked at to see what they are like.
const SAMPLE: usize = 200;

/// The part of a property's values that makes a kind of value one of its kinds.
const SHARE: usize = 10;

/// A property, and what it says.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) predicate: Predicate,
    /// Its preferred names, or what comes last in its IRI.
    names: Vec<String>,
    /// The classes of the things that have it.
    pub(super) classes: HashSet<Iri>,
    /// The classes of the things that are its values, and how many of those are of each.
    ranges: HashMap<Iri, usize>,
    /// A value of each kind that it has.
    pub(super) kinds: Vec<(Value, usize)>,
    /// The number of its values that were looked at, and of those that are plain texts.
    pub(super) seen: usize,
    pub(super) texts: usize,
}

/// What things and classes are called.
#[derive(Default)]
struct Called<'a> {
    things: HashMap<&'a str, &'a Iri>,
    classes: HashSet<(&'a Iri, &'a str)>,
}

/// The properties of a graph, and the texts that are their values.
#[derive(Debug, Default)]
pub(super) struct Properties {
    all: Vec<Property>,
    by_iri: HashMap<Iri, u32>,
    pub(super) phrases: Phrases,
    /// Of classes with one thing alone, that thing.
    sole: HashMap<Iri, Option<Iri>>,
}

impl Property {
    /// Gives its name in Chinese or not, if it has one of that language.
    pub(super) fn name(&self, chinese: bool) -> &str {
        let fits = self.names.iter().find(|it| is_chinese(it) == chinese);
        fits.or(self.names.first()).map_or("", String::as_str)
    }

    /// Says whether a value is of a kind that the property has.
    pub(super) fn takes(&self, value: &Value) -> bool {
        let often = |count: usize| count * SHARE >= self.seen;
        self.kinds
            .iter()
            .any(|(kind, count)| often(*count) && value.is_comparable(kind))
    }

    /// Says whether a value is money, and its values are too, of whatever currency.
    pub(super) fn has_currency(&self, value: &Value) -> bool {
        let is_money = |it: &Value| matches!(it, Value::Amount(it) if it.unit.is_money());
        is_money(value) && self.kinds.iter().any(|(kind, _)| is_money(kind))
    }

    /// Says whether its values are yes and no.
    pub(super) fn is_truth(&self) -> bool {
        self.takes(&Value::Truth(true))
    }

    /// Says whether its values are plain texts or other things.
    pub(super) fn is_list(&self) -> bool {
        !self.predicate.single && (self.texts * SHARE >= self.seen || self.has_things())
    }

    /// Says whether things of a class are values of it.
    pub(super) fn ranges_over(&self, class: &Iri) -> bool {
        self.ranges
            .get(class)
            .is_some_and(|count| count * SHARE >= self.seen)
    }

    /// Says whether its values are things.
    pub(super) fn has_things(&self) -> bool {
        self.ranges.values().any(|count| count * SHARE >= self.seen)
    }

    /// Gives what a literal of it says.
    pub(super) fn values(&self, literal: &Literal) -> Vec<Value> {
        Value::of_literal(literal, self.predicate.unit.as_deref())
    }
}

impl Properties {
    /// Reads all facts of a graph once.
    pub(super) fn of(facts: &dyn Facts) -> Result<Self, KnowledgeError> {
        let mut names = Vec::new();
        facts.names(&mut |name| names.push(name))?;
        let mut properties = Self::default();
        for predicate in facts.predicates()? {
            properties.declare(predicate, &names);
        }
        let entities: HashSet<&Iri> = names
            .iter()
            .filter(|it| it.named == Named::Entity)
            .map(|it| &it.iri)
            .collect();
        let mut called = Called::default();
        for name in &names {
            match name.named {
                Named::Entity => {
                    called.things.entry(&name.text).or_insert(&name.iri);
                }
                Named::Class => {
                    called.classes.insert((&name.iri, &name.text));
                }
                Named::Predicate => {}
            }
        }
        for entity in entities {
            let classes = facts.classes_of(entity)?;
            for class in &classes {
                let sole = properties.sole.entry(class.clone());
                sole.and_modify(|it| *it = None)
                    .or_insert_with(|| Some(entity.clone()));
            }
            for fact in facts.about(entity)? {
                properties.learn(&fact, &classes, facts, &called)?;
            }
        }
        Ok(properties)
    }

    fn declare(&mut self, predicate: Predicate, names: &[Name]) {
        let Ok(number) = u32::try_from(self.all.len()) else {
            return;
        };
        let own = || {
            names
                .iter()
                .filter(|it| it.named == Named::Predicate && it.iri == predicate.iri)
        };
        let mut names: Vec<String> = own()
            .filter(|it| it.preferred)
            .map(|it| it.text.clone())
            .collect();
        if names.is_empty() {
            names.push(
                own()
                    .next()
                    .map_or_else(|| local_name(&predicate.iri), |it| it.text.clone()),
            );
        }
        self.by_iri.insert(predicate.iri.clone(), number);
        self.all.push(Property {
            predicate,
            names,
            classes: HashSet::new(),
            ranges: HashMap::new(),
            kinds: Vec::new(),
            seen: 0,
            texts: 0,
        });
    }

    fn learn(
        &mut self,
        fact: &Fact,
        classes: &[Iri],
        facts: &dyn Facts,
        called: &Called<'_>,
    ) -> Result<(), KnowledgeError> {
        let Some(&number) = self.by_iri.get(&fact.predicate) else {
            return Ok(());
        };
        let property = &mut self.all[number as usize];
        for class in classes {
            if !property.classes.contains(class) {
                property.classes.insert(class.clone());
            }
        }
        let sampled = property.seen < SAMPLE;
        property.seen += usize::from(sampled);
        let literal = match &fact.object {
            Object::Entity(iri) if sampled => {
                property.count_range(facts.classes_of(iri)?);
                return Ok(());
            }
            Object::Entity(_) => return Ok(()),
            Object::Literal(literal) => literal,
        };
        let is_text = matches!(literal.datatype, Datatype::String | Datatype::Other);
        if !sampled && !is_text {
            return Ok(());
        }
        let values = property.values(literal);
        if sampled && values.is_empty() {
            property.texts += 1;
        }
        if sampled && let Some(thing) = called.things.get(literal.text.as_str()) {
            property.count_range(facts.classes_of(thing)?);
        }
        // That a hotel is a hotel is nothing that a reply could be right about.
        let is_class = |it| called.classes.contains(&(it, literal.text.as_str()));
        if values.is_empty() && is_text {
            if !classes.iter().any(is_class) {
                self.phrases.add(&literal.text, number);
            }
        } else if sampled {
            property.count(values);
        }
        Ok(())
    }

    /// Gives the number of a property.
    pub(super) fn number(&self, iri: &Iri) -> Option<u32> {
        self.by_iri.get(iri).copied()
    }

    pub(super) fn get(&self, number: u32) -> &Property {
        &self.all[number as usize]
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).take(self.all.len())
    }

    /// Gives the things that are the only one of a class of those that have a property.
    pub(super) fn sole(&self, property: u32) -> Vec<Iri> {
        let classes = self.get(property).classes.iter();
        classes
            .filter_map(|class| self.sole.get(class)?.clone())
            .collect()
    }
}

impl Property {
    fn count_range(&mut self, classes: Vec<Iri>) {
        for class in classes {
            *self.ranges.entry(class).or_default() += 1;
        }
    }

    fn count(&mut self, values: Vec<Value>) {
        if let Some(value) = values.into_iter().next() {
            match self
                .kinds
                .iter_mut()
                .find(|(kind, _)| same_kind(kind, &value))
            {
                Some((_, count)) => *count += 1,
                None => self.kinds.push((value, 1)),
            }
        }
    }
}

fn same_kind(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Amount(one), Value::Amount(other)) => one.unit == other.unit,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// Says whether a text has Chinese characters.
pub(super) fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Gives what comes last in an IRI, for what has no name.
pub(super) fn local_name(iri: &Iri) -> String {
    let text = iri.as_str();
    text.rsplit(['/', '#', ':'])
        .next()
        .unwrap_or(text)
        .to_owned()
}
