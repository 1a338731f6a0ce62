//! Where the events of a roll-out are kept.

mod file;
mod memory;
#[cfg(feature = "redis")]
mod redis;

pub use self::file::FileJournal;
pub use self::memory::MemoryJournal;
#[cfg(feature = "redis")]
pub use self::redis::{RedisJournal, RedisJournalConfig};

use super::error::JournalError;
use super::state::{Event, FORMAT};

/// Takes an event that a journal gives.
pub type Reader<'a> = &'a mut dyn FnMut(Event);

/// The events of a roll-out, in one order for all processes. A handle gives each of them once, in that order, and so
/// what it has given is what its holder knows.
pub trait Journal: Send + std::fmt::Debug {
    /// Gives the events that this handle has not given yet.
    ///
    /// # Errors
    /// [`JournalError::Lost`] if the store has not all that was given; if the store fails, or what it has is no event of this version.
    fn catch_up(&mut self, read: Reader<'_>) -> Result<(), JournalError>;

    /// Writes an event after all others, if no decision has been written since `epoch` of them, and gives what this handle has
    /// not given yet, the written event included. The event is safe from the end of the process.
    ///
    /// # Errors
    /// [`JournalError::Stale`] if more has been decided, [`JournalError::Lost`] as [`catch_up`](Self::catch_up); else as
    /// [`decide`](Self::decide).
    fn append(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError>;

    /// Writes a decision as [`append`](Self::append) does, if this process is the one that decides. All events up to it are safe
    /// from the end of the machine.
    ///
    /// # Errors
    /// [`JournalError::NotDeciding`] if another process decides, [`JournalError::Stale`] if it has. If the
    /// store fails, the event may be there or not, unless the journal says otherwise.
    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError>;

    /// Says whether this process is the one that decides; it becomes it if nobody else is, or if it `insists`.
    ///
    /// # Errors
    /// [`JournalError`] if the store fails.
    fn claim(&mut self, insists: bool) -> Result<bool, JournalError>;

    /// Whether other processes may write it, so that it has to be asked what they have decided. By default they may.
    fn is_shared(&self) -> bool {
        true
    }

    /// Gives how many events there are that a snapshot could be in the place of. By default there are none.
    fn written(&self) -> u64 {
        0
    }

    /// Puts a snapshot in the place of all events, if they are the ones that this handle has given or written. Whoever
    /// opens the journal has the one or the other, whenever the process ends. By default nothing is done.
    ///
    /// # Errors
    /// [`JournalError`] if the store fails; what it has stays as it was.
    fn compact(&mut self, _snapshot: &[Event]) -> Result<(), JournalError> {
        Ok(())
    }

    /// Puts a snapshot in the place of what a store has left that has lost events, if this process is the one that decides or
    /// nobody is. `epoch` is the number of decisions in it. By default there is no such store.
    ///
    /// # Errors
    /// [`JournalError::Lost`] if another process decides, or has done it; [`JournalError`] if the store fails, or has another
    /// roll-out by now.
    fn restore(&mut self, _snapshot: &[Event], _epoch: u64) -> Result<(), JournalError> {
        Err(JournalError::Lost)
    }
}

/// An event as it is stored: a line of JSON, without its end.
pub(super) fn encode(event: &Event, place: &str) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(event).map_err(|error| JournalError::Format {
        place: place.to_owned(),
        problem: error.to_string(),
    })
}

/// An event that was stored.
pub(super) fn decode(bytes: &[u8], place: &str) -> Result<Event, JournalError> {
    let wrong = |problem| JournalError::Format {
        place: place.to_owned(),
        problem,
    };
    let known = |format: u32| match (1..=FORMAT).contains(&format) {
        true => Ok(()),
        false => Err(wrong(format!(
            "events of format {format}, expected at most {FORMAT}"
        ))),
    };
    match serde_json::from_slice(bytes) {
        Ok(Event::Opened(opened)) => known(opened.format).map(|()| Event::Opened(opened)),
        Ok(Event::Snapshot(it)) => known(it.opened().format).map(|()| Event::Snapshot(it)),
        Ok(event) => Ok(event),
        Err(error) => Err(wrong(format!("an event that is none: {error}"))),
    }
}
