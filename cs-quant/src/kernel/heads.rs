//! Queries and keys made ready for attention: the norm of each head, and rotary positions (Su et
//! al. 2021, <https://arxiv.org/abs/2104.09864>).

use super::row_ops::Norm;
use super::shared::Shared;
use super::team::Team;
use super::{Isa, Task};

/// The number of values from which on rows are worth another thread.
const GRAIN: usize = 1 << 13;

/// How queries, keys and values lie side by side in a row: `A` heads of queries, then `K` heads of
/// keys and as many of values, each of `D` numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadShape {
    /// The number `A` of heads of queries, which `K` divides.
    pub(crate) queries: usize,
    /// The number `K` of heads of keys, and of values.
    pub(crate) keys: usize,
    /// The width `D` of a head.
    pub(crate) size: usize,
}

impl HeadShape {
    /// The width `(A + 2 K) D` of a row.
    pub(crate) fn width(self) -> usize {
        (self.queries + 2 * self.keys) * self.size
    }

    /// The width `A D` of all heads' context together.
    pub(crate) fn context(self) -> usize {
        self.queries * self.size
    }

    /// The number of heads of queries that share one of keys.
    pub(crate) fn group(self) -> usize {
        self.queries / self.keys.max(1)
    }
}

/// What is done to each head's queries and keys before attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preparation<'a> {
    pub(crate) shape: HeadShape,
    /// The norms of queries and of keys, each over `D` numbers.
    pub(crate) norms: Option<&'a [Norm; 2]>,
    /// For each row the cosines and then the sines by which pairs are turned, `[N, D]`; `None`
    /// where positions are not told by turning.
    pub(crate) turns: Option<&'a [f32]>,
}

impl Preparation<'_> {
    /// Changes the queries and keys of all rows, `[N, (A + 2 K) D]`.
    pub(crate) fn apply(self, team: Team<'_>, qkv: &mut [f32]) {
        if self.norms.is_none() && self.turns.is_none() {
            return;
        }
        let width = self.shape.width();
        let rows = qkv.len() / width.max(1);
        let shared = Shared::new(qkv);
        team.split(rows, GRAIN.div_ceil(width.max(1)), |range| {
            // SAFETY: the pieces of a split are disjoint.
            let rows = unsafe { shared.slice(range.start * width, range.len() * width) };
            let size = self.shape.size;
            let turns = self
                .turns
                .map(|turns| &turns[range.start * size..range.end * size]);
            let preparation = Self { turns, ..self };
            team.simd.run(Prepare { preparation, rows });
        });
    }
}

struct Prepare<'a> {
    preparation: Preparation<'a>,
    rows: &'a mut [f32],
}

impl Task for Prepare<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Preparation {
            shape,
            norms,
            turns,
        } = self.preparation;
        let size = shape.size;
        for (i, row) in self.rows.chunks_exact_mut(shape.width()).enumerate() {
            let turned = &mut row[..(shape.queries + shape.keys) * size];
            for (head, numbers) in turned.chunks_exact_mut(size).enumerate() {
                if let Some(norms) = norms {
                    norms[usize::from(head >= shape.queries)].row::<I>(numbers);
                }
                if let Some(turns) = turns {
                    turn::<I>(numbers, &turns[i * size..][..size]);
                }
            }
        }
    }
}

/// Turns the pairs of a head, numbers `i` and `i + D/2`.
#[inline(always)]
fn turn<I: Isa>(numbers: &mut [f32], turns: &[f32]) {
    let (cosines, sines) = turns.split_at(turns.len() / 2);
    let (left, right) = numbers.split_at_mut(numbers.len() / 2);
    for (((x, y), &cos), &sin) in left.iter_mut().zip(right).zip(cosines).zip(sines) {
        (*x, *y) = (*x * cos - *y * sin, *y * cos + *x * sin);
    }
}
