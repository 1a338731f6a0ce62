//! Several wishes in one text: one goes first, and the others wait until it is done.

use super::super::event::{Event, Question, Wish};
use super::super::hearing::{self, Heard};
use super::super::words::{folded, signals};
use super::pieces::Piece;
use super::plan::Plan;
use super::turn::SURE;
use super::{Next, Said};
use crate::Understanding;
use crate::reply::{Language, Values};

/// The most wishes that wait: a person sees to more.
const MOST_WISHES: usize = 8;

impl<'a> Plan<'a> {
    /// Takes the answer to what was asked that a text begins with. What it wishes beside that waits, what it asks is
    /// answered before the flow goes on, and one for a person goes before all. None if the text has nothing beside an
    /// answer.
    pub(super) fn set_aside(&mut self, said: &Said<'_>) -> Option<Next> {
        self.question()?;
        if said.parts.iter().any(|part| self.is_for_person(part, SURE)) {
            return Some(self.hand_over("intent"));
        }
        let mut pieces = self.pieces(said).into_iter();
        let answer = pieces.next().filter(|piece| self.is_answer(piece))?;
        let beside: Vec<Piece<'_>> = pieces.collect();
        let mut later = wishes(&beside);
        later.retain(|wish| !self.is_in_progress(wish));
        let asks = beside.iter().any(Piece::asks);
        if later.is_empty() && !asks {
            return None;
        }
        if let Some(next) = self.queue(later) {
            return Some(next);
        }
        let part = &answer.understanding;
        if asks && self.keep(part) {
            return Some(Next::Answer);
        }
        let answer = Said {
            text: &part.text,
            understanding: part,
            parts: &[],
        };
        Some(self.turn(&answer, true))
    }

    /// Keeps the answer to what was asked, without going on. `false` if it is none that the flow could go on with.
    fn keep(&mut self, part: &Understanding) -> bool {
        let heard = self.hear(&part.text, part);
        match self.question() {
            Some(Question::Slot(_)) if heard.answers => self.set_all(heard.values),
            Some(Question::Confirm) if heard.is_nothing() && signals(&folded(&part.text)).yes => {
                self.pass()
            }
            _ => return false,
        }
        true
    }

    /// Takes up the first of several wishes that each begin a flow; beside a question, all wait until that is answered.
    /// None if the text does not have several.
    pub(super) fn take_up(&mut self, said: &Said<'_>) -> Option<Next> {
        let mut pieces = self.pieces(said);
        let asks = self.state.frame().is_none() && pieces.iter().any(Piece::asks);
        if pieces.len() > 1 && pieces[0].flow.is_none() && !pieces[0].asks() {
            let second = pieces.remove(1);
            pieces[0].join(said.text, second); // what leads to a wish belongs to it
        }
        pieces.retain(|piece| piece.flow.is_some());
        let mut later = wishes(&pieces);
        if asks && !later.is_empty() {
            return Some(self.wait(later).unwrap_or(Next::Answer));
        }
        if later.len() < 2 {
            return None;
        }
        later.remove(0);
        if let Some(next) = self.queue(later) {
            return Some(next);
        }
        let Piece {
            flow,
            understanding: part,
            ..
        } = pieces.first()?;
        let flow = (*flow)?;
        let heard = self.hear(&part.text, part);
        if self.state.flow() == Some(&flow.name) && !heard.is_nothing() {
            return Some(self.take(&heard));
        }
        Some(self.switch(flow, &part.text, part, &heard))
    }

    /// Whether a wish is no more than what a flow in progress is about.
    fn is_in_progress(&self, wish: &Wish) -> bool {
        let mut frames = self.state.form.frames.iter();
        frames.any(|frame| frame.flow == wish.flow && is_within(&wish.slots, &frame.slots))
    }

    /// Has the flow in progress run again for the further values of a slot that takes one.
    pub(super) fn queue_further(&mut self, heard: &Heard) -> Option<Next> {
        let flow = self.state.flow()?;
        let wish = Wish {
            flow: flow.to_owned(),
            text: String::new(),
            slots: heard.values.iter().cloned().collect(),
        };
        self.queue(further(&wish, heard))
    }

    /// Has wishes wait, and says so; hands over if they are too many.
    fn queue(&mut self, wishes: Vec<Wish>) -> Option<Next> {
        if wishes.is_empty() {
            return None;
        }
        let texts: Vec<&str> = wishes.iter().map(|wish| wish.text.as_str()).collect();
        let told = texts.join(match self.language() {
            Language::Zh => "”、“",
            Language::En => "\", \"",
        });
        match self.wait(wishes) {
            Some(next) => Some(next),
            None => {
                self.say_of_wish("queued", &told);
                None
            }
        }
    }

    /// Has wishes wait; hands over if they are too many.
    fn wait(&mut self, wishes: Vec<Wish>) -> Option<Next> {
        if self.state.form.wishes.len() + wishes.len() > MOST_WISHES {
            return Some(self.hand_over("endless"));
        }
        for wish in wishes {
            self.emit(Event::Queued(wish));
        }
        None
    }

    /// Begins the flow of the wish that has waited longest. `false` if none waits.
    pub(super) fn next_wish(&mut self) -> bool {
        let Some(Wish { flow, text, slots }) = self.state.form.wishes.first().cloned() else {
            return false;
        };
        self.emit(Event::Unqueued);
        let Some(flow) = self.flows.flow(&flow) else {
            self.say_of_conversation("renewed");
            return true;
        };
        self.say_of_wish("next", &text);
        self.begin_flow(flow, false);
        let fits = |(slot, value): &(String, String)| {
            flow.slot(slot)
                .is_some_and(|slot| hearing::fits(slot, value))
        };
        self.set_all(slots.into_iter().filter(fits).collect());
        self.remember(flow);
        true
    }
}

/// The wishes of pieces. What says the same again is none of its own. The further values of the first one are left to
/// the flow that takes it.
fn wishes(pieces: &[Piece<'_>]) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    for piece in pieces {
        let Some(flow) = piece.flow else {
            continue;
        };
        let heard = piece.heard();
        let wish = Wish {
            flow: flow.name.clone(),
            text: piece.understanding.text.clone(),
            slots: heard.values.iter().cloned().collect(),
        };
        let says_again = |it: &Wish| it.flow == wish.flow && is_within(&wish.slots, &it.slots);
        if wishes.iter().any(says_again) {
            continue;
        }
        let is_first = wishes.is_empty();
        let further = further(&wish, &heard);
        wishes.push(wish);
        if !is_first {
            wishes.extend(further);
        }
    }
    wishes
}

/// Whether all values are among others.
fn is_within(values: &Values, others: &Values) -> bool {
    let mut values = values.iter();
    values.all(|(slot, value)| others.get(slot) == Some(value))
}

/// The same wish for each further value.
fn further(wish: &Wish, heard: &Heard) -> Vec<Wish> {
    let with = |(slot, value): &(String, String)| {
        let mut slots = wish.slots.clone();
        slots.insert(slot.clone(), value.clone());
        Wish {
            flow: wish.flow.clone(),
            text: value.clone(),
            slots,
        }
    };
    heard.further.iter().map(with).collect()
}
