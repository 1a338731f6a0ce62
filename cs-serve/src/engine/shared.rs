//! What handles, workers and the watch share.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use super::config::EngineConfig;
use super::counters::{Counters, Snapshot};
use super::job::{Job, Model, Task};
use super::policy::{Ask, Batch, Entry, Moment, Pace, Queue, Rate, Refusal, Size, Slots};
use super::sync::lock;
use crate::assistant::Assistant;
use crate::error::EngineError;

/// All of an engine but its threads' ends. No two locks are held at a time, except that a job's may
/// be taken while [`Shared::core`] is held; jobs and models are dropped, and wakers called, while
/// none is.
pub(super) struct Shared {
    pub(super) config: EngineConfig,
    pub(super) counters: Counters,
    pub(super) core: Mutex<Core>,
    /// Workers wait here for work.
    pub(super) work: Condvar,
    /// The watch waits here for the next deadline.
    pub(super) watch: Condvar,
    /// Whoever drains the engine waits here for the last batch.
    pub(super) resting: Condvar,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    model: Mutex<Arc<Model>>,
    start: Instant,
}

/// The state that changes together, under one lock.
pub(super) struct Core {
    pub(super) queue: Queue<Task>,
    pub(super) slots: Slots<Flight>,
    pub(super) rate: Rate,
    pub(super) phase: Phase,
    /// The time at which the watch wakes by itself.
    pub(super) watch_at: Option<Moment>,
    pub(super) requests: u64,
}

/// A batch that is being computed.
pub(super) struct Flight {
    /// The requests of the batch.
    pub(super) jobs: Vec<Arc<Job>>,
    /// The thread of the worker that computes the batch.
    pub(super) worker: ThreadId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Nothing new is let in.
    Draining,
    /// Nothing is begun any more.
    Closed,
}

/// Gives the error for a request of a `size` that is not let in, beside what waits and may wait.
pub(super) fn refused(refusal: Refusal, size: Size, waiting: Size, most: Size) -> EngineError {
    match refusal {
        Refusal::TooLarge => EngineError::TooLarge {
            texts: size.texts,
            tokens: size.tokens,
            most_texts: most.texts,
            most_tokens: most.tokens,
        },
        Refusal::Full { retry_after } => EngineError::Full {
            waiting: waiting.texts,
            retry_after,
        },
        Refusal::TooSlow { needed, left } => EngineError::Overloaded { needed, left },
    }
}

