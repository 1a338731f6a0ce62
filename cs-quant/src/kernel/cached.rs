//! Attention to cached keys and values: causal, where several heads of queries may share one
//! (Ainslie et al. 2023, "GQA"), or to all of a source.
//!
//! The cache of a sequence is a list of pages of [`PAGE`] tokens, each with the keys and values of
//! all layers and heads. On a page a head's keys are transposed in panels of 16 tokens,
//! `[PAGE / 16][D][16]`, and its values lie in panels of 16 columns, `[D / 16][PAGE][16]`, so that
//! both products use the tile of a linear layer and nothing is laid out anew at a step. What a row
//! gets depends on its own sequence up to itself, whatever rows are computed with it.
//!
//! The numbers are [`Kept::F16`], rounded when they are written and widened in the tile's registers,
//! or floats as they were computed.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use half::f16;

use super::attention::HeadScratch;
use super::gemm::store;
use super::heads::HeadShape;
use super::number::Number;
use super::pack::Line;
use super::row_ops::softmax_row;
use super::shared::Shared;
use super::team::Team;
use super::{Blocks, Isa, TILE, Task, for_blocks};

/// The number of values from which on keys are worth another thread.
const GRAIN: usize = 1 << 13;

/// The number of tokens of a page.
pub(crate) const PAGE: usize = 32;

/// The memory of a page.
pub(crate) type Page = Vec<PageLine>;

/// A part of it, aligned for numbers of either type.
pub(crate) type PageLine = Line<u8, 64>;

/// The type of numbers in which keys and values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    F32,
    F16,
}

impl Kept {
    /// The number of lines that so many numbers take.
    pub(crate) fn lines(self, numbers: usize) -> usize {
        let size = match self {
            Self::F32 => size_of::<f32>(),
            Self::F16 => size_of::<f16>(),
        };
        (numbers * size).div_ceil(size_of::<PageLine>())
    }
}

/// Where the keys and values of a layer's heads lie on a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageLayer {
    /// The position of the first head's, in numbers.
    pub(crate) start: usize,
    pub(crate) heads: HeadShape,
    pub(crate) kept: Kept,
}

impl PageLayer {
    /// The number of numbers that the layer takes on a page.
    pub(crate) fn len(self) -> usize {
        self.heads.keys * self.head_len()
    }

    /// The layer of rows that have keys and values alone.
    pub(crate) fn without_queries(self) -> Self {
        let heads = HeadShape {
            queries: 0,
            ..self.heads
        };
        Self { heads, ..self }
    }

    fn head_len(self) -> usize {
        PAGE * (self.heads.size + self.heads.size.next_multiple_of(TILE))
    }

    fn head(self, head: usize) -> usize {
        self.start + head * self.head_len()
    }
}

/// A page that a forward works with.
#[derive(Debug)]
pub(crate) struct PageRef<'a> {
    lines: Shared<'a, PageLine>,
    /// Whether tokens are added.
    grows: bool,
}

impl<'a> PageRef<'a> {
    /// Takes a page to which tokens are added.
    pub(crate) fn growing(page: &'a mut Page) -> Self {
        Self {
            lines: Shared::new(page),
            grows: true,
        }
    }

    /// Takes a page that is only read.
    pub(crate) fn full(page: &'a Page) -> Self {
        Self {
            lines: Shared::reading(page),
            grows: false,
        }
    }

    fn numbers<N: Number>(&self) -> Shared<'a, N> {
        // SAFETY: any bits are a number, of whatever type, and a line is aligned for all of them.
        unsafe { self.lines.cast() }
    }
}

/// The rows of one sequence in a forward.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    /// The sequence's pages, with room for the new tokens.
    pub(crate) pages: &'a [PageRef<'a>],
    /// The number of tokens before the first row's: of a source, all that it has.
    pub(crate) before: usize,
    pub(crate) rows: Range<usize>,
}

/// The queries of rows that attend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queries<'a> {
    /// Rows that begin with the queries of all heads, `[N, width]`.
    pub(crate) rows: &'a [f32],
    pub(crate) width: usize,
    /// Whether a row is one of the tokens that are attended to, and attends up to itself.
    pub(crate) causal: bool,
}

/// Where the keys and values of rows lie, in one layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerPages<'a> {
    pub(crate) layer: PageLayer,
    /// The rows of each sequence, one after the other.
    pub(crate) segments: &'a [Segment<'a>],
}

/// Adds the keys and values of all rows of `qkv`, `[N, (A + 2 K) D]`, to their pages.
///
/// # Panics
///
/// If a sequence lacks a page, or one that grows.
pub(crate) fn remember(team: Team<'_>, pages: LayerPages<'_>, qkv: &[f32]) {
    let LayerPages { layer, segments } = pages;
    let heads = layer.heads.keys;
    let rows = qkv.len() / layer.heads.width().max(1);
    let each = rows * layer.heads.size / segments.len().max(1);
    team.split(
        segments.len() * heads,
        GRAIN.div_ceil(each.max(1)),
        |parts| {
            for part in parts {
                team.simd.run(Remember {
                    layer,
                    segment: &segments[part / heads],
                    head: part % heads,
                    qkv,
                });
            }
        },
    );
}

