//! Operations on one row at a time: quantisation, norms, softmax, embeddings.
//!
//! Sums and extremes run in 64 lanes, in the same order on every instruction set: an addition takes
//! several cycles, so a processor is busy only if many are under way at once.

use cs_model::NormKind;

use super::math::exp;
use super::outliers::{Outliers, quantise_without};
use super::shared::Shared;
use super::team::Team;
use super::{Isa, Task};

/// The number of lanes of the widest register.
const LANES: usize = 16;
/// The number of registers that are folded side by side.
const BESIDE: usize = 4;

/// The number of values from which on rows are worth another thread.
const GRAIN: usize = 1 << 14;

/// The scale of a quantised row, which stands for `scale * u + min` with `u` in 0..=255 or 0..=127.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct RowScale {
    pub(crate) scale: f32,
    pub(crate) min: f32,
}

/// Folds a row in lanes, then the lanes and what is left over.
#[inline(always)]
pub(super) fn fold<T: Copy>(
    row: &[T],
    start: f32,
    f: impl Fn(f32, T) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [[start; LANES]; BESIDE];
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (blocks, chunks) = chunks.as_chunks::<BESIDE>();
    let mut add = |i: usize, chunk: &[T; LANES]| {
        for l in 0..LANES {
            lanes[i][l] = f(lanes[i][l], chunk[l]);
        }
    };
    for block in blocks {
        for (i, chunk) in block.iter().enumerate() {
            add(i, chunk);
        }
    }
    for (i, chunk) in chunks.iter().enumerate() {
        add(i, chunk);
    }
    let rest = rest.iter().fold(start, |sum, &v| f(sum, v));
    let join_lanes = |a: [f32; LANES], b: [f32; LANES]| std::array::from_fn(|l| join(a[l], b[l]));
    let lanes: [f32; LANES] = join_lanes(
        join_lanes(lanes[0], lanes[1]),
        join_lanes(lanes[2], lanes[3]),
    );
    // Without this the compiler builds the lanes in pairs from here backwards.
    let lanes = std::hint::black_box(lanes);
    let half: [f32; 8] = std::array::from_fn(|l| join(lanes[l], lanes[l + 8]));
    let quarter: [f32; 4] = std::array::from_fn(|l| join(half[l], half[l + 4]));
    let pair = [join(quarter[0], quarter[2]), join(quarter[1], quarter[3])];
    join(join(pair[0], pair[1]), rest)
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Quantises a row: `u = round((x - min) / scale)`, `scale = (max - min) / levels`, with `levels`
/// 255 or 127. The bytes that `out` has after the row become zero. If it `CUTS`, values are taken
/// for no larger than `limit`, else they are not.
#[inline(always)]
pub(super) fn quantise_row<I: Isa, const CUTS: bool>(
    row: &[f32],
    levels: u8,
    limit: f32,
    out: &mut [u8],
) -> RowScale {
    /// 2^23: adding it leaves the nearest integer in the low bits of the mantissa.
    const ROUND: f32 = 8_388_608.0;
    let min = larger(fold(row, f32::INFINITY, smaller, smaller), -limit);
    let max = smaller(fold(row, f32::NEG_INFINITY, larger, larger), limit);
    let scale = (max - min) / f32::from(levels);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let (head, tail) = out.split_at_mut(row.len());
    for (u, &x) in head.iter_mut().zip(row) {
        let x = if CUTS {
            smaller(larger(x, min), max)
        } else {
            x
        };
        let shifted = (x - min) * inverse + ROUND;
        // The mask matters only where the row is not finite: a larger value is more than the tile
        // can add up.
        *u = shifted.to_bits() as u8 & levels;
    }
    tail.fill(0);
    if row.is_empty() {
        return RowScale::default();
    }
    RowScale { scale, min }
}

/// Replaces numbers by their softmax numerators, and returns the reciprocal of their sum.
#[inline(always)]
pub(super) fn softmax_row<I: Isa>(row: &mut [f32]) -> f32 {
    let max = fold(row, f32::NEG_INFINITY, larger, larger);
    for x in row.iter_mut() {
        *x = exp::<I>(*x - max);
    }
    1.0 / fold(row, 0.0, |sum, x| sum + x, |a, b| a + b)
}

/// The parameters of a norm.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) kind: NormKind,
    pub(crate) weight: Vec<f32>,
    /// What is added; zeros for a kind that adds nothing.
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl Norm {
    /// Normalises a row in place.
    #[inline(always)]
    pub(super) fn row<I: Isa>(&self, x: &mut [f32]) {
        let count = x.len() as f32;
        let mean = match self.kind {
            NormKind::Layer => fold(x, 0.0, |sum, x| sum + x, |a, b| a + b) / count,
            NormKind::Rms => 0.0,
        };
        let square = |sum, x| I::fma(x - mean, x - mean, sum);
        let variance = fold(x, 0.0, square, |a, b| a + b) / count;
        let inverse = 1.0 / (variance + self.epsilon).sqrt();
        for ((x, &w), &b) in x.iter_mut().zip(&self.weight).zip(&self.bias) {
            *x = I::fma((*x - mean) * inverse, w, b);
        }
    }
}

/// Computes `x = norm(x + y)` row by row; both are `[N, H]`.
pub(crate) fn add_norm(team: Team<'_>, norm: &Norm, x: &mut [f32], y: &[f32]) {
    norm_rows(team, norm, x, y, true);
}

/// Computes `out = norm(x)` row by row; both are `[N, H]`.
pub(crate) fn norm(team: Team<'_>, norm: &Norm, x: &[f32], out: &mut [f32]) {
    norm_rows(team, norm, out, x, false);
}

fn norm_rows(team: Team<'_>, norm: &Norm, x: &mut [f32], y: &[f32], adds: bool) {
    let width = norm.weight.len();
    if width == 0 {
        return;
    }
    let rows = x.len() / width;
    let shared = Shared::new(x);
    team.split(rows, GRAIN.div_ceil(width), |range| {
        // SAFETY: the pieces of a split are disjoint.
        let x = unsafe { shared.slice(range.start * width, range.len() * width) };
        let y = &y[range.start * width..][..range.len() * width];
        team.simd.run(NormRows { norm, x, y, adds });
    });
}

/// The operation `x = norm(x + y)`, or `x = norm(y)` if nothing `adds`.
struct NormRows<'a> {
    norm: &'a Norm,
    x: &'a mut [f32],
    y: &'a [f32],
    adds: bool,
}

