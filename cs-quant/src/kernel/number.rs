//! The types of numbers that a tile of floats multiplies by.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512, _mm256_loadu_ps, _mm512_loadu_ps};

use half::f16;

use super::{Isa, TILE};
#[cfg(target_arch = "x86_64")]
use super::{avx2, vnni};

/// A type in which floats are kept. Any bits are a number.
pub(crate) trait Number: Copy + 'static {
    /// Rounds floats to the nearest, to the largest finite ones beyond them.
    ///
    /// # Safety
    ///
    /// The machine has the set.
    unsafe fn narrow<I: Isa>(floats: &[f32; TILE]) -> [Self; TILE];

    fn widen(self) -> f32;

    /// Widens [`TILE`] numbers.
    ///
    /// # Safety
    ///
    /// They are readable, and the machine has AVX2 and F16C.
    #[cfg(target_arch = "x86_64")]
    unsafe fn load_256(from: *const Self) -> [__m256; 2];

    /// Widens [`TILE`] numbers.
    ///
    /// # Safety
    ///
    /// They are readable, and the machine has AVX-512.
    #[cfg(target_arch = "x86_64")]
    unsafe fn load_512(from: *const Self) -> __m512;
}

impl Number for f32 {
    #[inline(always)]
    unsafe fn narrow<I: Isa>(floats: &[f32; TILE]) -> [Self; TILE] {
        *floats
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn load_256(from: *const Self) -> [__m256; 2] {
        // SAFETY: the caller vouches for what is read and for the instruction set.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn load_512(from: *const Self) -> __m512 {
        // SAFETY: the caller vouches for what is read and for the instruction set.
        unsafe { _mm512_loadu_ps(from) }
    }
}

impl Number for f16 {
    #[inline(always)]
    unsafe fn narrow<I: Isa>(floats: &[f32; TILE]) -> [Self; TILE] {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { I::narrow(floats) }
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        widen(self.to_bits())
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn load_256(from: *const Self) -> [__m256; 2] {
        // SAFETY: the caller's promise is the one asked for; a number has the size of its bits.
        unsafe { avx2::widen(from.cast()) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn load_512(from: *const Self) -> __m512 {
        // SAFETY: the caller's promise is the one asked for; a number has the size of its bits.
        unsafe { vnni::widen(from.cast()) }
    }
}

/// Gives an f16 number, by arithmetic that the compiler vectorises.
#[inline(always)]
pub(super) fn widen(bits: u16) -> f32 {
    // The exponents of f32 count from 112 lower.
    let scale = f32::from_bits((127 + 112) << 23);
    let size = f32::from_bits(u32::from(bits & 0x7fff) << 13) * scale;
    let endless = if bits & 0x7c00 == 0x7c00 {
        0x7f80_0000
    } else {
        0
    };
    f32::from_bits(size.to_bits() | endless | u32::from(bits & 0x8000) << 16)
}

/// Rounds a float to an f16 number, to the largest finite one beyond it.
#[inline(always)]
pub(super) fn narrow(float: f32) -> f16 {
    let most = f16::MAX.to_f32_const();
    f16::from_f32(float.clamp(-most, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_number_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let (found, expected) = (widen(bits), f16::from_bits(bits).to_f32_const());
            // Of a number that is none, the bits beside the sign and the exponent do not matter.
            if expected.is_nan() {
                assert!(found.is_nan());
            } else {
                assert_eq!(found.to_bits(), expected.to_bits());
            }
        }
    }
}
