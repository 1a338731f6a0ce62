//! What the threads of a pool have in common, and how a worker waits for work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::{Control, Member};

/// How long an idle worker looks for work before it sleeps.
pub(super) const SPIN: Duration = Duration::from_micros(100);
/// The number of looks at the state between two looks at the clock.
const LOOKS: usize = 64;

/// The crew of a worker that is in none.
pub(super) const NONE: usize = usize::MAX;

/// The number of condition variables that those in line wait at, so that the next one is woken and
/// hardly another.
pub(super) const TURNS: usize = 16;

#[derive(Debug)]
pub(super) struct Hub {
    pub(super) idle: Mutex<Idle>,
    /// The condition variables at which forwards wait, by the remainder of their turn.
    pub(super) turns: [Condvar; TURNS],
    /// The jobs, one for each crew that there can be.
    pub(super) crews: Vec<Control>,
    pub(super) workers: Vec<Worker>,
    pub(super) stop: AtomicBool,
}

/// What can be leased, besides the workers that are in no crew.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) threads: usize,
    pub(super) slots: Vec<usize>,
    /// The number of forwards that have asked for threads; `served` is how many of them got some:
    /// first come, first served.
    pub(super) asked: u64,
    pub(super) served: u64,
}

/// The state of a worker.
#[derive(Debug)]
pub(super) struct Worker {
    /// The crew that the worker belongs to, or [`NONE`].
    pub(super) crew: AtomicUsize,
    pub(super) asleep: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

/// Which job of which crew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct JobId {
    crew: usize,
    /// The number of the job, as [`Control::open_epoch`] gives it.
    epoch: u64,
}

impl Worker {
    pub(super) fn new() -> Self {
        Self {
            crew: AtomicUsize::new(NONE),
            asleep: AtomicBool::new(false),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    pub(super) fn rouse(&self) {
        let _guard = lock(&self.sleep);
        self.wake.notify_one();
    }
}

impl Hub {
    /// The condition variable at which the forward of a turn waits.
    pub(super) fn turn(&self, turn: u64) -> &Condvar {
        &self.turns[(turn % TURNS as u64) as usize]
    }

    /// Wakes the forward whose turn it is, if one waits and there is a thread for it.
    pub(super) fn wake_next(&self, idle: MutexGuard<'_, Idle>) {
        let (turn, can_run) = (idle.served, idle.served < idle.asked && idle.threads > 0);
        drop(idle);
        if can_run {
            // All that wait at this variable are woken: the others find that it is not their turn.
            self.turn(turn).notify_all();
        }
    }

    /// Runs a worker until the pool ends.
    pub(super) fn work(&self, index: usize) {
        let me = Member {
            rank: self.crews.len() + index,
            position: index + 1,
        };
        let mut seen = JobId {
            crew: NONE,
            epoch: 0,
        };
        while let Some(job) = self.wait(&self.workers[index], seen) {
            seen = job;
            // The crew may have been given back between the two looks, and the job be that of the
            // next one, which counts neither on this thread nor on its scratch space.
            let ours = || self.workers[index].crew.load(Ordering::SeqCst) == job.crew;
            self.crews[job.crew].help(job.epoch, me, ours);
        }
    }

    /// Gives the job of the worker's crew, if it is open and not the one `seen`.
    fn fresh(&self, worker: &Worker, seen: JobId) -> Option<JobId> {
        let crew = worker.crew.load(Ordering::SeqCst);
        let epoch = self.crews.get(crew)?.open_epoch()?;
        let job = JobId { crew, epoch };
        (job != seen).then_some(job)
    }

    /// Waits for a job of the worker's crew other than the one `seen`; `None` when the pool ends.
    fn wait(&self, worker: &Worker, seen: JobId) -> Option<JobId> {
        loop {
            let start = Instant::now();
            while start.elapsed() < SPIN {
                for _ in 0..LOOKS {
                    if let Some(job) = self.fresh(worker, seen) {
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
            while self.fresh(worker, seen).is_none() && !self.stop.load(Ordering::SeqCst) {
                guard = worker
                    .wake
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            worker.asleep.store(false, Ordering::SeqCst);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
