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
//! (|acc| <= 2^13 K, which fits for K up to 2^18).

use std::ops::Range;

use super::math::{Act, activate};
use super::memory::grow;
use super::pack::{PackedF32, PackedI8};
use super::row_ops::{RowScale, quantise};
use super::shared::Shared;
use super::team::Team;
use super::{Blocks, Isa, SIXTEEN, TILE, Task, for_blocks, for_sixteens};
use crate::error::Result;

/// The least number of multiplications that a piece of a split has (some microseconds).
const GRAIN: usize = 1 << 18;

/// The weights of a linear layer, in either precision.
#[derive(Debug, Clone)]
pub(crate) enum Weights {
    Int8(PackedI8),
    F32(PackedF32),
}

/// The space for quantised activations, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct QuantScratch {
    bytes: Vec<u8>,
    scales: Vec<RowScale>,
}

impl Weights {
    /// The number K of inputs.
    pub(crate) fn inputs(&self) -> usize {
        match self {
            Self::Int8(w) => w.inputs,
            Self::F32(w) => w.inputs,
        }
    }

    /// The number N of outputs.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Int8(w) => w.outputs,
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
            Self::F32(w) => w.bytes(),
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
        (out, scratch): (&mut [f32], &mut QuantScratch),
    ) {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let rows = out.len().checked_div(outputs).unwrap_or(0);
        assert_eq!((x.len(), out.len()), (rows * inputs, rows * outputs));
        let out = Shared::new(out);
        let grain = GRAIN.div_ceil((rows * inputs * TILE).max(1));
        let panels = outputs.div_ceil(TILE);
        match self {
            Self::Int8(weights) => {
                let x = scratch.quantise(team, x, rows, weights);
                team.split(panels, grain, |panels| {
                    team.simd.run(GemmI8 {
                        x,
                        weights,
                        panels,
                        act,
                        out: &out,
                    });
                });
            }
            Self::F32(weights) => team.split(panels, grain, |panels| {
                team.simd.run(GemmF32 {
                    x,
                    rows,
                    weights,
                    panels,
                    act,
                    out: &out,
                });
            }),
        }
    }
}

impl QuantScratch {
    /// Makes room for `rows` rows of up to `inputs` values.
    pub(crate) fn reserve(&mut self, rows: usize, inputs: usize) -> Result<()> {
        let rows_read = rows.saturating_add(SIXTEEN - 1) / SIXTEEN * SIXTEEN;
        let bytes = rows_read.saturating_mul(inputs.next_multiple_of(8));
        grow(&mut self.bytes, bytes)?;
        grow(&mut self.scales, rows)
    }

    /// Quantises the `rows` rows of `x`, as `weights` wants them.
    pub(super) fn quantise(
        &mut self,
        team: Team<'_>,
        x: &[f32],
        rows: usize,
        weights: &PackedI8,
    ) -> QuantRows<'_> {
        let stride = weights.stride();
        // The bytes after the last row are read by tiles of 16 rows, whose sums of them are not
        // used.
        let read = rows.next_multiple_of(SIXTEEN) * stride;
        self.bytes.resize(self.bytes.len().max(read), 0);
        self.scales
            .resize(self.scales.len().max(rows), RowScale::default());
        let (bytes, scales) = (&mut self.bytes[..rows * stride], &mut self.scales[..rows]);
        let how = (weights.inputs, weights.levels());
        quantise(team, x, how, (bytes, scales));
        QuantRows {
            bytes: &self.bytes[..read],
            scales: &self.scales[..rows],
            stride,
        }
    }
}

/// Quantised activations, `[M, stride]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct QuantRows<'a> {
    /// The bytes of `M` rows, rounded up to a multiple of 16.
    bytes: &'a [u8],
    scales: &'a [RowScale],
    stride: usize,
}

/// Some panels of an int8 product, for all rows.
struct GemmI8<'a> {
    x: QuantRows<'a>,
    weights: &'a PackedI8,
    panels: Range<usize>,
    act: Act,
    out: &'a Shared<'a, f32>,
}

impl Task for GemmI8<'_> {
    type Output = ();

    const USES_TILES: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        assert_eq!(self.x.stride, self.weights.stride());
        let rows = self.x.scales.len();
        let gemm = &self;
        if I::BY_SIXTEEN {
            // There are so many rows that they, not the panel, should stay in the first-level
            // cache.
            let panels = self.panels.clone();
            return for_sixteens::<I>(rows, &mut PanelsI8 { gemm, panels });
        }
        for panel in self.panels.clone() {
            let panels = panel..panel + 1;
            for_blocks::<I>(rows, &mut PanelsI8 { gemm, panels });
        }
    }
}

/// Some panels of an int8 product, which take blocks of rows.
struct PanelsI8<'a> {
    gemm: &'a GemmI8<'a>,
    panels: Range<usize>,
}

