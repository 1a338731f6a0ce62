//! Why a conversation cannot go on, or cannot be had at all.

use std::path::PathBuf;

use super::flows::Problem;
use crate::error::BackendError;

/// The reason why a file of flows cannot be used. The text starts with its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowsError {
    /// The file cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// Places of the file are not what they should be.
    #[error("{}", lines(.path, .problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All that is wrong, in the order of the file. There is at least one.
        problems: Vec<Problem>,
    },
}

/// A line for each problem: `FILE:LINE:COLUMN: problem`.
fn lines(path: &std::path::Path, problems: &[Problem]) -> String {
    let line = |it: &Problem| format!("{}:{it}", path.display());
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The reason why a store of sessions did not do what it was asked for. Nothing of a text is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Somebody else has written to the session since it was read, or it has gone.
    #[error("the session has changed meanwhile")]
    Changed,
    /// As many sessions are open as may be.
    #[error("{most} sessions are open, which is the most")]
    Full {
        /// The number of sessions that may be open.
        most: usize,
    },
    /// Sessions take as much memory as they may.
    #[error("the sessions take {most} bytes, which is the most")]
    Memory {
        /// The bytes that all sessions may take.
        most: u64,
    },
    /// The session takes as much memory as one may, and gets no further turn.
    #[error("the session takes {most} bytes, which is the most; begin another one")]
    Large {
        /// The bytes that it may take.
        most: u64,
    },
    /// What is stored is not a session of this version.
    #[error("a stored session: {problem}")]
    Format {
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// The store fails.
    #[error("the store of sessions: {source}")]
    Store {
        /// The error that it gave.
        source: BackendError,
    },
    /// The store cannot be opened.
    #[error("{place}: {problem}")]
    Open {
        /// The file, or what kind of service.
        place: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
}

/// The reason why an action did not succeed. The flow goes on as it says under `failed`, if it is known that nothing was
/// done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// The service refuses: there is no such order, say.
    #[error("refused: {problem}")]
    Refused {
        /// Why.
        problem: String,
    },
    /// The service did not answer in time. It may have done it nevertheless.
    #[error("no answer in time")]
    Time,
    /// The service cannot be reached, or answers something else than it should. It may have done it nevertheless.
    #[error("{problem}")]
    Failed {
        /// What it does, and what was expected.
        problem: String,
    },
}

/// The reason why a customer's turn has no reply. Nothing of a text is in it, unless an answerer's own
/// error quotes it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// A setting cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The name of the setting.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: &'static str,
    },
    /// The name of a session is none.
    #[error("a session's name of {bytes} bytes, expected 1 to {most} visible ASCII characters")]
    Session {
        /// Its length in bytes.
        bytes: usize,
        /// The most characters that it may have.
        most: usize,
    },
    /// The turn is not the next one of its session, or had another text before.
    #[error("turn {found}, expected {next}, or the one before with the same text")]
    Turn {
        /// The turn's number.
        found: u32,
        /// The number of the next one.
        next: u32,
    },
    /// The session goes on elsewhere at the same time: in another tab, or by another replica.
    #[error("the session goes on elsewhere; read it again")]
    Conflict,
    /// An action that the session's last turn called has no outcome yet: another replica is at it, or has ended. Once
    /// the action's time is over, the turn goes on.
    #[error("the session's last turn is still in progress")]
    InProgress,
    /// Too many turns of the session wait already, or this one has waited for too long.
    #[error("{waiting} turns of the session wait already")]
    Busy {
        /// Their number.
        waiting: usize,
    },
    /// The session is as long as one may be.
    #[error("the session has {most} turns, which is the most; begin another one")]
    Long {
        /// The number of turns that it may have.
        most: u32,
    },
    /// The session takes as much memory as one may.
    #[error("the session takes {most} bytes, which is the most; begin another one")]
    Large {
        /// The bytes that it may take.
        most: u64,
    },
    /// There is no such session, or its time is over.
    #[error("no such session")]
    Unknown,
    /// Nobody waits for the reply any more. The turn was dropped.
    #[error("nobody waits for the reply")]
    Gone,
    /// The store fails; nothing was done that it does not have.
    #[error(transparent)]
    Store(SessionError),
    /// What tells prohibited meanings fails; the turn never was.
    #[error("what texts are held against: {source}")]
    Guard {
        /// The error that it gave.
        source: BackendError,
    },
    /// What answers questions fails.
    #[error("the answer: {source}")]
    Answer {
        /// The error that it gave.
        source: BackendError,
    },
}

impl From<SessionError> for ChatError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Changed => Self::Conflict,
            SessionError::Large { most } => Self::Large { most },
            error => Self::Store(error),
        }
    }
}
