//! Who computes an operation: one thread alone, or all threads of the pool together.

use super::Simd;
use super::pool::Pool;

/// The instruction set, and the threads that an operation is split over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team<'a> {
    pub(crate) simd: Simd,
    pool: Option<&'a Pool>,
}

impl<'a> Team<'a> {
    /// The calling thread alone.
    pub(crate) fn solo(simd: Simd) -> Self {
        Self { simd, pool: None }
    }

    /// All threads of a pool.
    pub(crate) fn all(simd: Simd, pool: &'a Pool) -> Self {
        Self {
            simd,
            pool: Some(pool),
        }
    }

    /// Number of threads.
    pub(crate) fn size(self) -> usize {
        self.pool.map_or(1, Pool::threads)
    }

    /// Calls `job(rank, part)` for every part in `0..parts` and waits for all.
    pub(super) fn run(self, parts: usize, job: impl Fn(usize, usize) + Sync) {
        match self.pool {
            Some(pool) => pool.run(parts, &job),
            None => (0..parts).for_each(|part| job(0, part)),
        }
    }

    /// Cuts `0..items` into pieces of at least `grain`, a few per thread, and runs them.
    pub(super) fn split(
        self,
        items: usize,
        grain: usize,
        job: impl Fn(std::ops::Range<usize>) + Sync,
    ) {
        let threads = self.size();
        let pieces = if threads == 1 {
            1
        } else {
            (items / grain.max(1)).clamp(1, threads * 4)
        };
        self.run(pieces, |_, piece| {
            job(items * piece / pieces..items * (piece + 1) / pieces);
        });
    }
}
