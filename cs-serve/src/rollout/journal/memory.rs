//! Events in memory.

use super::{Journal, Reader};
use crate::rollout::error::JournalError;
use crate::rollout::state::Event;

/// A journal that ends with its process: for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryJournal;

impl MemoryJournal {
    /// Makes an empty one. It does not keep events that it has given, so there is nothing to begin again with.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Journal for MemoryJournal {
    fn catch_up(&mut self, _read: Reader<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn append(&mut self, event: &Event, _epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        read(event.clone());
        Ok(())
    }

    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.append(event, epoch, read)
    }

    fn claim(&mut self, _insists: bool) -> Result<bool, JournalError> {
        Ok(true)
    }

    fn is_shared(&self) -> bool {
        false
    }
}
