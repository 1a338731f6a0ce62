//! Weights in the order in which the tiles read them.

use std::ops::Range;

use super::TILE;

/// A cache line, which keeps the panels aligned.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line<T, const N: usize>(pub(super) [T; N]);

impl<T: Copy + Default, const N: usize> Default for Line<T, N> {
    fn default() -> Self {
        Self([T::default(); N])
    }
}

/// The positions in each eight inputs whose products a tile may add in 16 bits.
pub(crate) const NEIGHBOURS: [[usize; 4]; 2] = [[0, 1, 4, 5], [2, 3, 6, 7]];

/// Those whose products it adds in 16 bits if the weights are [wide](PackedI8::is_wide).
pub(crate) const PAIRS: [[usize; 2]; 4] = [[0, 1], [2, 3], [4, 5], [6, 7]];

/// The largest sum of neighbours' positive weights, and of their negative ones, with which
/// activations may have 8 bits: 255 * 128 = 32640 fits.
pub(crate) const MOST_SUM: i32 = 128;

/// Orders the rows of matrices, `[.., count, units, width]`, so that the panels of one follow those
/// of the others: `[.., units / 16, count, 16, width]`. Units after the last are zero.
pub(crate) fn interleave<T: Copy + Default>(
    rows: &[T],
    [count, units, width]: [usize; 3],
) -> Vec<T> {
    let mut ordered = Vec::with_capacity(rows.len());
    for matrices in rows.chunks_exact((count * units * width).max(1)) {
        for first in (0..units).step_by(TILE) {
            let there = TILE.min(units - first);
            for matrix in matrices.chunks_exact(units * width) {
                ordered.extend_from_slice(&matrix[first * width..][..there * width]);
                ordered.resize(ordered.len() + (TILE - there) * width, T::default());
            }
        }
    }
    ordered
}

/// A linear layer in int8.
///
/// It is cut into panels of 16 output columns; in each the inputs are in groups of four, so that
/// four products land in one 32-bit sum: `panel[group][column][4]`. Inputs are padded to a multiple
/// of 8 and outputs to one of 16, with zeros.
#[derive(Debug, Clone)]
pub(crate) struct PackedI8 {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    /// The number of pairs of groups: padded inputs / 8.
    pub(super) pairs: usize,
    lines: Vec<Line<i8, 64>>,
    /// The step of each output's weights; `shift` is that times the column sum, and `bias` what is
    /// added.
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    pub(super) bias: Vec<f32>,
    room: Room,
}

/// What fits the 16 bits in which a tile adds neighbours' products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    /// The largest activation.
    levels: u8,
    /// Whether [`PAIRS`] are all that may be added, and not [`NEIGHBOURS`].
    wide: bool,
}

impl PackedI8 {
    /// Packs `weights` `[outputs, inputs]` with a scale and a bias per output.
    ///
    /// # Panics
    ///
    /// If the lengths disagree (the loader has checked them).
    pub(crate) fn new(inputs: usize, weights: &[i8], scale: &[f32], bias: &[f32]) -> Self {
        let outputs = scale.len();
        assert_eq!(weights.len(), outputs * inputs);
        assert_eq!(bias.len(), outputs);
        let pairs = inputs.div_ceil(8);
        let panels = outputs.div_ceil(TILE);
        let mut lines = vec![Line([0; 64]); panels * pairs * 2];
        let mut shift = vec![0.0; panels * TILE];
        for (n, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let panel = &mut lines[n / TILE * pairs * 2..][..pairs * 2];
            for (line, group) in panel.iter_mut().zip(row.chunks(4)) {
                line.0[n % TILE * 4..][..group.len()].copy_from_slice(group);
            }
            let sum: i32 = row.iter().map(|&w| i32::from(w)).sum();
            shift[n] = sum as f32 * scale[n];
        }
        let pad = |values: &[f32]| {
            let mut padded = values.to_vec();
            padded.resize(panels * TILE, 0.0);
            padded
        };
        Self {
            outputs,
            inputs,
            pairs,
            lines,
            scale: pad(scale),
            shift,
            bias: pad(bias),
            room: Room::of(inputs, weights),
        }
    }

    /// The largest activation, 255, 127 or 63, with which no neighbours leave 16 bits.
    pub(crate) fn levels(&self) -> u8 {
        self.room.levels
    }

    /// Whether only the products of [`PAIRS`] fit 16 bits, as of a decoder's weights, which are the more
    /// exact for it: a tile of AVX2 then widens each pair's sum, and not the sums of two pairs together.
    pub(crate) fn is_wide(&self) -> bool {
        self.room.wide
    }

