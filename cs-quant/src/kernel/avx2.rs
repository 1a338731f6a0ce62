//! The tiles for AVX2 and FMA.
//!
//! `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs in `i16`. The packed weights are
//! such that two of these sums can be added there before `vpmaddwd` widens them to `i32`: a quarter
//! fewer multiplications.

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_fmadd_ps, _mm256_load_si256, _mm256_loadu_ps, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
};

use super::{Isa, TILE, Task};

/// A machine with AVX2 and FMA.
pub(crate) struct Avx2;

pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Enters the instruction set.
///
/// # Safety
///
/// The machine has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn run<T: Task>(task: T) -> T::Output {
    task.run::<Avx2>()
}

impl Isa for Avx2 {
    const ROWS: usize = 4;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    unsafe fn tile_i8<const R: usize>(
        pairs: usize,
        a: *const u8,
        lda: usize,
        b: *const i8,
        next: *const i8,
    ) -> [[i32; TILE]; R] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // a prefetch may name any address, so `wrapping_add` is all that `next` needs; two
        // vectors of eight `i32` have the size of the 16 that are returned.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let mut sums = [[_mm256_setzero_si256(); 2]; R];
            // One half of the columns after the other, and the activations loaded for each: two
            // weights, eight sums and the rest fit the 16 registers. The compiler must not see
            // that the second load gives the same, else it keeps the first and spills the sums.
            let rows = [a, std::hint::black_box(a)];
            for pair in 0..pairs {
                let w = b.add(pair * 128).cast::<__m256i>();
                for (half, a) in rows.into_iter().enumerate() {
                    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(pair * 128 + half * 64));
                    let first = _mm256_load_si256(w.add(half));
                    let second = _mm256_load_si256(w.add(2 + half));
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let x = a.add(r * lda + pair * 8).cast::<i32>();
                        let low = _mm256_set1_epi32(x.read_unaligned());
                        let high = _mm256_set1_epi32(x.add(1).read_unaligned());
                        let low = _mm256_maddubs_epi16(low, first);
                        let high = _mm256_maddubs_epi16(high, second);
                        let wide = _mm256_madd_epi16(_mm256_add_epi16(low, high), ones);
                        sum[half] = _mm256_add_epi32(sum[half], wide);
                    }
                }
            }
            std::array::from_fn(|r| std::mem::transmute::<[__m256i; 2], [i32; TILE]>(sums[r]))
        }
    }

    #[inline(always)]
    unsafe fn tile_f32<const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const f32,
    ) -> [[f32; TILE]; R] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // two vectors of eight floats have the size of the 16 that are returned.
        unsafe {
            let mut sums = [[_mm256_setzero_ps(); 2]; R];
            for i in 0..k {
                let w0 = _mm256_loadu_ps(b.add(i * TILE));
                let w1 = _mm256_loadu_ps(b.add(i * TILE + 8));
                for (r, sum) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*a.add(r * lda + i));
                    sum[0] = _mm256_fmadd_ps(x, w0, sum[0]);
                    sum[1] = _mm256_fmadd_ps(x, w1, sum[1]);
                }
            }
            std::array::from_fn(|r| std::mem::transmute::<[__m256; 2], [f32; TILE]>(sums[r]))
        }
    }
}
