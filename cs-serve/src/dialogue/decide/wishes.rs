//! Several wishes in one text: one goes first, and the others wait until it is done.

use super::super::event::{Event, Wish};
use super::super::flows::Flow;
use super::super::hearing::{self, Heard, Listener, hear};
use super::super::words::{self, folded};
use super::plan::Plan;
use super::turn::SURE;
use super::{Next, Said};
use crate::Understanding;
use crate::reply::{Language, Values};

/// The most wishes that wait: a person sees to more.
const MOST_WISHES: usize = 8;

impl<'a> Plan<'a> {
    /// Takes up the first of several wishes that each begin a flow; beside a question, one wish waits until that is
    /// answered. None if the text does not have several.
    pub(super) fn take_up(&mut self, said: &Said<'_>) -> Option<Next> {
        let mut wishes = self.wishes(said.parts);
        if wishes.len() < 2 {
            let (wish, _) = wishes.pop().filter(|_| self.asks_besides(said.parts))?;
            self.emit(Event::Queued(wish));
            return Some(Next::Answer);
        }
        let (first, part) = wishes.remove(0);
        let flow = self.flows.flow(&first.flow)?;
        let later = wishes.into_iter().map(|(wish, _)| wish);
        if let Some(next) = self.queue(later.collect()) {
            return Some(next);
        }
        let heard = self.hear(&part.text, part);
        Some(self.switch(flow, &part.text, part, &heard))
    }

    /// The wishes of a text's parts, with what the model makes of each. What begins no flow belongs to the part before,
    /// and so does what says the same again.
    fn wishes<'t>(&self, parts: &'t [Understanding]) -> Vec<(Wish, &'t Understanding)> {
        let mut wishes: Vec<(Wish, &Understanding)> = Vec::new();
        for part in parts {
            let Some(flow) = self.surely_started(part) else {
                continue;
            };
            let heard = heard_by(flow, part);
            let slots: Values = heard.values.iter().cloned().collect();
            let is_same = |wish: &Wish| {
                let is_said = |(slot, value)| wish.slots.get(slot) == Some(value);
                wish.flow == flow.name && slots.iter().all(is_said)
            };
            if wishes.iter().any(|(wish, _)| is_same(wish)) {
                continue;
            }
            let is_first = wishes.is_empty();
            let wish = Wish {
                flow: flow.name.clone(),
                text: part.text.clone(),
                slots,
            };
            let further = further(&wish, &heard);
            wishes.push((wish, part));
            if !is_first {
                wishes.extend(further.into_iter().map(|wish| (wish, part)));
            }
        }
        wishes
    }

    /// Whether no flow is in progress, and a part that begins none is a question.
    fn asks_besides(&self, parts: &[Understanding]) -> bool {
        let asks = |part: &Understanding| {
            self.surely_started(part).is_none() && words::is_asking(&folded(&part.text))
        };
        self.state.frame().is_none() && parts.iter().any(asks)
    }

    fn surely_started(&self, part: &Understanding) -> Option<&'a Flow> {
        let intent = part.intent.as_ref().filter(|it| it.confidence >= SURE)?;
        self.flows.started_by(&intent.label)
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
        if self.state.form.wishes.len() + wishes.len() > MOST_WISHES {
            return Some(self.hand_over("endless"));
        }
        let texts: Vec<&str> = wishes.iter().map(|wish| wish.text.as_str()).collect();
        let told = texts.join(match self.language() {
            Language::Zh => "”、“",
            Language::En => "\", \"",
        });
        self.say_of_wish("queued", &told);
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