    /// Writes the weights of an output.
    pub(super) fn row(&self, output: usize, out: &mut [f32]) {
        let lines = &self.lines[output / TILE * self.pairs * 2..][..self.pairs * 2];
        for (out, line) in out.chunks_mut(4).zip(lines) {
            let weights = &line.0[output % TILE * 4..][..out.len()];
            for (out, &q) in out.iter_mut().zip(weights) {
                *out = f32::from(q) * self.scale[output];
            }
        }
    }

    /// The number of bytes of a quantised row.
    pub(super) fn stride(&self) -> usize {
        self.pairs * 8
    }

    /// Gives a group of four inputs of a panel.
    pub(super) fn line(&self, panel: usize, group: usize) -> &[i8; 64] {
        &self.lines[panel * self.pairs * 2..][..self.pairs * 2][group].0
    }

    pub(super) fn panel(&self, index: usize) -> *const i8 {
        self.panels(index..index + 1)
    }

    /// Gives the first of some panels, which lie one after another.
    pub(super) fn panels(&self, panels: Range<usize>) -> *const i8 {
        let lines = self.pairs * 2;
        self.lines[panels.start * lines..panels.end * lines]
            .as_ptr()
            .cast()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lines.len() * 64 + self.scale.len() * 12
    }
}

impl Room {
    /// Finds how large activations may be: 255 for weights of which neighbours, or pairs, keep to
    /// [`MOST_SUM`], as the quantiser's do.
    fn of(inputs: usize, weights: &[i8]) -> Self {
        let most = |sum: fn(&[i8]) -> i32| {
            let rows = weights.chunks_exact(inputs.max(1));
            let blocks = rows.flat_map(|row| row.chunks(8));
            blocks.map(sum).max().unwrap_or(0)
        };
        let largest = most(|block| largest_sum(block, NEIGHBOURS));
        let wide = largest > MOST_SUM && most(|block| largest_sum(block, PAIRS)) <= MOST_SUM;
        // The most of which a sum of neighbours' products still fits 16 bits.
        let levels = match largest {
            _ if wide || largest <= MOST_SUM => 255,
            _ if largest * 127 <= i32::from(i16::MAX) => 127,
            _ => 63, // 63 * 4 * 128 = 32256
        };
        Self { levels, wide }
    }
}

/// Finds the largest sum of neighbours' weights of one sign.
fn largest_sum<const N: usize, const M: usize>(block: &[i8], sets: [[usize; N]; M]) -> i32 {
    let sums = sets.map(|neighbours| {
        let weights = neighbours.iter().filter_map(|&i| block.get(i).copied());
        let (mut above, mut below) = (0, 0);
        for weight in weights.map(i32::from) {
            above += weight.max(0);
            below -= weight.min(0);
        }
        above.max(below)
    });
    sums.into_iter().max().unwrap_or(0)
}

/// A linear layer in `f32`: panels of 16 output columns, `panel[input][column]`.
#[derive(Debug, Clone)]
pub(crate) struct PackedF32 {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    lines: Vec<Line<f32, TILE>>,
    pub(super) bias: Vec<f32>,
}

impl PackedF32 {
    /// Packs `weights` `[outputs, inputs]` with a bias per output.
    ///
    /// # Panics
    ///
    /// If the lengths disagree (the loader has checked them).
    pub(crate) fn new(inputs: usize, weights: &[f32], bias: &[f32]) -> Self {
        let outputs = bias.len();
        assert_eq!(weights.len(), outputs * inputs);
        let panels = outputs.div_ceil(TILE);
        let mut lines = vec![Line([0.0; TILE]); panels * inputs];
        for (n, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let panel = &mut lines[n / TILE * inputs..][..inputs];
            for (line, &w) in panel.iter_mut().zip(row) {
                line.0[n % TILE] = w;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(panels * TILE, 0.0);
        Self {
            outputs,
            inputs,
            lines,
            bias,
        }
    }

    /// Writes the weights of an output.
    pub(super) fn row(&self, output: usize, out: &mut [f32]) {
        let lines = &self.lines[output / TILE * self.inputs..][..self.inputs];
        for (out, line) in out.iter_mut().zip(lines) {
            *out = line.0[output % TILE];
        }
    }

    pub(super) fn panel(&self, index: usize) -> *const f32 {
        self.lines[index * self.inputs..][..self.inputs]
            .as_ptr()
            .cast()
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.lines.len() * TILE + self.bias.len()) * 4
    }
}
