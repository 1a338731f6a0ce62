//! Replies made from templates, right and with another thing's value.

use std::sync::Arc;

use cs_data::SplitMix;
use cs_serve::knowledge::check::{Checker, Context};
use cs_serve::knowledge::value::{Value, same_text};
use cs_serve::knowledge::{Datatype, Fact, Facts, Iri, Literal, Name, Named, Object, Predicate};

use crate::Result;
use crate::check::Outcome;
use crate::facts::checker;
use crate::swap::Swap;

/// A reply, and the question before it if there is one. `{T}` is the thing, `{P}` the property.
struct Template {
    question: &'static str,
    reply: &'static str,
}

const CHINESE: [Template; 8] = [
    Template {
        question: "",
        reply: "{T}的{P}是{V}。",
    },
    Template {
        question: "",
        reply: "您好，{T}的{P}为{V}，欢迎选购！",
    },
    Template {
        question: "{T}的{P}是什么？",
        reply: "亲，是{V}哦。",
    },
    Template {
        question: "请问{T}的{P}？",
        reply: "{V}",
    },
    Template {
        question: "{T}怎么样？",
        reply: "很不错的，它的{P}是{V}。",
    },
    Template {
        question: "我想了解一下{T}。",
        reply: "好的，{P}：{V}，还需要别的吗？",
    },
    Template {
        question: "",
        reply: "关于{T}，为您查到{P}是{V}，请放心。",
    },
    Template {
        question: "{T}好吗？",
        reply: "{T}很受欢迎。{P}是{V}，您看可以吗？",
    },
];
const ENGLISH: [Template; 7] = [
    Template {
        question: "",
        reply: "The {P} of the {T} is {V}.",
    },
    Template {
        question: "",
        reply: "Thank you for asking! The {T} has this {P}: {V}.",
    },
    Template {
        question: "What is the {P} of the {T}?",
        reply: "It is {V}.",
    },
    Template {
        question: "Tell me the {P} of the {T}, please.",
        reply: "{V}",
    },
    Template {
        question: "Is the {T} any good?",
        reply: "People like it. Its {P} is {V}.",
    },
    Template {
        question: "I'd like to know more about the {T}.",
        reply: "Of course. {P}: {V}. Anything else?",
    },
    Template {
        question: "",
        reply: "For the {T}, the {P} is {V}, as of today.",
    },
];
const YES: [&str; 4] = [
    "{T}支持{P}。",
    "可以{P}的，放心。",
    "Yes, {T}: {P} is offered.",
    "The {T} does have this: {P}.",
];
const NO: [&str; 4] = [
    "{T}不支持{P}。",
    "不可以{P}的，抱歉。",
    "No, {T}: {P} is not offered.",
    "The {T} does not have this: {P}.",
];

/// The most replies that are made of one graph.
const MOST: usize = 4_000;

/// How often another thing's value is drawn.
const DRAWS: usize = 50;

struct Source<'a> {
    facts: &'a dyn Facts,
    things: Vec<Name>,
    predicates: Vec<(Predicate, Vec<Name>)>,
}

/// Checks replies about a graph's things: half of them right, half with a value swapped.
pub(crate) fn measure(facts: Arc<dyn Facts>, seed: u64) -> Result<Outcome> {
    let checker = checker(Arc::clone(&facts))?;
    let source = Source::of(facts.as_ref())?;
    let mut outcome = Outcome::default();
    for number in 0..MOST {
        let mut random = SplitMix::named(seed, &format!("reply/{number}"));
        if let Some(made) = source.reply(&mut random)? {
            made.check(&checker, &mut outcome, random.chance(0.5))?;
        }
    }
    Ok(outcome)
}

/// A reply that is right, and one that is not.
struct Made {
    question: String,
    right: String,
    wrong: Swap,
}

impl Made {
    fn check(&self, checker: &Checker, outcome: &mut Outcome, swapped: bool) -> Result<()> {
        let context = match self.question.as_str() {
            "" => Context::default(),
            question => checker.follow(&Context::default(), question)?,
        };
        let text = if swapped {
            &self.wrong.text
        } else {
            &self.right
        };
        let checked = checker.check(text, &context)?;
        match swapped {
            true => outcome.swapped(&self.wrong, &checked),
            false => outcome.right(&self.right, &checked),
        }
        Ok(())
    }
}

impl<'a> Source<'a> {
    fn of(facts: &'a dyn Facts) -> Result<Self> {
        let mut names = Vec::new();
        facts.names(&mut |name| names.push(name))?;
        let of = |iri: &Iri| {
            names
                .iter()
                .filter(|it| it.preferred && it.iri == *iri)
                .cloned()
                .collect()
        };
        let predicates = facts.predicates()?.into_iter().map(|it| (of(&it.iri), it));
        let predicates = predicates.map(|(names, it)| (it, names)).collect();
        let things = names
            .iter()
            .filter(|it| it.named == Named::Entity && it.preferred)
            .cloned()
            .collect();
        Ok(Self {
            facts,
            things,
            predicates,
        })
    }

    /// Makes a reply about a fact that is drawn; none if it has no words in one language.
    fn reply(&self, random: &mut SplitMix) -> Result<Option<Made>> {
        let Some(thing) = random.pick(&self.things) else {
            return Ok(None);
        };
        let about = self.facts.about(&thing.iri)?;
        let Some(fact) = random.pick(&about).cloned() else {
            return Ok(None);
        };
        let Some((predicate, names)) = self
            .predicates
            .iter()
            .find(|(it, _)| it.iri == fact.predicate)
        else {
            return Ok(None);
        };
        let Some(name) = names.iter().find(|it| it.language == thing.language) else {
            return Ok(None);
        };
        let chinese = thing.language.as_deref() == Some("zh");
        let words = [("{T}", thing.text.as_str()), ("{P}", name.text.as_str())];
        if let Object::Literal(Literal {
            text,
            datatype: Datatype::Boolean,
            ..
        }) = &fact.object
        {
            return Ok(Some(policy(&words, text == "true", chinese, random)));
        }
        if predicate.single || predicate.closed {
            return self.valued(&fact, predicate, &words, chinese, random);
        }
        Ok(None)
    }

