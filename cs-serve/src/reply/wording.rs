//! Answers from facts, in words.

use std::collections::BTreeSet;

use super::entry::{Entry, FACT_PLACES};
use super::{Evidence, Language, Reply, ReplyError, Source, Values};
use crate::knowledge::check::FactInWords;
use crate::knowledge::questions::Answer;
use crate::knowledge::{Fact, Iri, Knowledge, KnowledgeError};

/// The most things that are told, and the most facts that are given as evidence.
const MOST_THINGS: usize = 5;
const MOST_EVIDENCE: usize = 10;

/// What Chinese names of properties begin with that say what is so.
const SAY_SO: [&str; 14] = [
    "可", "支持", "包含", "包邮", "含", "防", "带", "提供", "允许", "接受", "需", "开", "免", "能",
];

/// Says answers in a language, by the text of a reply where there is one.
pub(super) struct Wording<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) language: Language,
    pub(super) entry: Option<&'a Entry>,
    /// The values of the other places.
    pub(super) values: &'a Values,
}

impl Wording<'_> {
    /// Says an answer; none if there is nothing to say.
    pub(super) fn reply(&self, answer: &Answer) -> Result<Option<Reply>, ReplyError> {
        let (text, facts) = match answer {
            Answer::Attribute { facts, .. } => (self.attributes(facts)?, facts),
            Answer::YesNo { yes, facts } if !facts.is_empty() => (self.yes_no(*yes, facts)?, facts),
            Answer::Things { things, facts } => (self.things(things, facts)?, facts),
            Answer::Count { count, facts } => (self.count(*count)?, facts),
            Answer::Which { candidates } => {
                let things: Vec<Iri> = candidates.iter().map(|it| it.iri.clone()).collect();
                let mut named: Vec<String> = candidates.iter().map(|it| it.name.clone()).collect();
                named.truncate(MOST_THINGS);
                return Ok(Some(self.which(&things, &named)));
            }
            Answer::YesNo { .. } | Answer::Unknown(_) => return Ok(None),
        };
        Ok(Some(Reply {
            text,
            source: Source::Knowledge,
            evidence: self.evidence(facts)?,
            checked: None,
        }))
    }

    /// A sentence for each property, with all its values.
    fn attributes(&self, facts: &[Fact]) -> Result<String, ReplyError> {
        let of_one = |one: &Fact, other: &Fact| one.predicate == other.predicate;
        let sentence = |facts: &[Fact]| -> Result<String, ReplyError> {
            let words = self.words(facts)?;
            let values = joined(words.iter().map(|it| it.value.as_str()), self.language);
            let Some(first) = words.first() else {
                return Ok(String::new());
            };
            let first = FactInWords {
                value: values,
                ..first.clone()
            };
            self.own(&first)?
                .map_or_else(|| Ok(self.sentence(&first)), Ok)
        };
        let sentences = facts
            .chunk_by(of_one)
            .map(sentence)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.after_each_other(&sentences))
    }

    fn yes_no(&self, yes: bool, facts: &[Fact]) -> Result<String, ReplyError> {
        let Some(first) = self.words(facts)?.into_iter().next() else {
            return Ok(String::new());
        };
        if let Some(own) = self.own(&first)? {
            return Ok(own);
        }
        let (word, stop) = match (self.language, yes) {
            (Language::Zh, true) => ("是的", "，"),
            (Language::Zh, false) => ("不是", "，"),
            (Language::En, true) => ("Yes", ". "),
            (Language::En, false) => ("No", ". "),
        };
        Ok(format!("{word}{stop}{}", self.sentence(&first)))
    }

    /// The things, each with what it was chosen by.
    fn things(&self, things: &[Iri], facts: &[Fact]) -> Result<String, ReplyError> {
        let mut told = Vec::new();
        for thing in things.iter().take(MOST_THINGS) {
            let own: Vec<Fact> = facts
                .iter()
                .filter(|it| it.subject == *thing)
                .cloned()
                .collect();
            let words = self.words(&own)?;
            let mut said = BTreeSet::new();
            let values = words
                .iter()
                .filter(|it| said.insert((&it.predicate, &it.value)));
            let values = values.map(|it| match (truth(it), self.language) {
                (Some(is_so), Language::Zh) => so(&it.predicate, is_so),
                (Some(_), Language::En) => format!("{}: {}", it.predicate, it.value),
                (None, Language::Zh) => format!("{}{}", it.predicate, it.value),
                (None, Language::En) => format!("{} {}", it.predicate, it.value),
            });
            let values = joined(values, self.language);
            let name = match words.first() {
                Some(first) => first.subject.clone(),
                None => self
                    .knowledge
                    .checker()
                    .name(thing, self.language == Language::Zh)?,
            };
            told.push(match (values.is_empty(), self.language) {
                (true, _) => name,
                (false, Language::Zh) => format!("{name}（{values}）"),
                (false, Language::En) => format!("{name} ({values})"),
            });
        }
        let all = joined(told.iter().map(String::as_str), self.language);
        let places = [("things", all.clone()), ("count", things.len().to_string())];
        if let Some(own) = self.rendered(&places)? {
            return Ok(own);
        }
        Ok(match (self.language, things.len() > MOST_THINGS) {
            (Language::Zh, true) => format!("共{}个，例如{all}。", things.len()),
            (Language::Zh, false) => format!("{all}。"),
            (Language::En, true) => format!("{} of them, such as {all}.", things.len()),
            (Language::En, false) => format!("{all}."),
        })
    }

    fn count(&self, count: usize) -> Result<String, ReplyError> {
        let own = self.rendered(&[("count", count.to_string())])?;
        Ok(own.unwrap_or_else(|| match (self.language, count) {
            (Language::Zh, count) => format!("共{count}个。"),
            (Language::En, 1) => "There is 1.".to_owned(),
            (Language::En, count) => format!("There are {count}."),
        }))
    }

    fn which(&self, things: &[Iri], names: &[String]) -> Reply {
        let all = joined(names.iter().map(String::as_str), self.language);
        let evidence = things.iter().zip(names).map(|(thing, name)| Evidence {
            source: Source::Knowledge,
            id: thing.to_string(),
            text: name.clone(),
        });
        Reply {
            text: match self.language {
                Language::Zh => format!("您问的是哪一个：{all}？"),
                Language::En => format!("Which one do you mean: {all}?"),
            },
            source: Source::Knowledge,
            evidence: evidence.collect(),
            checked: None,
        }
    }

    fn sentence(&self, fact: &FactInWords) -> String {
        let FactInWords {
            subject,
            predicate,
            value,
        } = fact;
        // "The waterproof of the earbuds is yes" is no sentence.
        match (truth(fact), self.language) {
            (Some(is_so), Language::Zh) => format!("{subject}{}。", so(predicate, is_so)),
            (Some(_), Language::En) => format!("{subject}, {predicate}: {value}."),
            (None, Language::Zh) => format!("{subject}的{predicate}是{value}。"),
            (None, Language::En) => format!("The {predicate} of {subject} is {value}."),
        }
    }

    /// Says a fact by the reply's own text.
    fn own(&self, fact: &FactInWords) -> Result<Option<String>, ReplyError> {
        self.rendered(&[
            ("thing", fact.subject.clone()),
            ("property", fact.predicate.clone()),
            ("value", fact.value.clone()),
        ])
    }

    fn rendered(&self, places: &[(&str, String)]) -> Result<Option<String>, ReplyError> {
        // A text about a thing does not say what is known of several, nor the other way round.
        let is_given = |name: &String| {
            !FACT_PLACES.contains(&name.as_str()) || places.iter().any(|(place, _)| place == name)
        };
        let has_all = |it: &&Entry| {
            it.text()
                .is_some_and(|text| text.names().iter().all(is_given))
        };
        let Some(entry) = self.entry.filter(has_all) else {
            return Ok(None);
        };
        let mut values = self.values.clone();
        values.extend(
            places
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        entry.render(self.language, &values).map(Some)
    }

    fn words(&self, facts: &[Fact]) -> Result<Vec<FactInWords>, KnowledgeError> {
        let chinese = self.language == Language::Zh;
        self.knowledge.checker().in_words(facts, chinese)
    }

    fn evidence(&self, facts: &[Fact]) -> Result<Vec<Evidence>, KnowledgeError> {
        let facts = &facts[..facts.len().min(MOST_EVIDENCE)];
        let words = self.words(facts)?;
        Ok(facts
            .iter()
            .zip(&words)
            .map(|(fact, words)| of_fact(fact, words))
            .collect())
    }

    fn after_each_other(&self, sentences: &[String]) -> String {
        sentences.join(match self.language {
            Language::Zh => "",
            Language::En => " ",
        })
    }
}