/// One head's keys and values of a sequence, to be added.
struct Remember<'a> {
    layer: PageLayer,
    segment: &'a Segment<'a>,
    head: usize,
    qkv: &'a [f32],
}

impl Task for Remember<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        match self.layer.kept {
            Kept::F32 => self.write::<I, f32>(),
            Kept::F16 => self.write::<I, f16>(),
        }
    }
}

impl Remember<'_> {
    #[inline(always)]
    fn write<I: Isa, N: Number>(self) {
        let (layer, segment) = (self.layer, self.segment);
        let HeadShape {
            queries,
            keys,
            size,
        } = layer.heads;
        for (i, row) in segment.rows.clone().enumerate() {
            let at = segment.before + i;
            let page = &segment.pages[at / PAGE];
            assert!(page.grows);
            let numbers = page.numbers::<N>();
            // SAFETY: a part of a split has a head of a sequence to itself, and no two sequences
            // have a page that grows in common, as it was borrowed mutably.
            let slot = unsafe { numbers.slice(layer.head(self.head), layer.head_len()) };
            let (key_slot, value_slot) = slot.split_at_mut(PAGE * size);
            let at = at % PAGE;
            let from = row * layer.heads.width() + (queries + self.head) * size;
            let column = &mut key_slot[at / TILE * TILE * size..][..TILE * size];
            let lines = column.chunks_mut(TILE * TILE);
            for (lines, keys) in lines.zip(self.qkv[from..from + size].chunks(TILE)) {
                let keys = narrow::<I, N>(keys);
                for (line, key) in lines.chunks_exact_mut(TILE).zip(keys) {
                    line[at % TILE] = key;
                }
            }
            let values = self.qkv[from + keys * size..][..size].chunks(TILE);
            for (panel, values) in value_slot.chunks_mut(PAGE * TILE).zip(values) {
                panel[at * TILE..][..TILE].copy_from_slice(&narrow::<I, N>(values));
            }
        }
    }
}

/// Rounds up to [`TILE`] floats.
#[inline(always)]
fn narrow<I: Isa, N: Number>(floats: &[f32]) -> [N; TILE] {
    let mut all = [0.0; TILE];
    all[..floats.len()].copy_from_slice(floats);
    // SAFETY: tasks only run where `I` does.
    unsafe { N::narrow::<I>(&all) }
}

/// Writes the context of all rows, `[N, A D]`, to what was [remembered](remember). `scratch` has an
/// entry for every rank of the team.
///
/// # Panics
///
/// If the lengths disagree.
pub(crate) fn attend(
    team: Team<'_>,
    pages: LayerPages<'_>,
    queries: Queries<'_>,
    scratch: &[Mutex<HeadScratch>],
    out: &mut [f32],
) {
    let LayerPages { layer, segments } = pages;
    let (shape, width) = (layer.heads, queries.width);
    let context = shape.context();
    assert_eq!(queries.rows.len() / width * context, out.len());
    let out = Shared::new(out);
    // With one row each, the heads that share keys go through the tile together, else the rows.
    let single = segments.iter().all(|segment| segment.rows.len() == 1);
    let parts = if single { shape.keys } else { shape.queries };
    team.run(segments.len() * parts, |rank, part| {
        let (segment, head) = (&segments[part / parts], part % parts);
        let (group, row) = (shape.group(), segment.rows.start);
        let (key_head, column) = match single {
            true => (head, head * group * shape.size),
            false => (head / group, head * shape.size),
        };
        let mut scratch = scratch[rank].lock().unwrap_or_else(PoisonError::into_inner);
        team.simd.run(Head {
            queries: &queries.rows[row * width + column..],
            strides: if single {
                [shape.size; 2]
            } else {
                [width, context]
            },
            count: if single { group } else { segment.rows.len() },
            keys: segment.before + usize::from(queries.causal),
            grows: queries.causal && !single,
            pages: segment.pages,
            slot: layer.head(key_head)..layer.head(key_head) + layer.head_len(),
            kept: layer.kept,
            size: shape.size,
            scores: scratch.scores(),
            out: &out,
            at: row * context + column,
        });
    });
}

/// Rows of queries that attend to one head of keys.
struct Head<'a> {
    queries: &'a [f32],
    /// How far apart rows are among the queries, and in `out`.
    strides: [usize; 2],
    /// The number of rows.
    count: usize,
    /// The number of keys that the first row attends to.
    keys: usize,
    /// Whether each row attends to one more than the one before.
    grows: bool,
    pages: &'a [PageRef<'a>],
    /// The place of the head's keys and values on each page.
    slot: Range<usize>,
    kept: Kept,
    size: usize,
    scores: &'a mut Vec<f32>,
    out: &'a Shared<'a, f32>,
    /// The position in `out` where the first row begins.
    at: usize,
}

