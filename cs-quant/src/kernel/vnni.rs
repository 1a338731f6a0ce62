//! The tiles for VNNI: `vpdpbusd` multiplies four unsigned by four signed bytes and adds the
//! products to an `i32` without saturation, in one instruction where AVX2 needs three.

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _MM_HINT_T0, _mm_prefetch, _mm256_and_si256,
    _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps, _mm256_load_si256,
    _mm256_loadu_si256, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm256_srli_epi16, _mm512_add_epi32, _mm512_and_si512,
    _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_load_si512,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_setzero_si512, _mm512_srli_epi16, _mm512_store_si512,
    _mm512_storeu_ps, _mm512_sub_epi8,
};

use half::f16;

use super::avx2::{self, Avx2};
use super::number::Number;
use super::pack4::{GROUP, LINES};
use super::{AHEAD, Isa, TILE, Task};

/// The instruction set of a machine with AVX2, FMA and AVX-VNNI.
pub(crate) struct AvxVnni;

/// The instruction set of a machine with AVX-512 (F, BW, DQ, VL) and its VNNI.
pub(crate) struct Avx512Vnni;

pub(super) fn is_supported_256() -> bool {
    avx2::is_supported() && is_x86_feature_detected!("avxvnni")
}

pub(super) fn is_supported_512() -> bool {
    avx2::is_supported()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Enters the instruction set.
///
/// # Safety
///
/// [`is_supported_256`] must hold.
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
pub(crate) unsafe fn run_256<T: Task>(task: T) -> T::Output {
    task.run::<AvxVnni>()
}

/// Enters the instruction set.
///
/// # Safety
///
/// [`is_supported_512`] must hold.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) unsafe fn run_512<T: Task>(task: T) -> T::Output {
    task.run::<Avx512Vnni>()
}

/// Widens f16 numbers.
///
/// # Safety
///
/// They are readable, and the machine has AVX-512.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn widen(numbers: *const [u16; TILE]) -> __m512 {
    // SAFETY: the caller vouches for what is read.
    let numbers = unsafe { _mm256_loadu_si256(numbers.cast()) };
    _mm512_cvtph_ps(numbers)
}

/// Widens a line of int4 weights to two lines of int8.
///
/// # Safety
///
/// `packed` is readable and `lines` writable for two of them, both from an address divisible by 64, and
/// the machine has AVX-512.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn widen_line(packed: *const u8, lines: *mut [i8; 64]) {
    // SAFETY: the caller vouches for what is read and written; a prefetch may name any address.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(packed.wrapping_add(AHEAD).cast());
        let (low, eight) = (_mm512_set1_epi8(15), _mm512_set1_epi8(8));
        let packed = _mm512_load_si512(packed.cast());
        let first = _mm512_and_si512(packed, low);
        let second = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), low);
        _mm512_store_si512(lines.cast(), _mm512_sub_epi8(first, eight));
        _mm512_store_si512(lines.add(1).cast(), _mm512_sub_epi8(second, eight));
    }
}

/// Adds what the exact sums of some groups stand for, a step a column, one group after the other.
///
/// # Safety
///
/// The steps are readable for each group, and the machine has AVX-512.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn add_scaled<const R: usize, const G: usize>(
    sums: &mut [[f32; TILE]; R],
    exact: &[[[i32; TILE]; R]; G],
    steps: *const [u16; TILE],
) {
    // SAFETY: the caller vouches for the steps.
    let steps: [__m512; G] = std::array::from_fn(|group| unsafe { widen(steps.add(group)) });
    for (r, sum) in sums.iter_mut().enumerate() {
        // SAFETY: all are 16 numbers of 32 bits.
        unsafe {
            let mut more = _mm512_loadu_ps(sum.as_ptr());
            for (exact, &step) in exact.iter().zip(&steps) {
                let exact = _mm512_loadu_si512(exact[r].as_ptr().cast());
                more = _mm512_fmadd_ps(_mm512_cvtepi32_ps(exact), step, more);
            }
            _mm512_storeu_ps(sum.as_mut_ptr(), more);
        }
    }
}

