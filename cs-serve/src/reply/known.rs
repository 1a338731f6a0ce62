//! What is known when a turn is answered.

use std::collections::HashSet;
use std::sync::Arc;

use super::wording::of_fact;
use super::{Asked, Evidence, Exchange, Language, Reply};
use crate::knowledge::check::{Checked, CheckedFact, Context, FactInWords, Stream, Verdict};
use crate::knowledge::{Fact, Iri, Knowledge, KnowledgeError, Object};

/// The exchanges that a conversation is understood by: those before are forgotten.
const EXCHANGES: usize = 6;
/// The longest text, in characters, of which facts are asked; of longer ones, only the beginning says
/// what the conversation is about.
const LONGEST_QUESTION: usize = 2_000;
/// The most things that facts are told of, and the most facts.
const MOST_THINGS: usize = 3;
const MOST_FACTS: usize = 20;
/// What predicates begin with that are not properties but names and classes.
const VOCABULARY: &str = "http://www.w3.org/";

/// One version of facts, and what they say that a conversation is about.
pub(super) struct Known {
    pub(super) knowledge: Arc<Knowledge>,
    /// What it was about before the turn, and what it is about with it.
    before: Context,
    context: Context,
}

/// Facts, and the same in words.
#[derive(Default)]
pub(super) struct KnownFacts {
    facts: Vec<Fact>,
    pub(super) words: Vec<FactInWords>,
    /// In the other language: a model may mix them.
    other_words: Vec<FactInWords>,
}

impl Known {
    pub(super) fn of(knowledge: Arc<Knowledge>, asked: &Asked<'_>) -> Result<Self, KnowledgeError> {
        let checker = knowledge.checker();
        let mut before = Context::default();
        let first = asked.history.len().saturating_sub(EXCHANGES);
        for Exchange { customer, reply } in &asked.history[first..] {
            before = checker.follow(&before, beginning(customer))?;
            before = checker.follow(&before, beginning(reply))?;
        }
        Ok(Self {
            context: checker.follow(&before, beginning(asked.text))?,
            before,
            knowledge,
        })
    }

    /// The things that the conversation was about before the turn, the newest first.
    pub(super) fn about_before(&self) -> Vec<Iri> {
        about(&self.before)
    }

    /// Gives a reply unless the facts contradict it, with what they say of it.
    pub(super) fn stands(&self, mut reply: Reply) -> Result<Option<Reply>, KnowledgeError> {
        let checked = self.check(&reply.text)?;
        let stands = checked.verdict != Verdict::Contradicted;
        reply.checked = Some(checked);
        Ok(stands.then_some(reply))
    }

    pub(super) fn check(&self, reply: &str) -> Result<Checked, KnowledgeError> {
        self.knowledge.checker().check(reply, &self.context)
    }

    /// Begins the check of a reply that is being written.
    pub(super) fn stream(&self) -> Stream<'_> {
        self.knowledge.checker().stream(self.context.clone())
    }

    /// What is known of the things that the conversation is about now.
    pub(super) fn told(&self, language: Language) -> Result<KnownFacts, KnowledgeError> {
        let mut facts = Vec::new();
        for thing in about(&self.context).iter().take(MOST_THINGS) {
            facts.extend(self.knowledge.facts().about(thing)?);
        }
        facts.retain(|it| !it.predicate.as_str().starts_with(VOCABULARY));
        let mut facts = in_language(facts, language);
        facts.truncate(MOST_FACTS);
        let checker = self.knowledge.checker();
        let is_chinese = language == Language::Zh;
        Ok(KnownFacts {
            words: checker.in_words(&facts, is_chinese)?,
            other_words: checker.in_words(&facts, !is_chinese)?,
            facts,
        })
    }
}

impl KnownFacts {
    /// Gives the facts that supported claims as evidence, each once.
    pub(super) fn evidence(&self, supported: &[CheckedFact]) -> Vec<Evidence> {
        let is_said = |words: &FactInWords| {
            supported.iter().any(|fact| {
                fact.predicate == words.predicate && fact.subject.as_ref() == Some(&words.subject)
            })
        };
        let words = self.words.iter().zip(&self.other_words);
        let all = self.facts.iter().zip(words);
        let said = all.filter(|(_, (words, other))| is_said(words) || is_said(other));
        said.map(|(fact, (words, _))| of_fact(fact, words))
            .collect()
    }
}

/// Leaves out what is said in another language where the same is said in this one.
fn in_language(facts: Vec<Fact>, language: Language) -> Vec<Fact> {
    let own = match language {
        Language::Zh => "zh",
        Language::En => "en",
    };
    let tag = |fact: &Fact| match &fact.object {
        Object::Literal(it) => it.language.clone(),
        Object::Entity(_) => None,
    };
    let is_own = |fact: &Fact| tag(fact).is_some_and(|it| it.starts_with(own));
    let said: HashSet<(Iri, Iri)> = facts
        .iter()
        .filter(|it| is_own(it))
        .map(|it| (it.subject.clone(), it.predicate.clone()))
        .collect();
    let is_told = |fact: &Fact| {
        let is_said = said.contains(&(fact.subject.clone(), fact.predicate.clone()));
        tag(fact).is_none() || is_own(fact) || !is_said
    };
    facts.into_iter().filter(is_told).collect()
}

/// Whether a text is too long for a question that facts answer.
pub(super) fn is_long(text: &str) -> bool {
    beginning(text).len() < text.len()
}

/// Gives the first [`LONGEST_QUESTION`] characters of a text.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST_QUESTION);
    end.map_or(text, |(at, _)| &text[..at])
}

/// The things that a conversation was about, the newest first, each once.
fn about(context: &Context) -> Vec<Iri> {
    let mut things: Vec<Iri> = Vec::new();
    for thing in context.topics().flat_map(|it| &it.things) {
        if !things.contains(thing) {
            things.push(thing.clone());
        }
    }
    things
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{Facts, Graph, Limits};

    #[test]
    fn facts_are_told_in_one_language_where_they_are_in_both() {
        let turtle = r#"
            @prefix : <http://shop.example/> .
            :bag :colour "灰色"@zh, "grey"@en-GB ; :origin "Fuzhou"@en ; :size "L" ; :price 299 .
        "#;
        let graph = Graph::from_turtle(turtle, &Limits::default()).unwrap();
        let bag = Iri::new("http://shop.example/bag").unwrap();
        let told = |language| {
            let mut texts: Vec<String> = in_language(graph.about(&bag).unwrap(), language)
                .into_iter()
                .filter_map(|it| match it.object {
                    Object::Literal(it) => Some(it.text),
                    Object::Entity(_) => None,
                })
                .collect();
            texts.sort();
            texts
        };
        assert_eq!(told(Language::Zh), ["299", "Fuzhou", "L", "灰色"]);
        assert_eq!(told(Language::En), ["299", "Fuzhou", "L", "grey"]);
    }
}
