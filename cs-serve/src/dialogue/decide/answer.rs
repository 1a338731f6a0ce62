//! What answers the question that is open.

use super::super::event::{Event, Question};
use super::super::hearing::Heard;
use super::super::words::{self, Signals, folded, signals};
use super::Next;
use super::plan::Plan;
use crate::Understanding;

impl Plan<'_> {
    /// What comes of a turn that answers what was asked, and nothing else.
    pub(super) fn answer_to_question(
        &mut self,
        text: &str,
        signals: &Signals,
        heard: &Heard,
    ) -> Option<Next> {
        let Some(question) = self.question().cloned() else {
            return (signals.cancel && self.state.frame().is_none()).then(|| {
                self.say_of_conversation("nothing");
                Next::Reply
            });
        };
        match question {
            Question::Slot(_) => self.answer_of_slot(signals, heard),
            _ if heard.is_of_part => Some(self.missed()),
            _ if !heard.is_nothing() => (heard.is_bare || signals.no).then(|| self.take(heard)),
            Question::Confirm if self.is_agreed(text, heard) => {
                if let Some(next) = self.queue_further(heard) {
                    return Some(next);
                }
                self.pass();
                Some(self.run())
            }
            Question::Confirm if signals.cancel && signals.yes && self.asks_to_cancel() => {
                Some(self.ask())
            }
            _ if signals.cancel => Some(self.cancel()),
            Question::Confirm if signals.no => Some(self.denied()),
            Question::Change if signals.no => Some(self.cancel()),
            Question::Change if signals.yes => Some(self.run()),
            // A value that is known already, or another one beside it.
            _ if heard.is_bare => Some(self.queue_further(heard).unwrap_or_else(|| self.ask())),
            _ => None,
        }
    }

    fn answer_of_slot(&mut self, signals: &Signals, heard: &Heard) -> Option<Next> {
        let slot = self.asked_slot()?;
        if heard.answers && !slot.is_text && (heard.is_bare || !slot.choices.is_empty()) {
            return Some(self.take(heard));
        }
        let name = slot.name.clone();
        if !slot.is_required && (signals.none || signals.no) {
            self.emit(Event::Skipped(name));
            return Some(self.run());
        }
        if signals.cancel {
            return Some(self.cancel());
        }
        signals.none.then(|| self.missed_by("required"))
    }

    /// Whether a text agrees to what is to be confirmed, and holds nothing back. That to stop agrees only where stopping
    /// something is the question.
    fn is_agreed(&self, text: &str, heard: &Heard) -> bool {
        let text = folded(text);
        let signals = signals(&text);
        let question = self.confirmation();
        if signals.no || heard.holds_back {
            return false;
        }
        if signals.cancel {
            return words::agrees_to_cancel(&text, &folded(&question.blank));
        }
        signals.yes || words::agrees(&text, &folded(&question.text))
    }

    /// Whether what is to be confirmed is that something is to stop.
    fn asks_to_cancel(&self) -> bool {
        words::asks_to_cancel(&folded(&self.confirmation().blank))
    }

    /// Whether there is a value for what was asked.
    pub(super) fn is_answered(&self) -> bool {
        let slot = self.asked_slot().map(|slot| slot.name.as_str());
        let frame = self.state.frame();
        slot.zip(frame)
            .is_some_and(|(slot, frame)| frame.slots.contains_key(slot))
    }

    /// Keeps a value or a yes that was asked for. Before the flow goes on, the service looks for the answer to what is
    /// asked beside it. None if there is none of them.
    pub(super) fn keep(&mut self, part: &Understanding) -> Option<Next> {
        let signals = signals(&folded(&part.text));
        let heard = self.hear(&part.text, part);
        let is_signal = signals.no || signals.cancel || signals.none;
        let is_value = heard.is_bare && !heard.is_whole_text;
        let handed_over = match self.question()? {
            Question::Slot(_) if heard.answers && (is_value || !is_signal) => self.take_in(&heard),
            Question::Confirm
                if heard.is_nothing()
                    && !heard.is_of_part
                    && self.is_agreed(&part.text, &heard) =>
            {
                let handed_over = self.queue_further(&heard);
                self.pass();
                handed_over
            }
            _ => return None,
        };
        Some(handed_over.unwrap_or(Next::Answer))
    }
}
