//! The job of a crew: its parts are taken by whoever joins while it is open.
//!
//! A thread begins with the share that belongs to its position in the crew, and goes on with what
//! others have left: in a sequence of jobs each thread finds in its cache what it wrote there
//! before.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The low half of the state: how many workers are in the job, and whether others may join.
const OPEN: u64 = 1 << 31;
const JOINED: u64 = OPEN - 1;
/// The high half of the state: the number of the job.
const EPOCH: u64 = 1 << 32;

/// The number of shares, one for each bit of [`Control::taken`].
const SHARES: usize = 64;

/// A job: a function of the rank of the thread and the index of the part.
pub(super) type Job<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A thread of a crew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The rank of the thread in the pool.
    pub(super) rank: usize,
    /// The position of the thread in the crew, which decides the share that it begins with; the
    /// caller is at 0.
    pub(super) position: usize,
}

/// The job of a crew, and who takes part in it.
#[derive(Debug)]
pub(super) struct Control {
    state: AtomicU64,
    /// The shares of the parts that are taken; there are [`SHARES`] at most.
    taken: AtomicU64,
    parts: AtomicUsize,
    job: JobCell,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The current job, with its lifetime erased.
struct JobCell(UnsafeCell<Option<*const Job<'static>>>);

// SAFETY: written only by the crew that holds the slot, while the job is closed and nobody has
// joined; read only by workers that joined. The state's release and acquire order them.
unsafe impl Sync for JobCell {}
// SAFETY: the job that the pointer leads to is `Sync`.
unsafe impl Send for JobCell {}

impl std::fmt::Debug for JobCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobCell")
    }
}

impl Control {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            parts: AtomicUsize::new(0),
            job: JobCell(UnsafeCell::new(None)),
            panic: Mutex::new(None),
        }
    }

    /// Calls `job(rank, part)` for every part, with the help of those who join; `rouse` wakes them.
    ///
    /// # Panics
    ///
    /// If the job panics, with its payload.
    pub(super) fn run(&self, rank: usize, parts: usize, job: &Job<'_>, rouse: impl FnOnce()) {
        self.open(parts, job);
        rouse();
        let caller = Member { rank, position: 0 };
        let outcome = catch_unwind(AssertUnwindSafe(|| self.take_parts(caller, job)));
        self.close();
        let helper = self
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(payload) = outcome.err().or(helper) {
            resume_unwind(payload);
        }
    }

    /// Gives the number of the job if it is open.
    pub(super) fn open_epoch(&self) -> Option<u64> {
        let state = self.state.load(Ordering::SeqCst);
        (state & OPEN != 0).then_some(state & !(EPOCH - 1))
    }

    /// Publishes a job. It must be closed before `job` ends.
    fn open(&self, parts: usize, job: &Job<'_>) {
        let job: *const Job<'_> = job;
        // SAFETY: only the lifetime changes; `run` closes the job, and with it waits for
        // everyone who read the pointer, before the borrow ends.
        let job = unsafe { std::mem::transmute::<*const Job<'_>, *const Job<'static>>(job) };
        // SAFETY: the previous job is closed and left by all, and the slot is this crew's.
        unsafe { *self.job.0.get() = Some(job) };
        self.taken.store(0, Ordering::Relaxed);
        self.parts.store(parts, Ordering::Relaxed);
        let epoch = self.state.load(Ordering::Relaxed) & !(EPOCH - 1);
        let state = epoch.wrapping_add(EPOCH) | OPEN;
        self.state.store(state, Ordering::SeqCst);
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

    /// Takes shares from the thread's own on, round and round, until none is left.
    fn take_parts(&self, member: Member, job: &Job<'_>) {
        let parts = self.parts.load(Ordering::Relaxed);
        let shares = parts.min(SHARES);
        let all = u64::MAX.checked_shr((SHARES - shares) as u32).unwrap_or(0);
        let first = member.position.checked_rem(shares).unwrap_or(0) as u32;
        loop {
            let free = all & !self.taken.load(Ordering::Relaxed);
            if free == 0 {
                return;
            }
            let share = (first + free.rotate_right(first).trailing_zeros()) % SHARES as u32;
            let bit = 1 << share;
            if self.taken.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                let share = share as usize;
                for part in parts * share / shares..parts * (share + 1) / shares {
                    job(member.rank, part);
                }
            }
        }
    }

    /// Enters the job of this number unless it is closed by now.
    fn join(&self, epoch: u64) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
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

    /// Takes parts of the job of this number, if it is still open and, seen while it cannot end,
    /// `ours`.
    pub(super) fn help(&self, epoch: u64, member: Member, ours: impl Fn() -> bool) {
        if !self.join(epoch) {
            return;
        }
        // SAFETY: we joined, so the job stays alive until we leave.
        let job = unsafe { *self.job.0.get() };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if let Some(job) = job.filter(|_| ours()) {
                // SAFETY: as above.
                self.take_parts(member, unsafe { &*job });
            }
        }));
        if let Err(payload) = outcome {
            let mut panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            panic.get_or_insert(payload);
        }
        self.state.fetch_sub(1, Ordering::AcqRel);
    }
}
