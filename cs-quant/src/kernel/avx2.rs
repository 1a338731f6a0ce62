//! The tiles for AVX2 and FMA.
//!
//! `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs in `i16`. An encoder's packed weights
//! are such that two of these sums can be added there before `vpmaddwd` widens them to `i32`, which
//! saves a quarter of the multiplications; a decoder's are [wide](super::pack::PackedI8::is_wide), and each
//! sum is widened.

use std::arch::asm;
use std::arch::x86_64::{
    __m128i, __m256, __m256i, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_prefetch,
    _mm_setzero_si128, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_cvtepi32_ps,
    _mm256_cvtph_ps, _mm256_cvtps_ph, _mm256_fmadd_ps, _mm256_load_si256, _mm256_loadu_ps,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_srli_epi16,
};

use half::f16;

use super::number::Number;
use super::pack4::{GROUP, LINES};
use super::{AHEAD, Isa, TILE, Task};

/// The instruction set of a machine with AVX2, FMA and F16C, for weights that are `WIDE` or are not.
pub(crate) struct Avx2<const WIDE: bool = false>;

pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

/// Enters the instruction set.
///
/// # Safety
///
/// The machine has AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) unsafe fn run<T: Task>(task: T) -> T::Output {
    match task.is_wide() {
        true => task.run::<Avx2<true>>(),
        false => task.run::<Avx2>(),
    }
}

/// The memory that a tile reads and writes.
#[derive(Clone, Copy)]
struct Tile {
    /// The number of bytes of a row; at least 8 and a multiple of it.
    bytes: usize,
    a: *const u8,
    lda: usize,
    b: *const i8,
    next: *const i8,
    sums: *mut [i32; TILE],
}

/// Computes the sums of each row `$at`, whose activations are `$row`, in `$left` and `$right`. `$join` makes
/// `ymm12` and `ymm13` sums in `i32` of the four registers from `ymm12` on, sums of pairs in `i16`.
///
/// Eight sums, three of four weights and what an addition needs are 16 registers. In Rust the
/// columns had to be taken in two halves, with the activations loaded for each, which took a tenth
/// of a forward's time.
macro_rules! products {
    ($tile:ident, $join:expr, $($at:literal: $row:ident, $left:literal, $right:literal);+) => {
        asm!(
            "vpcmpeqw ymm11, ymm11, ymm11",
            "vpsrlw ymm11, ymm11, 15", // ones
            $(
                concat!("vpxor ", $left, ", ", $left, ", ", $left),
                concat!("vpxor ", $right, ", ", $right, ", ", $right),
            )+
            "2:",
            "prefetcht0 [{next}]",
            "prefetcht0 [{next} + 64]",
            "vmovdqa ymm8, ymmword ptr [{b}]",
            "vmovdqa ymm9, ymmword ptr [{b} + 32]",
            "vmovdqa ymm10, ymmword ptr [{b} + 64]",
            $(
                concat!("vpbroadcastd ymm13, dword ptr [{", stringify!($row), "} + {at}]"),
                "vpmaddubsw ymm12, ymm13, ymm8",
                "vpmaddubsw ymm13, ymm13, ymm9",
                concat!("vpbroadcastd ymm15, dword ptr [{", stringify!($row), "} + {at} + 4]"),
                "vpmaddubsw ymm14, ymm15, ymm10",
                "vpmaddubsw ymm15, ymm15, ymmword ptr [{b} + 96]",
                $join,
                concat!("vpaddd ", $left, ", ", $left, ", ymm12"),
                concat!("vpaddd ", $right, ", ", $right, ", ymm13"),
            )+
            "add {next}, 128",
            "sub {b}, -128",
            "add {at}, 8",
            "jnz 2b",
            $(
                concat!("vmovdqu ymmword ptr [{sums} + 64 * ", $at, "], ", $left),
                concat!("vmovdqu ymmword ptr [{sums} + 64 * ", $at, " + 32], ", $right),
            )+
            $($row = in(reg) $tile.a.wrapping_add($at * $tile.lda + $tile.bytes),)+
            at = inout(reg) $tile.bytes.wrapping_neg() => _,
            b = inout(reg) $tile.b => _,
            next = inout(reg) $tile.next => _,
            sums = in(reg) $tile.sums,
            out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _,
            out("ymm4") _, out("ymm5") _, out("ymm6") _, out("ymm7") _,
            out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack),
        )
    };
}

