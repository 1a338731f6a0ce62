//! The tiles in plain Rust: the reference, and the fallback.

use half::f16;

use super::number::{Number, narrow};
use super::pack4::LINES;
use super::{Isa, TILE};

/// The instruction set of any machine.
pub(crate) struct Portable;

impl Isa for Portable {
    const ROWS: usize = 4;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    #[inline(always)]
    unsafe fn tile_i8<const R: usize>(
        pairs: usize,
        a: *const u8,
        lda: usize,
        b: *const i8,
        _next: *const i8,
    ) -> [[i32; TILE]; R] {
        let mut sums = [[0; TILE]; R];
        for group in 0..pairs * 2 {
            // SAFETY: the caller vouches for `pairs * 2` groups of 64 weights.
            let weights: &[[i8; 4]; TILE] = unsafe { &*b.add(group * 64).cast() };
            let weights: [[i16; TILE]; 4] =
                std::array::from_fn(|k| weights.map(|column| i16::from(column[k])));
            for (r, row) in sums.iter_mut().enumerate() {
                // SAFETY: the caller vouches for `R` rows of `pairs * 2` groups of 4 bytes.
                let x: [u8; 4] = unsafe { a.add(r * lda + group * 4).cast::<[u8; 4]>().read() };
                let x = x.map(i16::from);
                // The weights are such that two products fit in 16 bits, which most machines add
                // fastest.
                let pair = |k: usize, c: usize| x[k] * weights[k][c] + x[k + 1] * weights[k + 1][c];
                for (c, sum) in row.iter_mut().enumerate() {
                    *sum += i32::from(pair(0, c)) + i32::from(pair(2, c));
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn row_i8(pairs: usize, a: *const u8, b: *const i8) -> [[i32; TILE]; 4] {
        std::array::from_fn(|panel| {
            // SAFETY: the caller vouches for four panels of `pairs * 128` bytes.
            let [sums] = unsafe {
                let b = b.add(panel * pairs * 128);
                Self::tile_i8::<1>(pairs, a, 0, b, b)
            };
            sums
        })
    }

    #[inline(always)]
    unsafe fn row_i4(
        groups: usize,
        a: *const u8,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; 4] {
        std::array::from_fn(|panel| {
            // SAFETY: the caller vouches for four panels of `groups` groups.
            let [sums] = unsafe {
                let first = panel * groups;
                Self::tile_i4::<1>(groups, a, 0, b.add(first * LINES * 64), steps.add(first))
            };
            sums
        })
    }

    #[inline(always)]
    unsafe fn tile_floats<N: Number, const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const N,
    ) -> [[f32; TILE]; R] {
        let mut sums = [[0.0; TILE]; R];
        for i in 0..k {
            // SAFETY: the caller vouches for `k` rows of `TILE` numbers at `b`.
            let weights: &[N; TILE] = unsafe { &*b.add(i * TILE).cast() };
            let weights = weights.map(N::widen);
            for (r, row) in sums.iter_mut().enumerate() {
                // SAFETY: the caller vouches for `R` rows of `k` floats at `a`.
                let x = unsafe { *a.add(r * lda + i) };
                for (sum, w) in row.iter_mut().zip(weights) {
                    *sum += x * w;
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn narrow(floats: &[f32; TILE]) -> [f16; TILE] {
        floats.map(narrow)
    }
}
