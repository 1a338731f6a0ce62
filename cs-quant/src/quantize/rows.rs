//! Matrices as they are stored: `[rows, cols]` in int8, int4 or f32.
//!
//! int8 has a step a row: `w ~ t q`, `q = round(w / t)`, |q| <= 127. int4 has a step for every
//! `G` weights of a row, and 16 values: `w ~ t (q - 8)`, `q = round(w / t) + 8` in 1..=15 (0 is never
//! written); two weights a byte, the even one in the low half.

use super::config::{Clip, Scheme};
use crate::kernel::pack::MOST_PAIR;

/// What the integers of a step may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Up to 7 either way.
    Int4,
    /// Up to 127 either way.
    Int8,
    /// Likewise, and no two neighbours, the inputs 2 i and 2 i + 1, sum to more than
    /// [`MOST_PAIR`] either way.
    Paired,
}

impl Range {
    fn most(self) -> f32 {
        match self {
            Self::Int4 => 7.0,
            Self::Int8 | Self::Paired => 127.0,
        }
    }

    /// The largest integer that is never changed for its neighbour's sake.
    fn safe(self) -> f32 {
        match self {
            Self::Paired => ((MOST_PAIR - 1) / 2) as f32,
            _ => self.most(),
        }
    }
}

/// A matrix `[rows, cols]`.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    F32(Vec<f32>),
    /// With a step per row.
    Int8 {
        data: Vec<i8>,
        scale: Vec<f32>,
    },
    /// Two weights a byte, and a step per `group` weights.
    Int4 {
        data: Vec<u8>,
        scale: Vec<f32>,
        group: usize,
    },
}

impl Rows {
    /// Quantises `data`, rows of `cols`, as `scheme` says.
    pub(crate) fn quantise(data: Vec<f32>, cols: usize, scheme: Scheme, clip: Clip) -> Self {
        match scheme {
            Scheme::Fp32 => Self::F32(data),
            Scheme::Int8(range) => {
                let (data, scale) = quantise_rows(&data, cols, range, clip);
                Self::Int8 { data, scale }
            }
            Scheme::Int4 { group } => int4(&data, group, clip),
        }
    }

    /// The numbers themselves.
    pub(crate) fn into_f32(self, cols: usize) -> Vec<f32> {
        match self {
            Self::F32(data) => data,
            Self::Int8 { data, scale } => {
                let rows = data.chunks_exact(cols.max(1)).zip(scale);
                rows.flat_map(|(row, s)| row.iter().map(move |&q| f32::from(q) * s))
                    .collect()
            }
            Self::Int4 { data, scale, group } => {
                let mut out = vec![0.0; data.len() * 2];
                widen_int4(&data, &scale, group, &mut out);
                out
            }
        }
    }

    /// With a step per row, for the products: 4-bit weights are rounded a second time, to steps that
    /// are 9 to 18 times finer.
    pub(crate) fn into_int8(self, cols: usize) -> Self {
        match self {
            Self::Int4 { .. } => {
                let scheme = Scheme::Int8(Range::Paired);
                Self::quantise(self.into_f32(cols), cols, scheme, Clip::None)
            }
            other => other,
        }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::F32(data) => data.len() * 4,
            Self::Int8 { data, scale } => data.len() + scale.len() * 4,
            Self::Int4 { data, scale, .. } => data.len() + scale.len() * 4,
        }
    }
}

/// Writes the weights of some int4 rows, or of one.
pub(crate) fn widen_int4(data: &[u8], scale: &[f32], group: usize, out: &mut [f32]) {
    let groups = data
        .chunks_exact(group / 2)
        .zip(out.chunks_exact_mut(group));
    for ((bytes, out), &step) in groups.zip(scale) {
        for (pair, &byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [byte & 15, byte >> 4].map(|q| (f32::from(q) - 8.0) * step);
        }
    }
}

/// Symmetric, with a step per row.
pub(crate) fn quantise_rows(
    data: &[f32],
    cols: usize,
    range: Range,
    clip: Clip,
) -> (Vec<i8>, Vec<f32>) {
    let mut values = Vec::with_capacity(data.len());
    let mut scale = Vec::with_capacity(data.len() / cols.max(1));
    for row in data.chunks_exact(cols.max(1)) {
        let step = step(row, range, clip);
        scale.push(step);
        let (pairs, last) = row.as_chunks::<2>();
        let rounded = pairs.iter().flat_map(|&pair| round_pair(pair, step, range));
        values.extend(rounded.map(|q| q as i8));
        values.extend(last.iter().map(|&x| round(x, step, range) as i8));
    }
    (values, scale)
}