impl Task for NormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let width = self.norm.weight.len();
        let rows = self.x.chunks_exact_mut(width);
        for (x, y) in rows.zip(self.y.chunks_exact(width)) {
            if self.adds {
                add_rows(x, y);
            } else {
                x.copy_from_slice(y);
            }
            self.norm.row::<I>(x);
        }
    }
}

#[inline(always)]
fn add_rows(x: &mut [f32], y: &[f32]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// Computes `x += y`.
pub(crate) fn add(team: Team<'_>, x: &mut [f32], y: &[f32]) {
    let len = x.len();
    let shared = Shared::new(x);
    team.split(len, GRAIN, |range| {
        // SAFETY: the pieces of a split are disjoint.
        let x = unsafe { shared.slice(range.start, range.len()) };
        team.simd.run(Add { x, y: &y[range] });
    });
}

struct Add<'a> {
    x: &'a mut [f32],
    y: &'a [f32],
}

impl Task for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        add_rows(self.x, self.y);
    }
}

/// Where quantised rows go.
#[derive(Debug)]
pub(super) struct QuantOut<'a> {
    /// The bytes, `[M, stride]`.
    pub(super) bytes: &'a mut [u8],
    /// The scales, `[M]`.
    pub(super) scales: &'a mut [RowScale],
    /// What is multiplied apart, `[M]`, or nothing if no value is cut.
    pub(super) outliers: &'a mut [Outliers],
    /// The multiple of a row's mean magnitude to which its values are cut.
    pub(super) beyond: f32,
}

/// Quantises rows `[M, width]` as [`quantise_row`] does, or without their outliers.
pub(super) fn quantise(team: Team<'_>, x: &[f32], width: usize, levels: u8, out: QuantOut<'_>) {
    let rows = out.scales.len();
    let stride = out.bytes.len().checked_div(rows).unwrap_or(0);
    let apart = !out.outliers.is_empty();
    let (bytes, scales) = (Shared::new(out.bytes), Shared::new(out.scales));
    let outliers = Shared::new(out.outliers);
    team.split(rows, GRAIN.div_ceil(width.max(1)), |range| {
        // SAFETY: the pieces of a split are disjoint.
        let out = unsafe {
            QuantOut {
                bytes: bytes.slice(range.start * stride, range.len() * stride),
                scales: scales.slice(range.start, range.len()),
                outliers: match apart {
                    true => outliers.slice(range.start, range.len()),
                    false => &mut [],
                },
                beyond: out.beyond,
            }
        };
        let x = &x[range.start * width..][..range.len() * width];
        team.simd.run(Quantise {
            x,
            width,
            levels,
            out,
        });
    });
}

struct Quantise<'a> {
    x: &'a [f32],
    width: usize,
    levels: u8,
    out: QuantOut<'a>,
}

impl Task for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let QuantOut {
            bytes,
            scales,
            outliers,
            beyond,
        } = self.out;
        let stride = bytes.len() / scales.len().max(1);
        for (i, scale) in scales.iter_mut().enumerate() {
            let row = &self.x[i * self.width..][..self.width];
            let bytes = &mut bytes[i * stride..][..stride];
            *scale = match outliers.get_mut(i) {
                Some(outliers) => quantise_without::<I>(row, self.levels, beyond, bytes, outliers),
                None => quantise_row::<I, false>(row, self.levels, f32::INFINITY, bytes),
            };
        }
    }
}

/// The operation `out = scale * row`, or with `add`, `out += scale * row`: an embedding looked up.
pub(crate) struct Dequantise<'a> {
    pub(crate) row: &'a [i8],
    pub(crate) scale: f32,
    pub(crate) out: &'a mut [f32],
}

impl Task for Dequantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for (y, &w) in self.out.iter_mut().zip(self.row) {
            *y = f32::from(w) * self.scale;
        }
    }
}
