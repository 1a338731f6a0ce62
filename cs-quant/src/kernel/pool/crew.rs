//! Threads leased for one forward, and what they do together.

use std::sync::atomic::Ordering;

use super::hub::{Hub, NONE, Worker, lock};
use super::job::Job;
use crate::kernel::shared::Shared;

/// Some of a pool's threads, the caller's among them. Dropping the crew gives them back.
#[derive(Debug)]
pub(crate) struct Crew<'a> {
    pub(super) hub: &'a Hub,
    /// The index of this crew's job in the hub.
    pub(super) slot: usize,
    pub(super) size: usize,
}

impl Crew<'_> {
    /// The number of threads that work on a job, the caller's included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The rank of the caller.
    pub(crate) fn caller(&self) -> usize {
        self.slot
    }

    /// Lists the ranks of the crew's threads, the caller's first. All are below
    /// [`Pool::ranks`](super::Pool::ranks), and no two threads of the pool have the same.
    pub(crate) fn ranks(&self) -> impl Iterator<Item = usize> {
        let callers = self.hub.crews.len();
        std::iter::once(self.slot).chain(self.workers().map(move |(index, _)| callers + index))
    }

    fn workers(&self) -> impl Iterator<Item = (usize, &Worker)> {
        let ours = |worker: &Worker| worker.crew.load(Ordering::Relaxed) == self.slot;
        let workers = self.hub.workers.iter().enumerate();
        workers.filter(move |(_, worker)| ours(worker))
    }

    /// Calls `job(rank, part)` for every part in `0..parts`, each once, in any order, and returns
    /// when all are done.
    ///
    /// # Panics
    ///
    /// If the job panics, with its payload.
    pub(crate) fn run(&self, parts: usize, job: &Job<'_>) {
        if self.size == 1 || parts < 2 {
            for part in 0..parts {
                job(self.slot, part);
            }
            return;
        }
        self.hub.crews[self.slot].run(self.slot, parts, job, || self.rouse());
    }

    /// Wakes those of the crew's workers that sleep.
    fn rouse(&self) {
        for (_, worker) in self.workers() {
            if worker.asleep.load(Ordering::SeqCst) {
                worker.rouse();
            }
        }
    }

    /// Calls `job(rank, i, part)` for every part `bounds[i]..bounds[i + 1]` of a buffer.
    ///
    /// # Panics
    ///
    /// If the bounds decrease or leave the buffer; if the job panics.
    pub(crate) fn scatter(
        &self,
        buffer: &mut [f32],
        bounds: &[usize],
        job: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) {
        assert!(bounds.is_sorted());
        let buffer = Shared::new(buffer);
        self.run(bounds.len().saturating_sub(1), &|rank, i| {
            // SAFETY: the bounds increase, so parts are disjoint, and each is visited once.
            let part = unsafe { buffer.slice(bounds[i], bounds[i + 1] - bounds[i]) };
            job(rank, i, part);
        });
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        let mut idle = lock(&self.hub.idle);
        for (_, worker) in self.workers() {
            worker.crew.store(NONE, Ordering::SeqCst);
        }
        idle.threads += self.size;
        idle.slots.push(self.slot);
        self.hub.wake_next(idle);
    }
}
