//! The arithmetic: tiles, row operations, attention, and the fork-join pool they are split over.
//!
//! The only folder of this crate with `unsafe`. Everything is written once, generic over [`Isa`]:
//! the two matrix tiles differ per instruction set, the rest is plain Rust that the compiler
//! vectorises for the set it is instantiated with. An operation is a [`Task`], and only
//! [`Simd::run`] enters an instruction set.
#![allow(
    unsafe_code,
    reason = "SIMD intrinsics, and threads that write disjoint parts of one buffer"
)]

use std::fmt;
use std::str::FromStr;

use half::f16;

use self::number::Number;
use self::pack::Line;
use crate::error::{Error, Result};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
pub(crate) mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
pub(crate) mod cached;
pub(crate) mod gemm;
pub(crate) mod heads;
pub(crate) mod lstm;
pub(crate) mod math;
pub(crate) mod memory;
mod number;
mod outliers;
pub(crate) mod pack;
pub(crate) mod pack4;
pub(crate) mod pool;
mod portable;
mod product;
pub(crate) mod row_ops;
mod shared;
pub(crate) mod team;
#[cfg(target_arch = "x86_64")]
mod vnni;

/// The number of columns of the output that one tile computes, to which weights are padded.
pub(crate) const TILE: usize = 16;

/// The most rows that a tile of floats takes.
const MOST_ROWS: usize = 16;

/// The number of rows of one register of AMX.
const SIXTEEN: usize = 16;

/// How far ahead of a tile int4 weights are fetched, in bytes.
const AHEAD: usize = 2048;

/// An instruction set that the runtime has kernels for.
///
/// All kernels give the same integers, so that an answer does not depend on the machine beyond the
/// rounding of `f32` sums.
///
/// ```
/// use cs_quant::Kernel;
///
/// let kernel = Kernel::detect();
/// assert!(kernel.is_supported());
/// assert_eq!("portable".parse::<Kernel>()?, Kernel::Portable);
/// # Ok::<(), cs_quant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain Rust, which runs on every machine.
    Portable,
    /// AVX2 and FMA (x86-64 since 2013).
    Avx2,
    /// AVX2 with the 256-bit dot products of AVX-VNNI (Alder Lake, Zen 5 and later).
    AvxVnni,
    /// AVX-512 with VNNI (Cascade Lake, Zen 4 and later).
    Avx512Vnni,
    /// AVX-512 with VNNI and the 8-bit tiles of AMX (Sapphire Rapids and later), on Linux.
    AmxInt8,
}

/// The kernels that [`Kernel::detect`] chooses from, best first. A kernel belongs here once its
/// tests have run on a processor that has the instructions.
const PREFERRED: [Kernel; 5] = [
    Kernel::AmxInt8,
    Kernel::Avx512Vnni,
    Kernel::AvxVnni,
    Kernel::Avx2,
    Kernel::Portable,
];

impl Kernel {
    /// Every kernel there is, on whatever machine.
    pub const ALL: [Self; 5] = [
        Self::Portable,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512Vnni,
        Self::AmxInt8,
    ];

    /// Gives the fastest kernel that runs on this machine: AMX, else AVX-512-VNNI, AVX-VNNI, AVX2
    /// or the portable one.
    ///
    /// The order was measured on Sapphire Rapids; another kernel may be asked for in
    /// [`RuntimeConfig::kernel`](crate::RuntimeConfig::kernel).
    #[must_use]
    pub fn detect() -> Self {
        let supported = PREFERRED.into_iter().find(|kernel| kernel.is_supported());
        supported.unwrap_or(Self::Portable)
    }

    /// Whether this machine has the kernel's instructions.
    #[must_use]
    pub fn is_supported(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Portable => true,
            Self::Avx2 => avx2::is_supported(),
            Self::AvxVnni => vnni::is_supported_256(),
            Self::Avx512Vnni => vnni::is_supported_512(),
            #[cfg(target_os = "linux")]
            Self::AmxInt8 => amx::is_supported(),
            #[cfg(not(target_os = "linux"))]
            Self::AmxInt8 => false,
        };
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Portable;
    }

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::AvxVnni => "avx-vnni",
            Self::Avx512Vnni => "avx512-vnni",
            Self::AmxInt8 => "amx-int8",
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kernel {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|kernel| kernel.name() == name);
        known.ok_or_else(|| Error::UnknownName {
            what: "kernel",
            found: name.to_owned(),
            expected: "portable, avx2, avx-vnni, avx512-vnni or amx-int8",
        })
    }
}

