//! Matrices of layers with the same input, one below the other, on their way to a product.

use super::matrix::StoredMatrix;
use crate::kernel::gemm::Weights;
use crate::kernel::pack::{PackedF32, PackedI8, interleave};
use crate::kernel::pack4::{GROUP, PackedI4};

/// The largest number of inputs: above it the `i32` sums could overflow, as the product of a pair is at most
/// 255 · 128.
const MOST_INPUTS: usize = 1 << 17;

/// Matrices one below the other, `[outputs, inputs]`.
pub(crate) enum Joined {
    F32(Vec<f32>),
    Int8 {
        data: Vec<i8>,
        scale: Vec<f32>,
    },
    /// The matrices are in int4, with a step for every [`GROUP`] weights.
    Int4 {
        data: Vec<u8>,
        scale: Vec<f32>,
    },
}

impl Joined {
    /// Joins matrices in one precision: int4 only if it `packs_int4` and all of them are.
    pub(crate) fn of(parts: Vec<StoredMatrix>, inputs: usize, packs_int4: bool) -> Self {
        let small = inputs <= MOST_INPUTS;
        let is_int4 = |part: &StoredMatrix| matches!(part, StoredMatrix::Int4 { group, .. } if group.is_multiple_of(GROUP));
        if small && packs_int4 && parts.iter().all(is_int4) {
            return Self::int4(parts);
        }
        let parts: Vec<_> = parts
            .into_iter()
            .map(|part| part.into_int8(inputs))
            .collect();
        let is_int8 = |part: &StoredMatrix| matches!(part, StoredMatrix::Int8 { .. });
        if small && parts.iter().all(is_int8) {
            return Self::int8(parts);
        }
        let numbers = parts.into_iter().flat_map(|part| part.into_f32(inputs));
        Self::F32(numbers.collect())
    }

    fn int8(parts: Vec<StoredMatrix>) -> Self {
        let (mut all, mut scales) = (Vec::new(), Vec::new());
        for part in parts {
            if let StoredMatrix::Int8 { data, scale } = part {
                all.extend(data);
                scales.extend(scale);
            }
        }
        Self::Int8 {
            data: all,
            scale: scales,
        }
    }

    fn int4(parts: Vec<StoredMatrix>) -> Self {
        let (mut all, mut scales) = (Vec::new(), Vec::new());
        for part in parts {
            if let StoredMatrix::Int4 { data, scale, group } = part {
                all.extend(data);
                let steps = scale.iter();
                scales.extend(steps.flat_map(|&step| std::iter::repeat_n(step, group / GROUP)));
            }
        }
        Self::Int4 {
            data: all,
            scale: scales,
        }
    }

    /// Gives `count` matrices of as many rows with their panels [in turn](interleave).
    pub(crate) fn interleaved(self, [count, units, inputs]: [usize; 3]) -> Self {
        match self {
            Self::F32(data) => Self::F32(interleave(&data, [count, units, inputs])),
            Self::Int8 { data, scale } => Self::Int8 {
                data: interleave(&data, [count, units, inputs]),
                scale: interleave(&scale, [count, units, 1]),
            },
            Self::Int4 { data, scale } => Self::Int4 {
                data: interleave(&data, [count, units, inputs / 2]),
                scale: interleave(&scale, [count, units, inputs / GROUP]),
            },
        }
    }

    /// Packs the matrix for products, with a number that is added to each output.
    pub(crate) fn pack(self, inputs: usize, bias: &[f32]) -> Weights {
        match self {
            Self::F32(data) => Weights::F32(PackedF32::new(inputs, &data, bias)),
            Self::Int8 { data, scale } => Weights::Int8(PackedI8::new(inputs, &data, &scale, bias)),
            Self::Int4 { data, scale } => Weights::Int4(PackedI4::new(inputs, &data, &scale, bias)),
        }
    }
}
