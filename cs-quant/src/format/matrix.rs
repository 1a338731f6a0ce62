//! Matrices as they are stored: `[rows, cols]` in int8, int4 or f32.
//!
//! int8 has a step a row: `w ~ t q`, `q = round(w / t)`, |q| <= 127. int4 has a step for every `G`
//! weights of a row, of either sign, and 16 values: `w ~ t (q - 8)`, `q = round(w / t) + 8` in 0..=15; two weights a
//! byte, the even one in the low half.

use half::f16;

use super::scheme::{Clip, IntRange, Scheme};
use crate::kernel::pack::{MOST_SUM, NEIGHBOURS, PAIRS};

/// A matrix `[rows, cols]` in one of the precisions.
#[derive(Debug, Clone)]
pub(crate) enum StoredMatrix {
    F32(Vec<f32>),
    /// The matrix is in int8, with a step per row.
    Int8 {
        data: Vec<i8>,
        scale: Vec<f32>,
    },
    /// The matrix is in int4, two weights a byte, with a step per `group` weights.
    Int4 {
        data: Vec<u8>,
        scale: Vec<f32>,
        group: usize,
    },
}

/// How weights are rounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounding<'a> {
    pub(crate) clip: Clip,
    /// How much the squared error of each column counts, which is in proportion to the mean square of its inputs;
    /// all count the same where these were not measured.
    pub(crate) importance: Option<&'a [f32]>,
}

impl Rounding<'_> {
    /// All columns count the same.
    pub(crate) fn new(clip: Clip) -> Self {
        Self {
            clip,
            importance: None,
        }
    }

    /// How much each of `cols` columns counts.
    fn of_columns(&self, cols: usize) -> Vec<f32> {
        let importance = self.importance.filter(|it| it.len() == cols);
        importance.map_or_else(|| vec![1.0; cols], <[f32]>::to_vec)
    }
}

/// Weights that share a step, and how much the error of each counts.
#[derive(Clone, Copy)]
struct Weighted<'a> {
    weights: &'a [f32],
    importance: &'a [f32],
}

impl<'a> Weighted<'a> {
    /// Eight at a time, as [`round`] takes them.
    fn eights(self) -> impl Iterator<Item = Self> {
        let pairs = self.weights.chunks(8).zip(self.importance.chunks(8));
        pairs.map(|(weights, importance)| Self {
            weights,
            importance,
        })
    }
}

impl StoredMatrix {
    /// Quantises `data`, rows of `cols` numbers, according to `scheme`.
    pub(crate) fn quantise(
        data: Vec<f32>,
        cols: usize,
        scheme: Scheme,
        rounding: Rounding<'_>,
    ) -> Self {
        match scheme {
            Scheme::Fp32 => Self::F32(data),
            Scheme::Int8(range) => {
                let (data, scale) = quantise_rows(&data, cols, range, rounding);
                Self::Int8 { data, scale }
            }
            Scheme::Int4 { group } => int4(&data, cols, group, rounding),
        }
    }

    /// Gives the numbers in f32.
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

    /// Gives the matrix with a step per row, for the products: 4-bit weights are rounded a second
    /// time, to steps that are 4 to 17 times finer.
    pub(crate) fn into_int8(self, cols: usize) -> Self {
        match self {
            Self::Int4 { .. } => {
                let scheme = Scheme::Int8(IntRange::Bounded);
                Self::quantise(self.into_f32(cols), cols, scheme, Rounding::new(Clip::None))
            }
            other => other,
        }
    }

    /// The number of bytes that the matrix takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::F32(data) => data.len() * 4,
            Self::Int8 { data, scale } => data.len() + scale.len() * 4,
            Self::Int4 { data, scale, .. } => data.len() + scale.len() * 4,
        }
    }
}

/// Gives a matrix with `cols` columns, transposed.
pub(crate) fn transpose(data: &[f32], cols: usize) -> Vec<f32> {
    let columns = (0..cols).map(|column| data.iter().skip(column).step_by(cols));
    columns.flatten().copied().collect()
}

/// Writes the weights of one or more int4 rows to `out`.
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

/// Quantises rows symmetrically, with a step per row.
pub(crate) fn quantise_rows(
    data: &[f32],
    cols: usize,
    range: IntRange,
    rounding: Rounding<'_>,
) -> (Vec<i8>, Vec<f32>) {
    let importance = rounding.of_columns(cols);
    let mut values = Vec::with_capacity(data.len());
    let mut scale = Vec::with_capacity(data.len() / cols.max(1));
    for row in data.chunks_exact(cols.max(1)) {
        let row = Weighted {
            weights: row,
            importance: &importance,
        };
        let step = step(row, range, rounding.clip);
        scale.push(step);
        for eight in row.eights() {
            let rounded = round(eight, step, range);
            values.extend(rounded[..eight.weights.len()].iter().map(|&q| q as i8));
        }
    }
    (values, scale)
}

