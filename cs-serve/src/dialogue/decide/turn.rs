//! What comes of a customer's turn.

use super::super::event::{CustomerSaid, Event, Question};
use super::super::flows::{Flow, Task};
use super::super::hearing::{Heard, Listener, hear};
use super::super::words::{self, folded, signals};
use super::plan::Plan;
use super::{Next, Said};
use crate::Understanding;
use crate::reply::{Language, Reply};

/// How sure the model has to be of another flow's intent, if the text has what was asked for.
pub(super) const SURE: f32 = 0.5;
/// The same, if what was asked for may be any text.
pub(super) const VERY_SURE: f32 = 0.8;
/// How many answers to a yes or no that are none are borne.
const RETRIES: u32 = 2;
/// The most flows that customers may put on top of each other.
const MOST_DIGRESSIONS: usize = 8;

impl<'a> Plan<'a> {
    pub(super) fn begin(&mut self, text: &str, understanding: &Understanding) {
        let least = self.flows.rules().low_confidence_twice;
        let surest = understanding.intents.first();
        let unsure = least.zip(surest);
        self.emit(Event::Customer(CustomerSaid {
            turn: self.state.turn.saturating_add(1),
            text: text.to_owned(),
            digest: None,
            language: spoken(text, self.state.language),
            at: self.now.max(self.state.at), // a clock may go back, a conversation does not
            unsure: unsure.is_some_and(|(least, surest)| surest.confidence < least),
        }));
    }

    pub(super) fn turn(&mut self, said: &Said<'_>, has_recalled: bool) -> Next {
        let Said {
            text,
            understanding,
            ..
        } = *said;
        if self.state.handed_over.is_some() {
            self.say_of_conversation("handed_over");
            return Next::Reply;
        }
        self.renew();
        let signals = signals(&folded(text));
        if signals.undo {
            return self.undo();
        }
        if signals.person {
            return self.hand_over("requested");
        }
        if !has_recalled && let Some(next) = self.set_aside(said) {
            return next;
        }
        let heard = self.hear(text, understanding);
        if let Some(next) = self.answer_to_question(text, &signals, &heard) {
            return next;
        }
        let is_text = self.asked_slot().is_some_and(|slot| slot.is_text);
        let is_no_value = is_code(text) || (is_text && words::is_reaction(&folded(text)));
        if self.question().is_some() && heard.is_nothing() && is_no_value {
            return self.missed();
        }
        if self.question().is_some() && heard.is_bare && !heard.is_nothing() {
            return self.take(&heard);
        }
        if let Some(reason) = self.rule(text, understanding) {
            return self.hand_over(reason);
        }
        if !has_recalled && let Some(next) = self.take_up(said) {
            return next;
        }
        if let Some(flow) = self.other_flow(understanding, &heard) {
            if !has_recalled && heard.is_nothing() {
                return Next::Recall;
            }
            return self.switch(flow, text, understanding, &heard);
        }
        if heard.is_whole_text && !has_recalled {
            return Next::Recall;
        }
        if !heard.is_nothing() {
            return self.take(&heard);
        }
        Next::Answer
    }

    /// What comes of a turn that is not to be heard.
    pub(super) fn blocked(&mut self) -> Next {
        self.say_of_conversation("blocked");
        if self.state.handed_over.is_some() {
            return Next::Reply;
        }
        self.renew();
        self.ask()
    }

    /// The values of the text for the flow in progress.
    pub(super) fn hear(&self, text: &str, understanding: &Understanding) -> Heard {
        let Some((flow, frame)) = self.current() else {
            return Heard::default();
        };
        let asked = match &frame.question {
            Some(Question::Slot(name)) => Some(name.as_str()),
            _ => None,
        };
        let listener = Listener {
            flow,
            slots: &frame.slots,
            asked,
            is_confirming: matches!(frame.question, Some(Question::Confirm | Question::Change)),
        };
        hear(&listener, text, &understanding.entities)
    }

