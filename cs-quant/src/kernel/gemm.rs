//! Linear layers: `[M, K]` times packed `[N, K]`, plus bias, through the activation.
//!
//! The int8 product of a row x = s u + m (8-bit u) and a column w = t q (int8 q) is
//!
//! ```text
//! sum_k x_k w_k = t * (s * sum_k u_k q_k  +  m * sum_k q_k)
//!               =      s t * acc          +  m * shift,         shift = t * sum_k q_k
//! ```
//!
//! so the asymmetry of the activations costs one multiply-add per output. `acc` is an exact `i32`
//! (|acc| < 2^14 K, which fits for K up to 2^17). With int4 weights each group `g` of 32 inputs has
//! a step and an exact sum of its own, `s * sum_g t_g acc_g + m * shift`, added up in this order
//! whatever the tile: a row's result does not depend on the rows beside it.

use std::ops::Range;

use super::math::{Act, activate};
use super::memory::grow;
use super::outliers::{BEYOND, BEYOND_OF_LOGITS, Outliers};
use super::pack::{PackedF32, PackedI8};
use super::pack4::PackedI4;
use super::product::{GemmF32, GemmI4, GemmI8};
use super::row_ops::{QuantOut, RowScale, quantise};
use super::shared::Shared;
use super::team::Team;
use super::{Isa, SIXTEEN, TILE};
use crate::error::Result;

/// The least number of multiplications that a piece of a split has (some microseconds).
const GRAIN: usize = 1 << 18;

/// The number of rows that are multiplied by a weight in the time in which it is read from memory.
const ROWS_OF_READING: usize = 8;

/// The weights of a linear layer, in any precision.
#[derive(Debug, Clone)]
pub(crate) enum Weights {
    Int8(PackedI8),
    Int4(PackedI4),
    F32(PackedF32),
}

/// The space for quantised activations, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct QuantScratch {
    bytes: Vec<u8>,
    scales: Vec<RowScale>,
    outliers: Vec<Outliers>,
    /// The multiple of a row's mean magnitude beyond which its values are multiplied apart, if any are.
    beyond: Option<f32>,
}

impl Weights {
    /// The number K of inputs.
    pub(crate) fn inputs(&self) -> usize {
        match self {
            Self::Int8(w) => w.inputs,
            Self::Int4(w) => w.inputs,
            Self::F32(w) => w.inputs,
        }
    }

    /// The number N of outputs.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Int8(w) => w.outputs,
            Self::Int4(w) => w.outputs,
            Self::F32(w) => w.outputs,
        }
    }

    /// The number of multiply-adds per row.
    pub(crate) fn macs(&self) -> usize {
        self.inputs() * self.outputs()
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Int8(w) => w.bytes(),
            Self::Int4(w) => w.bytes(),
            Self::F32(w) => w.bytes(),
        }
    }

    /// Writes the weights of an output, `[K]`: of a matrix whose rows are embeddings too, one.
    ///
    /// # Panics
    ///
    /// If there is no such output.
    pub(crate) fn row(&self, output: usize, out: &mut [f32]) {
        match self {
            Self::Int8(w) => w.row(output, out),
            Self::Int4(w) => w.row(output, out),
            Self::F32(w) => w.row(output, out),
        }
    }

    /// Computes `out = act(x W^T + bias)`, with `x` `[M, K]` and `out` `[M, N]`.
    ///
    /// # Panics
    ///
    /// If the lengths disagree.
    pub(crate) fn apply(
        &self,
        team: Team<'_>,
        x: &[f32],
        act: Act,
        out: &mut [f32],
        scratch: &mut QuantScratch,
    ) {
        let outputs = self.outputs();
        let rows = out.len().checked_div(outputs).unwrap_or(0);
        assert_eq!((x.len(), out.len()), (rows * self.inputs(), rows * outputs));
        let out = Output {
            act,
            gated: false,
            width: outputs,
            buffer: &Shared::new(out),
        };
        self.multiply(team, x, rows, out, scratch);
    }

    /// Computes `out = act(x G^T) * (x U^T)` from the panels of G and U in turn, with `x` `[M, K]`
    /// and `out` `[M, I]`, biases included.
    ///
    /// # Panics
    ///
    /// If the lengths disagree.
    pub(crate) fn apply_gated(
        &self,
        team: Team<'_>,
        x: &[f32],
        act: Act,
        out: &mut [f32],
        scratch: &mut QuantScratch,
    ) {
        let rows = x.len().checked_div(self.inputs()).unwrap_or(0);
        let width = out.len().checked_div(rows).unwrap_or(0);
        assert_eq!((x.len(), out.len()), (rows * self.inputs(), rows * width));
        assert!(rows == 0 || width.next_multiple_of(TILE) * 2 == self.outputs());
        let out = Output {
            act,
            gated: true,
            width,
            buffer: &Shared::new(out),
        };
        self.multiply(team, x, rows, out, scratch);
    }

    fn multiply(
        &self,
        team: Team<'_>,
        x: &[f32],
        rows: usize,
        out: Output<'_>,
        scratch: &mut QuantScratch,
    ) {
        // A row alone is multiplied by four panels at a time; else the panels of gates stay with
        // those that they are multiplied by.
        let together = match rows {
            1 => 4,
            _ if out.gated => 2,
            _ => 1,
        };
        let panels = self.outputs().div_ceil(TILE);
        let work = rows.max(ROWS_OF_READING) * self.inputs() * TILE * together;
        let grain = GRAIN.div_ceil(work.max(1));
        let split = |job: &(dyn Fn(Range<usize>) + Sync)| {
            team.split(panels.div_ceil(together), grain, |range| {
                job(range.start * together..panels.min(range.end * together));
            });
        };
        match self {
            Self::Int8(weights) => {
                let x = scratch.quantise(team, x, rows, weights.inputs, weights.levels());
                split(&|panels| {
                    team.simd.run(GemmI8 {
                        x,
                        weights,
                        panels,
                        out,
                    });
                });
            }
            Self::Int4(weights) => {
                let x = scratch.quantise(team, x, rows, weights.inputs, u8::MAX);
                split(&|panels| {
                    team.simd.run(GemmI4 {
                        x,
                        weights,
                        panels,
                        out,
                    });
                });
            }
            Self::F32(weights) => split(&|panels| {
                team.simd.run(GemmF32 {
                    x,
                    rows,
                    weights,
                    panels,
                    out,
                });
            }),
        }
    }
}