impl Blocks for PanelsI8<'_> {
    #[inline(always)]
    fn block<I: Isa, const R: usize>(&mut self, row: usize) {
        for panel in self.panels.clone() {
            self.gemm.tile::<I, R>(row, panel);
        }
    }
}

impl GemmI8<'_> {
    /// Computes one panel of `R` rows.
    #[inline(always)]
    fn tile<I: Isa, const R: usize>(&self, row: usize, panel: usize) {
        let Self { x, weights, .. } = self;
        let w = *weights;
        let next = w.panel(if panel + 1 < self.panels.end {
            panel + 1
        } else {
            panel
        });
        let a = x.bytes[row * x.stride..][..R * x.stride].as_ptr();
        // SAFETY: `R` rows of `stride` = `pairs * 8` bytes were sliced above; `panel` checks its
        // bounds, and panels are aligned to cache lines; tasks only run where `I` does.
        let sums = unsafe { I::tile_i8::<R>(w.pairs, a, x.stride, w.panel(panel), next) };
        let columns = panel * TILE;
        // The rows that a tile read after the last one have no scales.
        let rows = sums.iter().zip(&x.scales[row..]);
        for (r, (sums, &scale)) in rows.enumerate() {
            let mut y = w.values::<I>(sums, scale, panel);
            activate::<I, TILE>(self.act, &mut y);
            store(
                self.out,
                (row + r) * w.outputs + columns,
                w.outputs - columns,
                &y,
            );
        }
    }
}

impl PackedI8 {
    /// Gives what a row's sums of a panel stand for.
    #[inline(always)]
    fn values<I: Isa>(&self, sums: &[i32; TILE], row: RowScale, panel: usize) -> [f32; TILE] {
        let columns = panel * TILE;
        let scale: &[f32; TILE] = lanes(&self.scale, columns);
        let shift: &[f32; TILE] = lanes(&self.shift, columns);
        let bias: &[f32; TILE] = lanes(&self.bias, columns);
        let mut y = [0.0; TILE];
        for c in 0..TILE {
            let rest = I::fma(row.min, shift[c], bias[c]);
            y[c] = I::fma(sums[c] as f32, row.scale * scale[c], rest);
        }
        y
    }

    /// Computes the outputs of one row in four panels from `panel` on.
    ///
    /// # Panics
    ///
    /// If there are no such rows or panels.
    #[inline(always)]
    pub(super) fn row<I: Isa>(
        &self,
        x: QuantRows<'_>,
        row: usize,
        panel: usize,
    ) -> [[f32; TILE]; 4] {
        assert_eq!(x.stride, self.stride());
        let a = x.bytes[row * x.stride..][..x.stride].as_ptr();
        // SAFETY: a row of `stride` = `pairs * 8` bytes was sliced above; `panels` checks its
        // bounds, and panels are aligned to cache lines; tasks only run where `I` does.
        let sums = unsafe { I::row_i8(self.pairs, a, self.panels(panel..panel + 4)) };
        let mut y = [[0.0; TILE]; 4];
        for (i, y) in y.iter_mut().enumerate() {
            *y = self.values::<I>(&sums[i], x.scales[row], panel + i);
        }
        y
    }
}

/// Some panels of an `f32` product, for all rows.
struct GemmF32<'a> {
    x: &'a [f32],
    rows: usize,
    weights: &'a PackedF32,
    panels: Range<usize>,
    act: Act,
    out: &'a Shared<'a, f32>,
}

impl Task for GemmF32<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for panel in self.panels.clone() {
            let gemm = &self;
            for_blocks::<I>(self.rows, &mut PanelF32 { gemm, panel });
        }
    }
}

/// One panel of an `f32` product, which takes blocks of rows.
struct PanelF32<'a> {
    gemm: &'a GemmF32<'a>,
    panel: usize,
}

impl Blocks for PanelF32<'_> {
    #[inline(always)]
    fn block<I: Isa, const R: usize>(&mut self, row: usize) {
        let (panel, gemm) = (self.panel, self.gemm);
        let w = gemm.weights;
        let x = gemm.x[row * w.inputs..][..R * w.inputs].as_ptr();
        // SAFETY: `R` rows of `inputs` floats were sliced above; `panel` checks its bounds; tasks
        // only run where `I` does.
        let sums = unsafe { I::tile_f32::<R>(w.inputs, x, w.inputs, w.panel(panel)) };
        let columns = panel * TILE;
        let bias: &[f32; TILE] = lanes(&w.bias, columns);
        for (r, sums) in sums.iter().enumerate() {
            let mut y = [0.0; TILE];
            for c in 0..TILE {
                y[c] = sums[c] + bias[c];
            }
            activate::<I, TILE>(gemm.act, &mut y);
            store(
                gemm.out,
                (row + r) * w.outputs + columns,
                w.outputs - columns,
                &y,
            );
        }
    }
}

/// Gives the 16 values of a panel.
#[inline(always)]
fn lanes(values: &[f32], from: usize) -> &[f32; TILE] {
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