/// Computes the sums of 1 to 4 rows.
macro_rules! rows {
    ($tile:ident, $count:ident, $join:expr) => {
        match $count {
            1 => products!($tile, $join, 0: r0, "ymm0", "ymm1"),
            2 => products!($tile, $join, 0: r0, "ymm0", "ymm1"; 1: r1, "ymm2", "ymm3"),
            3 => products!($tile, $join, 0: r0, "ymm0", "ymm1"; 1: r1, "ymm2", "ymm3";
                2: r2, "ymm4", "ymm5"),
            _ => products!($tile, $join, 0: r0, "ymm0", "ymm1"; 1: r1, "ymm2", "ymm3";
                2: r2, "ymm4", "ymm5"; 3: r3, "ymm6", "ymm7"),
        }
    };
}

impl Tile {
    /// Writes the sums of `R` rows, 1 to 4.
    ///
    /// # Safety
    ///
    /// That of [`Isa::tile_i8`]; and `sums` is writable for `R` rows.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn multiply<const R: usize, const WIDE: bool>(self) {
        // SAFETY: the caller vouches for what is read and written; a prefetch may name any address.
        unsafe {
            match WIDE {
                true => rows!(
                    self,
                    R,
                    concat!(
                        "vpmaddwd ymm12, ymm12, ymm11\n",
                        "vpmaddwd ymm13, ymm13, ymm11\n",
                        "vpmaddwd ymm14, ymm14, ymm11\n",
                        "vpmaddwd ymm15, ymm15, ymm11\n",
                        "vpaddd ymm12, ymm12, ymm14\n",
                        "vpaddd ymm13, ymm13, ymm15",
                    )
                ),
                false => rows!(
                    self,
                    R,
                    concat!(
                        "vpaddw ymm12, ymm12, ymm14\n",
                        "vpaddw ymm13, ymm13, ymm15\n",
                        "vpmaddwd ymm12, ymm12, ymm11\n",
                        "vpmaddwd ymm13, ymm13, ymm11",
                    )
                ),
            }
        }
    }
}

/// Widens f16 numbers.
///
/// # Safety
///
/// They are readable, and the machine has F16C.
#[inline]
#[target_feature(enable = "f16c")]
pub(super) unsafe fn widen(numbers: *const [u16; TILE]) -> [__m256; 2] {
    // SAFETY: the caller vouches for what is read.
    let [left, right] = unsafe { numbers.cast::<[__m128i; 2]>().read_unaligned() };
    [_mm256_cvtph_ps(left), _mm256_cvtph_ps(right)]
}

