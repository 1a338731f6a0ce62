//! What a turn would have come to, had it been understood otherwise.

use std::borrow::Cow;

use super::super::decide::{Decision, Input, Next, Said, decide};
use super::super::error::ChatError;
use super::super::event::Event;
use super::super::guard::covered_too;
use super::super::state::State;
use super::{Chat, Turn};

/// What is decided of a turn at once, before anything is looked for or called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// What comes next: the source of the reply, such as `template` or `handover`, if it is complete; `answer` if one is
    /// looked for; or the action that is called, as `action refund`.
    pub next: String,
    /// What is said so far; of an answer that is looked for, the intent that it is looked for by.
    pub text: String,
}

impl Chat {
    /// Says what a turn that was replied to would have come to, had it been understood as `turn` says. Nothing is done,
    /// said or written. Takes what reading the session's events takes.
    ///
    /// # Errors
    /// [`ChatError::Turn`] if the session has no such turn, or `turn` has no number; those of [`events`](Self::events).
    pub fn foresee(&self, turn: &Turn<'_>) -> Result<Foreseen, ChatError> {
        let events = self.events(turn.session)?;
        let said = events
            .iter()
            .enumerate()
            .find_map(|(at, event)| match event {
                Event::Customer(said) if Some(said.turn) == turn.turn => Some((at, said)),
                _ => None,
            });
        let Some((at, said)) = said else {
            return Err(ChatError::Turn {
                found: turn.turn.unwrap_or(0),
                next: State::replay(&events).turn.saturating_add(1),
            });
        };
        let understanding = match said.text == turn.text {
            true => Cow::Borrowed(turn.understanding),
            false => Cow::Owned(covered_too(turn.understanding, &said.text)),
        };
        let input = Input::Turn(Said {
            text: &said.text,
            understanding: &understanding,
            parts: turn.parts,
        });
        let before = State::replay(&events[..at]);
        let Decision { state, next, .. } = decide(self.flows(), &before, &input, said.at);
        let reply = state.reply();
        let intent = understanding.intent.as_ref().map(|it| it.label.as_str());
        let (next, text) = match next {
            Next::Reply => (reply.source.name().to_owned(), reply.text),
            Next::Call(action) => (format!("action {action}"), reply.text),
            Next::Recall | Next::Answer => (
                "answer".to_owned(),
                format!("{}{}", reply.text, intent.unwrap_or_default()),
            ),
        };
        Ok(Foreseen { next, text })
    }
}