    fn valued(
        &self,
        fact: &Fact,
        predicate: &Predicate,
        words: &[(&str, &str)],
        chinese: bool,
        random: &mut SplitMix,
    ) -> Result<Option<Made>> {
        let own: Vec<Object> = self
            .facts
            .about(&fact.subject)?
            .into_iter()
            .filter(|it| it.predicate == fact.predicate)
            .map(|it| it.object)
            .collect();
        let Some(other) = self.other(&own, predicate, chinese, random)? else {
            return Ok(None);
        };
        let (Some(right), Some(wrong)) = (
            self.said(&fact.object, predicate, chinese, random)?,
            self.said(&other, predicate, chinese, random)?,
        ) else {
            return Ok(None);
        };
        let templates: &[Template] = if chinese { &CHINESE } else { &ENGLISH };
        let Some(template) = random.pick(templates) else {
            return Ok(None);
        };
        let reply = filled(template.reply, words);
        let start = reply
            .find("{V}")
            .map_or(0, |at| reply[..at].chars().count());
        Ok(Some(Made {
            question: filled(template.question, words),
            right: reply.replace("{V}", &right),
            wrong: Swap {
                text: reply.replace("{V}", &wrong),
                slot: words[1].1.to_owned(),
                end: start + wrong.chars().count(),
                right,
                wrong,
                start,
            },
        }))
    }

    /// Draws another thing's value of the same property, which the thing does not have.
    fn other(
        &self,
        own: &[Object],
        predicate: &Predicate,
        chinese: bool,
        random: &mut SplitMix,
    ) -> Result<Option<Object>> {
        for _ in 0..DRAWS {
            let Some(thing) = random.pick(&self.things) else {
                break;
            };
            let mut facts = self.facts.about(&thing.iri)?;
            facts.retain(|it| it.predicate == predicate.iri && speaks(&it.object, chinese));
            if let Some(fact) = random.pick(&facts)
                && !own.iter().any(|it| is_same(it, &fact.object, predicate))
            {
                return Ok(Some(fact.object.clone()));
            }
        }
        Ok(None)
    }

    /// Says a value in one of the ways in which people do.
    fn said(
        &self,
        object: &Object,
        predicate: &Predicate,
        chinese: bool,
        random: &mut SplitMix,
    ) -> Result<Option<String>> {
        let literal = match object {
            Object::Literal(literal) => literal,
            Object::Entity(iri) => {
                let language = Some(if chinese { "zh" } else { "en" });
                let name = self
                    .things
                    .iter()
                    .find(|it| it.iri == *iri && it.language.as_deref() == language);
                return Ok(name.map(|it| it.text.clone()));
            }
        };
        if !speaks(object, chinese) {
            return Ok(None);
        }
        let number = &literal.text;
        Ok(Some(match (predicate.unit.as_deref(), chinese) {
            (Some("元"), true) => match random.below(3) {
                0 => format!("{number}元"),
                1 => format!("{number}块钱"),
                _ => format!("¥{number}"),
            },
            (Some("元"), false) => format!("{number} yuan"),
            (Some("个月"), false) => format!("{number} months"),
            (Some("天"), false) => format!("{number} days"),
            (Some(unit), true) => format!("{number}{unit}"),
            (Some(unit), false) => format!("{number} {unit}"),
            (None, _) => number.clone(),
        }))
    }
}

/// Says whether a value can be said in a language.
fn speaks(object: &Object, chinese: bool) -> bool {
    match object {
        Object::Entity(_) => true,
        Object::Literal(it) => it
            .language
            .as_deref()
            .is_none_or(|it| (it == "zh") == chinese),
    }
}

fn is_same(one: &Object, other: &Object, predicate: &Predicate) -> bool {
    match (one, other) {
        (Object::Literal(one), Object::Literal(other)) => {
            let values = |literal| Value::of_literal(literal, predicate.unit.as_deref());
            let (first, second) = (values(one), values(other));
            let agree = first
                .iter()
                .any(|it| second.iter().any(|other| it.agrees(other) != Some(false)));
            same_text(&one.text, &other.text) || one.text.contains(&other.text) || agree
        }
        _ => one == other,
    }
}

fn filled(template: &str, words: &[(&str, &str)]) -> String {
    words
        .iter()
        .fold(template.to_owned(), |text, (mark, word)| {
            text.replace(mark, word)
        })
}

/// Makes a reply that says yes or no; one that names no thing answers a question that does.
fn policy(words: &[(&str, &str)], is_so: bool, chinese: bool, random: &mut SplitMix) -> Made {
    let at = random.below(2) + if chinese { 0 } else { 2 };
    let (right, wrong) = if is_so {
        (YES[at], NO[at])
    } else {
        (NO[at], YES[at])
    };
    let question = if right.contains("{T}") {
        ""
    } else {
        "{T}可以{P}吗？"
    };
    let text = filled(wrong, words);
    Made {
        question: filled(question, words),
        right: filled(right, words),
        wrong: Swap {
            slot: words[1].1.to_owned(),
            right: is_so.to_string(),
            wrong: (!is_so).to_string(),
            start: 0,
            end: text.chars().count(),
            text,
        },
    }
}
