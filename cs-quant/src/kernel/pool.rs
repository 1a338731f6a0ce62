//! A small fork-join pool: one job at a time, its parts handed out by a counter.
//!
//! Between two jobs a worker spins for a moment, because the next operation of the same forward is
//! microseconds away, then sleeps. The thread that brings the job works on it as well and never
//! waits for a sleeper: it closes the job when no part is left, and only those that joined before
//! are waited for.

use std::any::Any;
use std::cell::UnsafeCell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{QuantError, Result};

/// How long an idle worker looks for work before it sleeps.
const SPIN: Duration = Duration::from_micros(100);
/// Looks at the state between two looks at the clock.
const LOOKS: usize = 64;

/// Low half of the state: how many workers are in the job, and whether others may join.
const OPEN: u64 = 1 << 31;
const JOINED: u64 = OPEN - 1;
/// High half: the number of the job.
const EPOCH: u64 = 1 << 32;

/// A job: called with (rank of the thread, index of the part).
type Job<'a> = dyn Fn(usize, usize) + Sync + 'a;

#[derive(Debug)]
struct Control {
    state: AtomicU64,
    next: AtomicUsize,
    parts: AtomicUsize,
    job: JobCell,
    stop: AtomicBool,
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The current job, with its lifetime erased.
struct JobCell(UnsafeCell<Option<*const Job<'static>>>);

// SAFETY: written only by the thread that holds the pool's turn, while the job is closed and
// nobody has joined; read only by workers that joined. The state's release and acquire order them.
unsafe impl Sync for JobCell {}
// SAFETY: the job behind the pointer is `Sync`.
unsafe impl Send for JobCell {}

impl std::fmt::Debug for JobCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobCell")
    }
}

/// Threads that share a job. Dropping it stops and joins them.
#[derive(Debug)]
pub(crate) struct Pool {
    control: Arc<Control>,
    workers: Vec<JoinHandle<()>>,
    turn: Mutex<()>,
}

