//! Blocks of numbers, as ggml stores them, to `f32`.
//!
//! A block has an f16 step `d` (and a minimum `m`, where its type ends with `_1` or is Q4_K or Q5_K).
//! The first half of a block's numbers lies in the low halves of its bytes, the second in the high
//! halves.

use half::{bf16, f16};

use super::tensor_type::TensorType;

/// Writes the numbers of blocks to `out`, which has as many.
pub(super) fn dequantise(of: TensorType, bytes: &[u8], out: &mut [f32]) {
    let block = of.block();
    let write: fn(&[u8], &mut [f32]) = match of {
        TensorType::F32 => |x, out| out[0] = f32::from_le_bytes([x[0], x[1], x[2], x[3]]),
        TensorType::F16 => |x, out| out[0] = half(x),
        TensorType::Bf16 => |x, out| out[0] = bf16::from_le_bytes([x[0], x[1]]).to_f32(),
        TensorType::Q4_0 => |x, out| shifted(&x[..2], &low_bits(&x[2..]), 8, out),
        TensorType::Q4_1 => |x, out| raised(&x[..4], &low_bits(&x[4..]), out),
        TensorType::Q5_0 => |x, out| shifted(&x[..2], &five_bits(&x[2..]), 16, out),
        TensorType::Q5_1 => |x, out| raised(&x[..4], &five_bits(&x[4..]), out),
        TensorType::Q8_0 => q8_0,
        TensorType::Q4K => |x, out| super_block(&x[..16], None, &x[16..], out),
        TensorType::Q5K => |x, out| super_block(&x[..16], Some(&x[16..48]), &x[48..], out),
        TensorType::Q6K => q6_k,
    };
    let blocks = bytes.chunks_exact(block.bytes);
    for (block, out) in blocks.zip(out.chunks_exact_mut(block.numbers)) {
        write(block, out);
    }
}

/// The f16 number at the beginning of some bytes.
pub(super) fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// The 32 numbers in 16 bytes.
pub(super) fn low_bits(bytes: &[u8]) -> [u8; 32] {
    std::array::from_fn(|i| bytes[i % 16] >> (i / 16 * 4) & 15)
}

/// The 32 numbers whose fifth bits are in the first four bytes.
fn five_bits(bytes: &[u8]) -> [u8; 32] {
    let fifth = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let low = low_bits(&bytes[4..]);
    std::array::from_fn(|i| low[i] | ((fifth >> i & 1) << 4) as u8)
}

/// `d (q - middle)`.
fn shifted(step: &[u8], numbers: &[u8; 32], middle: i16, out: &mut [f32]) {
    let step = half(step);
    for (out, &q) in out.iter_mut().zip(numbers) {
        *out = step * f32::from(i16::from(q) - middle);
    }
}

/// `d q + m`.
fn raised(scales: &[u8], numbers: &[u8; 32], out: &mut [f32]) {
    let (step, least) = (half(scales), half(&scales[2..]));
    for (out, &q) in out.iter_mut().zip(numbers) {
        *out = step * f32::from(q) + least;
    }
}

fn q8_0(bytes: &[u8], out: &mut [f32]) {
    let step = half(bytes);
    for (out, &q) in out.iter_mut().zip(&bytes[2..]) {
        *out = step * f32::from(q as i8);
    }
}

/// Q4_K, or Q5_K with its fifth bits: eight groups of 32 numbers, `d s q - m t`, with a step `s` and
/// a minimum `t` of 6 bits for each.
fn super_block(scales: &[u8], fifth: Option<&[u8]>, low: &[u8], out: &mut [f32]) {
    let (step, least) = (half(scales), half(&scales[2..]));
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (own_step, own_least) = six_bits(&scales[4..], group);
        let (step, least) = (step * f32::from(own_step), least * f32::from(own_least));
        // Two groups in turn share 32 bytes.
        let bytes = &low[group / 2 * 32..][..32];
        for (i, out) in out.iter_mut().enumerate() {
            let high = fifth.map_or(0, |bits| (bits[i] >> group & 1) << 4);
            let q = bytes[i] >> (group % 2 * 4) & 15 | high;
            *out = step * f32::from(q) - least;
        }
    }
}

/// The step and the minimum of a group in 12 bytes: of the first four groups the low 6 bits of a
/// byte, of the others 4 bits and the two that those leave.
fn six_bits(bytes: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        return (bytes[group] & 63, bytes[group + 4] & 63);
    }
    let (low, at) = (bytes[group + 4], group - 4);
    let high = |byte: u8| byte >> 6 << 4;
    (low & 15 | high(bytes[at]), low >> 4 | high(bytes[group]))
}

/// Sixteen groups of 16 numbers, `d s (q - 32)`, with a step `s` of 8 bits for each. A half of 128
/// numbers has its low four bits in 64 bytes and the upper two in 32.
fn q6_k(bytes: &[u8], out: &mut [f32]) {
    let (low, rest) = bytes.split_at(128);
    let (high, rest) = rest.split_at(64);
    let (steps, step) = rest.split_at(16);
    let step = half(step);
    for (i, out) in out.iter_mut().enumerate() {
        let (part, at) = (i / 128, i % 128);
        let low = low[part * 64 + at % 64] >> (at / 64 * 4) & 15;
        let high = high[part * 32 + at % 32] >> (at / 32 * 2) & 3;
        let q = i16::from(low | high << 4) - 32;
        *out = step * f32::from(steps[i / 16] as i8) * f32::from(q);
    }
}
