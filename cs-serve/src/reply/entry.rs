//! A line of a file of replies.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::text::Sources;
use super::{Language, Text, Values};
use crate::knowledge::questions::Ask;

/// The most questions that a reply answers.
const MOST_QUESTIONS: usize = 1_000;
/// The longest text and the longest question, in bytes.
const MOST_TEXT: usize = 64 << 10;
const MOST_QUESTION: usize = 8 << 10;

/// The places of a text that facts fill.
pub(super) const FACT_PLACES: [&str; 5] = ["thing", "property", "value", "things", "count"];

/// What sort of reply a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Template,
    Faq,
    Knowledge,
}

/// A line as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    kind: Kind,
    intent: Option<String>,
    question: Option<Questions>,
    ask: Option<Ask>,
    text: Option<Sources>,
    lang: Option<Language>,
    #[serde(default)]
    when: Conditions,
}

/// One question, or a list of them.
#[derive(Debug)]
struct Questions(Vec<String>);

/// The values that slots must have.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions(BTreeMap<String, String>);

/// A reply of the file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) intent: Option<String>,
    pub(super) when: Conditions,
    pub(super) says: Says,
    pub(super) line: usize,
}

/// What a reply says, and to what.
#[derive(Debug, Clone)]
pub(super) enum Says {
    /// A text, to an intent.
    Template(Text),
    /// A text, to each of these questions.
    Faq { questions: Vec<String>, text: Text },
    /// What facts say, in the words of a text if there is one.
    Knowledge { ask: Ask, text: Option<Text> },
}

impl Entry {
    /// Reads a line.
    ///
    /// The error has the byte of the line that it is about, from 0, and what is wrong.
    pub(super) fn parse(line: &[u8], number: usize) -> Result<Self, (usize, String)> {
        if let Err(fault) = std::str::from_utf8(line) {
            let problem = "bytes that are no UTF-8, expected a file in UTF-8";
            return Err((fault.valid_up_to(), problem.to_owned()));
        }
        let read: Line = serde_json::from_slice(line).map_err(|fault| {
            let told = fault.to_string();
            let told = told.rsplit_once(" at line ").map_or(&*told, |(it, _)| it);
            (fault.column().saturating_sub(1), told.to_owned())
        })?;
        read.checked(number).map_err(|problem| (0, problem))
    }

    pub(super) fn text(&self) -> Option<&Text> {
        match &self.says {
            Says::Template(text) | Says::Faq { text, .. } => Some(text),
            Says::Knowledge { text, .. } => text.as_ref(),
        }
    }
}

impl Line {
    fn checked(mut self, line: usize) -> Result<Entry, String> {
        if self.id.trim().is_empty() {
            return Err("id: an empty text, expected a name".to_owned());
        }
        let text = self
            .text
            .take()
            .map(|it| parsed(it, self.lang))
            .transpose()?;
        let says = match self.kind {
            Kind::Template => Says::Template(needed(text, "text", "template")?),
            Kind::Faq => Says::Faq {
                questions: self.questions()?,
                text: needed(text, "text", "faq")?,
            },
            Kind::Knowledge => Says::Knowledge {
                ask: needed(self.ask.take(), "ask", "knowledge")?,
                text,
            },
        };
        self.has_nothing_else()?;
        Ok(Entry {
            id: self.id,
            intent: self.intent,
            when: self.when,
            says,
            line,
        })
    }

    fn questions(&mut self) -> Result<Vec<String>, String> {
        let Questions(questions) = needed(self.question.take(), "question", "faq")?;
        if questions.is_empty() {
            return Err("question: an empty list, expected at least one question".to_owned());
        }
        for (at, question) in questions.iter().enumerate() {
            let field = match questions.len() {
                1 => "question".to_owned(),
                _ => format!("question {}", at + 1),
            };
            if question.trim().is_empty() {
                return Err(format!("{field}: an empty text, expected a question"));
            }
            if question.len() > MOST_QUESTION {
                return Err(too_long(&field, question.len(), MOST_QUESTION));
            }
            if questions[..at].contains(question) {
                return Err(format!("{field}: {question:?} twice, expected each once"));
            }
        }
        Ok(questions)
    }

