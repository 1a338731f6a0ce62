//! What a turn names.

use super::answering::{Known, Turn};
use super::ends::End;
use crate::knowledge::linking::{Candidate, Mention};
use crate::knowledge::value::read;
use crate::knowledge::{Iri, Named};

/// The most characters between a property and its value.
const BESIDE: usize = 4;

/// What a question is about.
pub(super) enum Subject {
    One(Iri),
    Which(Vec<Candidate>),
    None,
}

/// A turn with what it names.
pub(super) struct Asked<'a> {
    turn: Turn<'a>,
    mentions: Vec<Mention>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(known: Known, turn: Turn<'a>) -> Self {
        let mentions = known.linker.mentions(&turn.understanding.text);
        Self { turn, mentions }
    }

    pub(super) fn text(&self) -> &str {
        &self.turn.understanding.text
    }

    /// The first thing that the text names; else what the conversation was about last.
    pub(super) fn subject(&self) -> Subject {
        match self.things().next() {
            Some(Ok(thing)) => Subject::One(thing),
            Some(Err(candidates)) => Subject::Which(candidates),
            None => self
                .turn
                .about
                .first()
                .cloned()
                .map_or(Subject::None, Subject::One),
        }
    }

    /// The class whose things the text asks about, as it names none of them.
    pub(super) fn class(&self) -> Option<&Iri> {
        let mut named = self.mentions.iter().flat_map(Mention::likeliest);
        let class = named.find(|one| one.named == Named::Class);
        class
            .filter(|_| self.things().next().is_none())
            .map(|one| &one.iri)
    }

    /// The thing of a class that the conversation was about last.
    pub(super) fn spoken_of(&self, things: &[Iri]) -> Option<Iri> {
        let mut about = self.turn.about.iter();
        about.find(|it| things.contains(it)).cloned()
    }

    /// All things that the text names, each once; or what is called as one of them.
    pub(super) fn subjects(&self) -> Result<Vec<Iri>, Vec<Candidate>> {
        let mut things: Vec<Iri> = Vec::new();
        for thing in self.things() {
            let thing = thing?;
            if !things.contains(&thing) {
                things.push(thing);
            }
        }
        Ok(things)
    }

    fn things(&self) -> impl Iterator<Item = Result<Iri, Vec<Candidate>>> {
        self.mentions.iter().filter_map(|mention| {
            let entities = mention
                .likeliest()
                .iter()
                .filter(|one| one.named == Named::Entity);
            let entities: Vec<&Candidate> = entities.collect();
            let is_known = |one: &&&Candidate| self.turn.about.contains(&one.iri);
            match (entities.as_slice(), entities.iter().find(is_known)) {
                ([], _) => None,
                ([only], _) => Some(Ok(only.iri.clone())),
                (_, Some(known)) => Some(Ok(known.iri.clone())),
                (several, None) => Some(Err(several.iter().copied().cloned().collect())),
            }
        })
    }

    /// The properties that the text names, each once.
    pub(super) fn named_predicates(&self) -> Vec<Iri> {
        self.predicates_of(self.mentions.iter())
    }

    /// The properties that are asked for: those that the text names, but for those whose value stands
    /// beside them.
    pub(super) fn predicates(&self) -> Vec<Iri> {
        let text = &self.turn.understanding.text;
        let values = read(text);
        let is_asked = |mention: &&Mention| {
            !values.iter().any(|value| {
                let apart = value.start.saturating_sub(mention.end);
                mention.end <= value.start && apart <= BESIDE
            })
        };
        self.predicates_of(self.mentions.iter().filter(is_asked))
    }

    /// The properties that the text names beside a class and an end of an order, and where all of these stand, in characters.
    pub(super) fn beside(&self, class: &Iri, end: &End) -> (Vec<Iri>, Vec<(usize, usize)>) {
        let is_apart = |it: &&Mention| it.end <= end.place.0 || end.place.1 <= it.start;
        let is_class = |it: &Candidate| it.named == Named::Class && it.iri == *class;
        let is_known = |it: &Candidate| it.named == Named::Predicate || is_class(it);
        let named = self.mentions.iter().filter(is_apart);
        let named = named.filter(|it| it.likeliest().iter().any(is_known));
        let mut predicates = self.predicates_of(named.clone());
        predicates.retain(|it| it != end.predicate);
        let places = named.map(|it| (it.start, it.end)).chain([end.place]);
        (predicates, places.collect())
    }

    fn predicates_of<'b>(&self, mentions: impl Iterator<Item = &'b Mention>) -> Vec<Iri> {
        let mut predicates: Vec<Iri> = Vec::new();
        for one in mentions.flat_map(Mention::likeliest) {
            if one.named == Named::Predicate && !predicates.contains(&one.iri) {
                predicates.push(one.iri.clone());
            }
        }
        predicates
    }
}