/// Where the results of a product go, and what is done to them before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output<'a> {
    act: Act,
    /// Whether every other panel is what the activated one before is multiplied by.
    gated: bool,
    /// The width of a row.
    width: usize,
    buffer: &'a Shared<'a, f32>,
}

impl Output<'_> {
    /// Takes the values of one panel of a row.
    #[inline(always)]
    pub(super) fn put<I: Isa>(&self, row: usize, panel: usize, mut y: [f32; TILE]) {
        let multiplies = self.gated && panel % 2 == 1;
        let column = if self.gated { panel / 2 } else { panel } * TILE;
        let (at, left) = (row * self.width + column, self.width - column);
        if multiplies {
            // SAFETY: a panel's columns belong to one task, and a task writes to one position at a
            // time.
            let out = unsafe { self.buffer.slice(at, left.min(TILE)) };
            out.iter_mut().zip(y).for_each(|(out, y)| *out *= y);
        } else {
            activate::<I, TILE>(self.act, &mut y);
            store(self.buffer, at, left, &y);
        }
    }
}

impl QuantScratch {
    /// Makes a space whose rows' outliers are multiplied apart, as decoders need: norms keep an
    /// encoder's activations together.
    pub(crate) fn apart() -> Self {
        Self {
            beyond: Some(BEYOND),
            ..Self::default()
        }
    }

    /// Makes a space for the logits of words, which depend on more of these: there are few such rows.
    pub(crate) fn for_logits() -> Self {
        Self {
            beyond: Some(BEYOND_OF_LOGITS),
            ..Self::default()
        }
    }

    /// Makes room for `rows` rows of up to `inputs` values.
    pub(crate) fn reserve(&mut self, rows: usize, inputs: usize) -> Result<()> {
        let rows_read = rows.saturating_add(SIXTEEN - 1) / SIXTEEN * SIXTEEN;
        let bytes = rows_read.saturating_mul(inputs.next_multiple_of(8));
        grow(&mut self.bytes, bytes)?;
        let apart = if self.beyond.is_some() { rows } else { 0 };
        grow(&mut self.outliers, apart)?;
        grow(&mut self.scales, rows)
    }

    /// Quantises the `rows` rows of `x`, each `width` values, to bytes of up to `levels`.
    pub(super) fn quantise(
        &mut self,
        team: Team<'_>,
        x: &[f32],
        rows: usize,
        width: usize,
        levels: u8,
    ) -> QuantRows<'_> {
        let stride = width.next_multiple_of(8);
        // The bytes after the last row are read by tiles of 16 rows, whose sums of them are not
        // used.
        let read = rows.next_multiple_of(SIXTEEN) * stride;
        self.bytes.resize(self.bytes.len().max(read), 0);
        self.scales
            .resize(self.scales.len().max(rows), RowScale::default());
        let apart = if self.beyond.is_some() { rows } else { 0 };
        self.outliers
            .resize(self.outliers.len().max(apart), Outliers::default());
        let out = QuantOut {
            bytes: &mut self.bytes[..rows * stride],
            scales: &mut self.scales[..rows],
            outliers: &mut self.outliers[..apart],
            beyond: self.beyond.unwrap_or(f32::INFINITY),
        };
        quantise(team, x, width, levels, out);
        QuantRows {
            bytes: &self.bytes[..read],
            scales: &self.scales[..rows],
            outliers: &self.outliers[..apart],
            stride,
        }
    }
}

/// Quantised activations, `[M, stride]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct QuantRows<'a> {
    /// The bytes of `M` rows, rounded up to a multiple of 16.
    pub(super) bytes: &'a [u8],
    pub(super) scales: &'a [RowScale],
    /// What is multiplied apart, `[M]`, or nothing.
    pub(super) outliers: &'a [Outliers],
    pub(super) stride: usize,
}

/// Gives the 16 values of a panel.
#[inline(always)]
pub(super) fn lanes(values: &[f32], from: usize) -> &[f32; TILE] {
    let (lanes, _) = values[from..]
        .split_first_chunk()
        .unwrap_or((&[0.0; TILE], &[]));
    lanes
}

/// Stores the first `left` of 16 values at `at`.
#[inline(always)]
pub(super) fn store(out: &Shared<'_, f32>, at: usize, left: usize, y: &[f32; TILE]) {
    if left >= TILE {
        // SAFETY: a panel's columns belong to one task, and a task writes to one position at a
        // time.
        unsafe { out.slice(at, TILE) }.copy_from_slice(y);
    } else {
        // SAFETY: as above.
        unsafe { out.slice(at, left) }.copy_from_slice(&y[..left]);
    }
}
