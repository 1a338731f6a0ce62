//! Self-attention on packed rows: every sequence by itself, every head by itself.
//!
//! `context = softmax(Q K^T / sqrt D) V` (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>),
//! in `f32`. The keys are laid out transposed in panels of 16, and the values in panels of 16
//! columns, so that both products use the same tile as a linear layer.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::gemm::store;
use super::memory::grow;
use super::row_ops::softmax_row;
use super::shared::Shared;
use super::team::Team;
use super::{Blocks, Isa, MOST_ROWS, TILE, Task, for_blocks};
use crate::error::Result;

/// The space for one head, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct HeadScratch {
    /// The keys, transposed: `[L / 16][D][16]`.
    keys: Vec<f32>,
    /// The values: `[D / 16][L][16]`.
    values: Vec<f32>,
    /// The scores of the queries that go through together: `[ROWS, Lp]`, with `Lp` the next
    /// multiple of 16.
    scores: Vec<f32>,
}

impl HeadScratch {
    /// The space for scores.
    pub(super) fn scores(&mut self) -> &mut Vec<f32> {
        &mut self.scores
    }

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

/// The arguments of [`attention`].
#[derive(Debug, Clone)]
pub(crate) struct AttentionInput<'a> {
    /// The queries, keys and values side by side: `[N, 3 C]`.
    pub(crate) qkv: &'a [f32],
    /// The positions where sequences begin, counted from the first of them: `[B + 1]`.
    pub(crate) offsets: &'a [u32],
    /// The rows of the N whose context is wanted.
    pub(crate) queries: Range<usize>,
    /// The number of heads, which divides C.
    pub(crate) heads: usize,
    /// The width C of all heads together.
    pub(crate) width: usize,
}

/// Writes the context of the queries, `[Q, C]`. `scratch` has an entry for every rank of the team.
///
/// # Panics
///
/// If the lengths disagree.
pub(crate) fn attention(
    team: Team<'_>,
    input: AttentionInput<'_>,
    scratch: &[Mutex<HeadScratch>],
    out: &mut [f32],
) {
    let AttentionInput {
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
    /// The rows of the sequence whose context is wanted.
    queries: Range<usize>,
    /// The width D of the head.
    size: usize,
    /// The first column of the head.
    column: usize,
    width: usize,
    scratch: &'a mut HeadScratch,
    out: &'a Shared<'a, f32>,
    /// The position in `out` where the head's context begins.
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
            let (lines, _) = panel.as_chunks_mut::<TILE>();
            for quarter in 0..TILE / 4 {
                // The keys that a last panel lacks are filled up with the last one; the scores of
                // these are not used.
                let rows: [&[f32]; 4] = std::array::from_fn(|j| {
                    let key = (p * TILE + quarter * 4 + j).min(self.len - 1);
                    &self.rows[key * stride + self.width + self.column..][..size]
                });
                transpose(rows, lines, quarter * 4);
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
            let first = 2 * self.width + self.column + p * TILE;
            let (lines, _) = panel.as_chunks_mut::<TILE>();
            for (i, line) in lines.iter_mut().enumerate() {
                let row = &self.rows[i * stride + first..][..TILE.min(size - p * TILE)];
                if let Some(row) = row.first_chunk::<TILE>() {
                    *line = *row;
                } else {
                    line[..row.len()].copy_from_slice(row);
                    line[row.len()..].fill(0.0);
                }
            }
        }
    }
}

/// Writes four rows as columns, from column `at` on.
#[inline(always)]
fn transpose(rows: [&[f32]; 4], lines: &mut [[f32; TILE]], at: usize) {
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<4>());
    let blocks = a.0.iter().zip(b.0).zip(c.0).zip(d.0);
    let (groups, rest) = lines.as_chunks_mut::<4>();
    for ((((a, b), c), d), group) in blocks.zip(groups) {
        for (line, column) in group.iter_mut().zip(turn([*a, *b, *c, *d])) {
            line[at..at + 4].copy_from_slice(&column);
        }
    }
    for (i, line) in rest.iter_mut().enumerate() {
        line[at..at + 4].copy_from_slice(&[a.1[i], b.1[i], c.1[i], d.1[i]]);
    }
}

/// Transposes four rows to four columns.
#[inline(always)]
fn turn(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86_64 has SSE, and a vector has the size of four floats.
    return unsafe {
        use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
        let [mut a, mut b, mut c, mut d] = std::mem::transmute::<[[f32; 4]; 4], [__m128; 4]>(rows);
        _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
        std::mem::transmute::<[__m128; 4], [[f32; 4]; 4]>([a, b, c, d])
    };
    #[cfg(not(target_arch = "x86_64"))]
    return std::array::from_fn(|i| rows.map(|row| row[i]));
}

impl Blocks for Head<'_> {
    /// Computes `R` of the queries, from `row` on.
    #[inline(always)]
    fn block<I: Isa, const R: usize>(&mut self, row: usize) {
        self.score::<I, R>(row);
        let padded = self.len.next_multiple_of(TILE);
        let mut inverse = [0.0; R];
        let scores = &mut self.scratch.scores[..R * padded];
        for (line, inverse) in scores.chunks_exact_mut(padded).zip(&mut inverse) {
            line[self.len..].fill(f32::NEG_INFINITY);
            *inverse = softmax_row::<I>(line);
        }
        self.mix::<I, R>(row, inverse);
    }
}

impl Head<'_> {
    /// Computes the scores of `R` of the queries, from `row` on: `q·k / sqrt D`.
    #[inline(always)]
    fn score<I: Isa, const R: usize>(&mut self, row: usize) {
        let (size, stride) = (self.size, 3 * self.width);
        let padded = self.len.next_multiple_of(TILE);
        let factor = 1.0 / (size as f32).sqrt();
        let first = (self.queries.start + row) * stride + self.column;
        let queries = &self.rows[first..][..(R - 1) * stride + size];
        let HeadScratch { keys, scores, .. } = &mut *self.scratch;
        let scores = &mut scores[..R * padded];
        for (p, panel) in keys
            .chunks_exact(size * TILE)
            .take(padded / TILE)
            .enumerate()
        {
            // SAFETY: `R` rows of D floats, `stride` apart, were sliced above; the panel has
            // D rows of 16; tasks only run where `I` does.
            let sums =
                unsafe { I::tile_floats::<f32, R>(size, queries.as_ptr(), stride, panel.as_ptr()) };
            for (r, sums) in sums.iter().enumerate() {
                let line = &mut scores[r * padded + p * TILE..][..TILE];
                for (score, sum) in line.iter_mut().zip(sums) {
                    *score = sum * factor;
                }
            }
        }
    }

    /// Writes the values of the sequence, weighted by `R` lines of exponentials and each line's
    /// `inverse` sum, to the rows from `row` on.
    #[inline(always)]
    fn mix<I: Isa, const R: usize>(&mut self, row: usize, inverse: [f32; R]) {
        let (len, size) = (self.len, self.size);
        let padded = len.next_multiple_of(TILE);
        let HeadScratch { values, scores, .. } = &*self.scratch;
        let scores = &scores[..R * padded];
        for (p, panel) in values
            .chunks_exact(len * TILE)
            .take(size.div_ceil(TILE))
            .enumerate()
        {
            let column = p * TILE;
            // SAFETY: `scores` has `R` rows of at least `len` floats; the panel has `len` rows of
            // 16; tasks only run where `I` does.
            let sums =
                unsafe { I::tile_floats::<f32, R>(len, scores.as_ptr(), padded, panel.as_ptr()) };
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