fn int4(data: &[f32], group: usize, clip: Clip) -> Rows {
    let mut values = Vec::with_capacity(data.len() / 2);
    let mut scale = Vec::with_capacity(data.len() / group);
    for weights in data.chunks_exact(group) {
        let step = brain(step(weights, Range::Int4, clip));
        scale.push(step);
        let nibble = |x: f32| (round(x, step, Range::Int4) + 8.0) as u8;
        let pairs = weights.as_chunks::<2>().0;
        values.extend(
            pairs
                .iter()
                .map(|&[low, high]| nibble(low) | nibble(high) << 4),
        );
    }
    Rows::Int4 {
        data: values,
        scale,
        group,
    }
}

/// The nearest bf16 number, which is how int4's steps are stored.
fn brain(step: f32) -> f32 {
    let bits = step.to_bits();
    let rounded = bits.saturating_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    let near = f32::from_bits(rounded);
    if near.is_finite() { near } else { step }
}

/// The integer that stands for `x`.
#[inline(always)]
fn round(x: f32, step: f32, range: Range) -> f32 {
    nearest((x / step).clamp(-range.most(), range.most()))
}

/// The nearest integer, of two the even one: 1.5 * 2^23 leaves no bits for a fraction. Unlike
/// `round_ties_even` it takes two instructions on every machine.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    x + ROUND - ROUND
}

/// The integers that stand for two neighbours. Both give up half of what they are too much together.
#[inline(always)]
fn round_pair(pair: [f32; 2], step: f32, range: Range) -> [f32; 2] {
    let [a, b] = pair.map(|x| round(x, step, range));
    if range != Range::Paired {
        return [a, b];
    }
    let excess = ((a + b).abs() - MOST_PAIR as f32).max(0.0);
    let half = nearest(0.5 * excess + 0.25);
    [a - half.copysign(a), b - (excess - half).copysign(b)]
}

/// The step of weights that share one: positive and finite; 1 where they are all zero.
fn step(weights: &[f32], range: Range, clip: Clip) -> f32 {
    let largest = match clip {
        Clip::Percentile(share) => percentile(weights, share),
        Clip::None | Clip::Mse => weights.iter().fold(0.0f32, |most, x| most.max(x.abs())),
    };
    let widest = largest / range.safe();
    // Below that, x / step would not be a number.
    if largest / range.most() < f32::MIN_POSITIVE {
        return 1.0;
    }
    let finer = match (range, clip) {
        (Range::Int4 | Range::Int8, Clip::Mse) => 20,
        (Range::Int4 | Range::Int8, _) => return widest,
        (Range::Paired, Clip::Mse) => 30,
        (Range::Paired, _) => 20, // up to which the largest weight is at most 126
    };
    let candidates = (0..=finer).map(|i| widest * (1.0 - 0.025 * i as f32));
    let errors = candidates.map(|step| (squared_error(weights, step, range), step));
    errors
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or(widest, |(_, step)| step)
}

fn squared_error(weights: &[f32], step: f32, range: Range) -> f32 {
    let (pairs, last) = weights.as_chunks::<2>();
    let error = |x: f32, q: f32| (x - q * step).powi(2);
    let pairs = pairs.iter().map(|&pair| {
        let [a, b] = round_pair(pair, step, range);
        error(pair[0], a) + error(pair[1], b)
    });
    let last = last.iter().map(|&x| error(x, round(x, step, range)));
    pairs.sum::<f32>() + last.sum::<f32>()
}

