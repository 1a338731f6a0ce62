//! The engine's threads: workers, which compute, and the watch, which looks at the time.

use std::sync::{Arc, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use super::compute::compute;
use super::counters::count;
use super::job::Job;
use super::policy::Moment;
use super::shared::{Core, Phase, Shared};
use super::sync::lock;
use crate::error::EngineError;

/// The least time that the watch sleeps, so that a thousand deadlines are not a thousand wakings.
const PULSE: Duration = Duration::from_millis(1);

/// Starts a worker.
pub(super) fn start_worker(shared: &Arc<Shared>) -> Result<(), EngineError> {
    start(shared, "cs-engine", work)
}

/// Starts the watch.
pub(super) fn start_watch(shared: &Arc<Shared>) -> Result<(), EngineError> {
    start(shared, "cs-engine-watch", watch)
}

fn start(shared: &Arc<Shared>, name: &str, run: fn(&Arc<Shared>)) -> Result<(), EngineError> {
    let own = Arc::clone(shared);
    let thread = Builder::new().name(name.into()).spawn(move || run(&own));
    let thread = thread.map_err(|source| EngineError::Thread { source })?;
    let mut threads = lock(&shared.threads);
    threads.retain(|thread| !thread.is_finished());
    threads.push(thread);
    Ok(())
}

/// Computes batches until the engine is closed, or until a batch took so long that this thread was
/// replaced.
fn work(shared: &Arc<Shared>) {
    while let Some((batch, slot)) = shared.next_batch() {
        shared.expire(batch.late);
        let Some(slot) = slot else { continue };
        let tasks = batch.entries.into_iter().map(|entry| entry.item).collect();
        compute(tasks, &shared.counters, || shared.renew(slot));
        if !shared.end(slot) {
            return;
        }
    }
}

/// Ends requests whose deadline has come and replaces workers that hang. Sleeps until the next of
/// either can happen, which is for good while nothing is asked.
fn watch(shared: &Arc<Shared>) {
    let mut core = shared.core();
    while core.phase != Phase::Closed {
        let now = shared.now();
        let waiting = core.queue.expire(now);
        let flying = late_flights(&core, now);
        replace_hung(shared, &mut core, now);
        shared.tell_rest(&core);
        if !waiting.is_empty() || !flying.is_empty() {
            drop(core);
            shared.expire(waiting);
            for job in flying {
                job.expire(&shared.counters);
            }
            core = shared.core();
            continue;
        }
        let next = next_wake(&core, shared.config.hang_after);
        core.watch_at = next;
        core = match next {
            Some(at) => {
                let left = at.saturating_sub(now).max(PULSE);
                let waited = shared.watch.wait_timeout(core, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = shared.watch.wait(core);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
    }
}

fn flying(core: &Core) -> impl Iterator<Item = &Arc<Job>> {
    let jobs = core.slots.items().flat_map(|flight| &flight.jobs);
    jobs.filter(|job| !job.is_done())
}

/// Gives the requests that are being computed although their deadline has come.
fn late_flights(core: &Core, now: Moment) -> Vec<Arc<Job>> {
    flying(core)
        .filter(|job| job.deadline <= now)
        .cloned()
        .collect()
}

fn next_wake(core: &Core, hang_after: Duration) -> Option<Moment> {
    let flying = flying(core).map(|job| job.deadline).min();
    let others = [
        core.queue.next_deadline(),
        core.slots.next_overdue(hang_after),
    ];
    others.into_iter().flatten().chain(flying).min()
}

fn replace_hung(shared: &Arc<Shared>, core: &mut Core, now: Moment) {
    while let Some(slot) = core.slots.overdue(now, shared.config.hang_after) {
        if start_worker(shared).is_ok() {
            count(&shared.counters.replaced);
            core.slots.give_up(slot);
        } else {
            // Tries again when the batch would be overdue once more.
            core.slots.renew(slot, now);
        }
    }
}
