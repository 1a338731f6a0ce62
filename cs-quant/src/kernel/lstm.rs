//! The recurrence of a bidirectional LSTM (PyTorch's gates, in the order i, f, g, o):
//!
//! ```text
//! i, f, o = sigmoid(..)   g = tanh(..)   c' = f c + i g   h' = o tanh(c')
//! ```
//!
//! All sequences of a batch take their step together, the longest first, so that those still
//! running are a prefix and each step is one small matrix product. A few sequences take it one by
//! one, 16 units at a time: their gates go from the product into the cell without being stored.
//!
//! For that the gates of 16 units lie side by side, as [`interleave`] orders them. In the shapes, `h`
//! is the width of a direction, and `p` that rounded up to a multiple of 16.

use std::sync::{Mutex, PoisonError};

use super::gemm::{QuantRows, QuantScratch, Weights};
use super::math::{Act, lstm_cell};
use super::memory::grow;
use super::pack::PackedI8;
use super::shared::Shared;
use super::team::Team;
use super::{Isa, TILE, Task};
use crate::error::Result;

/// The number of gates.
const GATES: usize = 4;

/// The gates of 16 units: the columns of four panels.
const BLOCK: usize = GATES * TILE;

/// The most sequences that take their step one by one. More are faster as rows of one product.
const FEW: usize = 3;

/// The space for one direction, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct LstmScratch {
    /// The sequences, the longest first.
    order: Vec<usize>,
    /// The hidden state of each sequence, `[B, h]`.
    hidden: Vec<f32>,
    /// The cell of each sequence, `[B, p]`.
    cell: Vec<f32>,
    /// The gates of each sequence, `[B, 4 p]`.
    gates: Vec<f32>,
    quant: QuantScratch,
}

impl LstmScratch {
    /// Makes room for `sequences` sequences and a width of `size`.
    pub(crate) fn reserve(&mut self, sequences: usize, size: usize) -> Result<()> {
        let padded = sequences.saturating_mul(size.next_multiple_of(TILE));
        grow(&mut self.order, sequences)?;
        grow(&mut self.hidden, sequences.saturating_mul(size))?;
        grow(&mut self.cell, padded)?;
        grow(&mut self.gates, padded.saturating_mul(GATES))?;
        self.quant.reserve(sequences, size)
    }
}

/// The arguments of [`recur`]: what the recurrence of one layer reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recurrence<'a> {
    /// The input's part of the gates with both biases, forward then backward: `[N, 8 p]`.
    pub(crate) input: &'a [f32],
    /// The matrices `W_hh`, forward and backward: `[4 p, h]` each.
    pub(crate) weights: &'a [Weights; 2],
    /// The positions where sequences begin, counted from the first of them: `[B + 1]`.
    pub(crate) offsets: &'a [u32],
}

/// Writes the hidden states of both directions side by side: `[N, 2 h]`.
///
/// # Panics
///
/// If the lengths disagree.
pub(crate) fn recur(
    team: Team<'_>,
    input: Recurrence<'_>,
    scratch: &[Mutex<LstmScratch>; 2],
    out: &mut [f32],
) {
    let out = Shared::new(out);
    team.run(2, |rank, index| {
        let mut scratch = scratch[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let direction = Direction {
            input,
            index,
            size: input.weights[index].inputs(),
            out: &out,
        };
        direction.run(Team::solo(team.simd, rank), &mut scratch);
    });
}

/// One of the two directions.
#[derive(Clone, Copy)]
struct Direction<'a> {
    input: Recurrence<'a>,
    /// 0 is forward, 1 backward.
    index: usize,
    size: usize,
    out: &'a Shared<'a, f32>,
}

