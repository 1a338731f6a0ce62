//! The engine's thread: it lets requests into the batch of their model, and has the batches go on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use cs_model::generate::{Advance, Ended};

use super::model::Batch;
use super::shared::{Room, Served, Shared, Task};
use super::stream::{Channel, Written};
use crate::engine::counters::count;
use crate::engine::policy::{self, Entry};
use crate::engine::shared::Phase;
use crate::error::EngineError;

/// A model, and what it writes.
struct Running {
    served: Arc<Served>,
    batch: Batch,
    /// The requests, by their number in the batch.
    members: BTreeMap<u64, Arc<Channel>>,
}

type Models = BTreeMap<u64, Running>;

/// Writes until the engine is closed.
pub(super) fn run(shared: &Shared) {
    let end = End(shared);
    let mut models = Models::new();
    while admit(shared, &mut models) {
        for running in models.values_mut() {
            running.leave(shared);
            running.step(shared);
        }
        shared.core().room = models.values().fold(Room::default(), |room, running| Room {
            reserved: room.reserved + running.batch.reserved_tokens(),
            used: room.used + running.batch.used_tokens(),
        });
    }
    drop(models);
    drop(end);
}

/// Ends whatever is left when the thread ends, even by a fault of its own.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut core = self.0.core();
        core.phase = Phase::Closed;
        core.has_ended = true;
        let (left, waiting) = (std::mem::take(&mut core.open), core.queue.clear());
        drop(core);
        drop(waiting);
        for channel in left.values() {
            channel.end(Err(EngineError::Closed), &self.0.counters);
        }
        self.0.resting.notify_all();
    }
}

/// Lets requests in that have room, and waits while there is nothing to do; gives `false` once the
/// engine is closed.
fn admit(shared: &Shared, models: &mut Models) -> bool {
    let mut core = shared.core();
    loop {
        if core.phase == Phase::Closed {
            return false;
        }
        let arrived = core.arrived.drain(..);
        models.extend(arrived.map(|(served, batch)| (served.number, Running::new(served, batch))));
        let fits = |entry: &Entry<Task>| {
            let running = models.get(&entry.generation);
            running.is_some_and(|running| running.batch.fits(&entry.item.generation))
        };
        let now = shared.now();
        let policy::Batch { entries, late } = core.queue.next(now, fits);
        let newest = core.newest;
        if !entries.is_empty() || !late.is_empty() {
            drop(core);
            for entry in late {
                shared.expire(&entry.item.channel);
            }
            for entry in entries {
                if let Some(running) = models.get_mut(&entry.generation) {
                    running.join(entry.item, shared);
                }
            }
        } else if models.values().any(|running| running.may_go(newest)) {
            drop(core);
            models.retain(|_, running| !running.may_go(newest));
        } else if models.values().any(|running| !running.members.is_empty()) {
            return true;
        } else {
            core = shared
                .work
                .wait(core)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        core = shared.core();
    }
}

impl Running {
    fn new(served: Arc<Served>, batch: Batch) -> Self {
        Self {
            served,
            batch,
            members: BTreeMap::new(),
        }
    }

    /// Whether the model was replaced and nobody needs it any more.
    fn may_go(&self, newest: u64) -> bool {
        self.served.number < newest
            && self.members.is_empty()
            && Arc::strong_count(&self.served) == 1
    }

    fn join(&mut self, task: Task, shared: &Shared) {
        let channel = task.channel;
        if channel.is_done() {
            return;
        }
        let waited = shared.now().saturating_sub(channel.queued);
        shared.counters.requests.wait.time(waited);
        match self.guarded(shared, |batch| batch.join(task.generation)) {
            Ok(Ok(id)) => {
                self.members.insert(id, channel);
            }
            Ok(Err(error)) => self.fail(&channel, error, shared),
            Err(panicked) => shared.end(&channel, Err(panicked)),
        }
    }

    /// Takes out what nobody waits for any more.
    fn leave(&mut self, shared: &Shared) {
        let now = shared.now();
        let gone = |channel: &Channel| channel.is_done() || channel.deadline <= now;
        let gone = self.members.iter().filter(|(_, channel)| gone(channel));
        let gone: Vec<u64> = gone.map(|(&id, _)| id).collect();
        for id in gone {
            if let Some(channel) = self.members.remove(&id) {
                shared.expire(&channel);
                // If the backend panics over it, the others have been told.
                let _ = self.guarded(shared, |batch| batch.leave(id));
            }
        }
    }

    fn step(&mut self, shared: &Shared) {
        if self.members.is_empty() {
            return;
        }
        let began = Instant::now();
        let advances = self.guarded(shared, Batch::step).unwrap_or_default();
        shared.counters.requests.forward.time(began.elapsed());
        advances
            .into_iter()
            .for_each(|advance| self.tell(advance, shared));
    }

    fn tell(&mut self, advance: Advance<'static>, shared: &Shared) {
        let Advance { id, text, ended } = advance;
        let Some(channel) = self.members.get(&id).cloned() else {
            return;
        };
        if !matches!(ended, Some(Err(_))) {
            channel.push(&text, shared.now(), &shared.counters);
        }
        if let Some(ended) = ended {
            self.members.remove(&id);
            match ended {
                Ok(ended) => shared.end(&channel, Ok(written(&ended))),
                Err(error) => self.fail(&channel, error, shared),
            }
        }
    }

    fn fail(&self, channel: &Channel, error: cs_model::Error, shared: &Shared) {
        let error = self.served.facts.error(error);
        shared.end(channel, Err(EngineError::Model(error)));
    }

    /// Has the batch do something. If the backend panics, all that it was writing ends with that,
    /// as nobody knows what is left of it, and the batch begins anew.
    fn guarded<T>(
        &mut self,
        shared: &Shared,
        act: impl FnOnce(&mut Batch) -> T,
    ) -> Result<T, EngineError> {
        let batch = &mut self.batch;
        catch_unwind(AssertUnwindSafe(|| act(batch))).map_err(|_| {
            count(&shared.counters.requests.panics);
            // Numbers are not used twice: what cannot even be forgotten is in nobody's way.
            let _ = catch_unwind(AssertUnwindSafe(|| self.batch.clear()));
            let panicked = || EngineError::Panicked {
                name: self.served.facts.name().to_owned(),
            };
            for channel in std::mem::take(&mut self.members).into_values() {
                shared.end(&channel, Err(panicked()));
            }
            panicked()
        })
    }
}

fn written(ended: &Ended<'_>) -> Written {
    let generation = &ended.generation;
    let prompt_tokens = generation.prompt_length();
    Written {
        tokens: generation.tokens()[prompt_tokens..].to_vec(),
        // What has ended has a reason.
        finish: generation
            .finish()
            .unwrap_or(cs_model::generate::Finish::Length),
        prompt_tokens,
        reused_tokens: ended.reused,
    }
}
