//! Weights of 4 bits in the order in which the tiles read them.

use std::ops::Range;

use half::f16;

use super::TILE;
use super::number::widen;
use super::pack::Line;

/// The number of inputs that share a step.
pub(crate) const GROUP: usize = 32;

/// The number of lines that a group of a panel takes.
pub(super) const LINES: usize = GROUP / 8;

/// A linear layer in int4, with a step for every [`GROUP`] inputs of an output.
///
/// It is cut into panels of 16 output columns as [`PackedI8`](super::pack::PackedI8) is, two of whose
/// lines lie in one: the low halves of the bytes are the first, the high halves the second. A half
/// `q` stands for `(q - 8)` steps. Inputs are a multiple of [`GROUP`], outputs are padded.
#[derive(Debug, Clone)]
pub(crate) struct PackedI4 {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    lines: Vec<Line<u8, 64>>,
    /// The steps in f16, `[panel][group][column]`.
    steps: Vec<[u16; TILE]>,
    /// The sum of each output's weights.
    pub(super) shift: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl PackedI4 {
    /// Packs `weights`, `[outputs, inputs / 2]` with the even one of two in the low half, their
    /// `steps`, `[outputs, inputs / 32]` in f16 numbers, and a bias per output.
    ///
    /// # Panics
    ///
    /// If the lengths disagree (the loader has checked them).
    pub(crate) fn new(inputs: usize, weights: &[u8], steps: &[f32], bias: &[f32]) -> Self {
        let (outputs, groups) = (bias.len(), inputs / GROUP);
        assert!(inputs > 0 && inputs.is_multiple_of(GROUP));
        assert_eq!(weights.len(), outputs * inputs / 2);
        assert_eq!(steps.len(), outputs * groups);
        let panels = outputs.div_ceil(TILE);
        let mut packed = Self {
            outputs,
            inputs,
            lines: vec![Line([0x88; 64]); panels * groups * LINES],
            steps: vec![[0; TILE]; panels * groups],
            shift: vec![0.0; panels * TILE],
            bias: bias.to_vec(),
        };
        packed.bias.resize(panels * TILE, 0.0);
        let rows = weights.chunks_exact(inputs / 2);
        for (n, (row, steps)) in rows.zip(steps.chunks_exact(groups)).enumerate() {
            let (first, column) = (n / TILE * groups, n % TILE);
            for (group, (bytes, &step)) in row.chunks_exact(GROUP / 2).zip(steps).enumerate() {
                let step = f16::from_f32(step);
                packed.steps[first + group][column] = step.to_bits();
                let lines = &mut packed.lines[(first + group) * LINES..][..LINES];
                packed.shift[n] += put(bytes, lines, column) as f32 * step.to_f32();
            }
        }
        packed
    }

    pub(super) fn groups(&self) -> usize {
        self.inputs / GROUP
    }

    /// Gives the weights and the steps of some panels, which lie one after another.
    pub(super) fn panels(&self, panels: Range<usize>) -> (*const u8, *const [u16; TILE]) {
        let (start, end) = (panels.start * self.groups(), panels.end * self.groups());
        let lines = &self.lines[start * LINES..end * LINES];
        (lines.as_ptr().cast(), self.steps[start..end].as_ptr())
    }

    /// Gives eight inputs of a group of a panel, and the group's steps.
    pub(super) fn line(
        &self,
        panel: usize,
        group: usize,
        index: usize,
    ) -> (&[u8; 64], &[u16; TILE]) {
        let group = panel * self.groups() + group;
        let lines = &self.lines[group * LINES..][..LINES];
        (&lines[index].0, &self.steps[group])
    }

    /// Writes the weights of an output.
    pub(super) fn row(&self, output: usize, out: &mut [f32]) {
        let (first, column) = (output / TILE * self.groups(), output % TILE);
        for (group, out) in out.chunks_exact_mut(GROUP).enumerate() {
            let step = widen(self.steps[first + group][column]);
            let lines = &self.lines[(first + group) * LINES..][..LINES];
            for (out, line) in out.as_chunks_mut::<8>().0.iter_mut().zip(lines) {
                let four = &line.0[column * 4..][..4];
                for (i, &byte) in four.iter().enumerate() {
                    [out[i], out[i + 4]] =
                        [byte & 15, byte >> 4].map(|q| (f32::from(q) - 8.0) * step);
                }
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lines.len() * 64 + self.steps.len() * 2 * TILE + self.shift.len() * 8
    }
}

/// Puts the weights of a group into a column of its lines, and gives their sum.
fn put(bytes: &[u8], lines: &mut [Line<u8, 64>], column: usize) -> i32 {
    let mut sum = 0;
    // Eight weights: four of the first line, then four of the second.
    for (line, bytes) in lines.iter_mut().zip(bytes.as_chunks::<4>().0) {
        let weight = |i: usize| bytes[i / 2] >> (i % 2 * 4) & 15;
        for i in 0..4 {
            line.0[column * 4 + i] = weight(i) | weight(i + 4) << 4;
        }
        sum += (0..8).map(|i| i32::from(weight(i)) - 8).sum::<i32>();
    }
    sum
}
