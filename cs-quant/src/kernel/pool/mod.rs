//! A small fork-join pool that several forwards share without using more threads than it has.
//!
//! A forward leases a [`Crew`]: its own thread and as many idle workers as it wants and there are.
//! The caller's thread counts, so at most as many forwards run at once as the pool has threads; the
//! next one waits for its turn, and is woken when that has come. How many threads a forward wants
//! is up to its model, and how many there are up to the machine: models of one thread each run side
//! by side.
//!
//! A crew has one job at a time, its parts taken by whoever is free. Between two jobs a worker
//! spins for a moment, because the next operation of the same forward is microseconds away, then
//! sleeps. The thread that brings the job works on it as well and never waits for a sleeper: it
//! closes the job when no part is left, and only those that joined before are waited for.

mod crew;
mod hub;
mod job;

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread::JoinHandle;

pub(crate) use self::crew::Crew;
use self::hub::{Hub, Idle, NONE, Worker, lock};
use self::job::Control;
use crate::error::{Error, Result};

/// The pools of this process: one, unless a model asks for more threads than the machine has.
static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

/// Threads to lease. Dropping the pool stops and joins them.
#[derive(Debug)]
pub(crate) struct Pool {
    hub: Arc<Hub>,
    handles: Vec<JoinHandle<()>>,
}

/// A moment in the life of a pool, see [`Pool::quiet`].
#[derive(Debug)]
pub(crate) struct Quiet<'a> {
    hub: &'a Hub,
    asked: u64,
}

impl Pool {
    /// Gives a pool that the process has with this many threads or more, or makes a new one, with
    /// as many as the machine offers if that is more: whatever models want, they share its threads.
    pub(crate) fn shared(threads: NonZeroUsize) -> Result<Arc<Self>> {
        let mut pools = lock(&POOLS);
        pools.retain(|pool| pool.strong_count() > 0);
        let enough = |pool: &Arc<Self>| pool.threads() >= threads.get();
        if let Some(pool) = pools.iter().filter_map(Weak::upgrade).find(enough) {
            return Ok(pool);
        }
        let pool = Arc::new(Self::new(threads.max(available_threads()))?);
        pools.push(Arc::downgrade(&pool));
        Ok(pool)
    }

    /// Makes a pool, and returns once every thread runs: a thread allocates while it starts, and a
    /// forward may not.
    pub(crate) fn new(threads: NonZeroUsize) -> Result<Self> {
        let count = threads.get();
        let hub = Arc::new(Hub {
            idle: Mutex::new(Idle {
                threads: count,
                slots: (0..count).rev().collect(),
                asked: 0,
                served: 0,
            }),
            turns: Default::default(),
            crews: (0..count).map(|_| Control::new()).collect(),
            workers: (1..count).map(|_| Worker::new()).collect(),
            stop: AtomicBool::new(false),
        });
        let mut pool = Self {
            hub,
            handles: Vec::new(),
        };
        let (start, started) = mpsc::channel::<Infallible>();
        for index in 0..count - 1 {
            let (hub, start) = (Arc::clone(&pool.hub), start.clone());
            let worker = std::thread::Builder::new()
                .name(format!("cs-quant-{}", index + 1))
                .spawn(move || {
                    drop(start);
                    hub.work(index);
                })
                .map_err(|source| Error::Thread { source })?;
            pool.handles.push(worker);
        }
        drop(start);
        // Nothing is ever sent: this waits until all ends are dropped.
        let _ = started.recv();
        Ok(pool)
    }

    /// The number of threads that there are to lease.
    pub(crate) fn threads(&self) -> usize {
        self.hub.crews.len()
    }

    /// The number of ranks: one for each crew's caller and one for each worker.
    pub(crate) fn ranks(&self) -> usize {
        self.hub.crews.len() + self.hub.workers.len()
    }

    /// Leases the calling thread and up to `wanted - 1` idle workers. Waits while all threads are
    /// leased, and for those who came before.
    pub(crate) fn lease(&self, wanted: usize) -> Crew<'_> {
        let hub = &*self.hub;
        let mut idle = lock(&hub.idle);
        let turn = idle.asked;
        idle.asked += 1;
        loop {
            if idle.served == turn
                && idle.threads > 0
                && let Some(slot) = idle.slots.pop()
            {
                idle.served += 1;
                let size = wanted.clamp(1, idle.threads);
                idle.threads -= size;
                // There are enough: every crew's caller brings a thread of its own. The first ones
                // are always taken, as their scratch space has grown before.
                let free = |worker: &&Worker| worker.crew.load(Ordering::Relaxed) == NONE;
                for worker in hub.workers.iter().filter(free).take(size - 1) {
                    worker.crew.store(slot, Ordering::SeqCst);
                }
                hub.wake_next(idle);
                return Crew { hub, slot, size };
            }
            idle = hub
                .turn(turn)
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes note of the pool as it is now, to be asked later whether it was used meanwhile.
    pub(crate) fn quiet(&self) -> Quiet<'_> {
        Quiet {
            asked: lock(&self.hub.idle).asked,
            hub: &self.hub,
        }
    }
}

impl Quiet<'_> {
    /// Whether nobody has leased a thread since, or still has one.
    pub(crate) fn lasts(&self) -> bool {
        let idle = lock(&self.hub.idle);
        idle.asked == self.asked && idle.threads == self.hub.crews.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.hub.stop.store(true, Ordering::SeqCst);
        for worker in &self.hub.workers {
            worker.rouse();
        }
        for handle in self.handles.drain(..) {
            // A worker catches the panics of jobs, so it ends normally.
            let _ = handle.join();
        }
    }
}

/// Gives as many threads as the machine, or the control group, offers.
pub(crate) fn available_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests;