impl Task for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        let longest = self.length(self.count.saturating_sub(1));
        let len = I::ROWS * longest.next_multiple_of(TILE);
        self.scores.resize(self.scores.len().max(len), 0.0);
        for_blocks::<I>(self.count, &mut self);
    }
}

impl Head<'_> {
    /// The number of keys that a row attends to.
    #[inline(always)]
    fn length(&self, row: usize) -> usize {
        self.keys + if self.grows { row } else { 0 }
    }

    /// Gives the keys and the values of a page.
    #[inline(always)]
    fn page<N: Number>(&self, page: usize) -> (&[N], &[N]) {
        let numbers = self.pages[page].numbers::<N>();
        // SAFETY: keys and values are read only after all were remembered.
        let slot = unsafe { numbers.read(self.slot.start, self.slot.len()) };
        slot.split_at(PAGE * self.size)
    }
}

impl Blocks for Head<'_> {
    #[inline(always)]
    fn block<I: Isa, const R: usize>(&mut self, row: usize) {
        match self.kept {
            Kept::F32 => self.rows::<I, f32, R>(row),
            Kept::F16 => self.rows::<I, f16, R>(row),
        }
    }
}

impl Head<'_> {
    /// Computes `R` rows.
    #[inline(always)]
    fn rows<I: Isa, N: Number, const R: usize>(&mut self, row: usize) {
        let longest = self.length(row + R - 1);
        let padded = longest.next_multiple_of(TILE);
        self.score::<I, N, R>(row, padded);
        let mut inverse = [0.0; R];
        for (r, inverse) in inverse.iter_mut().enumerate() {
            let len = self.length(row + r);
            let own = len.next_multiple_of(TILE);
            let line = &mut self.scores[r * padded..][..padded];
            line[len..own].fill(f32::NEG_INFINITY);
            *inverse = softmax_row::<I>(&mut line[..own]);
            line[len..].fill(0.0);
        }
        self.mix::<I, N, R>(row, longest, padded, inverse);
    }

    /// Computes the scores of `R` rows for `padded` keys: `q·k / sqrt D`.
    #[inline(always)]
    fn score<I: Isa, N: Number, const R: usize>(&mut self, row: usize, padded: usize) {
        let (size, stride) = (self.size, self.strides[0]);
        let factor = 1.0 / (size as f32).sqrt();
        let queries = self.queries[row * stride..][..(R - 1) * stride + size].as_ptr();
        let mut scores = std::mem::take(self.scores);
        for first in (0..padded).step_by(TILE) {
            let (keys, _) = self.page::<N>(first / PAGE);
            let panel = keys[first % PAGE * size..][..TILE * size].as_ptr();
            // SAFETY: `R` rows of D floats, `stride` apart, and a panel of D rows of 16 were sliced
            // above; tasks only run where `I` does.
            let sums = unsafe { I::tile_floats::<N, R>(size, queries, stride, panel) };
            for (r, sums) in sums.iter().enumerate() {
                let line = &mut scores[r * padded + first..][..TILE];
                for (score, sum) in line.iter_mut().zip(sums) {
                    *score = sum * factor;
                }
            }
        }
        *self.scores = scores;
    }

    /// Writes the values of `longest` tokens, weighted by `R` lines of exponentials and each line's
    /// `inverse` sum, to the rows from `row` on.
    #[inline(always)]
    fn mix<I: Isa, N: Number, const R: usize>(
        &self,
        row: usize,
        longest: usize,
        padded: usize,
        inverse: [f32; R],
    ) {
        let scores = &self.scores[..R * padded];
        for column in (0..self.size).step_by(TILE) {
            let mut mixed = [[0.0; TILE]; R];
            for first in (0..longest).step_by(PAGE) {
                let (_, values) = self.page::<N>(first / PAGE);
                let panel = values[column * PAGE..][..PAGE * TILE].as_ptr();
                let tokens = PAGE.min(longest - first);
                let scores = scores[first..][..(R - 1) * padded + tokens].as_ptr();
                // SAFETY: `R` rows of `tokens` scores, `padded` apart, and a panel of as many rows
                // of 16 were sliced above; tasks only run where `I` does.
                let sums = unsafe { I::tile_floats::<N, R>(tokens, scores, padded, panel) };
                for (mixed, sum) in mixed.iter_mut().flatten().zip(sums.iter().flatten()) {
                    *mixed += sum;
                }
            }
            for (r, (y, inverse)) in mixed.iter_mut().zip(inverse).enumerate() {
                y.iter_mut().for_each(|y| *y *= inverse);
                let at = self.at + (row + r) * self.strides[1] + column;
                store(self.out, at, self.size - column, y);
            }
        }
    }
}
