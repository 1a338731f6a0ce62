//! The steps of a flow, one after the other, until it waits.

use super::super::event::{Event, Question};
use super::super::flows::{Flow, Otherwise, Slot, Step, Task, Then};
use super::super::state::Frame;
use super::plan::Plan;
use super::{Next, Outcome};
use crate::reply::Values;

/// The most steps of a turn: a loop that runs on is left to a person.
const MOST_STEPS: usize = 500;
/// The most actions that a turn calls: a loop of actions that fail is left to a person.
const MOST_CALLS: u32 = 20;
/// The most flows in progress, one on top of the other.
const MOST_FRAMES: usize = 16;
/// The longest value that an action gives, in bytes. A longer one is not kept.
const MOST_VALUE: usize = 2_000;

impl<'a> Plan<'a> {
    /// Begins a flow on top of the one in progress.
    pub(super) fn begin_flow(&mut self, flow: &Flow, is_called: bool) {
        self.emit(Event::Started {
            flow: flow.name.clone(),
            meaning: flow.meaning,
            called: is_called,
        });
    }

    /// Takes the values that the conversation had before.
    pub(super) fn remember(&mut self, flow: &Flow) {
        let frame = self.state.frame();
        let is_open = |slot: &&Slot| !frame.is_some_and(|it| it.slots.contains_key(&slot.name));
        let remembered = flow.slots.iter().filter(|slot| slot.is_remembered);
        let remembered = remembered.filter(is_open);
        let known = remembered.filter_map(|slot| {
            let value = self.state.form.known.get(&slot.name)?;
            let fits = super::super::hearing::fits(slot, value);
            fits.then(|| (slot.name.clone(), value.clone()))
        });
        self.set_all(known.collect());
    }

    pub(super) fn set_all(&mut self, values: Vec<(String, String)>) {
        for (slot, value) in values {
            self.emit(Event::Set { slot, value });
        }
    }

    /// Goes through the steps, until the customer is asked something, an action is to be called, or all
    /// flows are at their end.
    pub(super) fn run(&mut self) -> Next {
        for _ in 0..MOST_STEPS {
            if self.state.frame().is_none() && !self.next_wish() {
                return Next::Reply;
            }
            self.renew();
            let Some((flow, frame)) = self.current() else {
                continue;
            };
            let Some(step) = flow.steps.get(frame.step) else {
                if let Some(next) = self.end() {
                    return next;
                }
                continue;
            };
            if !is_due(step, frame) {
                self.pass();
            } else if let Some(next) = self.step(flow, step) {
                return next;
            }
        }
        self.hand_over("endless")
    }

    /// Does a step; gives what comes next unless the flow goes on at once.
    fn step(&mut self, flow: &'a Flow, step: &'a Step) -> Option<Next> {
        match &step.task {
            Task::Collect(slots) => return self.collect(slots),
            Task::Confirm { .. } => {
                self.emit(Event::Asked(Question::Confirm));
                return Some(self.ask());
            }
            Task::Act { action, .. } => return Some(self.act(action)),
            Task::Say(text) => {
                if !self.say(text, "say") {
                    return Some(self.hand_over("template"));
                }
                self.pass();
            }
            Task::Call(id) => {
                if self.state.form.frames.len() >= MOST_FRAMES {
                    return Some(self.hand_over("endless"));
                }
                self.pass();
                self.call(flow, self.flows.called(*id));
            }
            Task::Goto(to) => self.go(*to),
            Task::End => return self.end(),
            Task::Handover(reason) => {
                self.pass();
                return Some(self.hand_over(reason));
            }
        }
        None
    }

    fn act(&mut self, action: &str) -> Next {
        if self.state.calls >= MOST_CALLS {
            return self.hand_over("endless");
        }
        self.emit(Event::Calling {
            action: action.to_owned(),
            at: self.now,
        });
        Next::Call(action.to_owned())
    }

    fn collect(&mut self, slots: &[String]) -> Option<Next> {
        let frame = self.state.frame()?;
        let is_open =
            |slot: &&String| !frame.slots.contains_key(*slot) && !frame.skipped.contains(*slot);
        let Some(slot) = slots.iter().find(is_open).cloned() else {
            self.pass();
            return None;
        };
        self.emit(Event::Asked(Question::Slot(slot)));
        Some(self.ask())
    }

