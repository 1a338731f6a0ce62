//! What is known in words, and in the place of what is false.

use super::checked::Verdict;
use super::claims::{Claim, Said};
use super::judge::Finding;
use super::lookup::Lookup;
use super::properties::{Properties, Property, is_chinese, local_name};
use crate::knowledge::facts::{Datatype, Fact, Iri, Literal, Object};
use crate::knowledge::value::{Value, fold, read};

/// The most values of a list that are told.
const MOST_VALUES: usize = 5;

/// Turns of phrase that deny, and the same that do not; the longer of two that begin alike first.
const OPPOSITES: &[(&str, &str)] = &[
    ("不可以", "可以"),
    ("不支持", "支持"),
    ("不提供", "提供"),
    ("不包含", "包含"),
    ("不允许", "允许"),
    ("没有", "有"),
    ("不能", "能"),
    ("不含", "含"),
    ("不是", "是"),
    ("不会", "会"),
    ("cannot", "can"),
    ("can't", "can"),
    ("can not", "can"),
    ("don't ", ""),
    ("do not ", ""),
    ("doesn't ", ""),
    ("does not ", ""),
    ("is not", "is"),
    ("isn't", "is"),
    ("are not", "are"),
    ("aren't", "are"),
];

/// A fact as people say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactInWords {
    /// What it is about, by name.
    pub subject: String,
    /// Which of its properties, by name.
    pub predicate: String,
    /// The value, with its unit.
    pub value: String,
}

/// Says what is known, in the words of a reply.
pub(super) struct Words<'a> {
    pub(super) reply: &'a str,
    /// Whether things are called by their Chinese names.
    pub(super) chinese: bool,
    pub(super) properties: &'a Properties,
    pub(super) lookup: &'a Lookup<'a>,
}

impl Words<'_> {
    /// Gives the words of a claim.
    pub(super) fn claimed(&self, claim: &Claim) -> String {
        let length = claim.end - claim.start;
        self.reply.chars().skip(claim.start).take(length).collect()
    }

    /// Gives a thing's name.
    pub(super) fn name(&self, thing: &Iri) -> String {
        self.lookup.name_of(thing, self.chinese)
    }

    /// Says what is known, as the claim says what is claimed.
    pub(super) fn known(&self, claim: &Claim, finding: &Finding) -> Option<String> {
        let property = self.properties.get(finding.property);
        let claimed = self.claimed(claim);
        let known = finding.known.iter().take(MOST_VALUES);
        let mut values: Vec<String> = known.map(|it| self.said(it, property, &claimed)).collect();
        if finding.known.len() > MOST_VALUES {
            values.push("…".to_owned());
        }
        let separator = if self.chinese { "、" } else { ", " };
        (!values.is_empty()).then(|| values.join(separator))
    }

    /// Puts what is known in the place of what is false, from the end on, so that places stay;
    /// none if nothing is false, or if nothing can be put in its place.
    pub(super) fn corrected(&self, judged: &[(Claim, Finding)]) -> Option<String> {
        let mut text: Vec<char> = self.reply.chars().collect();
        let wrong = |it: &&(Claim, Finding)| it.1.verdict == Verdict::Contradicted;
        let mut is_other = false;
        for (claim, finding) in judged.iter().rev().filter(wrong) {
            let right = self.right(claim, finding)?;
            text.splice(claim.start..claim.end, right.chars());
            is_other = true;
        }
        is_other.then(|| text.into_iter().collect())
    }

    fn right(&self, claim: &Claim, finding: &Finding) -> Option<String> {
        let property = self.properties.get(finding.property);
        match &claim.said {
            Said::Value(Value::Truth(said)) => opposite(&self.claimed(claim), !said),
            _ if claim.denied => None,
            Said::None(_) => {
                let known = self.known(claim, finding)?;
                self.chinese.then(|| format!("有{known}"))
            }
            Said::Text | Said::Thing(_) if !property.predicate.single => {
                let values = finding.known.iter().map(|it| self.said(it, property, ""));
                let mut others = values.filter(|it| !self.reply.contains(it.as_str()));
                others.next()
            }
            _ => self.known(claim, finding),
        }
    }

    /// Says a fact.
    pub(super) fn told(&self, fact: &Fact) -> FactInWords {
        let property = self.properties.number(&fact.predicate);
        let property = property.map(|it| self.properties.get(it));
        FactInWords {
            subject: self.name(&fact.subject),
            predicate: match property {
                Some(property) => property.name(self.chinese).to_owned(),
                None => local_name(&fact.predicate),
            },
            value: match (&fact.object, property) {
                (Object::Literal(it), _) if it.datatype == Datatype::Boolean => self.truth(it),
                (object, Some(property)) => self.said(object, property, ""),
                (Object::Literal(it), None) => it.text.clone(),
                (Object::Entity(it), None) => self.name(it),
            },
        }
    }

    fn truth(&self, literal: &Literal) -> String {
        let is_so = matches!(literal.text.as_str(), "true" | "1");
        let word = match (self.chinese, is_so) {
            (true, true) => "是",
            (true, false) => "否",
            (false, true) => "yes",
            (false, false) => "no",
        };
        word.to_owned()
    }

    /// Says a value, with its unit where the sample has one or no digits.
    pub(super) fn said(&self, object: &Object, property: &Property, sample: &str) -> String {
        let literal = match object {
            Object::Entity(iri) => return self.name(iri),
            Object::Literal(literal) => literal,
        };
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let bare = !sample.is_empty() && sample.chars().all(is_digit);
        match &property.predicate.unit {
            Some(unit) if is_number(literal) && !bare => in_words_of(sample, literal, property)
                .unwrap_or_else(|| with_unit(&literal.text, unit, sample)),
            _ => literal.text.clone(),
        }
    }
}