    /// The reason for which a rule has a person take over.
    fn rule(&self, text: &str, understanding: &Understanding) -> Option<&'static str> {
        let rules = self.flows.rules();
        let sentiment = understanding
            .sentiment
            .filter(|_| Language::of(text).is_some());
        if let Some((least, sentiment)) = rules.sentiment_below.zip(sentiment)
            && sentiment < least
        {
            return Some("sentiment");
        }
        let is_sure = !self.state.unsure && self.is_for_person(understanding, 0.0);
        is_sure.then_some("intent")
    }

    /// Whether the model is at least so sure that a text has an intent that a person answers.
    pub(super) fn is_for_person(&self, understanding: &Understanding, least: f32) -> bool {
        let intent = understanding.intent.as_ref();
        intent.is_some_and(|intent| {
            intent.confidence >= least && self.flows.rules().intents.contains(&intent.label)
        })
    }

    /// The flow that the turn's intent starts.
    fn other_flow(&self, understanding: &Understanding, heard: &Heard) -> Option<&'a Flow> {
        let intent = understanding
            .intent
            .as_ref()
            .filter(|_| !self.state.unsure)?;
        let flow = self.flows.started_by(&intent.label)?;
        let is_current = self.state.flow() == Some(flow.name.as_str());
        let least = match self.asked_slot() {
            Some(slot) if slot.is_text && !is_current => VERY_SURE,
            _ if heard.answers => SURE,
            _ => 0.0,
        };
        let is_answer = is_current && !heard.is_nothing();
        (!is_answer && intent.confidence >= least).then_some(flow)
    }

    /// Goes to the flow that the customer wants now: back to it, if it is in progress.
    pub(super) fn switch(
        &mut self,
        flow: &'a Flow,
        text: &str,
        understanding: &Understanding,
        heard: &Heard,
    ) -> Next {
        if self.state.flow() == Some(flow.name.as_str()) {
            return match self.question() {
                Some(_) => self.ask(),
                None => self.take(heard),
            };
        }
        let mut frames = self.state.form.frames.iter();
        if frames.any(|frame| frame.flow == flow.name) {
            while self.state.flow().is_some_and(|name| name != flow.name) {
                self.emit(Event::Dropped);
            }
            self.renew();
        } else if self.state.form.frames.len() >= MOST_DIGRESSIONS {
            return self.hand_over("endless");
        } else {
            self.begin_flow(flow, false);
            // What is said now goes before what was said of another matter.
            let heard = self.hear(text, understanding);
            self.remember(flow);
            return self.take(&heard);
        }
        let heard = self.hear(text, understanding);
        self.take(&heard)
    }

    /// Takes values, and goes on.
    pub(super) fn take(&mut self, heard: &Heard) -> Next {
        match self.take_in(heard) {
            Some(next) => next,
            None => self.run(),
        }
    }

    /// Takes values. Gives what comes next if they are too many to wait.
    pub(super) fn take_in(&mut self, heard: &Heard) -> Option<Next> {
        let known = self.state.frame().map(|frame| frame.slots.clone());
        let is_known = |slot: &str| known.as_ref().is_some_and(|it| it.contains_key(slot));
        self.set_all(heard.values.clone());
        for (slot, _) in heard.values.iter().filter(|(slot, _)| is_known(slot)) {
            self.look_up_again(slot);
        }
        for slot in &heard.denied {
            self.emit(Event::Cleared(slot.clone()));
            self.back_to(slot);
        }
        self.queue_further(heard)
    }

    /// Goes back to the step that collects a slot that has another value now, if an action has given values
    /// since: they are about the old one.
    fn look_up_again(&mut self, slot: &str) {
        let Some((flow, frame)) = self.current() else {
            return;
        };
        let before = flow.steps.iter().take(frame.step).rev();
        let mut since = before.take_while(|step| !collects(&step.task, slot));
        let has_saved =
            since.any(|step| matches!(&step.task, Task::Act { saves, .. } if !saves.is_empty()));
        if has_saved {
            self.back_to(slot);
        }
    }

    /// Goes back to the step that collects a slot.
    fn back_to(&mut self, slot: &str) {
        let Some((flow, frame)) = self.current() else {
            return;
        };
        let before = flow.steps.iter().take(frame.step);
        let mut step = before
            .enumerate()
            .filter(|(_, step)| collects(&step.task, slot));
        if let Some((at, _)) = step.next_back() {
            self.emit(Event::Step(u32::try_from(at).unwrap_or(u32::MAX)));
        }
    }

    fn undo(&mut self) -> Next {
        if self.state.can_undo() {
            self.emit(Event::Undone);
            self.say_of_conversation("undone");
        } else {
            self.say_of_conversation("not_undone");
        }
        self.renew();
        self.go_on()
    }

    pub(super) fn cancel(&mut self) -> Next {
        self.emit(Event::Cancelled);
        self.say_of_conversation("cancelled");
        self.renew();
        self.go_on()
    }

    /// A no to what a flow wants confirmed.
    pub(super) fn denied(&mut self) -> Next {
        let current = self.current();
        let step = current.and_then(|(flow, frame)| flow.steps.get(frame.step));
        match step.map(|step| &step.task) {
            Some(Task::Confirm {
                denied: Some(otherwise),
                ..
            }) => self.otherwise(otherwise),
            _ => {
                self.emit(Event::Asked(Question::Change));
                self.ask()
            }
        }
    }

    /// Goes on by what the service answers, or does not.
    pub(super) fn answered(&mut self, reply: Option<&Reply>) -> Next {
        if let Some(reply) = reply {
            self.emit(Event::Said(reply.clone()));
            return self.go_on();
        }
        if self.question().is_some() && !self.is_answered() {
            return self.missed();
        }
        if self.state.frame().is_some() || !self.state.form.wishes.is_empty() {
            if asks(&self.state.text) {
                self.say_of_conversation("unanswered");
            }
            return self.run();
        }
        if signals(&folded(&self.state.text)).is_any() {
            self.say_of_conversation("nothing"); // an "OK" to nothing in particular
            return Next::Reply;
        }
        if !self.state.unsure {
            return self.hand_over("no_source");
        }
        self.emit(Event::Unclear);
        if self.state.unclear > 1 {
            return self.hand_over("low_confidence");
        }
        self.say_of_conversation("rephrase");
        Next::Reply
    }

    /// Asks again what the flow in progress waits for, or goes on with it if it has that or has begun again.
    fn go_on(&mut self) -> Next {
        match self.question() {
            Some(_) if !self.is_answered() => self.ask(),
            _ => self.run(),
        }
    }

    /// The turn does not answer what was asked.
    pub(super) fn missed(&mut self) -> Next {
        self.missed_by("invalid")
    }

    /// The turn does not answer what was asked, and the customer is told why that is so.
    pub(super) fn missed_by(&mut self, why: &str) -> Next {
        self.emit(Event::Missed);
        let slot = self.asked_slot();
        let missed = self.state.frame().map_or(0, |frame| frame.missed);
        if missed > slot.map_or(RETRIES, |slot| slot.retries) {
            return self.hand_over("not_understood");
        }
        let invalid = slot.and_then(|slot| slot.invalid.as_ref());
        match invalid.filter(|_| why == "invalid") {
            Some(text) => {
                if !self.say(text, "invalid") {
                    return self.hand_over("template");
                }
            }
            None => self.say_of_conversation(why),
        }
        self.ask()
    }
}

/// Whether a text, or one of its wishes, is a question.
fn asks(text: &str) -> bool {
    let mut wishes = words::wishes(text).into_iter();
    wishes.any(|wish| words::is_asking(&folded(wish)))
}

fn collects(task: &Task, slot: &str) -> bool {
    matches!(task, Task::Collect(slots) if slots.iter().any(|it| it == slot))
}

/// The language that a text tells of. A name or a number in between does not change it, nor does "OK".
fn spoken(text: &str, before: Option<Language>) -> Option<Language> {
    let is_word = |word: &&str| word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(is_word)
        .count();
    let least = if before.is_some() { 2 } else { 1 };
    Language::of(text).filter(|&language| language == Language::Zh || words >= least)
}

/// Whether a text looks like a number of something: one word of letters that has a digit.
fn is_code(text: &str) -> bool {
    let text = text.trim();
    text.is_ascii() && !text.contains(' ') && text.contains(|c: char| c.is_ascii_digit())
}
