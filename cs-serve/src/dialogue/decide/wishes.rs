//! Several wishes in one text: one goes first, and the others wait until it is done.

use super::super::event::{Event, Question, Wish};
use super::super::hearing::{self, Heard};
use super::pieces::Piece;
use super::plan::Plan;
use super::{Next, Said};
use crate::reply::{Language, Values};

/// The most wishes that wait: a person sees to more.
const MOST_WISHES: usize = 8;

impl<'a> Plan<'a> {
    /// Takes the answer to what was asked that a text begins with. What it wishes beside that waits, what it asks is
    /// answered before the flow goes on, and a wish for a person goes before both. None if the text has nothing beside an
    /// answer, or corrects it.
    pub(super) fn set_aside(&mut self, said: &Said<'_>) -> Option<Next> {
        self.question()?;
        let mut pieces = self.pieces(said).into_iter();
        let answer = pieces.next().filter(|piece| self.is_answer(piece))?;
        let part = &answer.understanding;
        let least = self.least_to_start();
        if said
            .parts
            .iter()
            .any(|part| self.is_for_person(part, least))
        {
            if let Some(Question::Slot(_)) = self.question() {
                self.keep(part);
            }
            return Some(self.hand_over("intent"));
        }
        let mut beside: Vec<Piece<'_>> = pieces.collect();
        if beside.iter().any(|piece| self.is_correction(piece)) {
            return None;
        }
        let instead = beside.iter().position(Piece::is_instead);
        if let (Some(Question::Confirm), Some(at)) = (self.question(), instead) {
            // Another flow instead of this one goes first, and a yes before it is none.
            let piece = beside.remove(at);
            return self.begin_instead(&piece, wishes(&beside));
        }
        let mut later = wishes(&beside);
        later.retain(|wish| !self.is_in_progress(wish));
        let asks = beside.iter().any(Piece::asks);
        if later.is_empty() && !asks {
            return None;
        }
        if let Some(next) = self.queue(later) {
            return Some(next);
        }
        if asks && let Some(next) = self.keep(part) {
            return Some(next);
        }
        let answer = Said {
            text: &part.text,
            understanding: part,
            parts: &[],
        };
        Some(self.turn(&answer, true))
    }

    /// Begins the flow of a piece, and has other wishes wait.
    fn begin_instead(&mut self, piece: &Piece<'a>, mut later: Vec<Wish>) -> Option<Next> {
        later.retain(|wish| !self.is_in_progress(wish));
        if let Some(next) = self.queue(later) {
            return Some(next);
        }
        let part = &piece.understanding;
        let heard = self.hear(&part.text, part);
        Some(self.switch(piece.flow?, &part.text, part, &heard))
    }

    /// Takes up the first of several wishes that each begin a flow; beside a question, all wait until that is answered.
    /// None if the text does not have several.
    pub(super) fn take_up(&mut self, said: &Said<'_>) -> Option<Next> {
        let mut pieces = self.pieces(said);
        let asks = self.state.frame().is_none() && pieces.iter().any(Piece::asks);
        if let [lead, wish, ..] = &pieces[..]
            && lead.leads_to(wish)
        {
            let wish = pieces.remove(1);
            pieces[0].join(said.text, wish);
        }
        pieces.retain(|piece| piece.flow.is_some());
        let mut later = wishes(&pieces);
        if asks && !later.is_empty() {
            return Some(self.wait(later).unwrap_or(Next::Answer));
        }
        let first = pieces.first()?;
        later.drain(..1 + first.heard().further.len()); // its flow sees to its further values
        if later.is_empty() {
            return None;
        }
        if let Some(next) = self.queue(later) {
            return Some(next);
        }
        let (flow, part) = (first.flow?, &first.understanding);
        let heard = self.hear(&part.text, part);
        let is_heard = !heard.is_nothing() || !heard.further.is_empty();
        if self.state.flow() == Some(&flow.name) && is_heard {
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

    /// Has wishes wait that do not wait yet, and says so; hands over if they are too many.
    fn queue(&mut self, mut wishes: Vec<Wish>) -> Option<Next> {
        wishes.retain(|wish| !self.state.form.wishes.iter().any(|it| is_same(it, wish)));
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

    /// Drops the wishes next in turn that the flow in progress, which is at its end, has seen to.
    pub(super) fn drop_done(&mut self) {
        while let (Some(wish), Some(frame)) = (self.state.form.wishes.first(), self.state.frame())
            && wish.flow == frame.flow
            && !wish.slots.is_empty()
            && is_within(&wish.slots, &frame.slots)
        {
            self.emit(Event::Unqueued);
        }
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

/// The wishes of pieces, one for each further value. What says the same again is none of its own.
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
        if !wishes.iter().any(says_again) {
            let further = further(&wish, &heard);
            wishes.push(wish);
            wishes.extend(further);
        }
    }
    wishes
}

/// Whether a wish is the other one, with more or less said of it.
fn is_same(one: &Wish, other: &Wish) -> bool {
    let is_within = is_within(&one.slots, &other.slots) || is_within(&other.slots, &one.slots);
    one.flow == other.flow && is_within && one.slots.is_empty() == other.slots.is_empty()
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
