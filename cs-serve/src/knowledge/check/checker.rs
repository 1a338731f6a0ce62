//! A reply against the facts.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::checked::{Checked, CheckedFact, Verdict};
use super::claims::{Claim, Claims, Said};
use super::context::{Context, Topic};
use super::corrected::{FactInWords, Words};
use super::judge::{Finding, Judge};
use super::lookup::Lookup;
use super::properties::{Properties, is_chinese};
use super::reading::Reading;
use super::sentences::parts;
use super::stream::Stream;
use super::subjects::Subjects;
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::facts::{Fact, Facts, Iri};
use crate::knowledge::linking::Linker;

/// Holds replies against one version of facts.
pub struct Checker {
    facts: Arc<dyn Facts>,
    linker: Arc<Linker>,
    properties: Properties,
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker")
            .field("version", &self.facts.version())
            .finish_non_exhaustive()
    }
}

impl Checker {
    /// Reads all facts once, to learn what values the properties have.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn new(facts: Arc<dyn Facts>, linker: Arc<Linker>) -> Result<Self, KnowledgeError> {
        let properties = Properties::of(facts.as_ref())?;
        Ok(Self {
            facts,
            linker,
            properties,
        })
    }

    /// Begins a conversation about some things, each by its IRI or its name, the newest last.
    ///
    /// # Errors
    /// [`KnowledgeError::Unknown`] if the facts have no such thing; or the graph cannot be read.
    pub fn about(&self, things: &[impl AsRef<str>]) -> Result<Context, KnowledgeError> {
        let mut context = Context::default();
        for thing in things {
            let topic = self.topic_of(thing.as_ref())?;
            context = context.then(topic);
        }
        Ok(context)
    }

    fn topic_of(&self, thing: &str) -> Result<Topic, KnowledgeError> {
        if let Ok(iri) = Iri::new(thing)
            && !self.facts.about(&iri)?.is_empty()
        {
            return Ok(Topic {
                things: vec![iri],
                ..Topic::default()
            });
        }
        let topic = self.topic(&self.read(thing), &HashSet::new());
        if topic.things.is_empty() {
            return Err(KnowledgeError::Unknown {
                found: thing.chars().take(80).collect(),
            });
        }
        Ok(topic)
    }

    /// Gives the context after a turn, the customer's or one's own.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn follow(&self, context: &Context, turn: &str) -> Result<Context, KnowledgeError> {
        let mut topic = Topic::default();
        for part in parts(turn) {
            let reading = self.read(&part);
            let lookup = Lookup::new(self.facts.as_ref());
            let claims = self.claims(&reading, context, &lookup);
            let listed = things_claimed(&claims);
            lookup.error()?;
            topic.extend(self.topic(&reading, &listed));
        }
        Ok(context.then(topic))
    }

    /// Checks a reply. What a claim is about may stand a thousand characters before it, and mostly
    /// further, but not at any distance: the time grows as the reply does.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn check(&self, reply: &str, context: &Context) -> Result<Checked, KnowledgeError> {
        self.stream(context.clone()).whole(reply)
    }

    /// Checks a part of a reply, given what stands before it. Places are counted from the beginning
    /// of that; what is corrected is the part.
    pub(super) fn part(
        &self,
        before: &str,
        part: &str,
        context: &Context,
    ) -> Result<Checked, KnowledgeError> {
        let text = format!("{before}{part}");
        let start = before.chars().count();
        let reading = self.read(&text);
        let lookup = Lookup::new(self.facts.as_ref());
        let claims = self.claims(&reading, context, &lookup);
        let subjects = Subjects {
            reading: &reading,
            properties: &self.properties,
            context,
            claimed: &things_claimed(&claims),
            lookup: &lookup,
        };
        let judge = Judge {
            reading: &reading,
            properties: &self.properties,
            lookup: &lookup,
        };
        let judged: Vec<(Claim, Finding)> = claims
            .into_iter()
            .filter(|claim| claim.end > start)
            .filter_map(|claim| {
                let finding = judge.judge(&claim, &subjects.of(&claim))?;
                Some((claim, finding))
            })
            .filter(|(claim, finding)| !claim.weak || finding.verdict == Verdict::Supported)
            .collect();
        let mut checked = self.told(&text, &judged, &lookup);
        lookup.error()?;
        // The claims that are corrected stand in the part.
        checked.corrected = checked
            .corrected
            .and_then(|it| it.strip_prefix(before).map(str::to_owned));
        Ok(checked)
    }

    /// Gives what facts are about and what they state as people say it, with the names of the
    /// language, where there are any, and with units. What is so is `是` or `yes`.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn in_words(
        &self,
        facts: &[Fact],
        chinese: bool,
    ) -> Result<Vec<FactInWords>, KnowledgeError> {
        let lookup = Lookup::new(self.facts.as_ref());
        let words = Words {
            reply: "",
            chinese,
            properties: &self.properties,
            lookup: &lookup,
        };
        let told = facts.iter().map(|fact| words.told(fact)).collect();
        lookup.error()?;
        Ok(told)
    }

    /// Gives what a thing is called, by a name of the language where it has one.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn name(&self, thing: &Iri, chinese: bool) -> Result<String, KnowledgeError> {
        let lookup = Lookup::new(self.facts.as_ref());
        let name = lookup.name_of(thing, chinese);
        lookup.error()?;
        Ok(name)
    }

    /// Begins the check of a reply that is still being written.
    #[must_use]
    pub fn stream(&self, context: Context) -> Stream<'_> {
        Stream::new(self, context)
    }

    fn read(&self, text: &str) -> Reading {
        Reading::of(text, &self.linker, &self.properties)
    }

    fn claims(&self, reading: &Reading, context: &Context, lookup: &Lookup<'_>) -> Vec<Claim> {
        Claims {
            reading,
            properties: &self.properties,
            context,
            lookup,
        }
        .find()
    }

    fn topic(&self, reading: &Reading, listed: &HashSet<usize>) -> Topic {
        let mut topic = Topic::default();
        let mut named = None;
        for (at, item) in reading.items.iter().enumerate() {
            let things = item.things.iter().cloned();
            match listed.contains(&at) {
                true => topic.listed.extend(things),
                false => topic.things.extend(things),
            }
            let properties = item.properties.iter().map(|&it| self.properties.get(it));
            // A class that a property has just named is that of its values, not of what has it.
            if properties.clone().any(|it| it.has_things()) {
                named = Some(item.sentence);
            } else if named != Some(item.sentence) {
                topic.classes.extend(item.classes.iter().cloned());
            }
            let iris = properties.map(|it| it.predicate.iri.clone());
            topic.properties.extend(iris);
        }
        topic
    }

    fn told(&self, reply: &str, judged: &[(Claim, Finding)], lookup: &Lookup<'_>) -> Checked {
        let words = Words {
            reply,
            chinese: is_chinese(reply),
            properties: &self.properties,
            lookup,
        };
        let told = |(claim, finding): &(Claim, Finding)| CheckedFact {
            subject: finding.subject.as_ref().map(|it| words.name(it)),
            predicate: self
                .properties
                .get(finding.property)
                .name(is_chinese(reply))
                .to_owned(),
            claimed: words.claimed(claim),
            known: words.known(claim, finding),
            start: claim.start,
            end: claim.end,
            verdict: finding.verdict,
        };
        let facts: Vec<CheckedFact> = judged.iter().map(told).collect();
        Checked {
            verdict: Verdict::of_all(facts.iter().map(|it| it.verdict)),
            corrected: words.corrected(judged),
            facts,
        }
    }
}

/// Gives the items that are claimed as values of others.
fn things_claimed(claims: &[Claim]) -> HashSet<usize> {
    let things = claims.iter().filter(|it| matches!(it.said, Said::Thing(_)));
    things.map(|it| it.item).collect()
}
