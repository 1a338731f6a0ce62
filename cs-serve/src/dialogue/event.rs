//! What happened in a conversation.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::reply::{Language, Reply, Values};
use crate::safety::Action;
use crate::safety::words::Trick;

/// The version of events that is written. Older ones are read, newer ones refused. Since 2 texts may be
/// flagged, and calls have a time; since 3 wishes wait.
pub(super) const FORMAT: u32 = 3;

/// Something that happened in a session. A session is its events in order; its
/// [`State`](super::State) follows from them alone.
///
/// As JSON it is an object with one key, or a word: `{"set": {"slot": "order_id", "value": "A12345"}}`,
/// `"answered"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A session began, whose events are of this format.
    Began(u32),
    /// The customer said something: a turn begins.
    Customer(CustomerSaid),
    /// Something was found in the customer's text, or in what was to be said next.
    Flagged(Flagged),
    /// A flow began, on top of the one that was in progress.
    Started {
        /// The flow.
        flow: String,
        /// A sum of what it asks and does. A session goes on with another flow of its name only if that
        /// has the same sum.
        meaning: u64,
        /// Whether a step of the flow below called it, which goes on afterwards.
        #[serde(default, skip_serializing_if = "is_false")]
        called: bool,
    },
    /// A slot got a value, perhaps in place of another one.
    Set {
        /// The slot.
        slot: String,
        /// Its value.
        value: String,
    },
    /// A slot lost its value.
    Cleared(String),
    /// The customer goes on without a slot's value.
    Skipped(String),
    /// The flow came to a step, counted from 0.
    Step(u32),
    /// The flow waits for the customer.
    Asked(Question),
    /// The customer's turn did not answer what was asked.
    Missed,
    /// Nothing answers the turn, and the model is not sure what it means.
    Unclear,
    /// An action of the service is about to be called, perhaps once more with the same key.
    #[serde(deserialize_with = "calling")]
    Calling {
        /// The action.
        action: String,
        /// When, in milliseconds since 1970 UTC.
        at: u64,
    },
    /// The action succeeded (`true`), or failed as far as is known.
    Called(bool),
    /// The action has changed something: what was said before cannot be taken back.
    Committed,
    /// The customer wants something else, too, which waits until no flow is in progress.
    Queued(Wish),
    /// What has waited longest waits no longer.
    Unqueued,
    /// The flow came to its end, and the one below goes on.
    Ended,
    /// The customer cancelled the flow; those that called it end too.
    Cancelled,
    /// The flow's file has changed: the flow begins again with the values that still fit.
    Renewed {
        /// The sum of the flow as it is now.
        meaning: u64,
    },
    /// The flow's file has it no longer.
    Dropped,
    /// The customer took back what the turn before had changed.
    Undone,
    /// A person takes over, for this reason.
    HandedOver(String),
    /// The person gave the conversation back.
    Released,
    /// A part of the reply to the turn.
    Said(Reply),
    /// The reply is complete: the turn ends.
    Answered,
}

/// What a customer said.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerSaid {
    /// The turn's number, from 1.
    pub turn: u32,
    /// The text.
    pub text: String,
    /// What tells it from other texts that look the same, if it is covered: 32 bits of a hash without a key, by which covered
    /// words can be guessed. It is for the store, not for those who look at a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<u32>,
    /// Its language; none if it has no letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// Whether the model was not sure what it means.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unsure: bool,
}

/// Without the text.
impl fmt::Debug for CustomerSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerSaid")
            .field("turn", &self.turn)
            .field("text_bytes", &self.text.len())
            .field("language", &self.language)
            .field("at", &self.at)
            .field("unsure", &self.unsure)
            .finish_non_exhaustive()
    }
}

/// Something that the customer wants, beside what goes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The flow that it begins.
    pub flow: String,
    /// The customer's words for it.
    pub text: String,
    /// The values that are known already.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub slots: Values,
}

/// What was found in a text that was held against words and prohibited meanings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flagged {
    /// Whose text it is.
    pub direction: Direction,
    /// What was done with it.
    pub action: Action,
    /// Why, without the words; the first twenty reasons.
    pub causes: Vec<Cause>,
}

/// Whose text something was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The customer's.
    Input,
    /// The service's.
    Reply,
}

impl Direction {
    /// Gives its name in events and figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Reply => "reply",
        }
    }
}

/// What something in a text is, without the words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// The category, if the list has one for it.
    pub category: Option<String>,
    /// How the word is disguised; none for a prohibited meaning.
    pub trick: Option<Trick>,
}

/// What was done with the texts of a turn: the most severe of it, and `pass` where nothing was found, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Filtered {
    /// With the customer's text.
    pub input: Action,
    /// With the reply.
    pub reply: Action,
}

/// What a flow waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A slot's value.
    Slot(String),
    /// A yes.
    Confirm,
    /// What to change, after a no.
    Change,
}

/// A call's action and time; in format 1 it was the action alone, and began a long time ago.
fn calling<'de, D: Deserializer<'de>>(call: D) -> Result<(String, u64), D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Call { action: String, at: u64 },
        Action(String),
    }
    Ok(match Stored::deserialize(call)? {
        Stored::Call { action, at } => (action, at),
        Stored::Action(action) => (action, 0),
    })
}

fn is_false(truth: &bool) -> bool {
    !truth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_format_1_are_read() {
        let calling = |action: &str, at| Event::Calling {
            action: action.to_owned(),
            at,
        };
        let old: Event = serde_json::from_str(r#"{"calling": "find_order"}"#).unwrap();
        assert_eq!(old, calling("find_order", 0));
        let now = serde_json::to_string(&calling("find_order", 7)).unwrap();
        assert_eq!(now, r#"{"calling":{"action":"find_order","at":7}}"#);
        assert_eq!(
            serde_json::from_str::<Event>(&now).unwrap(),
            calling("find_order", 7)
        );
    }
}