impl Shared {
    pub(super) fn new(model: Arc<Model>, config: EngineConfig) -> Self {
        let core = Core {
            queue: Queue::new(config.limits()),
            slots: Slots::new(config.workers.get(), config.spare_workers),
            rate: Rate::default(),
            phase: Phase::Open,
            watch_at: None,
            requests: 0,
        };
        Self {
            config,
            counters: Counters::default(),
            core: Mutex::new(core),
            work: Condvar::new(),
            watch: Condvar::new(),
            resting: Condvar::new(),
            threads: Mutex::default(),
            model: Mutex::new(model),
            start: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.start.elapsed()
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    pub(super) fn model(&self) -> Arc<Model> {
        Arc::clone(&lock(&self.model))
    }

    /// Replaces the model by another one, and gives the old one.
    pub(super) fn swap(&self, assistant: Arc<Assistant>) -> Arc<Model> {
        let mut model = lock(&self.model);
        let generation = model.generation + 1;
        let next = Model {
            assistant,
            generation,
        };
        std::mem::replace(&mut model, Arc::new(next))
    }

    /// Checks whether the request may get in line.
    pub(super) fn admit(&self, core: &Core, ask: &Ask<'_>, now: Moment) -> Result<(), EngineError> {
        if core.phase != Phase::Open {
            return Err(EngineError::Closed);
        }
        let queue = &core.queue;
        let pace = Pace {
            slots: self.config.workers.get(),
            running: core.slots.tokens(),
            rate: core.rate.get(),
        };
        let admitted = queue.admit(ask, now, pace);
        let (size, most) = (ask.size, self.config.limits().queue);
        admitted.map_err(|refusal| refused(refusal, size, queue.size(), most))
    }

    /// Waits for the next batch, and gives its entries and slot; `None` once the engine is closed.
    pub(super) fn next_batch(&self) -> Option<(Batch<Task>, Option<u64>)> {
        let mut core = self.core();
        loop {
            if core.phase == Phase::Closed {
                return None;
            }
            if core.slots.is_free() && !core.queue.is_empty() {
                let now = self.now();
                let batch = core.queue.batch(now);
                let slot = (!batch.entries.is_empty()).then(|| self.begin(&mut core, &batch, now));
                if core.slots.is_free() && !core.queue.is_empty() {
                    self.work.notify_one();
                }
                self.tell_rest(&core);
                return Some((batch, slot));
            }
            core = self.work.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn begin(&self, core: &mut Core, batch: &Batch<Task>, now: Moment) -> u64 {
        let mut tokens = 0;
        let mut jobs: Vec<Arc<Job>> = Vec::with_capacity(batch.entries.len());
        for entry in &batch.entries {
            let Task { job, .. } = &entry.item;
            tokens += entry.tokens;
            self.counters.wait.time(now.saturating_sub(job.queued));
            if jobs.last().is_none_or(|last| last.id != job.id) {
                jobs.push(Arc::clone(job));
            }
        }
        let worker = std::thread::current().id();
        let slot = core.slots.start(now, tokens, Flight { jobs, worker });
        self.wake_watch_by(core, now.saturating_add(self.config.hang_after));
        slot
    }

    /// Tells that a batch goes on with something new.
    pub(super) fn renew(&self, slot: u64) {
        let now = self.now();
        self.core().slots.renew(slot, now);
    }

    /// Gives a slot back; gives `false` if its batch was given up.
    pub(super) fn end(&self, slot: u64) -> bool {
        let now = self.now();
        let mut core = self.core();
        let Some(left) = core.slots.end(slot) else {
            return false;
        };
        if left.given_up {
            // Now another batch may be given up.
            self.watch.notify_one();
        } else {
            let waiting = !core.queue.is_empty();
            core.rate.ended(now, left.tokens, waiting);
        }
        self.tell_rest(&core);
        drop(core);
        drop(left.item); // perhaps with the last of a model
        !left.given_up
    }

    /// Makes sure that the watch wakes at `at` or earlier.
    pub(super) fn wake_watch_by(&self, core: &mut Core, at: Moment) {
        if core.watch_at.is_none_or(|planned| at < planned) {
            core.watch_at = Some(at);
            self.watch.notify_one();
        }
    }

    /// Wakes whoever drains the engine, as nothing may be left to wait for.
    pub(super) fn tell_rest(&self, core: &Core) {
        if core.phase != Phase::Open {
            self.resting.notify_all();
        }
    }

    /// Ends the requests of entries because their deadlines have come.
    pub(super) fn expire(&self, late: Vec<Entry<Task>>) {
        for entry in late {
            entry.item.job.expire(&self.counters);
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.counters.snapshot();
        let core = self.core();
        let waiting = core.queue.size();
        (snapshot.queue_texts, snapshot.queue_tokens) = (waiting.texts, waiting.tokens);
        snapshot.running = core.slots.running();
        snapshot.hung = core.slots.given_up();
        snapshot.tokens_per_second = core.rate.get();
        snapshot
    }

    /// Waits until a condition holds, but no longer than `limit`.
    pub(super) fn rest<'a>(
        &self,
        core: MutexGuard<'a, Core>,
        limit: Duration,
        holds: impl Fn(&Core) -> bool,
    ) -> MutexGuard<'a, Core> {
        let rested = self
            .resting
            .wait_timeout_while(core, limit, |core| !holds(core));
        rested.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Gives the number of the next request.
    pub(super) fn number(&self, core: &mut Core) -> u64 {
        core.requests += 1;
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        core.requests
    }
}
