//! A claim against the facts of what it may be about.

use super::checked::Verdict;
use super::claims::{By, Claim, Said};
use super::lookup::Lookup;
use super::properties::{Properties, Property};
use super::reading::Reading;
use crate::knowledge::facts::{Iri, Literal, Object};
use crate::knowledge::value::{Value, same_text};

/// The most groups of subjects that are asked.
const MOST_GROUPS: usize = 3;

/// So many things at most have a value that tells which of them is meant.
const FEW: usize = 2;

/// What was found for a claim.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) property: u32,
    pub(super) subject: Option<Iri>,
    /// The values that are known.
    pub(super) known: Vec<Object>,
}

/// Holds claims against facts.
pub(super) struct Judge<'a> {
    pub(super) reading: &'a Reading,
    pub(super) properties: &'a Properties,
    pub(super) lookup: &'a Lookup<'a>,
}

impl Judge<'_> {
    /// Judges a claim by the likeliest group of things that it may be about: it is true if it is of
    /// one of them, else false if it is known to be false of one. What is true of a less likely
    /// group counts where few things have that value. A claim of no property is none.
    pub(super) fn judge(&self, claim: &Claim, groups: &[Vec<Iri>]) -> Option<Finding> {
        let groups = groups.iter().take(MOST_GROUPS);
        let mut findings = groups.filter_map(|group| self.of_group(claim, group));
        let Some(first) = findings.next() else {
            return Some(Finding {
                verdict: Verdict::Unknown,
                property: *claim.properties.first()?,
                subject: None,
                known: Vec::new(),
            });
        };
        if first.verdict == Verdict::Supported {
            return Some(first);
        }
        let meant =
            findings.find(|it| it.verdict == Verdict::Supported && self.is_telling(claim, it));
        Some(meant.unwrap_or(first))
    }

    /// Says whether a claim that is true of a less likely subject is surely about that one: few
    /// things have the same telephone number, many the same rating.
    fn is_telling(&self, claim: &Claim, found: &Finding) -> bool {
        let predicate = &self.properties.get(found.property).predicate.iri;
        let meant = found.known.iter().filter(|it| self.is_meant(claim, it));
        let rarest = meant.map(|it| self.lookup.having(predicate, it)).min();
        rarest.is_some_and(|it| it <= FEW)
    }

    /// Says whether a known value is the one that a claim has, and one that may be rare.
    fn is_meant(&self, claim: &Claim, object: &Object) -> bool {
        match (&claim.said, object) {
            (Said::None(_) | Said::Value(Value::Amount(_) | Value::Truth(_)), _) => false,
            (Said::Value(_), Object::Literal(_)) => true,
            (Said::Thing(things), Object::Entity(iri)) => things.contains(iri),
            (_, Object::Literal(literal)) => {
                let item = &self.reading.items[claim.item];
                same_text(&self.reading.between(item.start, item.end), &literal.text)
            }
            _ => false,
        }
    }

    fn of_group(&self, claim: &Claim, group: &[Iri]) -> Option<Finding> {
        let each = group.iter().flat_map(|subject| {
            let finding = |&number: &u32| self.of_subject(claim, subject, number);
            claim.properties.iter().map(finding)
        });
        let findings: Vec<Finding> = each.collect();
        let contradicted = findings
            .iter()
            .filter(|it| it.verdict == Verdict::Contradicted);
        // One of several properties of a kind is meant, and it is not said which.
        let unclear = claim.by == By::Kind && contradicted.count() > group.len();
        let first = findings.into_iter().min_by_key(|it| match it.verdict {
            Verdict::Supported => 0,
            Verdict::Contradicted if !unclear => 1,
            Verdict::Contradicted => 3,
            Verdict::Unknown | Verdict::NoClaim => 2,
        })?;
        Some(match first.verdict {
            Verdict::Contradicted if unclear => Finding {
                verdict: Verdict::Unknown,
                ..first
            },
            _ => first,
        })
    }

    fn of_subject(&self, claim: &Claim, subject: &Iri, number: u32) -> Finding {
        let property = self.properties.get(number);
        let facts = self.lookup.about(subject);
        let objects = facts
            .iter()
            .filter(|it| it.predicate == property.predicate.iri);
        let known: Vec<Object> = objects.map(|it| it.object.clone()).collect();
        Finding {
            verdict: self.against(claim, property, &known),
            property: number,
            subject: Some(subject.clone()),
            known,
        }
    }

    fn against(&self, claim: &Claim, property: &Property, known: &[Object]) -> Verdict {
        let holds = match &claim.said {
            Said::None(classes) => return self.none(classes, property, known),
            Said::Value(value) => self.value(value, property, known),
            Said::Text => self.text(claim, property, known),
            Said::Thing(things) => self.thing(things, claim, property, known),
        };
        match holds {
            None => Verdict::Unknown,
            Some(holds) if holds != claim.denied => Verdict::Supported,
            // 不是30元 says little of what it is.
            Some(_) if claim.denied && !property.predicate.closed => Verdict::Unknown,
            Some(_) => Verdict::Contradicted,
        }
    }

    /// Says whether a property has a value: no if what is stated differs and is all there is.
    fn value(&self, value: &Value, property: &Property, known: &[Object]) -> Option<bool> {
        let known = known.iter().flat_map(|it| match it {
            Object::Literal(literal) => property.values(literal),
            Object::Entity(_) => Vec::new(),
        });
        let answers: Vec<Option<bool>> = known.map(|it| value.agrees(&it)).collect();
        if answers.contains(&Some(true)) {
            return Some(true);
        }
        let differs = answers.contains(&Some(false)) && !answers.contains(&None);
        differs.then_some(false).filter(|_| self.is_all(property))
    }

    fn text(&self, claim: &Claim, property: &Property, known: &[Object]) -> Option<bool> {
        let item = &self.reading.items[claim.item];
        let written = self.reading.between(item.start, item.end);
        let same = |literal: &Literal| same_text(&written, &literal.text);
        if known
            .iter()
            .any(|it| matches!(it, Object::Literal(literal) if same(literal)))
        {
            return Some(true);
        }
        // A part of what is known is no other value.
        let part = |literal: &Literal| literal.text.contains(written.as_str());
        if known
            .iter()
            .any(|it| matches!(it, Object::Literal(literal) if part(literal)))
        {
            return None;
        }
        (self.is_all(property) && (!known.is_empty() || property.predicate.closed)).then_some(false)
    }

    fn thing(
        &self,
        things: &[Iri],
        claim: &Claim,
        property: &Property,
        known: &[Object],
    ) -> Option<bool> {
        let is_one = |object: &Object| match object {
            Object::Entity(iri) => things.contains(iri),
            Object::Literal(literal) => things
                .iter()
                .any(|it| same_text(&self.lookup.name_of(it, true), &literal.text)),
        };
        if known.iter().any(is_one) {
            return Some(true);
        }
        if self.text(claim, property, known) == Some(true) {
            return Some(true);
        }
        // A customer who asks for what is not there is offered something else.
        let offered = claim.by == By::Question && known.is_empty();
        (self.is_all(property) && !offered && (!known.is_empty() || property.predicate.closed))
            .then_some(false)
    }

    fn none(&self, classes: &[Iri], property: &Property, known: &[Object]) -> Verdict {
        let of_class = classes.is_empty() || classes.iter().any(|it| property.ranges_over(it));
        if !of_class {
            return Verdict::Unknown;
        }
        match (known.is_empty(), property.predicate.closed) {
            (true, true) => Verdict::Supported,
            (true, false) => Verdict::Unknown,
            (false, _) => Verdict::Contradicted,
        }
    }

    /// Says whether what is not stated of a property is false.
    fn is_all(&self, property: &Property) -> bool {
        property.predicate.single || property.predicate.closed
    }
}
