//! The integer tiles for AMX: registers of 16 rows of 64 bytes, of which `tdpbusd` multiplies two, 16
//! rows of activations by 16 columns of weights over 64 inputs, and adds the products to 16 x 16
//! `i32`.
//!
//! A panel's groups of four inputs are the rows that the instruction wants. With int4 weights, whose sums
//! are of 32 inputs, half of a register is zero. Floats, and the inputs
//! left over after the last 64, are computed as with AVX-512. (Intel 64 and IA-32 Architectures
//! Software Developer's Manual, volume 1, chapter 18.)

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::mem::MaybeUninit;
use std::sync::LazyLock;

use half::f16;

use super::number::Number;
use super::pack4::{GROUP, LINES};
use super::vnni::{self, Avx512Vnni};
use super::{Isa, TILE, Task, widen};

/// A machine with AVX-512-VNNI and AMX's 8-bit tiles.
pub(crate) struct AmxInt8;

/// Whether the processor has the tiles and Linux lets this process use them.
pub(super) fn is_supported() -> bool {
    static ALLOWED: LazyLock<bool> = LazyLock::new(|| has_tiles() && permitted());
    vnni::is_supported_512() && *ALLOWED
}

fn has_tiles() -> bool {
    const TILE_AND_INT8: u32 = 1 << 24 | 1 << 25;
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & TILE_AND_INT8 == TILE_AND_INT8
}

/// Asks for the registers' 8 KiB to be saved (`arch_prctl(2)`; Linux 5.16 and later).
fn permitted() -> bool {
    const ARCH_PRCTL: u64 = 158;
    const REQUEST_PERMISSION: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let status: i64;
    // SAFETY: the call reads and writes no memory of ours; the kernel uses rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => status,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    status == 0
}

/// `ldtilecfg`'s operand: eight registers of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Enters the instruction set. While a thread's tiles are not set up, switching it costs nothing
/// more.
///
/// # Safety
///
/// [`is_supported`] must hold.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) unsafe fn run<T: Task>(task: T) -> T::Output {
    if !T::USES_TILES {
        return task.run::<AmxInt8>();
    }
    // SAFETY: the machine has the instruction, and `SHAPES` is what palette 1 allows.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly)) };
    let output = task.run::<AmxInt8>();
    // SAFETY: as above.
    unsafe { asm!("tilerelease", options(nostack, nomem)) };
    output
}

/// The memory that a tile reads and writes.
#[derive(Clone, Copy)]
struct Tile {
    /// The number of steps of 64 inputs each; at least 1.
    steps: usize,
    a: *const u8,
    lda: usize,
    b: *const i8,
    next: *const i8,
    sums: *mut [i32; TILE],
}

/// Computes the sums of 16 rows for each `$row` register, with `$sum` and `$a` for registers.
macro_rules! products {
    ($tile:ident, $($at:literal: $row:ident, $sum:literal, $a:literal);+) => {
        asm!(
            $(concat!("tilezero ", $sum),)+
            "2:",
            "tileloadd tmm6, [{b} + {line}]",
            $(
                concat!("tileloadd ", $a, ", [{", stringify!($row), "} + {lda}]"),
                concat!("tdpbusd ", $sum, ", ", $a, ", tmm6"),
                concat!("add {", stringify!($row), "}, 64"),
            )+
            "prefetcht0 [{next}]",
            "prefetcht0 [{next} + 64]",
            "prefetcht0 [{next} + 128]",
            "prefetcht0 [{next} + 192]",
            "prefetcht0 [{next} + 256]",
            "prefetcht0 [{next} + 320]",
            "prefetcht0 [{next} + 384]",
            "prefetcht0 [{next} + 448]",
            "prefetcht0 [{next} + 512]",
            "prefetcht0 [{next} + 576]",
            "prefetcht0 [{next} + 640]",
            "prefetcht0 [{next} + 704]",
            "prefetcht0 [{next} + 768]",
            "prefetcht0 [{next} + 832]",
            "prefetcht0 [{next} + 896]",
            "prefetcht0 [{next} + 960]",
            "add {next}, 1024",
            "add {b}, 1024",
            "dec {steps}",
            "jnz 2b",
            $(concat!("tilestored [{sums} + {line} + 1024 * ", $at, "], ", $sum),)+
            $($row = inout(reg) $tile.a.wrapping_add($at * 16 * $tile.lda) => _,)+
            lda = in(reg) $tile.lda,
            line = in(reg) 64usize,
            b = inout(reg) $tile.b => _,
            next = inout(reg) $tile.next => _,
            sums = in(reg) $tile.sums,
            steps = inout(reg) $tile.steps => _,
            options(nostack),
        )
    };
}