impl Isa for AvxVnni {
    // Twelve sums: an addition takes five cycles, and two begin in each.
    const ROWS: usize = 6;

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
            let mut sums = [[_mm256_setzero_si256(); 2]; R];
            for group in 0..pairs * 2 {
                _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(group * 64));
                let w = b.add(group * 64).cast::<__m256i>();
                let (left, right) = (_mm256_load_si256(w), _mm256_load_si256(w.add(1)));
                for (r, sum) in sums.iter_mut().enumerate() {
                    let x = a.add(r * lda + group * 4).cast::<i32>().read_unaligned();
                    let x = _mm256_set1_epi32(x);
                    sum[0] = _mm256_dpbusd_avx_epi32(sum[0], x, left);
                    sum[1] = _mm256_dpbusd_avx_epi32(sum[1], x, right);
                }
            }
            std::array::from_fn(|r| std::mem::transmute::<[__m256i; 2], [i32; TILE]>(sums[r]))
        }
    }

    #[inline(always)]
    unsafe fn row_i8(pairs: usize, a: *const u8, b: *const i8) -> [[i32; TILE]; 4] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // two vectors of eight `i32` have the size of the 16 that are returned.
        unsafe {
            let mut sums = [[_mm256_setzero_si256(); 2]; 4];
            for group in 0..pairs * 2 {
                let x = a.add(group * 4).cast::<i32>().read_unaligned();
                let x = _mm256_set1_epi32(x);
                for (panel, sum) in sums.iter_mut().enumerate() {
                    let w = b.add(panel * pairs * 128 + group * 64).cast::<__m256i>();
                    sum[0] = _mm256_dpbusd_avx_epi32(sum[0], x, _mm256_load_si256(w));
                    sum[1] = _mm256_dpbusd_avx_epi32(sum[1], x, _mm256_load_si256(w.add(1)));
                }
            }
            sums.map(|sum| std::mem::transmute::<[__m256i; 2], [i32; TILE]>(sum))
        }
    }

    #[inline(always)]
    unsafe fn row_i4(
        groups: usize,
        a: *const u8,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; 4] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // a prefetch may name any address; two vectors of eight floats have the size of the 16
        // that are returned.
        unsafe {
            let (low, minus_eight) = (_mm256_set1_epi8(15), _mm256_set1_epi8(-8));
            let mut sums = [[_mm256_setzero_ps(); 2]; 4];
            for group in 0..groups {
                let x = a.add(group * GROUP).cast::<[i32; 8]>().read_unaligned();
                let mut less = _mm256_setzero_si256();
                for x in x {
                    less = _mm256_dpbusd_avx_epi32(less, _mm256_set1_epi32(x), minus_eight);
                }
                for (panel, sums) in sums.iter_mut().enumerate() {
                    let at = panel * groups + group;
                    let steps = avx2::widen(steps.add(at));
                    for (half, sum) in sums.iter_mut().enumerate() {
                        let lines = b.add(at * LINES * 64 + half * 32);
                        let mut exact = less;
                        for line in 0..LINES {
                            let packed = lines.add(line * 64);
                            _mm_prefetch::<_MM_HINT_T0>(packed.wrapping_add(AHEAD).cast());
                            let packed = _mm256_load_si256(packed.cast());
                            let first = _mm256_and_si256(packed, low);
                            let second = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), low);
                            let u = [x[line * 2], x[line * 2 + 1]];
                            exact = _mm256_dpbusd_avx_epi32(exact, _mm256_set1_epi32(u[0]), first);
                            exact = _mm256_dpbusd_avx_epi32(exact, _mm256_set1_epi32(u[1]), second);
                        }
                        *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(exact), steps[half], *sum);
                    }
                }
            }
            std::mem::transmute::<[[__m256; 2]; 4], [[f32; TILE]; 4]>(sums)
        }
    }

    #[inline(always)]
    unsafe fn tile_floats<N: Number, const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const N,
    ) -> [[f32; TILE]; R] {
        // SAFETY: the caller's promise is the one asked for; the set includes AVX2 and FMA.
        unsafe { <Avx2>::tile_floats::<N, R>(k, a, lda, b) }
    }

    #[inline(always)]
    unsafe fn narrow(floats: &[f32; TILE]) -> [f16; TILE] {
        // SAFETY: the caller's promise is the one asked for; the set includes F16C.
        unsafe { <Avx2>::narrow(floats) }
    }
}