    fn go(&mut self, to: usize) {
        self.emit(Event::Step(u32::try_from(to).unwrap_or(u32::MAX)));
    }

    /// Goes to the next step.
    pub(super) fn pass(&mut self) {
        if let Some(frame) = self.state.frame() {
            self.go(frame.step + 1);
        }
    }

    /// Begins a flow that gets the values of the slots that both have.
    fn call(&mut self, caller: &Flow, called: &Flow) {
        let shared = self.shared(caller, called);
        self.begin_flow(called, true);
        self.remember(called);
        self.set_all(shared);
    }

    /// The values of the flow in progress that another one has a slot for.
    fn shared(&self, from: &Flow, to: &Flow) -> Vec<(String, String)> {
        let slots = self.state.frame().map(|frame| &frame.slots);
        let all = slots.into_iter().flatten();
        all.filter(|(name, _)| from.slot(name).is_some() && to.slot(name).is_some())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Ends the flow in progress. Its caller gets the values of the slots that both have; a flow that
    /// waits below asks again.
    fn end(&mut self) -> Option<Next> {
        let (flow, frame) = self.current()?;
        let is_called = frame.is_called;
        let below = self.state.form.frames.iter().rev().nth(1);
        let caller = below.and_then(|below| self.flows.flow(&below.flow));
        let given = match caller {
            Some(caller) if is_called => self.shared(flow, caller),
            _ => Vec::new(),
        };
        self.drop_done();
        self.emit(Event::Ended);
        self.set_all(given);
        let waits = self.question().is_some();
        if waits {
            self.renew();
        }
        (waits && self.question().is_some()).then(|| self.ask())
    }

    /// Does what a step says is done if it does not go well.
    pub(super) fn otherwise(&mut self, otherwise: &Otherwise) -> Next {
        if let Some(text) = &otherwise.say
            && !self.say(text, "say")
        {
            return self.hand_over("template");
        }
        for slot in &otherwise.clear {
            self.emit(Event::Cleared(slot.clone()));
        }
        match &otherwise.then {
            Then::Goto(to) => {
                self.go(*to);
                self.run()
            }
            Then::Handover(reason) => {
                self.pass();
                self.hand_over(reason)
            }
            Then::End => match self.end() {
                Some(next) => next,
                None => self.run(),
            },
        }
    }

    /// Goes on after an action.
    pub(super) fn called(&mut self, outcome: &Outcome) -> Next {
        let current = self.current();
        let step = current.and_then(|(flow, frame)| flow.steps.get(frame.step));
        let is_done = matches!(outcome, Outcome::Done(_));
        let Some(Task::Act {
            action,
            saves,
            reads,
            failed,
        }) = step.map(|step| &step.task)
        else {
            // The flow has changed while the service worked: what it has done is not done again.
            self.emit(Event::Called(is_done));
            self.emit(Event::Committed);
            return self.hand_over("flow_changed");
        };
        let may_be_done = *outcome == Outcome::Unknown && !reads;
        let calling = self.state.calling.as_ref();
        if may_be_done && !calling.is_some_and(|it| it.is_repeated) {
            return self.act(action);
        }
        self.emit(Event::Called(is_done));
        if !reads {
            // Even one that failed may have been done.
            self.emit(Event::Committed);
        }
        let Outcome::Done(values) = outcome else {
            return match &failed.then {
                // Neither what is said of a failure nor another try is right for what may have been done.
                Then::Goto(_) | Then::End if may_be_done => {
                    self.pass();
                    self.hand_over("action_unknown")
                }
                _ => self.otherwise(failed),
            };
        };
        self.save(saves, values);
        self.pass();
        self.run()
    }

    /// Keeps values that an action has given.
    fn save(&mut self, saves: &[(String, String)], values: &Values) {
        let kept = saves.iter().filter_map(|(slot, key)| {
            let value = values.get(key)?;
            (value.len() <= MOST_VALUE).then(|| (slot.clone(), value.clone()))
        });
        self.set_all(kept.collect());
    }
}

/// Whether the slots have the values that a step is for.
fn is_due(step: &Step, frame: &Frame) -> bool {
    let mut when = step.when.iter();
    when.all(|(slot, value)| frame.slots.get(slot) == value.as_ref())
}