impl Tile {
    /// Writes the sums of `R` rows, a multiple of 16 up to 64.
    ///
    /// # Safety
    ///
    /// That of [`Isa::tile_i8`]; and `sums` is writable for `R` rows.
    #[inline(always)]
    unsafe fn multiply<const R: usize>(self) {
        // SAFETY: the caller vouches for what is read and written, and the tiles are set up.
        unsafe {
            match R / 16 {
                1 => products!(self, 0: r0, "tmm0", "tmm4"),
                2 => products!(self, 0: r0, "tmm0", "tmm4"; 1: r1, "tmm1", "tmm5"),
                3 => products!(self, 0: r0, "tmm0", "tmm4"; 1: r1, "tmm1", "tmm5";
                    2: r2, "tmm2", "tmm7"),
                _ => products!(self, 0: r0, "tmm0", "tmm4"; 1: r1, "tmm1", "tmm5";
                    2: r2, "tmm2", "tmm7"; 3: r3, "tmm3", "tmm4"),
            }
        }
    }
}

/// The weights of two groups of int4, widened, each for a register of its own in which the other's
/// place is zero: one register of activations, two groups of every row, is multiplied by both.
#[repr(C, align(64))]
struct Halves([[[i8; 64]; 16]; 2]);

impl Halves {
    const fn zero() -> Self {
        Self([[[0; 64]; 16]; 2])
    }

    /// Widens the lines of two groups.
    ///
    /// # Safety
    ///
    /// They are readable from an address divisible by 64, and the machine has AVX-512.
    #[inline(always)]
    unsafe fn widen(&mut self, packed: *const u8) {
        for (half, register) in self.0.iter_mut().enumerate() {
            let lines = register[half * 2 * LINES..].as_mut_ptr();
            for line in 0..LINES {
                // SAFETY: the caller vouches for what is read; a register has twice as many rows
                // as a group has lines of eight.
                unsafe {
                    let packed = packed.add((half * LINES + line) * 64);
                    vnni::widen_line(packed, lines.add(line * 2));
                }
            }
        }
    }

    /// Loads the registers that [`multiply_halves`] multiplies by.
    ///
    /// # Safety
    ///
    /// The tiles are set up.
    #[inline(always)]
    unsafe fn load(&self) {
        // SAFETY: the registers' rows are those of `self`.
        unsafe {
            asm!(
                "tileloadd tmm6, [{b} + {line}]",
                "tileloadd tmm7, [{b} + {line} + 1024]",
                b = in(reg) self.0.as_ptr(),
                line = in(reg) 64usize,
                options(nostack, readonly),
            );
        }
    }
}

/// The exact sums of rows, 16 at a time, over the first and over the second of two groups.
type Exact = [[[[i32; TILE]; 16]; 2]; 4];

/// Writes the sums of 16 rows over the first of two loaded groups, then over the second.
///
/// # Safety
///
/// `a` is readable for 64 bytes of each row, `sums` is writable for 16 rows twice, and the tiles are
/// set up.
#[inline(always)]
unsafe fn multiply_halves(a: *const u8, lda: usize, sums: *mut [[i32; TILE]; 16]) {
    // SAFETY: the caller vouches for what is read and written, and the tiles are set up.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tileloadd tmm4, [{a} + {lda}]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tdpbusd tmm1, tmm4, tmm7",
            "tilestored [{sums} + {line}], tmm0",
            "tilestored [{sums} + {line} + 1024], tmm1",
            a = in(reg) a,
            lda = in(reg) lda,
            line = in(reg) 64usize,
            sums = in(reg) sums,
            options(nostack),
        );
    }
}

