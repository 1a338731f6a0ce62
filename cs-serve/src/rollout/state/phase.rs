//! The phases of a roll-out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a roll-out stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It has not begun.
    Ready,
    /// A step is under way.
    Running,
    /// A step has passed, and a person is waited for. Its conversations go on, and may still show that the
    /// candidate is worse.
    Passed,
    /// A person has halted it: the candidate gets no new conversations. Those that it has may still show that it is worse.
    Paused,
    /// The stable model has all conversations again. This is an end.
    RolledBack,
    /// The candidate has all new conversations. This is an end.
    Promoted,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Paused => "paused",
            Self::RolledBack => "rolled back",
            Self::Promoted => "promoted",
        })
    }
}
