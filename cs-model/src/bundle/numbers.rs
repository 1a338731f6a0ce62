//! The bytes of tensors as numbers.

use half::{bf16, f16};
use safetensors::Dtype;

/// Gives the numbers of a tensor in F32, F16 or BF16.
pub(super) fn floats(dtype: Dtype, data: &[u8]) -> Vec<f32> {
    match dtype {
        Dtype::F16 => pairs(data)
            .map(|bits| f16::from_bits(bits).to_f32())
            .collect(),
        Dtype::BF16 => pairs(data)
            .map(|bits| bf16::from_bits(bits).to_f32())
            .collect(),
        _ => {
            let (numbers, _) = data.as_chunks::<4>();
            numbers.iter().map(|&it| f32::from_le_bytes(it)).collect()
        }
    }
}

/// Whether all numbers of a floating-point type are finite: not all bits of an exponent are set.
#[cfg(feature = "torch")]
pub(super) fn are_finite(dtype: Dtype, data: &[u8]) -> bool {
    let below = |exponent: u16| !pairs(data).fold(false, |bad, x| bad | (x & exponent == exponent));
    match dtype {
        Dtype::F16 => below(0x7c00),
        Dtype::BF16 => below(0x7f80),
        Dtype::F32 => {
            let (numbers, _) = data.as_chunks::<4>();
            let exponent = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) & 0x7f80_0000;
            !numbers
                .iter()
                .fold(false, |bad, x| bad | (exponent(x) == 0x7f80_0000))
        }
        _ => false,
    }
}

fn pairs(data: &[u8]) -> impl Iterator<Item = u16> + '_ {
    data.as_chunks::<2>()
        .0
        .iter()
        .map(|&bytes| u16::from_le_bytes(bytes))
}
