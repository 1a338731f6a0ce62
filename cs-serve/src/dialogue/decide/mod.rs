//! What comes of what: a customer's turn, an answer, an action's outcome. A pure function of the flows, the
//! state and the input.
//!
//! A turn is several things at once, and the model may be wrong about it. What counts first:
//!
//! 0. A text that is not to be heard: the customer is told so, and what was asked is asked again.
//! 1. A person has the conversation: nothing else is said.
//! 2. Going back, and asking for a person, in so many words.
//! 3. The answer to what was asked: a value and nothing beside it that means something else, a choice, a yes or a
//!    no, "never mind", or that there is none. A bare `12345` is the order's number that was asked for, whatever the
//!    model takes it for and however unhappy it sounds. That there is none, where a value is required, is a wrong
//!    answer, and so is what looks like a number and is no value. A yes that the rest of the text holds back or takes back
//!    ("OK, don't cancel it", "OK, never mind") is none.
//! 4. A value for another slot of the flow, and nothing beside it that means something else: a correction.
//! 5. The rules of hand-over: sentiment, intents.
//! 6. An intent that starts a flow, if the model is sure: another flow goes first, this one waits. The text may
//!    have a value for what was asked; then the model has to be rather sure. A question whose answer the service
//!    surely knows is answered instead: "how long can I return things?" is no return. Of several wishes in one text
//!    ("cancel A1 and send me an invoice", "cancel A1 and A2") the first goes first; the customer is told that the
//!    others wait, and each begins when no flow is in progress any more. Those that stand beside a question wait for the
//!    answer, and what is wished beside the answer to what was asked waits until that is done. What is asked beside it is
//!    answered before the flow goes on.
//! 7. Values for any slot of the flow, also in place of those that it had. Where any text is a value, a question
//!    whose answer the service surely knows is none.
//! 8. What the service can answer; then what was asked is asked again.
//! 9. Nothing of it: the customer is asked again, and a person takes over after a few times.

mod answer;
mod pieces;
mod plan;
mod run;
mod turn;
mod wishes;

use super::event::Event;
use super::flows::Flows;
use super::state::State;
use crate::Understanding;
use crate::reply::{Reply, Values};
use plan::Plan;

/// What a conversation goes on by.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// The customer says something.
    Turn(Said<'a>),
    /// The customer says something that is not to be heard.
    Blocked {
        /// The text, as far as it may be kept.
        text: &'a str,
    },
    /// What was to be said next may not be said.
    Withheld,
    /// The answer to the turn that the service surely knows, if it does.
    Recalled {
        /// What the customer said.
        said: Said<'a>,
        /// The answer.
        reply: Option<Reply>,
    },
    /// The service's answer to the turn, outside of flows; none if it has none.
    Answer(Option<Reply>),
    /// The service cannot tell whether it has an answer.
    NoAnswer,
    /// What came of the action.
    Outcome(Outcome),
}

/// What a customer says.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The text.
    pub text: &'a str,
    /// What the model makes of it.
    pub understanding: &'a Understanding,
    /// What it makes of each of the text's [`wishes`](super::wishes), or nothing.
    pub parts: &'a [Understanding],
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and has given these values.
    Done(Values),
    /// The service refused it: it is not done.
    Refused,
    /// It failed, and nobody knows whether it is done.
    Unknown,
}

/// What comes of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What happened.
    pub events: Vec<Event>,
    /// The state after that.
    pub state: State,
    /// What is to be done now.
    pub next: Next,
}

/// What is to be done after an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The reply is complete.
    Reply,
    /// The service has to look whether it surely knows the answer: an [`Input::Recalled`] is next.
    Recall,
    /// The service has to look for an answer: an [`Input::Answer`] is next.
    Answer,
    /// An action has to be called, with the key of the call before if that had no known outcome: an
    /// [`Input::Outcome`] is next.
    Call(String),
}

/// Decides what comes of an input at a time, in milliseconds since 1970 UTC. Depends on nothing but its arguments.
pub fn decide(flows: &Flows, state: &State, input: &Input<'_>, now: u64) -> Decision {
    let mut plan = Plan::new(flows, state, now);
    let next = match input {
        Input::Turn(said) => {
            plan.begin(said.text, said.understanding);
            plan.turn(said, false)
        }
        Input::Blocked { text } => {
            plan.begin(text, &Understanding::default());
            plan.blocked()
        }
        Input::Withheld => plan.hand_over("withheld"),
        Input::Recalled {
            reply: Some(reply), ..
        } => plan.answered(Some(reply)),
        Input::Recalled { said, .. } => plan.turn(said, true),
        Input::NoAnswer => plan.hand_over("answer_failed"),
        Input::Answer(reply) => plan.answered(reply.as_ref()),
        Input::Outcome(outcome) => plan.called(outcome),
    };
    plan.decision(next)
}
