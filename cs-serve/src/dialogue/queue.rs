//! The turns of a session, one after the other.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::error::ChatError;

/// Which sessions have a turn in progress, and how many wait for its end.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The number of turns of each session, the one in progress included.
    sessions: Mutex<HashMap<String, Line>>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    turns: usize,
    is_busy: bool,
}

/// The turn in progress of a session, until it is dropped.
#[derive(Debug)]
pub(super) struct InProgress<'a> {
    queue: &'a Queue,
    session: &'a str,
}

impl Queue {
    /// Waits until the session has no turn in progress.
    pub(super) fn enter<'a>(
        &'a self,
        session: &'a str,
        most: usize,
    ) -> Result<InProgress<'a>, ChatError> {
        let mut sessions = self.lock();
        let line = sessions.entry(session.to_owned()).or_default();
        if line.turns > most {
            let waiting = line.turns - 1;
            return Err(ChatError::Busy { waiting });
        }
        line.turns += 1;
        loop {
            let line = sessions.entry(session.to_owned()).or_default();
            if !line.is_busy {
                line.is_busy = true;
                let queue = self;
                return Ok(InProgress { queue, session });
            }
            let woken = self.left.wait(sessions);
            sessions = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        let mut sessions = self.queue.lock();
        let Some(line) = sessions.get_mut(self.session) else {
            return;
        };
        line.is_busy = false;
        line.turns -= 1;
        if line.turns == 0 {
            sessions.remove(self.session);
        } else {
            self.queue.left.notify_all();
        }
    }
}
