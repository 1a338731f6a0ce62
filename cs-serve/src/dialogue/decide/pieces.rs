//! A text of several wishes, piece by piece.

use std::ops::Range;

use cs_model::Entity;

use super::super::event::Question;
use super::super::flows::Flow;
use super::super::hearing::{Heard, Listener, hear};
use super::super::words::{self, folded, signals};
use super::Said;
use super::plan::Plan;
use super::turn::{SURE, VERY_SURE};
use crate::Understanding;
use crate::reply::Values;

/// A piece of a text: a part that says what is wanted, if it does, and the parts after it that belong to it.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// The flow that it starts.
    pub(super) flow: Option<&'a Flow>,
    /// What the model makes of it.
    pub(super) understanding: Understanding,
    /// Its place in the text, in bytes.
    place: Range<usize>,
}

impl<'a> Plan<'a> {
    /// The pieces of a text whose parts are understood. What starts no flow belongs to the piece before, unless it is a
    /// question; so does no more than a value for the flow of that.
    pub(super) fn pieces(&self, said: &Said<'_>) -> Vec<Piece<'a>> {
        let places = words::wish_places(said.text);
        if places.len() != said.parts.len() {
            return Vec::new();
        }
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        for (place, part) in places.into_iter().zip(said.parts) {
            let piece = Piece {
                flow: self.surely_started(part).filter(|_| !self.is_reply(part)),
                understanding: part.clone(),
                place,
            };
            match pieces.last_mut() {
                Some(last) if last.has(&piece) => last.join(said.text, piece),
                _ => pieces.push(piece),
            }
        }
        pieces
    }

    /// The flow that a part starts, if the model is sure enough to tell it from an answer.
    fn surely_started(&self, part: &Understanding) -> Option<&'a Flow> {
        let least = self.least_to_start();
        let intent = part.intent.as_ref().filter(|it| it.confidence >= least)?;
        self.flows.started_by(&intent.label)
    }

    /// How sure the model has to be that a part of a text is more than a part of an answer.
    pub(super) fn least_to_start(&self) -> f32 {
        match self.asked_slot() {
            Some(slot) if slot.is_text => VERY_SURE,
            _ => SURE,
        }
    }

    /// Whether a part says no more than what may be said to the question that is open.
    fn is_reply(&self, part: &Understanding) -> bool {
        let signals = signals(&folded(&part.text));
        let is_optional = self.asked_slot().is_some_and(|slot| !slot.is_required);
        let is_signal = match self.question() {
            None => return false,
            Some(Question::Slot(_)) => signals.none || (signals.no && is_optional),
            Some(_) => signals.yes || signals.no,
        };
        is_signal || signals.cancel || self.hear(&part.text, part).is_bare
    }

    /// Whether a piece has the answer to the question that is open.
    pub(super) fn is_answer(&self, piece: &Piece<'_>) -> bool {
        let is_chosen = self
            .asked_slot()
            .is_some_and(|slot| !slot.choices.is_empty());
        let is_other = piece
            .flow
            .is_some_and(|it| self.state.flow() != Some(&it.name));
        let part = &piece.understanding;
        let answers = match self.question() {
            Some(Question::Slot(_)) => self.hear(&part.text, part).answers,
            _ => false,
        };
        (piece.flow.is_none() && self.is_reply(part)) || (answers && (is_chosen || !is_other))
    }

    /// Whether a piece changes what the flow in progress is about: it has a value for it, and is not about another order,
    /// or corrects one, or holds back a yes.
    pub(super) fn is_correction(&self, piece: &Piece<'_>) -> bool {
        let part = &piece.understanding;
        let heard = self.hear(&part.text, part);
        let holds_back = heard.holds_back && self.question() == Some(&Question::Confirm);
        match piece.flow {
            Some(flow) if self.state.flow() != Some(&flow.name) => false,
            _ if holds_back => true,
            Some(flow) => {
                let has_form = |slot: &str| flow.slot(slot).is_some_and(|it| it.pattern.is_some());
                let is_of_another = heard.values.iter().any(|(slot, _)| has_form(slot));
                !heard.is_nothing() && (piece.corrects() || !is_of_another)
            }
            None => heard.is_of_part || !heard.is_nothing(),
        }
    }
}

impl<'a> Piece<'a> {
    /// Whether it asks something, and starts no flow.
    pub(super) fn asks(&self) -> bool {
        self.flow.is_none() && words::is_asking(&folded(&self.understanding.text))
    }

    /// Whether it has words that say that something else was not meant.
    fn corrects(&self) -> bool {
        let folded = folded(&self.understanding.text);
        words::corrects(&folded) || words::denies(&folded)
    }

    /// Whether its flow is wanted in place of what is under way.
    pub(super) fn is_instead(&self) -> bool {
        self.flow.is_some() && words::wants_instead(&folded(&self.understanding.text))
    }

    /// The values that its flow, just begun, would hear in it.
    pub(super) fn heard(&self) -> Heard {
        self.flow
            .map_or_else(Heard::default, |flow| heard_by(flow, &self.understanding))
    }

    /// Whether the next piece is a part of this one: a bare value, or what starts no flow and has no other values for this
    /// one's.
    fn has(&self, next: &Self) -> bool {
        let Some(flow) = self.flow else {
            return next.flow.is_none() && !next.asks();
        };
        let is_value = |flow| heard_by(flow, &next.understanding).is_bare;
        match next.flow {
            Some(next) => is_value(flow) && is_value(next),
            None => is_value(flow) || (!next.asks() && !self.has_others(next, flow)),
        }
    }

    /// Whether it starts no flow, and only leads to the wish of the next piece.
    pub(super) fn leads_to(&self, next: &Self) -> bool {
        let is_apart = |flow| !self.has_others(next, flow);
        self.flow.is_none() && !self.asks() && next.flow.is_some_and(is_apart)
    }

    /// Whether a flow would hear different values for a slot in both pieces.
    fn has_others(&self, other: &Self, flow: &Flow) -> bool {
        let (one, other) = (
            heard_by(flow, &self.understanding).values,
            heard_by(flow, &other.understanding).values,
        );
        one.iter()
            .any(|(slot, _)| other.iter().any(|(it, _)| it == slot))
    }

    /// Adds the piece that comes next in the text. It starts what that starts, if it started nothing.
    pub(super) fn join(&mut self, text: &str, next: Piece<'a>) {
        let shift = text[self.place.start..next.place.start].chars().count();
        let Understanding {
            intent,
            intents,
            entities,
            ..
        } = next.understanding;
        self.place.end = next.place.end;
        let joined = &mut self.understanding;
        joined.text = text[self.place.clone()].to_owned();
        joined
            .entities
            .extend(entities.into_iter().map(|it| shifted(it, shift)));
        if self.flow.is_none() && next.flow.is_some() {
            self.flow = next.flow;
            joined.intent = intent;
            joined.intents = intents;
        }
    }
}

fn shifted(entity: Entity, by: usize) -> Entity {
    Entity {
        start: entity.start + by,
        end: entity.end + by,
        ..entity
    }
}

/// What a flow that has only just begun would hear.
fn heard_by(flow: &Flow, part: &Understanding) -> Heard {
    let listener = Listener {
        flow,
        slots: &Values::new(),
        asked: None,
        is_confirming: false,
    };
    hear(&listener, &part.text, &part.entities)
}
