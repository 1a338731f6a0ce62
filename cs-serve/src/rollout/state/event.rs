//! What happened in a roll-out.

use serde::{Deserialize, Serialize};

use super::State;
use super::conversation::Conversation;
use crate::rollout::assign::{Id, Key};
use crate::rollout::config::RolloutConfig;
use crate::rollout::counts::Arm;
use crate::rollout::decide::{Figure, Verdict};

/// The version of events. Newer ones are refused.
pub(in crate::rollout) const FORMAT: u32 = 2; // with which there may be nothing to compare

/// What a roll-out is of: its first event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The version of the events after it.
    pub format: u32,
    /// What was chosen about it.
    pub config: RolloutConfig,
    /// The version of the stable model.
    pub stable: String,
    /// The version of the candidate.
    pub candidate: String,
    /// The key of its hashes.
    pub key: Key,
}

/// A turn that was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// It failed, or was answered by the stable model because the candidate had failed.
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
    /// It took longer than the latency budget, or was answered by the stable model because the candidate had no room.
    #[serde(skip_serializing_if = "is_false")]
    pub slow: bool,
    /// The conversation was handed over to a person.
    #[serde(skip_serializing_if = "is_false")]
    pub handed_over: bool,
    /// The reply was stopped for safety.
    #[serde(skip_serializing_if = "is_false")]
    pub unsafe_reply: bool,
    /// It was taken for out of scope.
    #[serde(skip_serializing_if = "is_false")]
    pub out_of_scope: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Who let something happen, and by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The person, or none if the rules did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the rules say at that time.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The figures at that time.
    pub figures: Vec<Figure>,
}

/// What happened. Times are milliseconds since 1970 UTC, by the clock of who tells it; nothing is
/// concluded from them but from [`Clock`](Self::Clock).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The roll-out was set up; not yet begun.
    Opened(Box<Opened>),
    /// It goes on with a step: the first one, the next one, or the one that it was paused in.
    Step {
        /// The step, from 0.
        step: usize,
        /// When.
        at: u64,
        /// Why.
        cause: Cause,
    },
    /// A step has passed, and a person is waited for.
    Passed {
        /// When.
        at: u64,
        /// Why.
        cause: Cause,
    },
    /// New conversations get the stable model; the candidate keeps those that it has.
    Paused {
        /// When.
        at: u64,
        /// Why.
        cause: Cause,
    },
    /// The stable model has all conversations again.
    RolledBack {
        /// When.
        at: u64,
        /// Why.
        cause: Cause,
    },
    /// The candidate has all new conversations.
    Promoted {
        /// When.
        at: u64,
        /// Why.
        cause: Cause,
    },
    /// A conversation has begun; where the last one of its name has an answer, another one.
    Assigned {
        /// The conversation.
        id: Id,
        /// The model that it has.
        arm: Arm,
        /// The customer, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer: Option<Id>,
        /// When.
        at: u64,
    },
    /// A conversation has the stable model from now on, as the candidate was rolled back, or as it could not be written
    /// which one it was given.
    Switched {
        /// The conversation.
        id: Id,
        /// When.
        at: u64,
    },
    /// A turn was answered.
    Turn {
        /// The conversation.
        id: Id,
        /// The number of the turn, from 1.
        turn: u32,
        /// What became of it.
        #[serde(flatten)]
        outcome: Outcome,
        /// The language of the customer, if it is the conversation's first turn that was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// The intent, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
        /// When.
        at: u64,
    },
    /// A turn was rated.
    Rated {
        /// The conversation.
        id: Id,
        /// The number of the turn.
        turn: u32,
        /// The rating, in 0..=1.
        rating: f32,
        /// When.
        at: u64,
    },
    /// Where the roll-out stands, in place of all events before; [`Remembered`](Self::Remembered) are next.
    Snapshot(Box<State>),
    /// Some of what a snapshot remembers.
    Remembered(Remembered),
    /// So late it is, by the clock of who decides. Told about once a minute.
    Clock {
        /// When.
        at: u64,
    },
}

/// Conversations and customers that a snapshot remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) conversations: Vec<(Id, Conversation)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) customers: Vec<(Id, Arm, u32)>,
}

impl Event {
    /// Whether it says who gets which model: of such events, one process alone decides.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::Opened(_)
                | Self::Step { .. }
                | Self::Passed { .. }
                | Self::Paused { .. }
                | Self::RolledBack { .. }
                | Self::Promoted { .. }
        )
    }
}
