//! Self-attention on packed rows: every sequence by itself, every head by itself.
//!
//! `context = softmax(Q K^T / sqrt D) V` (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>),
//! in `f32`. Panels of 16 keys, transposed, and of 16 columns of the values make both products the
//! same tile as a linear layer's.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::gemm::store;
use super::memory::grow;
use super::rows::softmax_row;
use super::shared::Shared;
use super::team::Team;
use super::{Blocks, Isa, MOST_ROWS, TILE, Task, for_blocks};
use crate::error::Result;

/// Space for one head, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct HeadScratch {
    /// Transposed: `[L / 16][D][16]`
    keys: Vec<f32>,
    /// `[D / 16][L][16]`
    values: Vec<f32>,
    /// Of the queries that go through together: `[ROWS, Lp]`, Lp the next multiple of 16
    scores: Vec<f32>,
}

impl HeadScratch {
    /// Makes room for a head of `size` values and sequences of up to `longest` tokens.
    pub(crate) fn reserve(&mut self, longest: usize, size: usize) -> Result<()> {
        let padded = longest.next_multiple_of(TILE);
        grow(&mut self.keys, padded.saturating_mul(size))?;
        grow(
            &mut self.values,
            longest.saturating_mul(size.next_multiple_of(TILE)),
        )?;
        grow(&mut self.scores, padded.saturating_mul(MOST_ROWS))
    }
}

/// What attention reads.
#[derive(Debug, Clone)]
pub(crate) struct Heads<'a> {
    /// Queries, keys and values side by side: `[N, 3 C]`
    pub(crate) qkv: &'a [f32],
    /// Where sequences begin, counted from the first of them: `[B + 1]`
    pub(crate) offsets: &'a [u32],
    /// Which of the N rows are wanted.
    pub(crate) queries: Range<usize>,
    /// Number of heads; divides C.
    pub(crate) heads: usize,
    /// C: the heads' width together
    pub(crate) width: usize,
}

/// Writes the context of the queries, `[Q, C]`. `scratch` has a place for every rank of the team.
///
/// # Panics
///
/// If the lengths disagree.
pub(crate) fn attention(
    team: Team<'_>,
    input: Heads<'_>,
    scratch: &[Mutex<HeadScratch>],
    out: &mut [f32],
) {
    let Heads {
        qkv,
        offsets,
        queries,
        heads,
        width,
    } = input;
    assert_eq!(queries.len() * width, out.len());
    let out = Shared::new(out);
    team.run(offsets.len().saturating_sub(1) * heads, |rank, part| {
        let (sequence, head) = (part / heads, part % heads);
        let [start, end] = [sequence, sequence + 1].map(|i| (offsets[i] - offsets[0]) as usize);
        let (first, last) = (start.max(queries.start), end.min(queries.end));
        if first >= last {
            return;
        }
        let size = width / heads;
        let mut scratch = scratch[rank].lock().unwrap_or_else(PoisonError::into_inner);
        team.simd.run(Head {
            rows: &qkv[start * 3 * width..end * 3 * width],
            len: end - start,
            queries: first - start..last - start,
            size,
            column: head * size,
            width,
            scratch: &mut scratch,
            out: &out,
            at: (first - queries.start) * width + head * size,
        });
    });
}

/// One head of one sequence.
struct Head<'a> {
    /// The sequence's part of `qkv`.
    rows: &'a [f32],
    len: usize,
    /// Which of the sequence's rows are wanted.
    queries: Range<usize>,
    /// D
    size: usize,
    /// First column of the head.
    column: usize,
    width: usize,
    scratch: &'a mut HeadScratch,
    out: &'a Shared<'a, f32>,
    /// Where the head's context begins in `out`.
    at: usize,
}

impl Task for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        if self.len == 0 || self.size == 0 {
            return;
        }
        self.transpose_keys();
        self.split_values();
        let padded = self.len.next_multiple_of(TILE);
        let scores = &mut self.scratch.scores;
        scores.resize(scores.len().max(I::ROWS * padded), 0.0);
        for_blocks::<I>(self.queries.len(), &mut self);
    }
}