    /// Refuses fields that would be without effect, and a template without an intent.
    fn has_nothing_else(&self) -> Result<(), String> {
        let without_effect = |field: &str, kind: &str| {
            Err(format!(
                "{field}: without effect, expected none of the kind {kind}"
            ))
        };
        match (self.kind, &self.intent) {
            (Kind::Template, None) => needed(None, "intent", "template"),
            (Kind::Knowledge, None) => needed(None, "intent", "knowledge"),
            (Kind::Template, _) if self.question.is_some() => {
                without_effect("question", "template")
            }
            (Kind::Knowledge, _) if self.question.is_some() => {
                without_effect("question", "knowledge")
            }
            (Kind::Template, _) if self.ask.is_some() => without_effect("ask", "template"),
            (Kind::Faq, _) if self.ask.is_some() => without_effect("ask", "faq"),
            (Kind::Knowledge, _) if !self.when.0.is_empty() => without_effect("when", "knowledge"),
            _ => Ok(()),
        }
    }
}

fn needed<T>(field: Option<T>, name: &str, kind: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("{name}: missing, expected one in each reply of the kind {kind}"))
}

fn too_long(field: &str, found: usize, most: usize) -> String {
    format!("{field}: {found} bytes, expected at most {most}")
}

fn parsed(sources: Sources, lang: Option<Language>) -> Result<Text, String> {
    let sources = match (sources, lang) {
        (Sources::One(source), lang) => {
            let lang = lang.or_else(|| Language::of(&source));
            BTreeMap::from([(lang.unwrap_or(Language::En), source)])
        }
        (Sources::Each(_), Some(_)) => {
            return Err("lang: without effect, expected none beside texts in zh and en".to_owned());
        }
        (Sources::Each(sources), None) => sources,
    };
    for source in sources.values() {
        if source.len() > MOST_TEXT {
            return Err(too_long("text", source.len(), MOST_TEXT));
        }
        if source.trim().is_empty() {
            return Err("text: an empty text, expected what is said".to_owned());
        }
    }
    Text::new(sources).map_err(|error| format!("text: {error}"))
}

impl Conditions {
    /// Whether all slots have their values, but for blanks around them and upper case.
    pub(super) fn hold(&self, slots: &Values) -> bool {
        let folded = |text: &str| text.trim().to_lowercase();
        let holds = |(slot, value): (&String, &String)| {
            slots
                .get(slot)
                .is_some_and(|it| folded(it) == folded(value))
        };
        self.0.iter().all(holds)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

impl<'de> Deserialize<'de> for Questions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuestionsVisitor)
    }
}

struct QuestionsVisitor;

impl<'de> Visitor<'de> for QuestionsVisitor {
    type Value = Questions;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a question, or a list of questions")
    }

    fn visit_str<E: Error>(self, question: &str) -> Result<Questions, E> {
        Ok(Questions(vec![question.to_owned()]))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Questions, S::Error> {
        let mut questions = Vec::new();
        while let Some(question) = list.next_element()? {
            if questions.len() == MOST_QUESTIONS {
                return Err(S::Error::custom(format!(
                    "question: more than {MOST_QUESTIONS}, expected at most as many"
                )));
            }
            questions.push(question);
        }
        Ok(Questions(questions))
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ConditionsVisitor)
    }
}

struct ConditionsVisitor;

impl<'de> Visitor<'de> for ConditionsVisitor {
    type Value = Conditions;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of slots and their values")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Conditions, M::Error> {
        let mut slots = BTreeMap::new();
        while let Some((slot, value)) = map.next_entry::<String, String>()? {
            if slots.contains_key(&slot) {
                return Err(M::Error::custom(format!(
                    "when: {slot:?} twice, expected each once"
                )));
            }
            slots.insert(slot, value);
        }
        Ok(Conditions(slots))
    }
}
