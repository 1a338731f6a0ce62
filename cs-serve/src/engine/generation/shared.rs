//! What handles and the engine's thread share.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cs_model::generate::Generation;

use super::config::GenerationConfig;
use super::counters::{GenerationCounters, GenerationSnapshot};
use super::model::{Batch, GenerationFacts};
use super::stream::{Channel, Written};
use crate::engine::counters::count;
use crate::engine::policy::{Ask, Entry, Moment, Pace, Queue};
use crate::engine::shared::{Phase, refused};
use crate::engine::sync::lock;
use crate::error::EngineError;

/// All of a generation engine but its thread's end. Of two locks only a channel's is taken while
/// [`Shared::core`] is held.
pub(super) struct Shared {
    pub(super) config: GenerationConfig,
    pub(super) counters: GenerationCounters,
    core: Mutex<Core>,
    /// The engine's thread waits here for work.
    pub(super) work: Condvar,
    /// Whoever drains the engine waits here for the last request, and for the thread.
    pub(super) resting: Condvar,
    model: Mutex<Arc<Served>>,
    start: Instant,
}

/// The state that changes together, under one lock.
pub(super) struct Core {
    pub(super) queue: Queue<Task>,
    pub(super) phase: Phase,
    /// Models that the engine's thread does not have yet.
    pub(super) arrived: Vec<(Arc<Served>, Batch)>,
    /// The number of models before the one that is new.
    pub(super) newest: u64,
    /// The requests that were let in and have not ended.
    pub(super) open: BTreeMap<u64, Arc<Channel>>,
    pub(super) room: Room,
    /// Whether the engine's thread has ended.
    pub(super) has_ended: bool,
    requests: u64,
}

/// A model that writes, and the number of models that the engine had before it. The engine's thread
/// lets go of one that was replaced when nobody else has it.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) number: u64,
    pub(super) facts: Arc<GenerationFacts>,
    /// The number of tokens for whose keys and values there is room.
    pub(super) most_tokens: usize,
}

/// A request that waits.
pub(super) struct Task {
    pub(super) channel: Arc<Channel>,
    pub(super) generation: Generation<'static>,
    /// Keeps the model while it waits.
    pub(super) served: Arc<Served>,
}

/// How much of the cache is taken, in tokens.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    pub(super) reserved: usize,
    pub(super) used: usize,
}

impl Shared {
    pub(super) fn new(config: GenerationConfig, served: Arc<Served>, batch: Batch) -> Self {
        let core = Core {
            queue: Queue::new(config.limits()),
            phase: Phase::Open,
            arrived: vec![(Arc::clone(&served), batch)],
            newest: 0,
            open: BTreeMap::new(),
            room: Room::default(),
            has_ended: false,
            requests: 0,
        };
        Self {
            config,
            counters: GenerationCounters::default(),
            core: Mutex::new(core),
            work: Condvar::new(),
            resting: Condvar::new(),
            model: Mutex::new(served),
            start: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.start.elapsed()
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    pub(super) fn model(&self) -> Arc<Served> {
        Arc::clone(&lock(&self.model))
    }

    /// Has what comes now written by another model.
    pub(super) fn swap(&self, facts: Arc<GenerationFacts>, batch: Batch) {
        let mut core = self.core();
        core.newest += 1;
        let served = Arc::new(Served {
            number: core.newest,
            facts,
            most_tokens: batch.most_tokens(),
        });
        core.arrived.push((Arc::clone(&served), batch));
        let old = std::mem::replace(&mut *lock(&self.model), served);
        drop(core);
        drop(old);
        self.work.notify_one();
    }

    /// Checks whether a request may get in line.
    pub(super) fn admit(&self, core: &Core, ask: &Ask<'_>, now: Moment) -> Result<(), EngineError> {
        if core.phase != Phase::Open {
            return Err(EngineError::Closed);
        }
        let (waiting, most) = (core.queue.size(), self.config.limits().queue);
        let admitted = core.queue.admit(ask, now, Pace::default());
        admitted.map_err(|refusal| refused(refusal, ask.size, waiting, most))
    }

    /// Puts a request in line that may get there.
    pub(super) fn push(&self, core: &mut Core, task: Task) {
        let channel = Arc::clone(&task.channel);
        core.queue.push(Entry {
            request: channel.id,
            sender: channel.sender.clone(),
            tokens: task.generation.most_read(),
            generation: task.served.number,
            deadline: channel.deadline,
            item: task,
        });
        core.open.insert(channel.id, channel);
        self.work.notify_one();
    }

    /// Gives the number of the next request.
    pub(super) fn number(&self, core: &mut Core) -> u64 {
        core.requests += 1;
        let accepted = &self.counters.requests.accepted;
        accepted.fetch_add(1, Ordering::Relaxed);
        core.requests
    }

    /// Ends a request, unless it has ended already.
    pub(super) fn end(&self, channel: &Channel, outcome: Result<Written, EngineError>) {
        if channel.end(outcome, &self.counters) {
            self.close(channel);
        }
    }

    /// Ends a request because its deadline has come.
    pub(super) fn expire(&self, channel: &Channel) {
        let after = channel.deadline.saturating_sub(channel.accepted);
        self.end(channel, Err(EngineError::Deadline { after }));
    }

    /// Ends a request because nobody reads its text any more.
    pub(super) fn cancel(&self, channel: &Channel) {
        if channel.cancel() {
            count(&self.counters.requests.cancelled);
            self.close(channel);
        }
    }

    /// Forgets a request that has ended.
    fn close(&self, channel: &Channel) {
        let mut core = self.core();
        let gone = core.queue.remove(&channel.sender, channel.id);
        core.open.remove(&channel.id);
        if core.phase != Phase::Open {
            self.resting.notify_all();
        }
        drop(core);
        drop(gone);
    }

    pub(super) fn snapshot(&self) -> GenerationSnapshot {
        let mut snapshot = self.counters.snapshot();
        snapshot.cache_tokens = self.model().most_tokens;
        let core = self.core();
        snapshot.waiting = core.queue.size().texts;
        snapshot.active = core.open.len().saturating_sub(snapshot.waiting);
        (snapshot.reserved_tokens, snapshot.used_tokens) = (core.room.reserved, core.room.used);
        snapshot
    }

    /// Waits until a condition holds, but no longer than `limit`.
    pub(super) fn rest(
        &self,
        limit: Duration,
        holds: impl Fn(&Core) -> bool,
    ) -> MutexGuard<'_, Core> {
        let core = self.core();
        let rested = self
            .resting
            .wait_timeout_while(core, limit, |core| !holds(core));
        rested.unwrap_or_else(PoisonError::into_inner).0
    }
}