/// Puts a number in the place of the sample's one, if that counts the same unit.
fn in_words_of(sample: &str, literal: &Literal, property: &Property) -> Option<String> {
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let start = sample.find(|c: char| c.is_ascii_digit())?;
    let digits: String = sample[start..]
        .chars()
        .take_while(|&c| is_digit(c))
        .collect();
    let [Value::Amount(claimed)] = &read(sample)
        .into_iter()
        .map(|it| it.value)
        .collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let [Value::Amount(known)] = &property.values(literal)[..] else {
        return None;
    };
    let (said, stated): (f64, f64) = (digits.parse().ok()?, literal.text.parse().ok()?);
    let same_scale = (claimed.low * stated - known.low * said).abs() < 1e-9;
    let rest = &sample[start + digits.len()..];
    let one = !rest.contains(|c: char| c.is_ascii_digit());
    (one && same_scale && claimed.unit == known.unit)
        .then(|| format!("{}{}{rest}", &sample[..start], literal.text))
}

fn with_unit(number: &str, unit: &str, sample: &str) -> String {
    let sign = sample.chars().next().filter(|c| "¥￥$€£".contains(*c));
    if let Some(sign) = sign {
        return format!("{sign}{number}");
    }
    if is_chinese(unit) || unit == "%" {
        return format!("{number}{unit}");
    }
    format!("{number} {unit}")
}

fn is_number(literal: &Literal) -> bool {
    use Datatype::{Decimal, Double, Integer};
    matches!(literal.datatype, Integer | Decimal | Double)
}

/// Says the opposite of a clause, if it has a word that can be turned.
fn opposite(clause: &str, to: bool) -> Option<String> {
    let folded: String = clause.chars().map(fold).collect();
    if folded.len() != clause.len() {
        return None;
    }
    let turn = |&(no, yes): &(&str, &str)| {
        let (from, into) = if to { (no, yes) } else { (yes, no) };
        let at = (!from.is_empty()).then(|| folded.find(from))??;
        let (before, after) = (&clause[..at], &clause[at + from.len()..]);
        Some(format!("{before}{into}{after}"))
    };
    OPPOSITES.iter().find_map(turn)
}