/// What a fact says whose value is a yes or a no.
fn truth(fact: &FactInWords) -> Option<bool> {
    match fact.value.as_str() {
        "是" | "yes" => Some(true),
        "否" | "no" => Some(false),
        _ => None,
    }
}

/// Says in Chinese that something is so or not, by the name of the property: 有货 and 没有货, 防水 and 不防水. One
/// whose name does not say what is so keeps its yes or no.
fn so(predicate: &str, is_so: bool) -> String {
    let name = predicate.replacen("有无", "有", 1);
    let name = name.strip_prefix("是否").unwrap_or(&name);
    let says_so = name.len() < predicate.len() || SAY_SO.iter().any(|it| name.starts_with(it));
    match (is_so, name.starts_with('有')) {
        (true, true) => name.to_owned(),
        (false, true) => format!("没{name}"),
        (true, false) if says_so => name.to_owned(),
        (false, false) if says_so => format!("不{name}"),
        (true, false) => format!("{name}：是"),
        (false, false) => format!("{name}：否"),
    }
}

/// Gives a fact as evidence.
pub(super) fn of_fact(fact: &Fact, words: &FactInWords) -> Evidence {
    Evidence {
        source: Source::Knowledge,
        id: format!("{} {}", fact.subject, fact.predicate),
        text: format!("{} {}: {}", words.subject, words.predicate, words.value),
    }
}

fn joined(texts: impl Iterator<Item = impl AsRef<str>>, language: Language) -> String {
    let texts: Vec<_> = texts.collect();
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    texts.join(match language {
        Language::Zh => "、",
        Language::En => ", ",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_is_said_by_its_name() {
        for (predicate, is, is_not) in [
            ("有货", "有货", "没有货"),
            ("有无早餐", "有早餐", "没有早餐"),
            ("防水", "防水", "不防水"),
            ("是否包邮", "包邮", "不包邮"),
            ("支持退货", "支持退货", "不支持退货"),
            ("退货", "退货：是", "退货：否"),
        ] {
            assert_eq!(
                (so(predicate, true), so(predicate, false)),
                (is.to_owned(), is_not.to_owned())
            );
        }
    }
}
