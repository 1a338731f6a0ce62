//! Why a roll-out cannot go on, or cannot be had at all.

use std::fmt::Display;
use std::path::PathBuf;

use super::state::Phase;
use crate::error::BackendError;

/// The reason why a journal did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The roll-out has gone on meanwhile, by what another process has decided.
    #[error("the roll-out has gone on meanwhile")]
    Stale,
    /// The store has lost events that were read from it.
    #[error("the store of the roll-out has lost some of what it had")]
    Lost,
    /// Another process decides.
    #[error("another process decides about this roll-out")]
    NotDeciding,
    /// What is stored is no journal of this version.
    #[error("{place}: {problem}")]
    Format {
        /// The file or key.
        place: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// The file cannot be opened or read.
    #[error(transparent)]
    Frames(#[from] cs_data::file::FrameError),
    /// The file cannot be written to.
    #[error("{}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error that it gave.
        source: BackendError,
    },
    /// The store fails.
    #[error("the store of the roll-out: {source}")]
    Store {
        /// The error that it gave.
        source: BackendError,
    },
}

/// The reason why a roll-out did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// A configuration cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The name of the value that is wrong.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: &'static str,
    },
    /// The candidate is the stable model.
    #[error("the candidate is the stable model, {model}; expected another one")]
    Same {
        /// The model.
        model: String,
    },
    /// The journal is of another roll-out.
    #[error(
        "the journal's {name} is {found}, expected {expected}; another roll-out needs a journal of its own"
    )]
    Other {
        /// What is another one: `stable`, `candidate` or `config`.
        name: &'static str,
        /// What the journal has.
        found: String,
        /// What it was opened for.
        expected: String,
    },
    /// An action that the roll-out's phase does not allow.
    #[error("{action} while {phase}, expected {expected}")]
    Phase {
        /// The action.
        action: &'static str,
        /// The phase that the roll-out is in.
        phase: Phase,
        /// The phases in which it can be done.
        expected: &'static str,
    },
    /// A rating that is none.
    #[error("a rating of {found}, expected one in 0..=1")]
    Rating {
        /// The rating.
        found: f64,
    },
    /// A thread could not be started.
    #[error("a thread for the shadow: {source}")]
    Thread {
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// The system has no random numbers for a key.
    #[error("random numbers for a key: {source}")]
    Random {
        /// The error that the system gave.
        source: getrandom::Error,
    },
    /// The journal fails, or what it has is not to be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Refuses a value of a configuration unless it is possible.
pub(super) fn unless(
    is_possible: bool,
    name: &'static str,
    found: impl Display,
    expected: &'static str,
) -> Result<(), RolloutError> {
    match is_possible {
        true => Ok(()),
        false => Err(RolloutError::Config {
            name,
            found: found.to_string(),
            expected,
        }),
    }
}
