//! The arithmetic: tiles, row operations, attention, and the fork-join pool they are split over.
//!
//! The only folder of this crate with `unsafe`. Everything is written once, generic over [`Isa`]:
//! the two matrix tiles differ per instruction set, the rest is plain Rust that the compiler
//! vectorises for the set it is instantiated with. An operation is a [`Task`]; [`Simd::run`] is
//! the one place where an instruction set is entered.
#![allow(
    unsafe_code,
    reason = "SIMD intrinsics, and threads that write disjoint parts of one buffer"
)]

use std::fmt;
use std::str::FromStr;

use crate::error::{QuantError, Result};

pub(crate) mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
pub(crate) mod gemm;
pub(crate) mod lstm;
pub(crate) mod math;
pub(crate) mod pack;
pub(crate) mod pool;
mod portable;
pub(crate) mod rows;
mod shared;
pub(crate) mod team;

/// Columns of the output that one tile computes, and to which weights are padded.
pub(crate) const TILE: usize = 16;

/// An instruction set the runtime has kernels for.
///
/// All kernels give the same integers: activations take 7 bits on each of them, so that an answer
/// does not depend on the machine beyond the rounding of `f32` sums.
///
/// ```
/// use cs_quant::Kernel;
///
/// let kernel = Kernel::detect();
/// assert!(kernel.is_supported());
/// assert_eq!("portable".parse::<Kernel>()?, Kernel::Portable);
/// # Ok::<(), cs_quant::QuantError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain Rust, for every machine.
    Portable,
    /// AVX2 and FMA (x86-64 since 2013).
    Avx2,
}

impl Kernel {
    /// The fastest kernel that runs on this machine.
    #[must_use]
    pub fn detect() -> Self {
        if Self::Avx2.is_supported() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    /// Whether this machine has the instructions.
    #[must_use]
    pub fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 => false,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
        })
    }
}

impl FromStr for Kernel {
    type Err = QuantError;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "portable" => Ok(Self::Portable),
            "avx2" => Ok(Self::Avx2),
            _ => Err(QuantError::UnknownName {
                what: "kernel",
                found: name.to_owned(),
                expected: "portable or avx2",
            }),
        }
    }
}

/// What differs between instruction sets.
pub(crate) trait Isa {
    /// `a * b + c`, fused where the set has it.
    fn fma(a: f32, b: f32, c: f32) -> f32;

    /// `R` rows of 7-bit activations times one panel of [`TILE`] int8 columns, summed in `i32`.
    ///
    /// `NARROW` promises |weight| <= 63. `next` is a panel to prefetch; it is never read.
    ///
    /// # Safety
    ///
    /// `a` is readable for `R` rows of `pairs * 8` bytes that lie `lda` bytes apart, `b` for
    /// `pairs * 128` bytes from an address divisible by 32, and the machine has the set.
    unsafe fn tile_i8<const R: usize, const NARROW: bool>(
        pairs: usize,
        a: *const u8,
        lda: usize,
        b: *const i8,
        next: *const i8,
    ) -> [[i32; TILE]; R];

    /// `R` rows of `k` floats (`lda` apart) times `k` rows of [`TILE`] columns (`ldb` apart).
    ///
    /// # Safety
    ///
    /// `a` is readable for `R` rows of `k` floats, `b` for `k` rows of [`TILE`] floats, and the
    /// machine has the set.
    unsafe fn tile_f32<const R: usize>(
        k: usize,
        a: *const f32,
        lda: usize,
        b: *const f32,
        ldb: usize,
    ) -> [[f32; TILE]; R];
}

/// An operation that runs on any instruction set.
pub(crate) trait Task {
    /// What it returns.
    type Output;

    /// Does it. Implementations are `#[inline(always)]`, else the set's instructions are not used.
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
            Err(QuantError::UnsupportedKernel { kernel })
        }
    }

    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }

    /// Runs a task with this instruction set.
    #[inline]
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            // SAFETY: `new` is the only constructor, and it checked for the instructions.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { avx2::run(task) },
            _ => task.run::<portable::Portable>(),
        }
    }
}

#[cfg(test)]
mod tests;
