//! Activations far beyond the others of their row, which would make its steps coarse.
//!
//! Of a decoder's inputs a few are a hundred times as large as the rest (Dettmers et al. 2022,
//! *LLM.int8()*). They are cut to a multiple of the row's mean magnitude before the row is
//! quantised, and what is cut off is multiplied by the weights apart, in `f32`:
//!
//! ```text
//! sum_k x_k w_k = sum_k (s u_k + m) w_k  +  sum over outliers (x_k - s u_k - m) w_k
//! ```
//!
//! Which they are depends on the row alone, so a result depends neither on threads nor on company.

use super::gemm::lanes;
use super::pack::PackedI8;
use super::pack4::{GROUP, PackedI4};
use super::row_ops::{RowScale, fold, quantise_row};
use super::{Isa, TILE, number};

/// The multiple of the mean magnitude to which values are cut in a block. A few outliers hardly raise that
/// mean, as they would the root mean square.
pub(crate) const BEYOND: f32 = 32.0;

/// The same before the words' logits, which few rows are read for.
pub(crate) const BEYOND_OF_LOGITS: f32 = 8.0;

/// The most values of a row that are multiplied apart; if more are beyond the limit, it rises.
const MOST: usize = 32;

/// By how much the limit rises.
const RISE: f32 = 1.5;

/// What a value exceeds its quantised self by.
#[derive(Debug, Clone, Copy, Default)]
struct Outlier {
    input: u32,
    rest: f32,
}

/// The outliers of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outliers {
    all: [Outlier; MOST],
    count: usize,
}

impl Outliers {
    fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        let those = self.all[..self.count].iter();
        those.map(|outlier| (outlier.input as usize, outlier.rest))
    }
}

/// Quantises a row as [`quantise_row`] does, but cut to a limit, and finds what was cut off.
#[inline(always)]
pub(super) fn quantise_without<I: Isa>(
    row: &[f32],
    levels: u8,
    beyond: f32,
    out: &mut [u8],
    outliers: &mut Outliers,
) -> RowScale {
    outliers.count = 0;
    let limit = limit(row, beyond);
    if limit == f32::INFINITY {
        return quantise_row::<I, false>(row, levels, limit, out);
    }
    let scale = quantise_row::<I, true>(row, levels, limit, out);
    let those = row.iter().zip(out).enumerate();
    let those = those.filter(|(_, (x, _))| x.abs() > limit);
    for (outlier, (input, (x, u))) in outliers.all.iter_mut().zip(those) {
        *outlier = Outlier {
            input: input as u32,
            rest: x - (scale.scale * f32::from(*u) + scale.min),
        };
        outliers.count += 1;
    }
    scale
}

/// Finds to what a row is cut: infinity if none of its values, or not all of them finite, are far
/// beyond the others.
#[inline(always)]
fn limit(row: &[f32], beyond: f32) -> f32 {
    let magnitudes = fold(row, 0.0, |sum, x: f32| sum + x.abs(), |a, b| a + b);
    let mut limit = beyond * magnitudes / row.len().max(1) as f32;
    // Of numbers that are hardly any, none is far beyond the others: the limit could not rise.
    if !limit.is_finite() || limit < f32::MIN_POSITIVE {
        return f32::INFINITY;
    }
    loop {
        let count = |sum: f32, x: f32| sum + f32::from(u8::from(x.abs() > limit));
        match fold(row, 0.0, count, |a, b| a + b) {
            0.0 => return f32::INFINITY,
            few if few <= MOST as f32 => return limit,
            _ => limit *= RISE,
        }
    }
}

impl PackedI8 {
    /// Adds the products of a row's outliers in a panel.
    #[inline(always)]
    pub(super) fn add<I: Isa>(&self, outliers: &Outliers, panel: usize, y: &mut [f32; TILE]) {
        if outliers.count == 0 {
            return;
        }
        let mut sums = [0.0; TILE];
        for (input, rest) in outliers.iter() {
            let line = self.line(panel, input / 4);
            let above = 24 - 8 * (input % 4);
            for (c, sum) in sums.iter_mut().enumerate() {
                let four = std::array::from_fn(|i| line[c * 4 + i].cast_unsigned());
                let weight = u32::from_le_bytes(four) << above;
                let weight = (weight.cast_signed() >> 24) as f32;
                *sum = I::fma(rest, weight, *sum);
            }
        }
        let steps: &[f32; TILE] = lanes(&self.scale, panel * TILE);
        for (c, y) in y.iter_mut().enumerate() {
            *y = I::fma(sums[c], steps[c], *y);
        }
    }
}

impl PackedI4 {
    /// Adds the products of a row's outliers in a panel.
    #[inline(always)]
    pub(super) fn add<I: Isa>(&self, outliers: &Outliers, panel: usize, y: &mut [f32; TILE]) {
        for (input, rest) in outliers.iter() {
            let (group, within) = (input / GROUP, input % GROUP);
            let (line, steps) = self.line(panel, group, within / 8);
            // Eight weights: the low halves of four bytes, then the high ones.
            let above = within % 4 * 8 + within % 8 / 4 * 4;
            for (c, y) in y.iter_mut().enumerate() {
                let four = std::array::from_fn(|i| line[c * 4 + i]);
                let weight = (u32::from_le_bytes(four) >> above & 15).cast_signed() - 8;
                *y = I::fma(rest * number::widen(steps[c]), weight as f32, *y);
            }
        }
    }
}
