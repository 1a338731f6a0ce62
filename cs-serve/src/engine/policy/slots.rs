//! What is being computed, how much of it at once, and what hangs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Moment;

/// The batches that are being computed, each in a slot. One that takes too long is given up: its
/// slot is free again, but only a few can be given up at once, because each still holds a thread.
#[derive(Debug)]
pub(in crate::engine) struct Slots<T> {
    limit: usize,
    /// The number of batches that may be given up at once.
    spare: usize,
    running: BTreeMap<u64, Run<T>>,
    given_up: BTreeMap<u64, Run<T>>,
    next: u64,
}

#[derive(Debug)]
struct Run<T> {
    since: Moment,
    tokens: usize,
    item: T,
}

/// What was in a slot when it was given back.
#[derive(Debug)]
pub(in crate::engine) struct Left<T> {
    pub(in crate::engine) tokens: usize,
    pub(in crate::engine) item: T,
    pub(in crate::engine) given_up: bool,
}

impl<T> Slots<T> {
    pub(in crate::engine) fn new(limit: usize, spare: usize) -> Self {
        Self {
            limit,
            spare,
            running: BTreeMap::new(),
            given_up: BTreeMap::new(),
            next: 0,
        }
    }

    pub(in crate::engine) fn is_free(&self) -> bool {
        self.running.len() < self.limit
    }

    /// The number of batches that run, without those given up.
    pub(in crate::engine) fn running(&self) -> usize {
        self.running.len()
    }

    pub(in crate::engine) fn given_up(&self) -> usize {
        self.given_up.len()
    }

    /// The number of tokens in the batches that run.
    pub(in crate::engine) fn tokens(&self) -> usize {
        self.running.values().map(|run| run.tokens).sum()
    }

    /// Takes a slot; the caller has to check that one is free.
    pub(in crate::engine) fn start(&mut self, now: Moment, tokens: usize, item: T) -> u64 {
        let id = self.next;
        self.next += 1;
        let run = Run {
            since: now,
            tokens,
            item,
        };
        self.running.insert(id, run);
        id
    }

    /// Starts the batch's time anew, because it goes on with something new and so does not hang.
    pub(in crate::engine) fn renew(&mut self, id: u64, now: Moment) {
        if let Some(run) = self.running.get_mut(&id) {
            run.since = now;
        }
    }

    /// Gives the slot back; `None` if there was no such batch.
    pub(in crate::engine) fn end(&mut self, id: u64) -> Option<Left<T>> {
        let given_up = self.given_up.contains_key(&id);
        let run = self.running.remove(&id);
        run.or_else(|| self.given_up.remove(&id)).map(|run| Left {
            tokens: run.tokens,
            item: run.item,
            given_up,
        })
    }

    /// Finds a batch that has run for `limit` or longer and may be given up.
    pub(in crate::engine) fn overdue(&self, now: Moment, limit: Duration) -> Option<u64> {
        let mut overdue = self.running.iter();
        let overdue = overdue.find(|(_, run)| now.saturating_sub(run.since) >= limit);
        let may = self.given_up.len() < self.spare;
        overdue.filter(|_| may).map(|(&id, _)| id)
    }

    /// Gives a batch up.
    pub(in crate::engine) fn give_up(&mut self, id: u64) {
        if let Some(run) = self.running.remove(&id) {
            self.given_up.insert(id, run);
        }
    }

    /// Gives the time at which a batch can be [`overdue`](Self::overdue) next.
    pub(in crate::engine) fn next_overdue(&self, limit: Duration) -> Option<Moment> {
        let oldest = self.running.values().map(|run| run.since).min();
        let may = self.given_up.len() < self.spare;
        oldest
            .filter(|_| may)
            .map(|since| since.saturating_add(limit))
    }

    /// Lists all that is being computed, given up or not.
    pub(in crate::engine) fn items(&self) -> impl Iterator<Item = &T> {
        let all = self.running.values().chain(self.given_up.values());
        all.map(|run| &run.item)
    }
}