impl Direction<'_> {
    fn length(&self, sequence: usize) -> usize {
        let offsets = self.input.offsets;
        (offsets[sequence + 1] - offsets[sequence]) as usize
    }

    /// Gives the token that a sequence reads in a step.
    fn token(&self, sequence: usize, step: usize) -> usize {
        let offsets = self.input.offsets;
        let at = match self.index {
            0 => step,
            _ => self.length(sequence) - 1 - step,
        };
        (offsets[sequence] - offsets[0]) as usize + at
    }

    fn run(&self, team: Team<'_>, scratch: &mut LstmScratch) {
        let LstmScratch {
            order,
            hidden,
            cell,
            gates,
            quant,
        } = scratch;
        let (size, padded) = (self.size, self.size.next_multiple_of(TILE));
        let sequences = self.input.offsets.len().saturating_sub(1);
        order.clear();
        order.extend(0..sequences);
        order.sort_unstable_by_key(|&i| (std::cmp::Reverse(self.length(i)), i));
        hidden.clear();
        hidden.resize(sequences * size, 0.0);
        cell.clear();
        cell.resize(sequences * padded, 0.0);
        gates.resize(gates.len().max(sequences * GATES * padded), 0.0);
        let longest = order.first().map_or(0, |&i| self.length(i));
        let mut active = sequences;
        for step in 0..longest {
            while active > 0 && self.length(order[active - 1]) <= step {
                active -= 1;
            }
            let hidden = &mut hidden[..active * size];
            let gates = match &self.input.weights[self.index] {
                Weights::Int8(weights) if active <= FEW && !weights.is_wide() => {
                    let rows = quant.quantise(team, hidden, active, size, weights.levels());
                    Gates::Product(rows, weights)
                }
                weights => {
                    let gates = &mut gates[..active * GATES * padded];
                    weights.apply(team, hidden, Act::None, gates, quant);
                    Gates::Values(gates)
                }
            };
            team.simd.run(Step {
                direction: *self,
                step,
                order: &order[..active],
                gates,
                cell,
                hidden,
            });
        }
    }
}

/// The hidden states' part of the gates.
#[derive(Clone, Copy)]
enum Gates<'a> {
    /// A product that is yet to be computed, of hidden states and `W_hh`.
    Product(QuantRows<'a>, &'a PackedI8),
    /// The values, `[B, 4 p]`.
    Values(&'a [f32]),
}

impl Gates<'_> {
    /// Gives the gates of a row in a block of 16 units, of which there are `blocks`.
    #[inline(always)]
    fn block<I: Isa>(&self, row: usize, block: usize, blocks: usize) -> [[f32; TILE]; GATES] {
        match self {
            Self::Product(hidden, weights) => weights.product_row::<I>(*hidden, row, block * GATES),
            Self::Values(values) => {
                let values = &values[(row * blocks + block) * BLOCK..][..BLOCK];
                let (gates, _) = values.as_chunks();
                [gates[0], gates[1], gates[2], gates[3]]
            }
        }
    }
}

/// One step of the first sequences of an order.
struct Step<'a> {
    direction: Direction<'a>,
    step: usize,
    order: &'a [usize],
    gates: Gates<'a>,
    cell: &'a mut [f32],
    hidden: &'a mut [f32],
}

impl Task for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Direction { index, size, .. } = self.direction;
        let blocks = size.div_ceil(TILE);
        for (row, &sequence) in self.order.iter().enumerate() {
            let token = self.direction.token(sequence, self.step);
            let input = &self.direction.input.input[(token * 2 + index) * blocks * BLOCK..];
            let (input, _) = input.as_chunks::<TILE>();
            let (cell, _) = self.cell[row * blocks * TILE..].as_chunks_mut::<TILE>();
            let hidden = &mut self.hidden[row * size..][..size];
            for (block, cell) in cell[..blocks].iter_mut().enumerate() {
                let [i, f, g, o] = self.gates.block::<I>(row, block, blocks);
                let input = &input[block * GATES..][..GATES];
                let mut state = [0.0; TILE];
                for k in 0..TILE {
                    let gates = [
                        input[0][k] + i[k],
                        input[1][k] + f[k],
                        input[2][k] + g[k],
                        input[3][k] + o[k],
                    ];
                    [cell[k], state[k]] = lstm_cell::<I>(gates, cell[k]);
                }
                let hidden = &mut hidden[block * TILE..];
                match hidden.first_chunk_mut() {
                    Some(hidden) => *hidden = state,
                    None => hidden.copy_from_slice(&state[..hidden.len()]),
                }
            }
            let at = token * 2 * size + index * size;
            // SAFETY: a direction writes its own half of each row, one row at a time.
            unsafe { self.direction.out.slice(at, size) }.copy_from_slice(hidden);
        }
    }
}