impl Head<'_> {
    #[inline(always)]
    fn transpose_keys(&mut self) {
        let (size, stride) = (self.size, 3 * self.width);
        let keys = &mut self.scratch.keys;
        let panels = self.len.div_ceil(TILE);
        keys.resize(keys.len().max(panels * size * TILE), 0.0);
        for (p, panel) in keys.chunks_exact_mut(size * TILE).take(panels).enumerate() {
            for j in 0..TILE {
                let key = p * TILE + j;
                if key < self.len {
                    let row = &self.rows[key * stride + self.width + self.column..][..size];
                    for (line, &k) in panel.chunks_exact_mut(TILE).zip(row) {
                        line[j] = k;
                    }
                } else {
                    for line in panel.chunks_exact_mut(TILE) {
                        line[j] = 0.0;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn split_values(&mut self) {
        let (size, stride) = (self.size, 3 * self.width);
        let (len, panels) = (self.len, size.div_ceil(TILE));
        let values = &mut self.scratch.values;
        values.resize(values.len().max(panels * len * TILE), 0.0);
        for (p, panel) in values.chunks_exact_mut(len * TILE).take(panels).enumerate() {
            let columns = TILE.min(size - p * TILE);
            let first = 2 * self.width + self.column + p * TILE;
            for (i, line) in panel.chunks_exact_mut(TILE).enumerate() {
                line[..columns].copy_from_slice(&self.rows[i * stride + first..][..columns]);
                line[columns..].fill(0.0);
            }
        }
    }
}

impl Blocks for Head<'_> {
    /// `R` of the queries, from `row` on.
    #[inline(always)]
    fn block<I: Isa, const R: usize>(&mut self, row: usize) {
        let (len, size, stride) = (self.len, self.size, 3 * self.width);
        let padded = len.next_multiple_of(TILE);
        let factor = 1.0 / (size as f32).sqrt();
        let first = (self.queries.start + row) * stride + self.column;
        let queries = &self.rows[first..][..(R - 1) * stride + size];
        let HeadScratch {
            keys,
            values,
            scores,
        } = &mut *self.scratch;
        let scores = &mut scores[..R * padded];
        for (p, panel) in keys
            .chunks_exact(size * TILE)
            .take(padded / TILE)
            .enumerate()
        {
            // SAFETY: `R` rows of D floats, `stride` apart, were sliced above; the panel has
            // D rows of 16; tasks only run where `I` does.
            let sums = unsafe { I::tile_f32::<R>(size, queries.as_ptr(), stride, panel.as_ptr()) };
            for (r, sums) in sums.iter().enumerate() {
                let line = &mut scores[r * padded + p * TILE..][..TILE];
                for (score, sum) in line.iter_mut().zip(sums) {
                    *score = sum * factor;
                }
            }
        }
        let mut inverse = [0.0; R];
        for (line, inverse) in scores.chunks_exact_mut(padded).zip(&mut inverse) {
            line[len..].fill(f32::NEG_INFINITY);
            *inverse = softmax_row::<I>(line);
        }
        for (p, panel) in values
            .chunks_exact(len * TILE)
            .take(size.div_ceil(TILE))
            .enumerate()
        {
            let column = p * TILE;
            // SAFETY: `scores` has `R` rows of at least `len` floats; the panel has `len` rows of
            // 16; tasks only run where `I` does.
            let sums = unsafe { I::tile_f32::<R>(len, scores.as_ptr(), padded, panel.as_ptr()) };
            for (r, sums) in sums.iter().enumerate() {
                let mut y = *sums;
                y.iter_mut().for_each(|y| *y *= inverse[r]);
                store(
                    self.out,
                    self.at + (row + r) * self.width + column,
                    size - column,
                    &y,
                );
            }
        }
    }
}