fn int4(data: &[f32], cols: usize, group: usize, rounding: Rounding<'_>) -> StoredMatrix {
    let importance = rounding.of_columns(cols);
    let mut values = Vec::with_capacity(data.len() / 2);
    let mut scale = Vec::with_capacity(data.len() / group);
    let groups_of_row = importance.chunks_exact(group).cycle();
    for (weights, importance) in data.chunks_exact(group).zip(groups_of_row) {
        let weights = Weighted {
            weights,
            importance,
        };
        let step = half(signed_step(weights, rounding.clip));
        scale.push(step);
        for eight in weights.eights() {
            let nibbles = round(eight, step, IntRange::Int4).map(|q| (q + 8.0) as u8);
            let pairs = nibbles.as_chunks::<2>().0.iter();
            values.extend(pairs.map(|[low, high]| low | high << 4));
        }
    }
    StoredMatrix::Int4 {
        data: values,
        scale,
        group,
    }
}

/// Gives the nearest f16 number that is not zero, which is how int4's steps are stored: 65,504 at most,
/// which cuts weights beyond 524,032 off.
fn half(step: f32) -> f32 {
    let [least, most] = [f16::MIN_POSITIVE_SUBNORMAL, f16::MAX].map(f16::to_f32);
    f16::from_f32(step.abs().clamp(least, most).copysign(step)).to_f32()
}

/// Finds the step of weights of 4 bits that share one. It is negative where -8 serves the positive weights
/// better, which have only 7 otherwise.
fn signed_step(group: Weighted<'_>, clip: Clip) -> f32 {
    let step = step(group, IntRange::Int4, clip);
    let mirrored: Vec<f32> = group.weights.iter().map(|x| -x).collect();
    let mirrored = Weighted {
        weights: &mirrored,
        ..group
    };
    let other = self::step(mirrored, IntRange::Int4, clip);
    let error = |weights, step| loss(weights, step, IntRange::Int4);
    match error(group, step) <= error(mirrored, other) {
        true => step,
        false => -other,
    }
}

/// Gives the integers that stand for up to eight weights.
#[inline(always)]
fn round(eight: Weighted<'_>, step: f32, range: IntRange) -> [f32; 8] {
    let mut exact = [0.0; 8];
    exact[..eight.weights.len()].copy_from_slice(eight.weights);
    let exact = exact.map(|x| x / step);
    let mut rounded = exact.map(|x| nearest(x.clamp(range.least(), range.most())));
    let sum: f32 = rounded.iter().map(|q| q.abs()).sum();
    match range {
        _ if sum <= MOST_SUM as f32 => {}
        IntRange::Int4 | IntRange::Int8 => {}
        IntRange::Bounded => lower_all(&mut rounded, &exact, eight.importance, NEIGHBOURS),
        IntRange::Paired => lower_all(&mut rounded, &exact, eight.importance, PAIRS),
    }
    rounded
}

fn lower_all<const N: usize, const M: usize>(
    rounded: &mut [f32; 8],
    exact: &[f32; 8],
    importance: &[f32],
    sets: [[usize; N]; M],
) {
    for neighbours in sets {
        lower(rounded, exact, importance, neighbours, 1.0);
        lower(rounded, exact, importance, neighbours, -1.0);
    }
}

/// Lowers integers of a sign until their sum keeps to [`MOST_SUM`]: one at a time, the one whose error then rises the
/// least.
fn lower<const N: usize>(
    rounded: &mut [f32; 8],
    exact: &[f32; 8],
    importance: &[f32],
    neighbours: [usize; N],
    sign: f32,
) {
    let sum: f32 = neighbours
        .map(|i| (sign * rounded[i]).max(0.0))
        .iter()
        .sum();
    for _ in MOST_SUM..sum as i32 {
        let those = neighbours.into_iter().filter(|&i| sign * rounded[i] > 0.0);
        let rise = |i: usize| {
            let importance = importance.get(i).copied().unwrap_or(1.0);
            importance * (1.0 - 2.0 * sign * (rounded[i] - exact[i]))
        };
        if let Some(i) = those.min_by(|&a, &b| rise(a).total_cmp(&rise(b))) {
            rounded[i] -= sign;
        }
    }
}

/// Gives the nearest integer, of two the even one: 1.5 * 2^23 leaves no bits for a fraction. Unlike
/// `round_ties_even` it takes two instructions on every machine.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    x + ROUND - ROUND
}