impl Pool {
    /// A pool of `threads`, one of which is the caller of [`Pool::run`].
    pub(crate) fn new(threads: NonZeroUsize) -> Result<Self> {
        let control = Arc::new(Control {
            state: AtomicU64::new(0),
            next: AtomicUsize::new(0),
            parts: AtomicUsize::new(0),
            job: JobCell(UnsafeCell::new(None)),
            stop: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            panic: Mutex::new(None),
        });
        let mut pool = Self {
            control,
            workers: Vec::new(),
            turn: Mutex::new(()),
        };
        for rank in 1..threads.get() {
            let control = Arc::clone(&pool.control);
            let worker = std::thread::Builder::new()
                .name(format!("cs-quant-{rank}"))
                .spawn(move || control.work(rank))
                .map_err(|source| QuantError::Thread { source })?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// How many threads work on a job, the caller included.
    pub(crate) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job(rank, part)` for every part in `0..parts`, each once, in any order, and returns
    /// when all are done. `rank < threads()` differs between calls that run at the same time.
    ///
    /// # Panics
    ///
    /// If the job panics, with its payload.
    pub(crate) fn run(&self, parts: usize, job: &Job<'_>) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.workers.is_empty() || parts < 2 {
            for part in 0..parts {
                job(0, part);
            }
            return;
        }
        let control = &*self.control;
        control.open(parts, job);
        let outcome = catch_unwind(AssertUnwindSafe(|| control.take_parts(0, job)));
        control.close();
        if let Err(payload) = outcome {
            resume_unwind(payload);
        }
        if let Some(payload) = lock(&control.panic).take() {
            resume_unwind(payload);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.control.stop.store(true, Ordering::SeqCst);
        self.control.wake_all();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of jobs, so it ends normally.
            let _ = worker.join();
        }
    }
}

impl Control {
    /// Publishes a job. It must be closed before `job` ends.
    fn open(&self, parts: usize, job: &Job<'_>) {
        let job: *const Job<'_> = job;
        // SAFETY: only the lifetime changes; `Pool::run` closes the job, and with it waits for
        // everyone who read the pointer, before the borrow ends.
        let job = unsafe { std::mem::transmute::<*const Job<'_>, *const Job<'static>>(job) };
        // SAFETY: the previous job is closed and left by all, and the turn is ours.
        unsafe { *self.job.0.get() = Some(job) };
        self.next.store(0, Ordering::Relaxed);
        self.parts.store(parts, Ordering::Relaxed);
        let epoch = self.state.load(Ordering::Relaxed) & !(EPOCH - 1);
        let state = epoch.wrapping_add(EPOCH) | OPEN;
        self.state.store(state, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.wake_all();
        }
    }

    /// Lets nobody else join, and waits for those who did.
    fn close(&self) {
        self.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0usize;
        while self.state.load(Ordering::Acquire) & JOINED != 0 {
            looks += 1;
            if looks.is_multiple_of(1 << 10) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    fn take_parts(&self, rank: usize, job: &Job<'_>) {
        let parts = self.parts.load(Ordering::Relaxed);
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            job(rank, part);
        }
    }

    fn wake_all(&self) {
        let _guard = lock(&self.sleep);
        self.wake.notify_all();
    }

    /// The life of a worker.
    fn work(&self, rank: usize) {
        let mut seen = 0;
        while let Some(state) = self.wait(seen) {
            seen = state & !(EPOCH - 1);
            if self.join(state) {
                // SAFETY: we joined, so the job stays alive until we leave.
                let job = unsafe { *self.job.0.get() };
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    if let Some(job) = job {
                        // SAFETY: as above.
                        self.take_parts(rank, unsafe { &*job });
                    }
                }));
                if let Err(payload) = outcome {
                    lock(&self.panic).get_or_insert(payload);
                }
                self.state.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// Enters the job of `state` unless it is closed by now.
    fn join(&self, mut state: u64) -> bool {
        let epoch = state & !(EPOCH - 1);
        while state & OPEN != 0 && state & !(EPOCH - 1) == epoch {
            let joined = self.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match joined {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// The state once there is an open job other than `seen`; `None` when the pool ends.
    fn wait(&self, seen: u64) -> Option<u64> {
        let fresh = || {
            let state = self.state.load(Ordering::SeqCst);
            (state & OPEN != 0 && state & !(EPOCH - 1) != seen).then_some(state)
        };
        loop {
            let start = Instant::now();
            while start.elapsed() < SPIN {
                for _ in 0..LOOKS {
                    if let Some(state) = fresh() {
                        return Some(state);
                    }
                    std::hint::spin_loop();
                }
                if self.stop.load(Ordering::SeqCst) {
                    return None;
                }
            }
            let mut guard = lock(&self.sleep);
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            // Checked after the announcement: whoever opens a job later sees it and wakes us.
            while fresh().is_none() && !self.stop.load(Ordering::SeqCst) {
                guard = self
                    .wake
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> Pool {
        Pool::new(NonZeroUsize::new(threads).unwrap()).unwrap()
    }

    #[test]
    fn every_part_runs_once() {
        for threads in 1..4 {
            let pool = pool(threads);
            for parts in [0, 1, 2, 7, 100] {
                let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                for _ in 0..200 {
                    pool.run(parts, &|rank, part| {
                        assert!(rank < threads);
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
        std::thread::sleep(SPIN * 20);
        let sum = AtomicUsize::new(0);
        pool.run(8, &|_, part| {
            std::thread::sleep(Duration::from_millis(1));
            sum.fetch_add(part, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 28);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.run(4, &|_, part| assert_ne!(part, 3))
        }));
        assert!(caught.is_err());
        pool.run(2, &|_, _| {});
    }

    #[test]
    fn callers_take_turns() {
        let pool = pool(3);
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        pool.run(5, &|_, _| {
                            sum.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 2000);
    }
}
