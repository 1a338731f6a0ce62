//! A small fork-join pool that several forwards share without using more threads than it has.
//!
//! A forward leases a [`Crew`]: its own thread and as many idle workers as it wants and there are.
//! The caller's thread counts, so at most as many forwards run at once as the pool has threads; the
//! next one waits for its turn.
//!
//! A crew has one job at a time, its parts taken by whoever is free. Between two jobs a worker spins
//! for a moment, because the next operation of the same forward is microseconds away, then sleeps.
//! The thread that brings the job works on it as well and never waits for a sleeper: it closes the
//! job when no part is left, and only those that joined before are waited for.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::job::{Control, Job};
use super::shared::Shared;
use crate::error::{QuantError, Result};

/// How long an idle worker looks for work before it sleeps.
const SPIN: Duration = Duration::from_micros(100);
/// Looks at the state between two looks at the clock.
const LOOKS: usize = 64;

/// No crew.
const NONE: usize = usize::MAX;

/// The pools of this process, by their number of threads.
static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

/// Threads to lease. Dropping it stops and joins them.
#[derive(Debug)]
pub(crate) struct Pool {
    hub: Arc<Hub>,
    handles: Vec<JoinHandle<()>>,
}

/// Some of a pool's threads, the caller's among them. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Crew<'a> {
    hub: &'a Hub,
    /// Which of the hub's jobs is this crew's.
    slot: usize,
    size: usize,
}

#[derive(Debug)]
struct Hub {
    idle: Mutex<Idle>,
    returned: Condvar,
    /// One per crew there can be.
    crews: Vec<Control>,
    workers: Vec<Worker>,
    stop: AtomicBool,
}

/// What can be leased, besides the workers that are in no crew.
#[derive(Debug)]
struct Idle {
    threads: usize,
    slots: Vec<usize>,
    /// Forwards that have asked for threads, and those that were served: first come, first served.
    asked: u64,
    served: u64,
}

/// A worker's place.
#[derive(Debug)]
struct Worker {
    /// The crew it belongs to, or [`NONE`].
    crew: AtomicUsize,
    asleep: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Pool {
    /// The pool of this size that the process has, or a new one: models that are given the same
    /// number of threads share them.
    pub(crate) fn shared(threads: NonZeroUsize) -> Result<Arc<Self>> {
        let mut pools = lock(&POOLS);
        pools.retain(|pool| pool.strong_count() > 0);
        let same = |pool: &Arc<Self>| pool.threads() == threads.get();
        if let Some(pool) = pools.iter().filter_map(Weak::upgrade).find(same) {
            return Ok(pool);
        }
        let pool = Arc::new(Self::new(threads)?);
        pools.push(Arc::downgrade(&pool));
        Ok(pool)
    }

    /// Returns once every thread runs: a thread allocates while it starts, and a forward may not.
    pub(crate) fn new(threads: NonZeroUsize) -> Result<Self> {
        let count = threads.get();
        let hub = Arc::new(Hub {
            idle: Mutex::new(Idle {
                threads: count,
                slots: (0..count).rev().collect(),
                asked: 0,
                served: 0,
            }),
            returned: Condvar::new(),
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
                .map_err(|source| QuantError::Thread { source })?;
            pool.handles.push(worker);
        }
        drop(start);
        // Nothing is ever sent: this waits until all ends are dropped.
        let _ = started.recv();
        Ok(pool)
    }

    /// How many threads there are to lease.
    pub(crate) fn threads(&self) -> usize {
        self.hub.crews.len()
    }

    /// How many ranks there are: one for each crew's caller and one for each worker.
    pub(crate) fn ranks(&self) -> usize {
        self.hub.crews.len() + self.hub.workers.len()
    }

    /// The calling thread and up to `wanted - 1` idle workers. Waits while all threads are leased, and
    /// for those who came before.
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
                // There are enough: every crew's caller brings a thread of its own.
                // Always the first ones, whose scratch space has grown before.
                let free = |worker: &&Worker| worker.crew.load(Ordering::Relaxed) == NONE;
                for worker in hub.workers.iter().filter(free).take(size - 1) {
                    worker.crew.store(slot, Ordering::SeqCst);
                }
                drop(idle);
                hub.returned.notify_all();
                return Crew { hub, slot, size };
            }
            idle = hub
                .returned
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
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

impl Crew<'_> {
    /// How many threads work on a job, the caller's included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The caller's rank.
    pub(crate) fn caller(&self) -> usize {
        self.slot
    }

    /// The ranks its threads have, the caller's first. All are below [`Pool::ranks`], and no two
    /// threads of the pool have the same.
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
        let rouse = || {
            for worker in self.workers().map(|(_, worker)| worker) {
                if worker.asleep.load(Ordering::SeqCst) {
                    worker.rouse();
                }
            }
        };
        self.hub.crews[self.slot].run(self.slot, parts, job, rouse);
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
        drop(idle);
        self.hub.returned.notify_all();
    }
}

