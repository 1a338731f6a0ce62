//! The products of linear layers, some panels at a time.

use std::ops::Range;

use super::gemm::{Output, QuantRows, lanes};
use super::pack::{PackedF32, PackedI8};
use super::pack4::PackedI4;
use super::row_ops::RowScale;
use super::{Blocks, Isa, TILE, Task, for_blocks, for_sixteens};

/// Some panels of an int8 product, for all rows.
pub(super) struct GemmI8<'a> {
    pub(super) x: QuantRows<'a>,
    pub(super) weights: &'a PackedI8,
    pub(super) panels: Range<usize>,
    pub(super) out: Output<'a>,
}

impl Task for GemmI8<'_> {
    type Output = ();

    const USES_TILES: bool = true;

    #[inline(always)]
    fn is_wide(&self) -> bool {
        self.weights.is_wide()
    }

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        assert_eq!(self.x.stride, self.weights.stride());
        let rows = self.x.scales.len();
        if rows == 1 {
            self.one_row::<I>();
        }
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
    /// Computes the only row, as far as there are four panels at a time.
    #[inline(always)]
    fn one_row<I: Isa>(&mut self) {
        while self.panels.len() >= 4 {
            let first = self.panels.start;
            let values = self.weights.product_row::<I>(self.x, 0, first);
            for (i, y) in values.into_iter().enumerate() {
                self.out.put::<I>(0, first + i, y);
            }
            self.panels.start += 4;
        }
    }

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
        // The rows that a tile read after the last one have no scales.
        let rows = sums.iter().zip(&x.scales[row..]);
        for (r, (sums, &scale)) in rows.enumerate() {
            let mut y = w.values::<I>(sums, scale, panel);
            if let Some(outliers) = x.outliers.get(row + r) {
                w.add::<I>(outliers, panel, &mut y);
            }
            self.out.put::<I>(row + r, panel, y);
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
    pub(super) fn product_row<I: Isa>(
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
            if let Some(outliers) = x.outliers.get(row) {
                self.add::<I>(outliers, panel + i, y);
            }
        }
        y
    }
}

/// The rows from which on a tile of sixteen int4 rows is faster than one of as many as there are.
const FEW: usize = 12;

/// Some panels of an int4 product, for all rows.
pub(super) struct GemmI4<'a> {
    pub(super) x: QuantRows<'a>,
    pub(super) weights: &'a PackedI4,
    pub(super) panels: Range<usize>,
    pub(super) out: Output<'a>,
}

impl Task for GemmI4<'_> {
    type Output = ();

    const USES_TILES: bool = true;

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        assert_eq!(self.x.stride, self.weights.inputs);
        let rows = self.x.scales.len();
        if rows == 1 {
            self.one_row::<I>();
        }
        let gemm = &self;
        if I::BY_SIXTEEN && rows >= FEW {
            let panels = self.panels.clone();
            return for_sixteens::<I>(rows, &mut PanelsI4 { gemm, panels });
        }
        for panel in self.panels.clone() {
            let panels = panel..panel + 1;
            for_blocks::<I>(rows, &mut PanelsI4 { gemm, panels });
        }
    }
}

impl GemmI4<'_> {
    /// Computes the only row, as far as there are four panels at a time.
    #[inline(always)]
    fn one_row<I: Isa>(&mut self) {
        while self.panels.len() >= 4 {
            let first = self.panels.start;
            let values = self.weights.product_row::<I>(self.x, 0, first);
            for (i, y) in values.into_iter().enumerate() {
                self.out.put::<I>(0, first + i, y);
            }
            self.panels.start += 4;
        }
    }

    /// Computes one panel of `R` rows.
    #[inline(always)]
    fn tile<I: Isa, const R: usize>(&self, row: usize, panel: usize) {
        let Self {
            x, weights: w, out, ..
        } = self;
        let a = x.bytes[row * x.stride..][..R * x.stride].as_ptr();
        let (weights, steps) = w.panels(panel..panel + 1);
        // SAFETY: `R` rows of `stride` = 32 bytes a group were sliced above; `panels` checks its
        // bounds, and has a step a column for each group; tasks only run where `I` does.
        let sums = unsafe { I::tile_i4::<R>(w.groups(), a, x.stride, weights, steps) };
        // The rows that a tile read after the last one have no scales.
        for (r, (sums, &scale)) in sums.iter().zip(&x.scales[row..]).enumerate() {
            let mut y = w.values::<I>(sums, scale, panel);
            if let Some(outliers) = x.outliers.get(row + r) {
                w.add::<I>(outliers, panel, &mut y);
            }
            out.put::<I>(row + r, panel, y);
        }
    }
}

/// Some panels of an int4 product, which take blocks of rows.
struct PanelsI4<'a> {
    gemm: &'a GemmI4<'a>,
    panels: Range<usize>,
}

impl Blocks for PanelsI4<'_> {
    #[inline(always)]
    fn block<I: Isa, const R: usize>(&mut self, row: usize) {
        for panel in self.panels.clone() {
            self.gemm.tile::<I, R>(row, panel);
        }
    }
}

impl PackedI4 {
    /// Gives what a row's sums of a panel stand for.
    #[inline(always)]
    fn values<I: Isa>(&self, sums: &[f32; TILE], row: RowScale, panel: usize) -> [f32; TILE] {
        let columns = panel * TILE;
        let shift: &[f32; TILE] = lanes(&self.shift, columns);
        let bias: &[f32; TILE] = lanes(&self.bias, columns);
        let mut y = [0.0; TILE];
        for c in 0..TILE {
            let rest = I::fma(row.min, shift[c], bias[c]);
            y[c] = I::fma(sums[c], row.scale, rest);
        }
        y
    }

    /// Computes the outputs of one row in four panels from `panel` on.
    ///
    /// # Panics
    ///
    /// If there are no such rows or panels.
    #[inline(always)]
    pub(super) fn product_row<I: Isa>(
        &self,
        x: QuantRows<'_>,
        row: usize,
        panel: usize,
    ) -> [[f32; TILE]; 4] {
        assert_eq!(x.stride, self.inputs);
        let a = x.bytes[row * x.stride..][..x.stride].as_ptr();
        let (weights, steps) = self.panels(panel..panel + 4);
        // SAFETY: a row of `stride` = 32 bytes a group was sliced above; `panels` checks its bounds,
        // and has a step a column for each group; tasks only run where `I` does.
        let sums = unsafe { I::row_i4(self.groups(), a, weights, steps) };
        let mut y = [[0.0; TILE]; 4];
        for (i, y) in y.iter_mut().enumerate() {
            *y = self.values::<I>(&sums[i], x.scales[row], panel + i);
            if let Some(outliers) = x.outliers.get(row) {
                self.add::<I>(outliers, panel + i, y);
            }
        }
        y
    }
}

/// Some panels of an `f32` product, for all rows.
pub(super) struct GemmF32<'a> {
    pub(super) x: &'a [f32],
    pub(super) rows: usize,
    pub(super) weights: &'a PackedF32,
    pub(super) panels: Range<usize>,
    pub(super) out: Output<'a>,
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
        let sums = unsafe { I::tile_floats::<f32, R>(w.inputs, x, w.inputs, w.panel(panel)) };
        let columns = panel * TILE;
        let bias: &[f32; TILE] = lanes(&w.bias, columns);
        for (r, sums) in sums.iter().enumerate() {
            let mut y = [0.0; TILE];
            for c in 0..TILE {
                y[c] = sums[c] + bias[c];
            }
            gemm.out.put::<I>(row + r, panel, y);
        }
    }
}
