//! From a turn to an answer.

use std::collections::{BTreeMap, HashMap, HashSet};

use cs_model::Understanding;

use super::answer::{Answer, Unknown};
use super::asked::{Asked, Subject};
use super::compare::{at_end, truth};
use super::ends::{self, end_named};
use super::select::{Condition, select};
use super::template::{Ask, Order, Selection, Template};
use crate::knowledge::linking::Linker;
use crate::knowledge::{Fact, Facts, Iri, KnowledgeError, Named, Predicate};

/// Templates of questions, with their names looked up in a graph. They are made anew for a new
/// version of it.
#[derive(Debug)]
pub struct Questions {
    templates: HashMap<String, Resolved>,
    predicates: HashMap<Iri, Predicate>,
}

/// A turn that asks something.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// What the turn says.
    pub understanding: &'a Understanding,
    /// What the conversation has been about, the newest first.
    pub about: &'a [Iri],
}

/// A template with IRIs for names.
#[derive(Debug)]
enum Resolved {
    Attribute(Vec<Iri>),
    YesNo(Vec<Iri>),
    Comparison(Iri, Order),
    Superlative(Iri, Order, Among),
    Filter(Among),
    Count(Among),
}

/// A selection with IRIs for names.
#[derive(Debug)]
pub(super) struct Among {
    class: Iri,
    /// By the label of an entity.
    conditions: BTreeMap<String, Iri>,
}

/// A graph, and who finds its names.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) facts: &'a dyn Facts,
    pub(super) linker: &'a Linker,
    pub(super) predicates: &'a HashMap<Iri, Predicate>,
}

impl Questions {
    /// Takes templates, one an intent.
    ///
    /// # Errors
    /// [`KnowledgeError::Template`] for a second template of an intent, and for a name that the graph
    /// has for no predicate or class; and those of the graph.
    pub fn new(templates: Vec<Template>, facts: &dyn Facts) -> Result<Self, KnowledgeError> {
        let mut vocabulary = Vocabulary::default();
        facts.names(&mut |name| {
            if name.named != Named::Entity {
                vocabulary
                    .names
                    .entry((name.named, name.text))
                    .or_insert(name.iri);
            }
        })?;
        let predicates = facts.predicates()?;
        let predicates = predicates
            .into_iter()
            .map(|it| (it.iri.clone(), it))
            .collect();
        let mut resolved = HashMap::new();
        for Template { intent, ask } in templates {
            let ask = vocabulary.ask(&intent, ask)?;
            if resolved.insert(intent.clone(), ask).is_some() {
                let problem = "the intent has a template already, expected one".into();
                return Err(KnowledgeError::Template { intent, problem });
            }
        }
        Ok(Self {
            templates: resolved,
            predicates,
        })
    }

    /// Answers what a turn asks. The turn's text says what the question is about; if it names no
    /// thing, that is what the conversation was about last.
    ///
    /// # Errors
    /// Those of the graph: too many rows, too late, gone.
    pub fn answer(
        &self,
        facts: &dyn Facts,
        linker: &Linker,
        turn: Turn,
    ) -> Result<Answer, KnowledgeError> {
        let intent = turn
            .understanding
            .intent
            .as_ref()
            .map_or("", |intent| &intent.label);
        let Some(template) = self.templates.get(intent) else {
            let intent = intent.to_owned();
            return Ok(Answer::Unknown(Unknown::Intent { intent }));
        };
        let known = Known {
            facts,
            linker,
            predicates: &self.predicates,
        };
        let answer = match template {
            Resolved::Attribute(predicates) => attribute(known, turn, predicates)?,
            Resolved::YesNo(predicates) => yes_no(known, turn, predicates)?,
            Resolved::Comparison(predicate, order) => compared(known, turn, predicate, *order)?,
            Resolved::Superlative(predicate, order, among) => {
                let conditions = among.of(turn.understanding);
                let mut facts = known.facts.of_class(&among.class, predicate)?;
                if !conditions.is_empty() {
                    let things = select(known, &among.class, &conditions)?.things;
                    let things: HashSet<Iri> = things.into_iter().collect();
                    facts.retain(|fact| things.contains(&fact.subject));
                }
                at_end(known, facts, predicate, *order)
            }
            Resolved::Filter(among) => {
                let selected = select(known, &among.class, &among.of(turn.understanding))?;
                match selected.things.is_empty() {
                    true => Err(Unknown::Nothing),
                    false => Ok(Answer::Things {
                        things: selected.things,
                        facts: selected.facts,
                    }),
                }
            }
            Resolved::Count(among) => {
                let selected = select(known, &among.class, &among.of(turn.understanding))?;
                Ok(Answer::Count {
                    count: selected.things.len(),
                    facts: selected.facts,
                })
            }
        };
        Ok(answer.unwrap_or_else(Answer::Unknown))
    }
}