impl Worker {
    fn new() -> Self {
        Self {
            crew: AtomicUsize::new(NONE),
            asleep: AtomicBool::new(false),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    fn rouse(&self) {
        let _guard = lock(&self.sleep);
        self.wake.notify_one();
    }
}

impl Hub {
    /// The life of a worker.
    fn work(&self, index: usize) {
        let mut seen = (NONE, 0);
        while let Some((crew, epoch)) = self.wait(&self.workers[index], seen) {
            seen = (crew, epoch);
            // The crew may have been given back between the two looks, and the job be that of the
            // next one, which counts neither on this thread nor on its scratch space.
            let ours = || self.workers[index].crew.load(Ordering::SeqCst) == crew;
            let place = (self.crews.len() + index, index + 1);
            self.crews[crew].help(epoch, place, ours);
        }
    }

    /// The worker's crew and the number of its job once that is open and not the one `seen`;
    /// `None` when the pool ends.
    fn wait(&self, worker: &Worker, seen: (usize, u64)) -> Option<(usize, u64)> {
        let fresh = || {
            let crew = worker.crew.load(Ordering::SeqCst);
            let job = (crew, self.crews.get(crew)?.open_epoch()?);
            (job != seen).then_some(job)
        };
        loop {
            let start = Instant::now();
            while start.elapsed() < SPIN {
                for _ in 0..LOOKS {
                    if let Some(job) = fresh() {
                        return Some(job);
                    }
                    std::hint::spin_loop();
                }
                if self.stop.load(Ordering::SeqCst) {
                    return None;
                }
            }
            let mut guard = lock(&worker.sleep);
            worker.asleep.store(true, Ordering::SeqCst);
            // Checked after the announcement: whoever opens a job later sees it and wakes us.
            while fresh().is_none() && !self.stop.load(Ordering::SeqCst) {
                guard = worker
                    .wake
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            worker.asleep.store(false, Ordering::SeqCst);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn pool(threads: usize) -> Pool {
        Pool::new(NonZeroUsize::new(threads).unwrap()).unwrap()
    }

    #[test]
    fn every_part_runs_once() {
        for threads in 1..4 {
            let pool = pool(threads);
            let crew = pool.lease(threads);
            assert_eq!(crew.size(), threads);
            for parts in [0, 1, 2, 7, 100] {
                let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                for _ in 0..200 {
                    crew.run(parts, &|rank, part| {
                        assert!(crew.ranks().any(|ours| ours == rank));
                        counts[part].fetch_add(1, Ordering::Relaxed);
                    });
                }
                assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 200));
            }
        }
    }

    #[test]
    fn sleepers_wake_and_panics_surface() {
        let pool = pool(2);
        let crew = pool.lease(2);
        std::thread::sleep(SPIN * 20);
        let sum = AtomicUsize::new(0);
        crew.run(8, &|_, part| {
            std::thread::sleep(Duration::from_millis(1));
            sum.fetch_add(part, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 28);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            crew.run(4, &|_, part| assert_ne!(part, 3))
        }));
        assert!(caught.is_err());
        crew.run(2, &|_, _| {});
    }

    #[test]
    fn crews_never_use_more_threads_than_there_are() {
        for threads in 1..5 {
            let pool = pool(threads);
            let (leased, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let sum = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for caller in 0..6 {
                    let (pool, leased, most, sum) = (&pool, &leased, &most, &sum);
                    scope.spawn(move || {
                        for i in 0..50 {
                            let crew = pool.lease((caller + i) % 4);
                            let now = leased.fetch_add(crew.size(), Ordering::SeqCst) + crew.size();
                            most.fetch_max(now, Ordering::SeqCst);
                            assert_eq!(crew.ranks().count(), crew.size());
                            crew.run(5, &|rank, _| {
                                assert!(rank < pool.ranks());
                                sum.fetch_add(1, Ordering::Relaxed);
                            });
                            leased.fetch_sub(crew.size(), Ordering::SeqCst);
                        }
                    });
                }
            });
            assert_eq!(sum.into_inner(), 1500);
            assert!(most.into_inner() <= threads);
            assert_eq!(pool.lease(9).size(), threads);
        }
    }

    #[test]
    fn only_its_own_workers_help_a_crew() {
        let pool = pool(3);
        for i in 0..3_000 {
            let crew = pool.lease(2 + i % 2);
            let ranks: Vec<usize> = crew.ranks().collect();
            crew.run(4, &|rank, _| assert!(ranks.contains(&rank)));
        }
    }

    #[test]
    fn who_came_first_is_served_first() {
        let pool = pool(1);
        let order = Mutex::new(Vec::new());
        let first = pool.lease(1);
        std::thread::scope(|scope| {
            for caller in 1..5 {
                let (pool, order) = (&pool, &order);
                scope.spawn(move || {
                    let _crew = pool.lease(1);
                    lock(order).push(caller);
                });
                while lock(&pool.hub.idle).asked <= caller {
                    std::thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(order.into_inner().unwrap(), [1, 2, 3, 4]);
    }

    #[test]
    fn models_of_one_size_share_a_pool() {
        let size = |n| NonZeroUsize::new(n).unwrap();
        let (a, b, c) = (
            Pool::shared(size(2)),
            Pool::shared(size(2)),
            Pool::shared(size(3)),
        );
        let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
        assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &c));
        assert_eq!((a.threads(), a.ranks(), c.ranks()), (2, 3, 5));
    }

    #[test]
    fn a_buffer_is_scattered() {
        let pool = pool(3);
        let mut buffer = [0.0; 10];
        pool.lease(3)
            .scatter(&mut buffer, &[0, 3, 3, 8, 10], |_, i, part| {
                part.fill(i as f32 + 1.0);
            });
        assert_eq!(buffer, [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0]);
        let bad = catch_unwind(AssertUnwindSafe(|| {
            pool.lease(3).scatter(&mut buffer, &[0, 3, 2], |_, _, _| {});
        }));
        assert!(bad.is_err());
    }
}