impl Isa for Avx512Vnni {
    // Sixteen sums of the 32 registers; the activations are broadcast by the loads.
    const ROWS: usize = 16;

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
        // a prefetch may name any address, so `wrapping_add` is all that `next` needs; a vector
        // has the size of the 16 `i32` that are returned.
        unsafe {
            let mut sums = [_mm512_setzero_si512(); R];
            for group in 0..pairs * 2 {
                _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(group * 64));
                let w = _mm512_load_si512(b.add(group * 64).cast());
                for (r, sum) in sums.iter_mut().enumerate() {
                    let x = a.add(r * lda + group * 4).cast::<i32>().read_unaligned();
                    *sum = _mm512_dpbusd_epi32(*sum, _mm512_set1_epi32(x), w);
                }
            }
            std::array::from_fn(|r| std::mem::transmute::<__m512i, [i32; TILE]>(sums[r]))
        }
    }

    #[inline(always)]
    unsafe fn row_i8(pairs: usize, a: *const u8, b: *const i8) -> [[i32; TILE]; 4] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // a vector has the size of 16 `i32`.
        unsafe {
            // The sums of even and of odd groups: eight on their way.
            let mut sums = [[_mm512_setzero_si512(); 2]; 4];
            for pair in 0..pairs {
                for odd in 0..2 {
                    let group = pair * 2 + odd;
                    let x = a.add(group * 4).cast::<i32>().read_unaligned();
                    let x = _mm512_set1_epi32(x);
                    for (panel, sum) in sums.iter_mut().enumerate() {
                        let w = b.add(panel * pairs * 128 + group * 64);
                        let w = _mm512_load_si512(w.cast());
                        sum[odd] = _mm512_dpbusd_epi32(sum[odd], x, w);
                    }
                }
            }
            sums.map(|[even, odd]| {
                std::mem::transmute::<__m512i, [i32; TILE]>(_mm512_add_epi32(even, odd))
            })
        }
    }

    #[inline(always)]
    unsafe fn tile_i4<const R: usize>(
        groups: usize,
        a: *const u8,
        lda: usize,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; R] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // a prefetch may name any address; a vector has the size of the 16 floats that are
        // returned.
        unsafe {
            let (low, eight) = (_mm512_set1_epi8(15), _mm512_set1_epi8(8));
            // With few rows there are two sums of each, else too few are on their way.
            let odd = usize::from(R <= 8);
            let mut sums = [_mm512_setzero_ps(); R];
            for group in 0..groups {
                let mut exact = [[_mm512_setzero_si512(); 2]; R];
                for line in 0..LINES {
                    let packed = b.add((group * LINES + line) * 64);
                    _mm_prefetch::<_MM_HINT_T0>(packed.wrapping_add(AHEAD).cast());
                    let packed = _mm512_load_si512(packed.cast());
                    let first = _mm512_and_si512(packed, low);
                    let second = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), low);
                    let first = _mm512_sub_epi8(first, eight);
                    let second = _mm512_sub_epi8(second, eight);
                    for (r, exact) in exact.iter_mut().enumerate() {
                        let x = a.add(r * lda + group * GROUP + line * 8).cast::<i32>();
                        // Read one by one: a load that broadcasts takes none of the ports that
                        // multiply, as it would from a register.
                        let left = _mm512_set1_epi32(x.read_unaligned());
                        let right = _mm512_set1_epi32(x.add(1).read_unaligned());
                        exact[0] = _mm512_dpbusd_epi32(exact[0], left, first);
                        exact[odd] = _mm512_dpbusd_epi32(exact[odd], right, second);
                    }
                }
                let step = widen(steps.add(group));
                for (sum, [even, odd]) in sums.iter_mut().zip(exact) {
                    let exact = _mm512_cvtepi32_ps(_mm512_add_epi32(even, odd));
                    *sum = _mm512_fmadd_ps(exact, step, *sum);
                }
            }
            sums.map(|sum| std::mem::transmute::<__m512, [f32; TILE]>(sum))
        }
    }

    #[inline(always)]
    unsafe fn row_i4(
        groups: usize,
        a: *const u8,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; 4] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // a prefetch may name any address; a vector has the size of the 16 floats that are
        // returned.
        unsafe {
            let (low, minus_eight) = (_mm512_set1_epi8(15), _mm512_set1_epi8(-8));
            let zero = _mm512_setzero_si512();
            let mut sums = [_mm512_setzero_ps(); 4];
            for group in 0..groups {
                let bytes = a.add(group * GROUP).cast::<[i32; 8]>().read_unaligned();
                let mut x = [zero; 8];
                let mut less = [zero; 2];
                for (i, x) in x.iter_mut().enumerate() {
                    *x = _mm512_set1_epi32(bytes[i]);
                    less[i % 2] = _mm512_dpbusd_epi32(less[i % 2], *x, minus_eight);
                }
                for (panel, sum) in sums.iter_mut().enumerate() {
                    let lines = b.add((panel * groups + group) * LINES * 64);
                    let mut exact = less;
                    for line in 0..LINES {
                        let packed = lines.add(line * 64);
                        _mm_prefetch::<_MM_HINT_T0>(packed.wrapping_add(AHEAD).cast());
                        let packed = _mm512_load_si512(packed.cast());
                        let first = _mm512_and_si512(packed, low);
                        let second = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), low);
                        exact[0] = _mm512_dpbusd_epi32(exact[0], x[line * 2], first);
                        exact[1] = _mm512_dpbusd_epi32(exact[1], x[line * 2 + 1], second);
                    }
                    let exact = _mm512_cvtepi32_ps(_mm512_add_epi32(exact[0], exact[1]));
                    let step = widen(steps.add(panel * groups + group));
                    *sum = _mm512_fmadd_ps(exact, step, *sum);
                }
            }
            std::mem::transmute::<[__m512; 4], [[f32; TILE]; 4]>(sums)
        }
    }

    #[inline(always)]
    unsafe fn tile_floats<N: Number, const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const N,
    ) -> [[f32; TILE]; R] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // a vector has the size of the 16 floats that are returned.
        unsafe {
            let mut sums = [_mm512_setzero_ps(); R];
            for i in 0..k {
                let w = N::load_512(b.add(i * TILE));
                for (r, sum) in sums.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*a.add(r * lda + i));
                    *sum = _mm512_fmadd_ps(x, w, *sum);
                }
            }
            std::array::from_fn(|r| std::mem::transmute::<_, [f32; TILE]>(sums[r]))
        }
    }

    #[inline(always)]
    unsafe fn narrow(floats: &[f32; TILE]) -> [f16; TILE] {
        // SAFETY: the caller's promise is the one asked for; the set includes F16C.
        unsafe { <Avx2>::narrow(floats) }
    }
}
