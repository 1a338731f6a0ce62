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

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::job::{Control, Job};
use super::shared::Shared;
use crate::error::{Error, Result};

/// How long an idle worker looks for work before it sleeps.
const SPIN: Duration = Duration::from_micros(100);
/// The number of looks at the state between two looks at the clock.
const LOOKS: usize = 64;

/// The crew of a worker that is in none.
const NONE: usize = usize::MAX;

/// The number of condition variables that those in line wait at, so that the next one is woken and
/// hardly another.
const PLACES: usize = 16;

/// The pools of this process: one, unless a model asks for more threads than the machine has.
static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

/// Threads to lease. Dropping the pool stops and joins them.
#[derive(Debug)]
pub(crate) struct Pool {
    hub: Arc<Hub>,
    handles: Vec<JoinHandle<()>>,
}

/// Some of a pool's threads, the caller's among them. Dropping the crew gives them back.
#[derive(Debug)]
pub(crate) struct Crew<'a> {
    hub: &'a Hub,
    /// The index of this crew's job in the hub.
    slot: usize,
    size: usize,
}

/// A moment in the life of a pool, see [`Pool::quiet`].
#[derive(Debug)]
pub(crate) struct Quiet<'a> {
    hub: &'a Hub,
    asked: u64,
}

#[derive(Debug)]
struct Hub {
    idle: Mutex<Idle>,
    /// The condition variables at which forwards wait, by the remainder of their turn.
    turns: [Condvar; PLACES],
    /// The jobs, one for each crew that there can be.
    crews: Vec<Control>,
    workers: Vec<Worker>,
    stop: AtomicBool,
}

/// What can be leased, besides the workers that are in no crew.
#[derive(Debug)]
struct Idle {
    threads: usize,
    slots: Vec<usize>,
    /// The number of forwards that have asked for threads; `served` is how many of them got some:
    /// first come, first served.
    asked: u64,
    served: u64,
}

/// The state of a worker.
#[derive(Debug)]
struct Worker {
    /// The crew that the worker belongs to, or [`NONE`].
    crew: AtomicUsize,
    asleep: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
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
            idle = hub.turns[place(turn)]
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

impl Crew<'_> {
    /// The number of threads that work on a job, the caller's included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The rank of the caller.
    pub(crate) fn caller(&self) -> usize {
        self.slot
    }

    /// Lists the ranks of the crew's threads, the caller's first. All are below [`Pool::ranks`],
    /// and no two threads of the pool have the same.
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
        self.hub.wake_next(idle);
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
    /// Wakes the forward whose turn it is, if one waits and there is a thread for it.
    fn wake_next(&self, idle: MutexGuard<'_, Idle>) {
        let (turn, can_run) = (idle.served, idle.served < idle.asked && idle.threads > 0);
        drop(idle);
        if can_run {
            // All that wait at this variable are woken: the others find that it is not their turn.
            self.turns[place(turn)].notify_all();
        }
    }

    /// Runs a worker until the pool ends.
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

    /// Waits for a job, and gives the worker's crew and the number of its job once that is open and
    /// not the one `seen`; `None` when the pool ends.
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

/// Gives the index of the condition variable at which the forward of a turn waits.
fn place(turn: u64) -> usize {
    (turn % PLACES as u64) as usize
}

/// Gives as many threads as the machine, or the control group, offers.
pub(crate) fn available_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
    fn models_share_a_pool_as_large_as_the_machine() {
        let cores = available_threads().get();
        let size = |n| NonZeroUsize::new(n).unwrap();
        let (one, all) = (Pool::shared(size(1)), Pool::shared(size(cores)));
        let (one, all) = (one.unwrap(), all.unwrap());
        assert!(Arc::ptr_eq(&one, &all) && one.threads() >= cores);
        let more = one.threads() + 1;
        let larger = Pool::shared(size(more)).unwrap();
        assert!(!Arc::ptr_eq(&one, &larger) && larger.threads() >= more);
    }

    #[test]
    fn callers_of_one_thread_each_run_side_by_side() {
        let pool = pool(3);
        let crews = [pool.lease(1), pool.lease(1), pool.lease(1)];
        let slots: std::collections::BTreeSet<_> = crews.iter().map(Crew::caller).collect();
        assert_eq!(slots.len(), 3);
    }

    #[test]
    fn everyone_in_a_long_line_is_served() {
        for threads in 1..4 {
            let pool = pool(threads);
            let served = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for caller in 0..3 * PLACES {
                    let (pool, served) = (&pool, &served);
                    scope.spawn(move || {
                        for turn in 0..40 {
                            drop(pool.lease(1 + (caller + turn) % threads));
                            served.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(served.into_inner(), 3 * PLACES * 40);
        }
    }

    #[test]
    fn a_pool_is_quiet_until_it_is_used() {
        let pool = pool(2);
        let crew = pool.lease(1);
        assert!(!pool.quiet().lasts());
        drop(crew);
        let quiet = pool.quiet();
        assert!(quiet.lasts());
        drop(pool.lease(1));
        assert!(!quiet.lasts() && pool.quiet().lasts());
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