/// The magnitude that `share` of the weights do not exceed; never 0 if there is a weight that is not.
fn percentile(weights: &[f32], share: f32) -> f32 {
    let mut magnitudes: Vec<f32> = weights.iter().map(|x| x.abs()).collect();
    magnitudes.sort_unstable_by(f32::total_cmp);
    let at = (share * magnitudes.len() as f32).ceil() as usize;
    let rest = &magnitudes[at
        .clamp(1, magnitudes.len().max(1))
        .min(magnitudes.len())
        .saturating_sub(1)..];
    rest.iter().copied().find(|&x| x > 0.0).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_rounded_to_half_a_step() {
        let data = [1.0, -0.5, 0.004, 0.0, 0.0, 0.0, 1e-45, 0.0, 0.0];
        for range in [Range::Int8, Range::Paired] {
            let (values, scale) = quantise_rows(&data, 3, range, Clip::None);
            assert!(values[0] >= 63);
            assert_eq!(scale[1..], [1.0, 1.0]);
            for (i, x) in data.iter().enumerate() {
                let back = f32::from(values[i]) * scale[i / 3];
                assert!((x - back).abs() <= scale[i / 3] / 2.0 + 1e-7);
            }
        }
    }

    #[test]
    fn int4_groups_are_rounded_to_half_a_step() {
        let data: Vec<f32> = (0..128)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) * 0.01 * (1 + i / 32) as f32)
            .collect();
        let rows = int4(&data, 32, Clip::None);
        let Rows::Int4 {
            data: bytes, scale, ..
        } = &rows
        else {
            panic!()
        };
        assert_eq!((bytes.len(), scale.len()), (64, 4));
        assert!(bytes.iter().all(|b| b & 15 > 0 && b >> 4 > 0));
        assert!(scale.iter().all(|s| s.to_bits() & 0xffff == 0));
        let scale = scale.clone();
        for (i, (x, back)) in data.iter().zip(rows.clone().into_f32(64)).enumerate() {
            // The step's own rounding may cut off a little of the largest weight.
            assert!((x - back).abs() <= scale[i / 32] * 0.53, "{i}: {x} {back}");
        }
        let Rows::Int8 {
            scale: wide,
            data: values,
        } = rows.clone().into_int8(64)
        else {
            panic!()
        };
        assert_eq!((values.len(), wide.len()), (128, 2));
        for (i, back) in rows.into_f32(64).into_iter().enumerate() {
            assert!(
                (back - f32::from(values[i]) * wide[i / 64]).abs() <= wide[i / 64] / 2.0 + 1e-6
            );
        }
    }

    #[test]
    fn clipping_lowers_the_squared_error() {
        let mut row: Vec<f32> = (0..256)
            .map(|i| ((i * 89 % 97) as f32 - 48.0) / 48.0)
            .collect();
        row[17] = 1.6;
        for range in [Range::Int4, Range::Int8, Range::Paired] {
            let widest = step(&row, range, Clip::None);
            let best = step(&row, range, Clip::Mse);
            assert!(best <= widest);
            assert!(squared_error(&row, best, range) <= squared_error(&row, widest, range));
        }
        let step = |row: &[f32], range, clip| step(row, range, clip) * range.most();
        assert!(step(&row, Range::Int4, Clip::Mse) < step(&row, Range::Int4, Clip::None));
        let cut = step(&row, Range::Int8, Clip::Percentile(0.99));
        assert!((cut - 1.0).abs() < 0.03, "{cut}");
        let sparse = [0.0, 0.0, 0.0, 3.0];
        assert_eq!(step(&sparse, Range::Int8, Clip::Percentile(0.51)), 3.0);
        assert_eq!(step(&[0.0; 4], Range::Int8, Clip::Percentile(0.9)), 127.0);
    }

    #[test]
    fn neighbours_leave_room_for_each_other() {
        let step = 0.01;
        for (pair, expected) in [
            ([1.27, 1.27], [64.0, 64.0]),
            ([1.0, 0.29], [99.0, 29.0]),
            ([-1.27, -0.04], [-125.0, -3.0]),
            ([1.27, -1.27], [127.0, -127.0]),
            ([0.64, 0.64], [64.0, 64.0]),
        ] {
            assert_eq!(round_pair(pair, step, Range::Paired), expected, "{pair:?}");
        }
        // One large weight among small ones: no finer step without loss where it has a neighbour.
        let mut row: Vec<f32> = (0..99)
            .map(|i| (i * 37 % 41) as f32 * 0.001 - 0.02)
            .collect();
        row[4] = 1.0;
        let (values, scale) = quantise_rows(&row, 99, Range::Paired, Clip::None);
        assert!(values[4] > 100, "{}", values[4]);
        assert!((f32::from(values[4]) * scale[0] - 1.0).abs() <= 0.6 * scale[0]);
        row.fill(1.0);
        let (values, _) = quantise_rows(&row, 99, Range::Paired, Clip::None);
        assert!(
            values
                .chunks(2)
                .all(|pair| pair.iter().map(|&q| i32::from(q)).sum::<i32>() <= 128)
        );
    }
}
