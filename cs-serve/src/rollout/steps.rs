//! From one phase to the next, as pure functions.

use serde::{Deserialize, Serialize};

use super::config::Approval;
use super::error::RolloutError;
use super::state::{Cause, Event, Phase, State};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Begin, or go on after a pause.
    Start,
    /// Go on after a step that has passed; after the last one, give the candidate all new conversations.
    Promote,
    /// Give the candidate no new conversations for now.
    Pause,
    /// Give the stable model all conversations, also those of the candidate.
    Rollback,
}

impl Phase {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::RolledBack | Self::Promoted)
    }
}

impl State {
    /// Whether what conversations are like may still decide something.
    pub(super) fn is_watching(&self) -> bool {
        matches!(self.phase(), Phase::Running | Phase::Passed | Phase::Paused)
    }

    /// Whether new conversations are given a model, and this is to be remembered.
    pub(super) fn is_open(&self) -> bool {
        let is_giving = matches!(
            self.phase(),
            Phase::Running | Phase::Passed | Phase::Promoted
        );
        is_giving && self.has_room()
    }

    /// What follows when a step has passed by the rules.
    pub(super) fn passed(&self, at: u64, cause: Cause) -> Event {
        let is_last = self.step() + 1 == self.opened().config.shares.len();
        match self.opened().config.approval {
            Approval::Each => Event::Passed { at, cause },
            Approval::Last if is_last => Event::Passed { at, cause },
            Approval::None | Approval::Last => self.next(at, cause),
        }
    }

    fn next(&self, at: u64, cause: Cause) -> Event {
        let step = self.step() + 1;
        if step == self.opened().config.shares.len() {
            return Event::Promoted { at, cause };
        }
        Event::Step { step, at, cause }
    }

    /// What follows from what a person wants.
    pub(super) fn acted(
        &self,
        action: Action,
        at: u64,
        cause: Cause,
    ) -> Result<Event, RolloutError> {
        let phase = self.phase();
        let step = self.step();
        match (action, phase) {
            (Action::Start, Phase::Ready | Phase::Paused) => Ok(Event::Step { step, at, cause }),
            (Action::Promote, Phase::Passed) => Ok(self.next(at, cause)),
            (Action::Pause, Phase::Running | Phase::Passed) => Ok(Event::Paused { at, cause }),
            (Action::Rollback, Phase::Running | Phase::Passed | Phase::Paused) => {
                Ok(Event::RolledBack { at, cause })
            }
            _ => Err(action.refused(phase)),
        }
    }
}

impl Action {
    /// Gives its name: `start`, `promote`, `pause` or `rollback`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Promote => "promote",
            Self::Pause => "pause",
            Self::Rollback => "rollback",
        }
    }

    pub(super) fn refused(self, phase: Phase) -> RolloutError {
        RolloutError::Phase {
            action: self.name(),
            phase,
            expected: self.expected(),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Start => "ready or paused",
            Self::Promote => "passed",
            Self::Pause => "running or passed",
            Self::Rollback => "running, passed or paused",
        }
    }
}