impl Questions {
    /// Whether a text is for the thing with the least or the most of something, in the words that the graph has for it:
    /// where these stand, in characters.
    #[must_use]
    pub fn named_end(&self, text: &str) -> Option<(usize, usize)> {
        end_named(self.predicates.values(), text).map(|end| end.place)
    }

    /// Answers a turn whatever its intent, by the thing and the properties that its text names: what
    /// values these have. Of a class that it names, all things are told that the conversation was not about, or the one with
    /// the least or the most of something, of those of which all is true that the text names besides: "the cheapest kettle
    /// in stock". A text that asks more of it than that has no answer. Whether the turn is a question at all is for the caller to know.
    ///
    /// # Errors
    /// Those of the graph: too many rows, too late, gone.
    pub fn answer_named(
        &self,
        facts: &dyn Facts,
        linker: &Linker,
        turn: Turn,
    ) -> Result<Answer, KnowledgeError> {
        let known = Known {
            facts,
            linker,
            predicates: &self.predicates,
        };
        Ok(attribute(known, turn, &[])?.unwrap_or_else(Answer::Unknown))
    }
}

/// What a question comes to, if the graph can be asked.
pub(super) type Answered = Result<Result<Answer, Unknown>, KnowledgeError>;

fn attribute(known: Known, turn: Turn, predicates: &[Iri]) -> Answered {
    let asked = Asked::new(known, turn);
    let predicates = match predicates {
        [] => asked.predicates(),
        _ => predicates.to_vec(),
    };
    let mut subject = asked.subject();
    if let Some(class) = asked.class()
        && let Some(end) = end_named(known.predicates.values(), &turn.understanding.text)
    {
        return ends::of_class(known, &asked, class, &end);
    }
    if let Some(class) = asked.class().filter(|_| !predicates.is_empty()) {
        let things = known.facts.instances(class)?;
        subject = match asked.spoken_of(&things) {
            Some(thing) => Subject::One(thing),
            None => match things.as_slice() {
                [] => subject,
                [only] => Subject::One(only.clone()),
                _ => return of_class(known, class, &predicates),
            },
        };
    }
    let subject = match subject {
        Subject::One(subject) => subject,
        Subject::Which(candidates) => return Ok(Ok(Answer::Which { candidates })),
        Subject::None => return Ok(Err(Unknown::Subject)),
    };
    if predicates.is_empty() {
        return Ok(Err(Unknown::Predicate));
    }
    let mut facts = known.facts.about(&subject)?;
    facts.retain(|fact| predicates.contains(&fact.predicate));
    facts.sort_by_key(|fact| predicates.iter().position(|asked| *asked == fact.predicate));
    if facts.is_empty() {
        return Ok(Err(Unknown::Value {
            subject,
            predicates,
        }));
    }
    let is_missing = |asked: &Iri| !facts.iter().any(|fact| fact.predicate == *asked);
    let missing = predicates
        .iter()
        .filter(|asked| is_missing(asked))
        .cloned()
        .collect();
    Ok(Ok(Answer::Attribute { facts, missing }))
}

/// What is stated of the things of a class, of those of which something is.
fn of_class(known: Known, class: &Iri, predicates: &[Iri]) -> Answered {
    let mut facts = Vec::new();
    for predicate in predicates {
        facts.extend(known.facts.of_class(class, predicate)?);
    }
    let mut told = HashSet::new();
    let subjects = facts.iter().map(|fact| &fact.subject);
    let things: Vec<Iri> = subjects.filter(|it| told.insert(*it)).cloned().collect();
    Ok(match things.is_empty() {
        true => Err(Unknown::Nothing),
        false => Ok(Answer::Things { things, facts }),
    })
}

