//! What a process knows of a roll-out.

use std::collections::HashSet;

use super::assign::Id;
use super::counts::Arm;
use super::state::{Event, Phase, State};
use super::turn::{Arrival, Assigned};

/// As many conversations are remembered whose assignment could not be written.
const MOST_FALLEN: usize = 100_000;

/// The state, which follows from the journal alone, and what the journal does not have yet.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) state: State,
    /// A rollback that is in force here and could not be written yet.
    pub(super) unsaved: Option<Event>,
    /// Conversations that have the stable model because their assignment could not be written. The journal may have it
    /// all the same.
    fallen: HashSet<Id>,
    /// Whether other processes decide as well.
    is_shared: bool,
}

/// Whose a conversation's turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// This model's, whatever the journal has.
    Known(Assigned),
    /// The journal has to be asked: others may have decided, or nobody.
    Open(Id),
}

impl Known {
    pub(super) fn new(state: State, is_shared: bool) -> Self {
        Self {
            state,
            unsaved: None,
            fallen: HashSet::new(),
            is_shared,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.unsaved {
            Some(_) => Phase::RolledBack,
            None => self.state.phase(),
        }
    }

    pub(super) fn whose(&self, arrival: &Arrival<'_>) -> Whose {
        let id = self.state.key().id(arrival.conversation);
        let arm = self.state.arm(id);
        let assigned = |arm, switched| Whose::Known(Assigned { arm, switched });
        if self.fallen.contains(&id) {
            return assigned(Arm::Stable, false);
        }
        match arm {
            Some(_) if self.unsaved.is_none() && self.state.is_begun_again(id, arrival.turn) => {
                Whose::Open(id)
            }
            Some(Arm::Stable) => assigned(Arm::Stable, false),
            Some(Arm::Canary) if self.unsaved.is_some() => assigned(Arm::Stable, true),
            Some(Arm::Canary) if self.may_have_changed() => Whose::Open(id),
            Some(Arm::Canary) => assigned(Arm::Canary, false),
            None if self.phase() == Phase::RolledBack => assigned(Arm::Stable, false),
            None if self.state.is_settled() => assigned(Arm::Canary, false),
            None if arrival.turn == 1 && !self.state.is_open() => assigned(Arm::Stable, false),
            None => Whose::Open(id),
        }
    }

    /// Whether a conversation of the candidate's may not be any more, or is to be told that it is not.
    fn may_have_changed(&self) -> bool {
        self.is_shared || self.phase() == Phase::RolledBack
    }

    /// What stands for a conversation that is still told of: one that may decide something, or is to be remembered.
    pub(super) fn watched(&self, conversation: &str) -> Option<Id> {
        let id = self.state.key().id(conversation);
        let is_kept = || self.state.phase() == Phase::Promoted && self.state.arm(id).is_some();
        let is_watched = self.unsaved.is_none() && (self.state.is_watching() || is_kept());
        is_watched.then_some(id)
    }

    pub(super) fn fall(&mut self, id: Id) {
        if self.fallen.len() < MOST_FALLEN {
            self.fallen.insert(id);
        }
    }

    pub(super) fn rise(&mut self, id: Id) {
        self.fallen.remove(&id);
    }

    pub(super) fn fallen(&self, most: usize) -> Vec<Id> {
        self.fallen.iter().take(most).copied().collect()
    }
}