/// Finds the step of weights that share one: it is positive and finite, and 1 where they are all
/// zero.
fn step(row: Weighted<'_>, range: IntRange, clip: Clip) -> f32 {
    let largest = match clip {
        Clip::Percentile(share) => percentile(row.weights, share),
        Clip::None | Clip::Mse => row.weights.iter().fold(0.0f32, |most, x| most.max(x.abs())),
    };
    let finest = largest / range.most();
    // With a smaller step, x / step would not be a number.
    if finest < f32::MIN_POSITIVE {
        return 1.0;
    }
    // Up to 32 no neighbours are lowered, up to 64 no pairs; beyond `most` the largest weights are cut off. With -8, which
    // no positive 8 faces, that is worth up to half a step of 4 bits beyond it.
    let limits = match (range, clip) {
        (IntRange::Int4, Clip::None | Clip::Percentile(_)) => Limits::new(7.0, 0.125, 13),
        (IntRange::Int4, Clip::Mse) => Limits::new(7.0, 0.125, 57),
        (IntRange::Bounded, Clip::None | Clip::Percentile(_)) => Limits::new(32.0, 4.0, 23),
        (IntRange::Bounded, Clip::Mse) => Limits::new(32.0, 4.0, 33),
        (IntRange::Paired, Clip::None | Clip::Percentile(_)) => Limits::new(64.0, 4.0, 16),
        (IntRange::Paired, Clip::Mse) => Limits::new(64.0, 4.0, 25),
        (_, Clip::Mse) => Limits::new(range.most(), range.most() / 20.0, 21),
        _ => return finest,
    };
    best(row, range, largest, limits)
}

/// The integers that are tried to stand for the largest weight.
struct Limits {
    first: f32,
    gap: f32,
    count: usize,
}

impl Limits {
    fn new(first: f32, gap: f32, count: usize) -> Self {
        Self { first, gap, count }
    }
}

/// Finds the step `largest / limit` with the least [`loss`]. Looks at every third limit, and
/// then at those near the best.
fn best(row: Weighted<'_>, range: IntRange, largest: f32, limits: Limits) -> f32 {
    let count = limits.count;
    let step = |i: usize| largest / (limits.first + limits.gap * i as f32);
    let least = |candidates: &mut dyn Iterator<Item = usize>| {
        let errors = candidates.map(|i| (loss(row, step(i), range), i));
        errors
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .map_or(0, |(_, i)| i)
    };
    let near = least(&mut (0..count).step_by(3));
    step(least(&mut (near.saturating_sub(2)..count.min(near + 3))))
}

/// Gives the squared error of weights that share a step, by their importance. Of 4 bits each counts by its magnitude as
/// well: a step that leaves the least error cuts the largest weights off, on which a language model depends most.
fn loss(row: Weighted<'_>, step: f32, range: IntRange) -> f32 {
    let blocks = row.eights().map(|eight| {
        let rounded = round(eight, step, range);
        let weights = eight.weights.iter().zip(eight.importance);
        let errors = weights.zip(rounded).map(|((x, importance), q)| {
            let error = importance * (x - q * step).powi(2);
            match range {
                IntRange::Int4 => error * x.abs(),
                IntRange::Int8 | IntRange::Bounded | IntRange::Paired => error,
            }
        });
        errors.sum::<f32>()
    });
    blocks.sum()
}