/// What differs between instruction sets.
pub(crate) trait Isa {
    /// The number of rows that a tile takes at once where there are as many: enough sums to hide
    /// the latency of an addition, few enough for the registers. It is 4, 6, 8 or [`MOST_ROWS`].
    const ROWS: usize;

    /// Whether the integer tiles take their rows by 16, up to 64, and reads as many even if fewer are
    /// wanted.
    const BY_SIXTEEN: bool = false;

    /// Computes `a * b + c`, fused where the set has it.
    fn fma(a: f32, b: f32, c: f32) -> f32;

    /// Multiplies `R` rows of 8-bit activations by one panel of [`TILE`] int8 columns, summed in
    /// `i32`.
    ///
    /// The sums are exact if no [neighbours'](pack::NEIGHBOURS) products add up to more than 16
    /// bits hold, which [`pack::PackedI8`] makes sure of, or if only those of two do and the task says that
    /// its weights [are wide](Task::is_wide). `next` is a panel to prefetch; it is
    /// never read.
    ///
    /// # Safety
    ///
    /// `a` is readable for `R` rows of `pairs * 8` bytes that lie `lda` bytes apart, `b` for
    /// `pairs * 128` bytes from an address divisible by 64, the machine has the set, and the task
    /// declares that it [uses tiles](Task::USES_TILES).
    unsafe fn tile_i8<const R: usize>(
        pairs: usize,
        a: *const u8,
        lda: usize,
        b: *const i8,
        next: *const i8,
    ) -> [[i32; TILE]; R];

    /// Multiplies one row by four panels that lie one after another, as [`Isa::tile_i8`] does: with
    /// one panel alone each addition would wait for the one before.
    ///
    /// # Safety
    ///
    /// That of [`Isa::tile_i8`], with `b` readable for four panels; tiles need not be declared.
    unsafe fn row_i8(pairs: usize, a: *const u8, b: *const i8) -> [[i32; TILE]; 4];

    /// Multiplies `R` rows of 8-bit activations by one panel of [`TILE`] int4 columns: the sum of each
    /// of the `groups` of 32 inputs is exact, then multiplied by its column's step and added up in
    /// `f32`, group by group.
    ///
    /// # Safety
    ///
    /// `a` is readable for `R` rows of `groups * 32` bytes that lie `lda` bytes apart, `b` for
    /// `groups * 256` bytes from an address divisible by 64, `steps` for as many rows as there are
    /// groups, the machine has the set, and the task declares that it
    /// [uses tiles](Task::USES_TILES).
    #[inline(always)]
    unsafe fn tile_i4<const R: usize>(
        groups: usize,
        a: *const u8,
        lda: usize,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; R] {
        let mut sums = [[0.0; TILE]; R];
        for group in 0..groups {
            // SAFETY: the caller vouches for as many groups, rows and steps, and for the set;
            // `weights` is aligned and has eight lines, four pairs of them.
            let (exact, steps) = unsafe {
                let weights = widen(&*b.add(group * 256).cast());
                let panel = weights.as_ptr().cast();
                let exact = Self::tile_i8::<R>(4, a.add(group * 32), lda, panel, panel);
                (exact, *steps.add(group))
            };
            for (sums, exact) in sums.iter_mut().zip(&exact) {
                for c in 0..TILE {
                    let step = number::widen(steps[c]);
                    sums[c] = Self::fma(exact[c] as f32, step, sums[c]);
                }
            }
        }
        sums
    }

    /// Multiplies one row by four panels that lie one after another, as [`Isa::tile_i4`] does, in the
    /// same order: halves of weights are widened as they are, and what eight less of each takes away
    /// is computed once for all panels.
    ///
    /// # Safety
    ///
    /// That of [`Isa::tile_i4`], with `b` and `steps` readable for four panels; tiles need not be
    /// declared.
    unsafe fn row_i4(
        groups: usize,
        a: *const u8,
        b: *const u8,
        steps: *const [u16; TILE],
    ) -> [[f32; TILE]; 4];

    /// Multiplies `R` rows of `k` floats (`lda` apart) by `k` rows of [`TILE`] columns of numbers.
    ///
    /// # Safety
    ///
    /// `a` is readable for `R` rows of `k` floats, `b` for `k` rows of [`TILE`] numbers, and the
    /// machine has the set.
    unsafe fn tile_floats<N: Number, const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const N,
    ) -> [[f32; TILE]; R];

    /// Rounds floats to f16 numbers, to the largest finite ones beyond them.
    ///
    /// # Safety
    ///
    /// The machine has the set.
    unsafe fn narrow(floats: &[f32; TILE]) -> [f16; TILE];
}

