//! What comes of an input, as it is worked out.

use super::super::event::{Event, Question};
use super::super::flows::{Flow, Flows, Slot, Task};
use super::super::hearing;
use super::super::state::{Frame, State};
use super::super::summary;
use super::{Decision, Next};
use crate::reply::{Evidence, Language, Reply, Source, Text, Values};

/// What comes of an input so far.
pub(super) struct Plan<'a> {
    pub(super) flows: &'a Flows,
    /// The state after the events.
    pub(super) state: State,
    events: Vec<Event>,
    /// Milliseconds since 1970 UTC.
    pub(super) now: u64,
}

/// A question whether something is right.
#[derive(Default)]
pub(super) struct Confirmation {
    /// As the customer is asked.
    pub(super) text: String,
    /// Without the values: what the customer wrote is no word of the question.
    pub(super) blank: String,
}

impl<'a> Plan<'a> {
    pub(super) fn new(flows: &'a Flows, state: &State, now: u64) -> Self {
        Self {
            flows,
            state: state.clone(),
            events: Vec::new(),
            now,
        }
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.state.apply(&event);
        self.events.push(event);
    }

    pub(super) fn decision(mut self, next: Next) -> Decision {
        if next == Next::Reply {
            if self.state.said.is_empty() {
                self.say_of_conversation("nothing");
            }
            self.emit(Event::Answered);
        }
        Decision {
            events: self.events,
            state: self.state,
            next,
        }
    }

    /// The flow in progress, as the session began it.
    pub(super) fn current(&self) -> Option<(&'a Flow, &Frame)> {
        let frame = self.state.frame()?;
        let flow = self.flows.flow(&frame.flow)?;
        (flow.meaning == frame.meaning).then_some((flow, frame))
    }

    /// The slot that is asked for.
    pub(super) fn asked_slot(&self) -> Option<&'a Slot> {
        let (flow, frame) = self.current()?;
        match &frame.question {
            Some(Question::Slot(name)) => flow.slot(name),
            _ => None,
        }
    }

    pub(super) fn question(&self) -> Option<&Question> {
        self.state.frame()?.question.as_ref()
    }

    /// Begins flows again that have changed since, and drops those that are gone. Tells the customer.
    pub(super) fn renew(&mut self) {
        let mut has_changed = false;
        while let Some(frame) = self.state.frame() {
            let Some(flow) = self.flows.flow(&frame.flow) else {
                self.emit(Event::Dropped);
                has_changed = true;
                continue;
            };
            if flow.meaning != frame.meaning {
                let is_gone = |(name, value): &(&String, &String)| {
                    let slot = flow.slot(name);
                    !slot.is_some_and(|slot| hearing::fits(slot, value))
                };
                let gone = frame.slots.iter().filter(is_gone);
                let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
                self.emit(Event::Renewed {
                    meaning: flow.meaning,
                });
                gone.into_iter()
                    .for_each(|slot| self.emit(Event::Cleared(slot)));
                has_changed = true;
            }
            break;
        }
        if has_changed {
            self.say_of_conversation("renewed");
        }
    }

    pub(super) fn language(&self) -> Language {
        self.state.language()
    }

    /// Says something of the conversation itself.
    pub(super) fn say_of_conversation(&mut self, name: &str) {
        self.say_of_wish(name, "");
    }

    /// Says something of the conversation itself that is about a wish.
    pub(super) fn say_of_wish(&mut self, name: &str, wish: &str) {
        let text = self.flows.texts().say_of(name, wish, self.language());
        let source = match self.state.handed_over() {
            Some(_) => Source::Handover,
            None => Source::Template,
        };
        self.emit(Event::Said(Reply {
            text,
            source,
            evidence: Vec::new(),
            checked: None,
        }));
    }

    /// Says a text of a step of the flow in progress. `false` if the text cannot be made.
    #[must_use]
    pub(super) fn say(&mut self, text: &Text, what: &str) -> bool {
        let Some((flow, frame)) = self.current() else {
            return false;
        };
        let id = format!("{}#{}", flow.name, frame.step + 1);
        let values = self.labelled(flow, &frame.slots);
        let Ok(text) = text.render(self.language(), &values) else {
            return false;
        };
        self.emit(Event::Said(Reply {
            text,
            source: Source::Template,
            evidence: vec![Evidence {
                source: Source::Template,
                id,
                text: what.to_owned(),
            }],
            checked: None,
        }));
        true
    }

    /// Values as customers are told them.
    fn labelled(&self, flow: &Flow, slots: &Values) -> Values {
        let label = |(name, value): (&String, &String)| {
            let choices = flow.slot(name).map(|slot| slot.choices.as_slice());
            let mut choices = choices.unwrap_or_default().iter();
            let choice = choices.find(|choice| choice.value == *value);
            let told = choice.map_or(value.as_str(), |choice| choice.label(self.language()));
            (name.clone(), told.to_owned())
        };
        slots.iter().map(label).collect()
    }

    /// Asks again what the flow in progress waits for, if it does.
    pub(super) fn ask(&mut self) -> Next {
        let Some((flow, frame)) = self.current() else {
            return Next::Reply;
        };
        let (text, what) = match &frame.question {
            None => return Next::Reply,
            Some(Question::Change) => {
                self.say_of_conversation("change");
                return Next::Reply;
            }
            Some(Question::Slot(name)) => {
                let ask = flow.slot(name).and_then(|slot| slot.ask.as_ref());
                (ask, format!("collect {name}"))
            }
            Some(Question::Confirm) => (confirmation(flow, frame), "confirm".to_owned()),
        };
        match text {
            Some(text) if self.say(text, &what) => Next::Reply,
            _ => self.hand_over("template"),
        }
    }

    /// What is to be confirmed, as the customer is asked; empty if nothing is.
    pub(super) fn confirmation(&self) -> Confirmation {
        let Some((flow, frame)) = self.current() else {
            return Confirmation::default();
        };
        let told = self.labelled(flow, &frame.slots);
        let none = told.keys().map(|slot| (slot.clone(), String::new()));
        let text = confirmation(flow, frame);
        let render = |values: &Values| {
            let text = text.and_then(|text| text.render(self.language(), values).ok());
            text.unwrap_or_default()
        };
        Confirmation {
            blank: render(&none.collect()),
            text: render(&told),
        }
    }

    /// Has a person take over, with a summary.
    pub(super) fn hand_over(&mut self, reason: &str) -> Next {
        let summary = summary::of(self.flows, &self.state, reason);
        self.emit(Event::HandedOver(reason.to_owned()));
        let text = self.flows.texts().say("handover", self.language());
        self.emit(Event::Said(Reply {
            text,
            source: Source::Handover,
            evidence: vec![Evidence {
                source: Source::Handover,
                id: reason.to_owned(),
                text: summary,
            }],
            checked: None,
        }));
        Next::Reply
    }
}

/// The question of the step that a flow is at.
fn confirmation<'a>(flow: &'a Flow, frame: &Frame) -> Option<&'a Text> {
    match &flow.steps.get(frame.step)?.task {
        Task::Confirm { question, .. } => Some(question),
        _ => None,
    }
}