/// Finds the magnitude that `share` of the weights do not exceed; it is 0 only if all weights are.
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

    /// Weights of which all count the same.
    fn even(weights: &[f32]) -> Weighted<'_> {
        const ONES: [f32; 256] = [1.0; 256];
        Weighted {
            weights,
            importance: &ONES[..weights.len()],
        }
    }

    #[test]
    fn rows_are_rounded_to_half_a_step() {
        let data = [1.0, -0.5, 0.004, 0.0, 0.0, 0.0, 1e-45, 0.0, 0.0];
        for range in [IntRange::Int8, IntRange::Bounded, IntRange::Paired] {
            let (values, scale) = quantise_rows(&data, 3, range, Rounding::new(Clip::None));
            assert!(values[0] >= 32);
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
        let rows = int4(&data, 64, 32, Rounding::new(Clip::None));
        let StoredMatrix::Int4 {
            data: bytes, scale, ..
        } = &rows
        else {
            panic!()
        };
        assert_eq!((bytes.len(), scale.len()), (64, 4));
        assert!(scale.iter().all(|&s| f16::from_f32(s).to_f32() == s));
        let scale = scale.clone();
        for (i, (x, back)) in data.iter().zip(rows.clone().into_f32(64)).enumerate() {
            // A step may be cut off the largest weights, and a little by the step's own rounding.
            assert!(
                (x - back).abs() <= scale[i / 32].abs() * 1.03,
                "{i}: {x} {back}"
            );
        }
        for (group, &step) in data.chunks_exact(32).zip(&scale) {
            let finest = group.iter().fold(0.0f32, |most, x| most.max(x.abs())) / 7.0;
            let error = |step| loss(even(group), step, IntRange::Int4);
            assert!(error(step) <= error(finest) * 1.001, "{step} {finest}");
        }
        let StoredMatrix::Int8 {
            scale: wide,
            data: values,
        } = rows.clone().into_int8(64)
        else {
            panic!()
        };
        assert_eq!((values.len(), wide.len()), (128, 2));
        // Half a step, and one more where neighbours were lowered.
        for (i, back) in rows.into_f32(64).into_iter().enumerate() {
            assert!((back - f32::from(values[i]) * wide[i / 64]).abs() <= wide[i / 64] * 1.5);
        }
    }

    #[test]
    fn clipping_lowers_the_squared_error() {
        let mut row: Vec<f32> = (0..256)
            .map(|i| ((i * 89 % 97) as f32 - 48.0) / 48.0)
            .collect();
        row[17] = 1.6;
        for range in [IntRange::Int4, IntRange::Int8, IntRange::Bounded] {
            let widest = step(even(&row), range, Clip::None);
            let best = step(even(&row), range, Clip::Mse);
            assert!(best <= widest);
            assert!(loss(even(&row), best, range) <= loss(even(&row), widest, range));
        }
        let step = |row: &[f32], range, clip| step(even(row), range, clip) * range.most();
        let cut = step(&row, IntRange::Int8, Clip::Percentile(0.99));
        assert!((cut - 1.0).abs() < 0.03, "{cut}");
        let sparse = [0.0, 0.0, 0.0, 3.0];
        assert_eq!(step(&sparse, IntRange::Int8, Clip::Percentile(0.51)), 3.0);
        assert_eq!(
            step(&[0.0; 4], IntRange::Int8, Clip::Percentile(0.9)),
            127.0
        );
    }

    #[test]
    fn neighbours_leave_room_for_each_other() {
        let step = 0.01;
        for (weights, expected) in [
            ([1.27; 8], [32.0; 8]),
            ([-0.332; 8], [-32.0; 8]),
            // 0, 1, 4 and 5 are neighbours: those that were rounded up are lowered first.
            (
                [0.333, 0.329, 1.0, 0.0, 0.321, 0.328, 0.0, 0.0],
                [33.0, 32.0, 100.0, 0.0, 31.0, 32.0, 0.0, 0.0],
            ),
            // One sign's do not count for the other's.
            (
                [1.27, -1.27, 1.27, -1.27, 0.01, -0.01, 0.01, -0.01],
                [127.0, -127.0, 127.0, -127.0, 1.0, -1.0, 1.0, -1.0],
            ),
        ] {
            let found = round(even(&weights), step, IntRange::Bounded);
            assert_eq!(found, expected, "{weights:?}");
        }
        // One large weight among small ones: no finer step without loss where it has neighbours.
        let mut row: Vec<f32> = (0..99)
            .map(|i| (i * 37 % 41) as f32 * 0.001 - 0.02)
            .collect();
        row[4] = 1.0;
        let (values, scale) = quantise_rows(&row, 99, IntRange::Bounded, Rounding::new(Clip::None));
        assert!(values[4] > 100, "{}", values[4]);
        assert!((f32::from(values[4]) * scale[0] - 1.0).abs() <= 0.6 * scale[0]);
    }

    #[test]
    fn the_weights_whose_inputs_are_large_keep_their_value() {
        // The first two are a pair, and come to 152 together.
        let weights = [0.76, 0.76, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for (importance, expected) in [([1.0, 9.0], [55.0, 73.0]), ([9.0, 1.0], [73.0, 55.0])] {
            let mut all = [1.0; 8];
            all[..2].copy_from_slice(&importance);
            let eight = Weighted {
                weights: &weights,
                importance: &all,
            };
            let found = round(eight, 0.01, IntRange::Paired);
            assert!((found[0] - expected[0]).abs() <= 1.0, "{found:?}");
            assert_eq!(found[0] + found[1], 128.0, "{found:?}");
        }
        // A step is the one that serves them.
        let mut row = vec![0.1; 64];
        (row[0], row[7]) = (1.0, 0.137);
        let of = |importance: &[f32]| {
            let rounding = Rounding {
                clip: Clip::Mse,
                importance: Some(importance),
            };
            let (values, scale) = quantise_rows(&row, 64, IntRange::Int8, rounding);
            (f32::from(values[7]) * scale[0] - row[7]).abs()
        };
        let mut importance = vec![0.01; 64];
        importance[7] = 100.0;
        assert!(of(&importance) < of(&[1.0; 64]));
    }
}
