//! Matrices as they are stored: `[rows, cols]` in int8, int4 or f32.
//!
//! int8 has a step a row: `w ~ t q`, `q = round(w / t)`, |q| <= 63 or 127. int4 has a step for every
//! `G` weights of a row, and 16 values: `w ~ t (q - 8)`, `q = round(w / t) + 8` in 1..=15 (0 is never
//! written); two weights a byte, the even one in the low half.

use super::config::{Clip, Scheme};

/// Largest magnitude of a 4-bit weight.
const MOST_INT4: f32 = 7.0;

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
            Scheme::Int8 { limit } => {
                let (data, scale) = quantise_rows(&data, cols, limit, clip);
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
    /// are 9 times finer (`limit` 63) or 18 times.
    pub(crate) fn into_int8(self, cols: usize, limit: i8) -> Self {
        match self {
            Self::Int4 { .. } => {
                let scheme = Scheme::Int8 { limit };
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
    limit: i8,
    clip: Clip,
) -> (Vec<i8>, Vec<f32>) {
    let mut values = Vec::with_capacity(data.len());
    let mut scale = Vec::with_capacity(data.len() / cols.max(1));
    for row in data.chunks_exact(cols.max(1)) {
        let step = step(row, f32::from(limit), clip);
        scale.push(step);
        let rounded = row.iter().map(|&x| round(x, step, f32::from(limit)) as i8);
        values.extend(rounded);
    }
    (values, scale)
}

fn int4(data: &[f32], group: usize, clip: Clip) -> Rows {
    let mut values = Vec::with_capacity(data.len() / 2);
    let mut scale = Vec::with_capacity(data.len() / group);
    for weights in data.chunks_exact(group) {
        let step = brain(step(weights, MOST_INT4, clip));
        scale.push(step);
        let nibble = |x: f32| (round(x, step, MOST_INT4) + 8.0) as u8;
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
fn round(x: f32, step: f32, limit: f32) -> f32 {
    (x / step).clamp(-limit, limit).round_ties_even()
}

/// The step of weights that share one: positive and finite; 1 where they are all zero.
fn step(weights: &[f32], limit: f32, clip: Clip) -> f32 {
    let largest = match clip {
        Clip::Percentile(share) => percentile(weights, share),
        Clip::None | Clip::Mse => weights.iter().fold(0.0f32, |most, x| most.max(x.abs())),
    };
    let widest = largest / limit;
    // Below that, x / step would not be a number.
    if widest < f32::MIN_POSITIVE {
        return 1.0;
    }
    if clip != Clip::Mse {
        return widest;
    }
    let candidates = (0..=STEPS).map(|i| widest * (1.0 - 0.5 * i as f32 / STEPS as f32));
    let errors = candidates.map(|step| (squared_error(weights, step, limit), step));
    errors
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or(widest, |(_, step)| step)
}

/// Steps that [`Clip::Mse`] tries below the widest.
const STEPS: usize = 20;

fn squared_error(weights: &[f32], step: f32, limit: f32) -> f32 {
    let error = |&x: &f32| (x - round(x, step, limit) * step).powi(2);
    weights.iter().map(error).sum()
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
        for limit in [63, 127] {
            let (values, scale) = quantise_rows(&data, 3, limit, Clip::None);
            assert_eq!(values[0], limit);
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
        } = rows.clone().into_int8(64, 63)
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
        for limit in [7.0, 63.0] {
            let widest = step(&row, limit, Clip::None);
            let best = step(&row, limit, Clip::Mse);
            assert!(best <= widest);
            assert!(squared_error(&row, best, limit) <= squared_error(&row, widest, limit));
        }
        assert!(step(&row, 7.0, Clip::Mse) < step(&row, 7.0, Clip::None));
        let cut = step(&row, 63.0, Clip::Percentile(0.99));
        assert!((cut * 63.0 - 1.0).abs() < 0.03, "{cut}");
        let sparse = [0.0, 0.0, 0.0, 3.0];
        assert_eq!(step(&sparse, 63.0, Clip::Percentile(0.51)) * 63.0, 3.0);
        assert_eq!(step(&[0.0; 4], 63.0, Clip::Percentile(0.9)), 1.0);
    }
}
