//! Who computes an operation: one thread alone, or all threads of a crew together.

use std::ops::Range;

use super::Simd;
use super::pool::Crew;
use super::shared::Shared;

/// The least number of rows of a thread with which the tiles are worth their while.
const ROWS_EACH: usize = 8;

/// The width of a matrix for each row from which on it is sooner read by one thread than the row's
/// results are sent to another: a weight comes from the third-level cache at about 29 GB/s, what
/// another core has just written at about 3.5 GB/s, as measured on two cores of a Xeon.
const WIDTH_PER_ROW: usize = 24;

/// The instruction set, and the threads that an operation is split over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team<'a> {
    pub(crate) simd: Simd,
    crew: Option<&'a Crew<'a>>,
    rank: usize,
}

/// What a thread computes of the rows of a [`Team::scatter`].
#[derive(Debug)]
pub(crate) struct Share<'a, const N: usize> {
    /// The threads that work on the share.
    pub(crate) team: Team<'a>,
    pub(crate) rows: Range<usize>,
    /// The rows of the share, of each buffer.
    pub(crate) buffers: [&'a mut [f32]; N],
}

impl<'a> Team<'a> {
    /// Makes a team of the calling thread alone, with the rank that it has in the pool.
    pub(crate) fn solo(simd: Simd, rank: usize) -> Self {
        Self {
            simd,
            crew: None,
            rank,
        }
    }

    /// Makes a team of all threads of a crew.
    pub(crate) fn all(simd: Simd, crew: &'a Crew<'a>) -> Self {
        Self {
            simd,
            crew: Some(crew),
            rank: crew.caller(),
        }
    }

    /// The number of threads.
    pub(crate) fn size(self) -> usize {
        self.crew.map_or(1, Crew::size)
    }

    /// The rank of the calling thread.
    pub(crate) fn rank(self) -> usize {
        self.rank
    }

    /// Calls `job(rank, part)` for every part in `0..parts` and waits for all.
    pub(super) fn run(self, parts: usize, job: impl Fn(usize, usize) + Sync) {
        match self.crew {
            Some(crew) => crew.run(parts, &job),
            None => (0..parts).for_each(|part| job(self.rank, part)),
        }
    }

    /// Cuts `0..items` into pieces of at least `grain`, a few per thread, and runs them.
    pub(super) fn split(self, items: usize, grain: usize, job: impl Fn(Range<usize>) + Sync) {
        let threads = self.size();
        let pieces = match items / grain.max(1) {
            _ if threads == 1 => 1,
            few if few < threads => few.max(1),
            // As many for each thread.
            many => (many / threads).min(4) * threads,
        };
        self.run(pieces, |_, piece| {
            job(items * piece / pieces..items * (piece + 1) / pieces);
        });
    }

    /// Gives the most rows that one thread takes in [`Team::scatter`] of a layer this wide.
    pub(crate) fn share(self, rows: usize, width: usize) -> usize {
        let threads = self.size();
        if rows < ROWS_EACH * threads || rows * WIDTH_PER_ROW < width {
            return rows;
        }
        // Only the last share may cut a kernel's tile.
        rows.div_ceil(threads).next_multiple_of(4)
    }

    /// Calls `job` for all of `0..rows`, with these rows of each buffer, `[rows, width]`, in pieces
    /// of `share` rows.
    ///
    /// With enough rows each thread takes a share of them, and reads all weights: what it computes
    /// stays in its cache. Else the calling thread gets all rows, and the team to split them up by
    /// columns, so that each weight is read once.
    ///
    /// # Panics
    ///
    /// If a buffer is not as long as its width demands.
    pub(crate) fn scatter<const N: usize>(
        self,
        rows: usize,
        share: usize,
        buffers: [(&mut [f32], usize); N],
        job: impl Fn(Share<'_, N>) + Sync,
    ) {
        if share >= rows {
            let buffers = buffers.map(|(buffer, _)| buffer);
            return job(Share {
                team: self,
                rows: 0..rows,
                buffers,
            });
        }
        let buffers = buffers.map(|(buffer, width)| {
            assert_eq!(buffer.len(), rows * width);
            (Shared::new(buffer), width)
        });
        self.run(rows.div_ceil(share), |rank, piece| {
            let rows = piece * share..rows.min((piece + 1) * share);
            let buffers = buffers.each_ref().map(|(buffer, width)| {
                // SAFETY: the pieces are disjoint, and each is visited once.
                unsafe { buffer.slice(rows.start * width, rows.len() * width) }
            });
            job(Share {
                team: Team::solo(self.simd, rank),
                rows,
                buffers,
            });
        });
    }
}