/// Widens the lines of a group of int4 weights to lines of int8.
#[inline(always)]
fn widen(lines: &[[u8; 64]; 4]) -> [Line<i8, 64>; 8] {
    let mut wide = [Line([0; 64]); 8];
    for (pair, line) in wide.as_chunks_mut::<2>().0.iter_mut().zip(lines) {
        for (i, &byte) in line.iter().enumerate() {
            pair[0].0[i] = (byte & 15) as i8 - 8;
            pair[1].0[i] = (byte >> 4) as i8 - 8;
        }
    }
    wide
}

/// Work that takes `R` rows at once.
trait Blocks {
    /// Works on rows `row..row + R`.
    fn block<I: Isa, const R: usize>(&mut self, row: usize);
}

/// Works on all of `0..rows`, in blocks as large as the set likes them.
#[inline(always)]
fn for_blocks<I: Isa>(rows: usize, work: &mut impl Blocks) {
    let mut row = 0;
    if I::ROWS >= 16 {
        while row + 16 <= rows {
            work.block::<I, 16>(row);
            row += 16;
        }
    }
    if I::ROWS >= 8 {
        while row + 8 <= rows {
            work.block::<I, 8>(row);
            row += 8;
        }
    }
    if I::ROWS == 6 {
        while row + 6 <= rows {
            work.block::<I, 6>(row);
            row += 6;
        }
    }
    while row + 4 <= rows {
        work.block::<I, 4>(row);
        row += 4;
    }
    match rows - row {
        1 => work.block::<I, 1>(row),
        2 => work.block::<I, 2>(row),
        3 => work.block::<I, 3>(row),
        _ => {}
    }
}

/// Works on all of `0..rows` in blocks of 16 to 64, the last one perhaps beyond the end.
#[inline(always)]
fn for_sixteens<I: Isa>(rows: usize, work: &mut impl Blocks) {
    let mut row = 0;
    while row < rows {
        // Sums in only two registers wait for each other; five or six are faster as three and the
        // rest.
        let registers = match (rows - row).div_ceil(SIXTEEN) {
            few @ 1..=4 => few,
            5 | 6 => 3,
            _ => 4,
        };
        match registers {
            1 => work.block::<I, 16>(row),
            2 => work.block::<I, 32>(row),
            3 => work.block::<I, 48>(row),
            _ => work.block::<I, 64>(row),
        }
        row += registers * SIXTEEN;
    }
}

/// An operation that runs on any instruction set.
pub(crate) trait Task {
    /// The result of the operation.
    type Output;

    /// Whether the operation calls [`Isa::tile_i8`] or [`Isa::tile_i4`], whose registers AMX wants to be set up.
    const USES_TILES: bool = false;

    /// Whether its int8 weights [are wide](pack::PackedI8::is_wide).
    #[inline(always)]
    fn is_wide(&self) -> bool {
        false
    }

    /// Runs the operation. Implementations are `#[inline(always)]`, else the set's instructions are
    /// not used.
    fn run<I: Isa>(self) -> Self::Output;
}

/// A kernel that is known to run on this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simd(Kernel);

impl Simd {
    /// Checks that the machine has the instructions.
    pub(crate) fn new(kernel: Kernel) -> Result<Self> {
        if kernel.is_supported() {
            Ok(Self(kernel))
        } else {
            Err(Error::UnsupportedKernel {
                kernel: kernel.name(),
            })
        }
    }

    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }

    /// Runs a task with this instruction set.
    #[inline]
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `new` is the only constructor, and it checked for the instructions.
        return unsafe {
            match self.0 {
                Kernel::Portable => task.run::<portable::Portable>(),
                Kernel::Avx2 => avx2::run(task),
                Kernel::AvxVnni => vnni::run_256(task),
                Kernel::Avx512Vnni => vnni::run_512(task),
                #[cfg(target_os = "linux")]
                Kernel::AmxInt8 => amx::run(task),
                #[cfg(not(target_os = "linux"))]
                Kernel::AmxInt8 => vnni::run_512(task),
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        return task.run::<portable::Portable>();
    }
}

#[cfg(test)]
mod tests;
