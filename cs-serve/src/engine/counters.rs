//! What an engine has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::EngineError;

/// What an engine does at the moment and has done so far: everything that metrics are made of.
///
/// Each of the requests that were accepted was answered, failed, late, cancelled or cut off, or is
/// still to be done.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The number of texts that wait now.
    pub queue_texts: usize,
    /// The number of tokens that wait now.
    pub queue_tokens: usize,
    /// The number of batches that are being computed now.
    pub running: usize,
    /// The number of batches that hang now, whose workers were replaced.
    pub hung: usize,
    /// The tokens computed a second while there is more to do than can be done; `None` until it was
    /// measured.
    pub tokens_per_second: Option<f64>,

    /// The number of requests that were let in.
    pub accepted: u64,
    /// The number of requests that were answered.
    pub answered: u64,
    /// The number of requests for which the backend failed or panicked.
    pub failed: u64,
    /// The number of requests whose deadline came before their answer.
    pub late: u64,
    /// The number of requests whose caller gave up before their answer.
    pub cancelled: u64,
    /// The number of requests that were cut off because the engine ended.
    pub cut_off: u64,
    /// The numbers of requests that were not let in, by reason.
    pub refused: Refusals,

    /// The number of texts that were computed once more, alone, because their batch had failed.
    pub retried: u64,
    /// How often the backend panicked.
    pub panics: u64,
    /// The number of hung workers that were replaced.
    pub replaced: u64,
    /// How often the model was replaced by another one.
    pub swaps: u64,

    /// How many tokens the batches had.
    pub batch_tokens: Distribution,
    /// How many texts the batches had.
    pub batch_texts: Distribution,
    /// The seconds that each stage took.
    pub stages: Stages,
}

/// The numbers of requests that were not let in, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Refusals {
    /// The number of requests refused with [`EngineError::Full`].
    pub full: u64,
    /// The number of requests refused with [`EngineError::Overloaded`], or with
    /// [`EngineError::Deadline`] before they were in line.
    pub overloaded: u64,
    /// The number of requests refused with [`EngineError::TooLarge`] or [`EngineError::TooLong`].
    pub too_large: u64,
    /// The number of requests refused with [`EngineError::Closed`].
    pub closed: u64,
    /// The number of requests refused with [`EngineError::Model`], for a text that could not be
    /// read.
    pub unreadable: u64,
}

/// The seconds that each stage on the way from a text to its answer took.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Stages {
    /// The seconds until a request's texts were tokens, on the caller's thread.
    pub encode: Distribution,
    /// The seconds that a text waited in the queue.
    pub wait: Distribution,
    /// The seconds that a batch was computed.
    pub forward: Distribution,
    /// The seconds until a batch's numbers were answers.
    pub decode: Distribution,
}

/// How values are distributed: the number of values in each bucket.
///
/// ```
/// let mut sizes = cs_serve::engine::Distribution::default();
/// assert_eq!(sizes.mean(), None);
/// (sizes.bounds, sizes.counts, sizes.sum) = (vec![8.0, 16.0], vec![3, 1, 0], 30.0);
/// assert_eq!((sizes.count(), sizes.mean()), (4, Some(7.5)));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distribution {
    /// The upper bounds of the buckets, ascending; a bound belongs to its bucket.
    pub bounds: Vec<f64>,
    /// The number of values in each bucket, followed by that of the values above the last bound.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl Distribution {
    /// The number of all values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The mean of all values; `None` if there are none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum / count as f64)
    }
}

/// The seconds of a microsecond.
pub(crate) const MICRO: f64 = 1e-6;

/// The number of bounds of [`Buckets`].
const BOUNDS: usize = 25;

/// Counts whole numbers by powers of two: up to 1, 2, 4 … 2^24, and above.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    counts: [AtomicU64; BOUNDS + 1],
    sum: AtomicU64,
}

impl Buckets {
    pub(crate) fn add(&self, value: u64) {
        let power = value
            .clamp(1, 1 << BOUNDS)
            .next_power_of_two()
            .trailing_zeros() as usize;
        self.counts[power].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Adds a time, in microseconds.
    pub(crate) fn time(&self, time: Duration) {
        self.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn distribution(&self, unit: f64) -> Distribution {
        let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
        Distribution {
            bounds: (0..BOUNDS)
                .map(|power| (1u64 << power) as f64 * unit)
                .collect(),
            counts: self.counts.iter().map(load).collect(),
            sum: load(&self.sum) as f64 * unit,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
    late: AtomicU64,
    pub(super) cancelled: AtomicU64,
    cut_off: AtomicU64,
    full: AtomicU64,
    overloaded: AtomicU64,
    too_large: AtomicU64,
    closed: AtomicU64,
    unreadable: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) replaced: AtomicU64,
    pub(super) swaps: AtomicU64,
    pub(super) batch_tokens: Buckets,
    pub(super) batch_texts: Buckets,
    pub(super) encode: Buckets,
    pub(super) wait: Buckets,
    pub(super) forward: Buckets,
    pub(super) decode: Buckets,
}

/// Adds one to a counter.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// Counts a request that was let in and has come to its end.
    pub(super) fn ended<T>(&self, outcome: &Result<T, EngineError>) {
        count(match outcome {
            Ok(_) => &self.answered,
            Err(EngineError::Deadline { .. }) => &self.late,
            Err(EngineError::Closed) => &self.cut_off,
            Err(_) => &self.failed,
        });
    }

    /// Counts a request that was not let in.
    pub(super) fn refused(&self, error: &EngineError) {
        count(match error {
            EngineError::Full { .. } => &self.full,
            EngineError::TooLarge { .. } | EngineError::TooLong { .. } => &self.too_large,
            EngineError::Closed => &self.closed,
            EngineError::Model(_) => &self.unreadable,
            _ => &self.overloaded,
        });
    }

    /// Gives all figures that do not depend on the present state.
    pub(super) fn snapshot(&self) -> Snapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            accepted: load(&self.accepted),
            answered: load(&self.answered),
            failed: load(&self.failed),
            late: load(&self.late),
            cancelled: load(&self.cancelled),
            cut_off: load(&self.cut_off),
            refused: Refusals {
                full: load(&self.full),
                overloaded: load(&self.overloaded),
                too_large: load(&self.too_large),
                closed: load(&self.closed),
                unreadable: load(&self.unreadable),
            },
            retried: load(&self.retried),
            panics: load(&self.panics),
            replaced: load(&self.replaced),
            swaps: load(&self.swaps),
            batch_tokens: self.batch_tokens.distribution(1.0),
            batch_texts: self.batch_texts.distribution(1.0),
            stages: Stages {
                encode: self.encode.distribution(MICRO),
                wait: self.wait.distribution(MICRO),
                forward: self.forward.distribution(MICRO),
                decode: self.decode.distribution(MICRO),
            },
            ..Snapshot::default()
        }
    }
}