impl Isa for AmxInt8 {
    const ROWS: usize = Avx512Vnni::ROWS;
    const BY_SIXTEEN: bool = true;

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
        assert!(R.is_multiple_of(16) && R <= 64);
        let steps = pairs / 8;
        let mut sums = MaybeUninit::<[[i32; TILE]; R]>::uninit();
        let start = sums.as_mut_ptr().cast::<[i32; TILE]>();
        if steps > 0 {
            let tile = Tile {
                steps,
                a,
                lda,
                b,
                next,
                sums: start,
            };
            // SAFETY: `sums` has `R` rows; for the rest the caller vouches.
            unsafe { tile.multiply::<R>() };
        } else {
            // SAFETY: within `sums`; zero is a number.
            unsafe { start.write_bytes(0, R) };
        }
        // SAFETY: every number was written above.
        let written = unsafe { sums.assume_init_mut() };
        let rest = pairs % 8;
        if rest > 0 {
            for (i, sums) in written.chunks_exact_mut(16).enumerate() {
                // SAFETY: the part of the caller's ranges that is left over.
                let more = unsafe {
                    let a = a.add(i * 16 * lda + steps * 64);
                    let b = b.add(steps * 1024);
                    Avx512Vnni::tile_i8::<16>(rest, a, lda, b, next)
                };
                for (sum, more) in sums.iter_mut().flatten().zip(more.iter().flatten()) {
                    *sum += more;
                }
            }
        }
        // SAFETY: as above.
        unsafe { sums.assume_init() }
    }

    #[inline(always)]
    unsafe fn row_i8(pairs: usize, a: *const u8, b: *const i8) -> [[i32; TILE]; 4] {
        // SAFETY: the caller's promise is the one asked for; the set includes that one.
        unsafe { Avx512Vnni::row_i8(pairs, a, b) }
    }

    #[inline(always)]
    unsafe fn tile_i4<const R: usize>(
        groups: usize,
        a: *const u8,
        lda: usize,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; R] {
        if R < 16 {
            // SAFETY: the caller's promise is the one asked for; the set includes that one.
            return unsafe { Avx512Vnni::tile_i4::<R>(groups, a, lda, b, steps) };
        }
        assert!(R.is_multiple_of(16) && R <= 64);
        let mut sums = [[0.0; TILE]; R];
        let pairs = groups / 2;
        // What a pair of groups gives is added up while the next one is multiplied and the one after
        // that is widened: what one instruction has just stored is not at hand for the next.
        let mut halves = [const { Halves::zero() }; 2];
        let mut exact = MaybeUninit::<[Exact; 2]>::uninit();
        let exact = exact.as_mut_ptr().cast::<Exact>();
        for pair in 0..=pairs {
            // SAFETY: the caller vouches for the weights, the rows and the steps of `pairs` pairs;
            // what is added up was written one turn before.
            unsafe {
                if pair == 0 && pairs > 0 {
                    halves[0].widen(b);
                }
                if pair + 1 < pairs {
                    halves[(pair + 1) % 2].widen(b.add((pair + 1) * 2 * LINES * 64));
                }
                if pair < pairs {
                    halves[pair % 2].load();
                }
                for (block, sums) in sums.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                    if pair < pairs {
                        let a = a.add(block * 16 * lda + pair * 2 * GROUP);
                        multiply_halves(a, lda, (*exact.add(pair % 2))[block].as_mut_ptr());
                    }
                    if pair > 0 {
                        let before = pair - 1;
                        let exact = &(*exact.add(before % 2))[block];
                        vnni::add_scaled(sums, exact, steps.add(before * 2));
                    }
                }
            }
        }
        if groups % 2 == 1 {
            let last = groups - 1;
            // SAFETY: the caller vouches for the last group, and its lines are aligned.
            unsafe {
                let weights = widen(&*b.add(last * LINES * 64).cast());
                let panel = weights.as_ptr().cast();
                for (i, sums) in sums.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                    let a = a.add(i * 16 * lda + last * GROUP);
                    let exact = [Avx512Vnni::tile_i8::<16>(4, a, lda, panel, panel)];
                    vnni::add_scaled(sums, &exact, steps.add(last));
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn row_i4(
        groups: usize,
        a: *const u8,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; 4] {
        // SAFETY: the caller's promise is the one asked for; the set includes that one.
        unsafe { Avx512Vnni::row_i4(groups, a, b, steps) }
    }

    #[inline(always)]
    unsafe fn tile_floats<N: Number, const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const N,
    ) -> [[f32; TILE]; R] {
        // SAFETY: the caller's promise is the one asked for; the set includes that one.
        unsafe { Avx512Vnni::tile_floats::<N, R>(k, a, lda, b) }
    }

    #[inline(always)]
    unsafe fn narrow(floats: &[f32; TILE]) -> [f16; TILE] {
        // SAFETY: the caller's promise is the one asked for; the set includes that one.
        unsafe { Avx512Vnni::narrow(floats) }
    }
}