fn yes_no(known: Known, turn: Turn, predicates: &[Iri]) -> Answered {
    let asked = Asked::new(known, turn);
    let predicates = match predicates {
        [] => asked.named_predicates(),
        _ => predicates.to_vec(),
    };
    let subject = match asked.subject() {
        Subject::One(subject) => subject,
        Subject::Which(candidates) => return Ok(Ok(Answer::Which { candidates })),
        Subject::None => return Ok(Err(Unknown::Subject)),
    };
    let Some(predicate) = predicates.first() else {
        return Ok(Err(Unknown::Predicate));
    };
    let mut facts = known.facts.about(&subject)?;
    facts.retain(|fact| predicates.contains(&fact.predicate));
    match truth(known, &turn.understanding.text, predicate, &facts) {
        Some((yes, facts)) => Ok(Ok(Answer::YesNo { yes, facts })),
        None => Ok(Err(Unknown::Value {
            subject,
            predicates,
        })),
    }
}

fn compared(known: Known, turn: Turn, predicate: &Iri, order: Order) -> Answered {
    match Asked::new(known, turn).subjects() {
        Ok(things) if things.len() > 1 => {
            let mut facts = Vec::new();
            for thing in things {
                facts.extend(known.facts.about(&thing)?);
            }
            facts.retain(|fact| fact.predicate == *predicate);
            Ok(at_end(known, facts, predicate, order))
        }
        Ok(_) => Ok(Err(Unknown::Subject)),
        Err(candidates) => Ok(Ok(Answer::Which { candidates })),
    }
}

impl Among {
    /// The conditions of a turn.
    fn of<'a>(&'a self, understanding: &'a Understanding) -> Vec<Condition<'a>> {
        let condition = |(label, predicate): (&String, &'a Iri)| {
            let is_it = |entity: &&cs_model::Entity| entity.label == *label;
            let entity = understanding.entities.iter().find(is_it)?;
            Some(Condition {
                predicate,
                text: &entity.text,
            })
        };
        self.conditions.iter().filter_map(condition).collect()
    }
}

/// What predicates and classes are called.
#[derive(Default)]
struct Vocabulary {
    names: HashMap<(Named, String), Iri>,
}

impl Vocabulary {
    fn ask(&self, intent: &str, ask: Ask) -> Result<Resolved, KnowledgeError> {
        let one = |named, name: &str| self.find(intent, named, name);
        let all = |names: Vec<String>| {
            names
                .iter()
                .map(|name| one(Named::Predicate, name))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match ask {
            Ask::Attribute { predicates } => Resolved::Attribute(all(predicates)?),
            Ask::YesNo { predicates } => Resolved::YesNo(all(predicates)?),
            Ask::Comparison { predicate, order } => {
                Resolved::Comparison(one(Named::Predicate, &predicate)?, order)
            }
            Ask::Superlative {
                predicate,
                order,
                among,
            } => {
                let among = self.among(intent, among)?;
                Resolved::Superlative(one(Named::Predicate, &predicate)?, order, among)
            }
            Ask::Filter(among) => Resolved::Filter(self.among(intent, among)?),
            Ask::Count(among) => Resolved::Count(self.among(intent, among)?),
        })
    }

    fn among(&self, intent: &str, among: Selection) -> Result<Among, KnowledgeError> {
        let conditions = among
            .conditions
            .into_iter()
            .map(|(label, name)| Ok((label, self.find(intent, Named::Predicate, &name)?)));
        Ok(Among {
            class: self.find(intent, Named::Class, &among.class)?,
            conditions: conditions.collect::<Result<_, KnowledgeError>>()?,
        })
    }

    fn find(&self, intent: &str, named: Named, name: &str) -> Result<Iri, KnowledgeError> {
        if let Some(iri) = self.names.get(&(named, name.to_owned())) {
            return Ok(iri.clone());
        }
        let sort = if named == Named::Class {
            "class"
        } else {
            "property"
        };
        Iri::new(name).map_err(|_| KnowledgeError::Template {
            intent: intent.to_owned(),
            problem: format!("{name:?}, expected the name of a {sort} in the graph, or an IRI"),
        })
    }
}

/// The facts of a predicate.
pub(super) fn of_predicate<'a>(
    facts: &'a [Fact],
    predicate: &'a Iri,
) -> impl Iterator<Item = &'a Fact> {
    facts
        .iter()
        .filter(move |fact| fact.predicate == *predicate)
}