impl<const WIDE: bool> Isa for Avx2<WIDE> {
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
        assert!(R <= 4);
        let mut sums = [[0; TILE]; R];
        if pairs > 0 {
            let tile = Tile {
                bytes: pairs * 8,
                a,
                lda,
                b,
                next,
                sums: sums.as_mut_ptr(),
            };
            // SAFETY: the caller's promise; there is a pair, and `sums` has `R` rows.
            unsafe { tile.multiply::<R, WIDE>() };
        }
        sums
    }

    #[inline(always)]
    unsafe fn row_i8(pairs: usize, a: *const u8, b: *const i8) -> [[i32; TILE]; 4] {
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // two vectors of eight `i32` have the size of the 16 that are returned.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let mut sums = [[_mm256_setzero_si256(); 2]; 4];
            for pair in 0..pairs {
                let x = a.add(pair * 8).cast::<[i32; 2]>().read_unaligned();
                let x = [_mm256_set1_epi32(x[0]), _mm256_set1_epi32(x[1])];
                for (panel, sums) in sums.iter_mut().enumerate() {
                    let w = b.add((panel * pairs + pair) * 128).cast::<__m256i>();
                    for (half, sum) in sums.iter_mut().enumerate() {
                        let first = _mm256_load_si256(w.add(half));
                        let second = _mm256_load_si256(w.add(half + 2));
                        let first = _mm256_maddubs_epi16(x[0], first);
                        let second = _mm256_maddubs_epi16(x[1], second);
                        let products = match WIDE {
                            true => _mm256_add_epi32(
                                _mm256_madd_epi16(first, ones),
                                _mm256_madd_epi16(second, ones),
                            ),
                            false => _mm256_madd_epi16(_mm256_add_epi16(first, second), ones),
                        };
                        *sum = _mm256_add_epi32(*sum, products);
                    }
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
            let ones = _mm256_set1_epi16(1);
            let mut sums = [[_mm256_setzero_ps(); 2]; 4];
            for group in 0..groups {
                let x = a.add(group * GROUP).cast::<[i32; 8]>().read_unaligned();
                let mut less = _mm256_setzero_si256();
                for x in x {
                    let products = _mm256_maddubs_epi16(_mm256_set1_epi32(x), minus_eight);
                    less = _mm256_add_epi16(less, products);
                }
                for (panel, sums) in sums.iter_mut().enumerate() {
                    let at = panel * groups + group;
                    let steps = widen(steps.add(at));
                    for (half, sum) in sums.iter_mut().enumerate() {
                        let lines = b.add(at * LINES * 64 + half * 32);
                        // All 16 products of a lane, 255 times -8 to 7, fit in 16 bits in the end.
                        let mut pairs = less;
                        for line in 0..LINES {
                            let packed = lines.add(line * 64);
                            _mm_prefetch::<_MM_HINT_T0>(packed.wrapping_add(AHEAD).cast());
                            let packed = _mm256_load_si256(packed.cast());
                            let first = _mm256_and_si256(packed, low);
                            let second = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), low);
                            let u = [x[line * 2], x[line * 2 + 1]];
                            let first = _mm256_maddubs_epi16(_mm256_set1_epi32(u[0]), first);
                            let second = _mm256_maddubs_epi16(_mm256_set1_epi32(u[1]), second);
                            pairs = _mm256_add_epi16(pairs, _mm256_add_epi16(first, second));
                        }
                        let exact = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, ones));
                        *sum = _mm256_fmadd_ps(exact, steps[half], *sum);
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
        // SAFETY: the caller vouches for the ranges that are read and for the instruction set;
        // two vectors of eight floats have the size of the 16 that are returned.
        unsafe {
            let mut sums = [[_mm256_setzero_ps(); 2]; R];
            for i in 0..k {
                let w = N::load_256(b.add(i * TILE));
                for (r, sum) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*a.add(r * lda + i));
                    sum[0] = _mm256_fmadd_ps(x, w[0], sum[0]);
                    sum[1] = _mm256_fmadd_ps(x, w[1], sum[1]);
                }
            }
            std::array::from_fn(|r| std::mem::transmute::<[__m256; 2], [f32; TILE]>(sums[r]))
        }
    }

    #[inline(always)]
    unsafe fn narrow(floats: &[f32; TILE]) -> [f16; TILE] {
        // SAFETY: the caller vouches for the instruction set; two vectors of eight 16-bit numbers
        // have the size of the 16 that are returned.
        unsafe {
            let most = _mm256_set1_ps(f16::MAX.to_f32_const());
            let least = _mm256_set1_ps(f16::MIN.to_f32_const());
            let mut halves = [_mm_setzero_si128(); 2];
            for (i, half) in halves.iter_mut().enumerate() {
                let floats = _mm256_loadu_ps(floats.as_ptr().add(i * 8));
                // The second operand is what is left of two of which one is no number.
                let floats = _mm256_max_ps(least, _mm256_min_ps(most, floats));
                *half = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats);
            }
            std::mem::transmute::<[__m128i; 2], [f16; TILE]>(halves)
        }
    }
}
