//! Who computes an operation: one thread alone, or all threads of a crew together.

use super::Simd;
use super::pool::Crew;

/// The instruction set, and the threads that an operation is split over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team<'a> {
    pub(crate) simd: Simd,
    crew: Option<&'a Crew<'a>>,
}

impl<'a> Team<'a> {
    /// The calling thread alone, with rank 0.
    pub(crate) fn solo(simd: Simd) -> Self {
        Self { simd, crew: None }
    }

    /// All threads of a crew.
    pub(crate) fn all(simd: Simd, crew: &'a Crew<'a>) -> Self {
        Self {
            simd,
            crew: Some(crew),
        }
    }

    /// Number of threads.
    pub(crate) fn size(self) -> usize {
        self.crew.map_or(1, Crew::size)
    }

    /// Calls `job(rank, part)` for every part in `0..parts` and waits for all.
    pub(super) fn run(self, parts: usize, job: impl Fn(usize, usize) + Sync) {
        match self.crew {
            Some(crew) => crew.run(parts, &job),
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
