//! The recurrence of a bidirectional LSTM (PyTorch's gates, in the order i, f, g, o):
//!
//! ```text
//! i, f, o = sigmoid(..)   g = tanh(..)   c' = f c + i g   h' = o tanh(c')
//! ```
//!
//! All sequences of a batch take their step together, the longest first, so that those still
//! running are a prefix and each step is one small matrix product.

use std::sync::{Mutex, PoisonError};

use super::gemm::{QuantScratch, Weights};
use super::math::{Act, sigmoid, tanh};
use super::memory::grow;
use super::shared::Shared;
use super::team::Team;
use super::{Isa, Task};
use crate::error::Result;

/// The space for one direction, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct LstmScratch {
    /// The sequences, the longest first.
    order: Vec<usize>,
    /// The hidden state of each sequence, `[B, h]`.
    hidden: Vec<f32>,
    /// The cell of each sequence, `[B, h]`.
    cell: Vec<f32>,
    /// The gates of each sequence, `[B, 4 h]`.
    gates: Vec<f32>,
    quant: QuantScratch,
}

impl LstmScratch {
    /// Makes room for `sequences` sequences and a width of `size`.
    pub(crate) fn reserve(&mut self, sequences: usize, size: usize) -> Result<()> {
        let values = sequences.saturating_mul(size);
        grow(&mut self.order, sequences)?;
        grow(&mut self.hidden, values)?;
        grow(&mut self.cell, values)?;
        grow(&mut self.gates, values.saturating_mul(4))?;
        self.quant.reserve(sequences, size)
    }
}

/// The arguments of [`recur`]: what the recurrence of one layer reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recurrence<'a> {
    /// The input's part of the gates with both biases, forward then backward: `[N, 8 h]`.
    pub(crate) input: &'a [f32],
    /// The matrices `W_hh`, forward and backward: `[4 h, h]` each.
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
    assert_eq!(input.input.len(), 4 * out.len());
    let out = Shared::new(out);
    team.run(2, |rank, direction| {
        let mut scratch = scratch[direction]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Direction {
            input,
            direction,
            out: &out,
        }
        .run(Team::solo(team.simd, rank), &mut scratch);
    });
}

struct Direction<'a> {
    input: Recurrence<'a>,
    direction: usize,
    out: &'a Shared<'a, f32>,
}

impl Direction<'_> {
    fn run(&self, team: Team<'_>, scratch: &mut LstmScratch) {
        let offsets = self.input.offsets;
        let weights = &self.input.weights[self.direction];
        let size = weights.inputs();
        let LstmScratch {
            order,
            hidden,
            cell,
            gates,
            quant,
        } = scratch;
        let sequences = offsets.len().saturating_sub(1);
        let length = |i: usize| (offsets[i + 1] - offsets[i]) as usize;
        order.clear();
        order.extend(0..sequences);
        order.sort_unstable_by_key(|&i| (std::cmp::Reverse(length(i)), i));
        for state in [&mut *hidden, &mut *cell] {
            state.clear();
            state.resize(sequences * size, 0.0);
        }
        gates.resize(gates.len().max(sequences * 4 * size), 0.0);
        let longest = order.first().map_or(0, |&i| length(i));
        let mut active = sequences;
        for step in 0..longest {
            while active > 0 && length(order[active - 1]) <= step {
                active -= 1;
            }
            let gates = &mut gates[..active * 4 * size];
            weights.apply(team, &hidden[..active * size], Act::None, (gates, quant));
            for (row, &i) in order[..active].iter().enumerate() {
                let at = if self.direction == 0 {
                    step
                } else {
                    length(i) - 1 - step
                };
                let token = (offsets[i] - offsets[0]) as usize + at;
                let from = token * 8 * size + self.direction * 4 * size;
                let hidden = &mut hidden[row * size..][..size];
                team.simd.run(Cell {
                    input: &self.input.input[from..][..4 * size],
                    gates: &gates[row * 4 * size..][..4 * size],
                    cell: &mut cell[row * size..][..size],
                    hidden,
                });
                let at = token * 2 * size + self.direction * size;
                // SAFETY: a direction writes its own half of each row, one row at a time.
                unsafe { self.out.slice(at, size) }.copy_from_slice(hidden);
            }
        }
    }
}

/// One step of one sequence.
struct Cell<'a> {
    input: &'a [f32],
    gates: &'a [f32],
    cell: &'a mut [f32],
    hidden: &'a mut [f32],
}

impl Task for Cell<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let size = self.hidden.len();
        let gate = |k: usize| {
            (
                &self.input[k * size..][..size],
                &self.gates[k * size..][..size],
            )
        };
        let [i, f, g, o] = [0, 1, 2, 3].map(gate);
        for k in 0..size {
            let input = sigmoid::<I>(i.0[k] + i.1[k]);
            let forget = sigmoid::<I>(f.0[k] + f.1[k]);
            let candidate = tanh::<I>(g.0[k] + g.1[k]);
            let output = sigmoid::<I>(o.0[k] + o.1[k]);
            let cell = I::fma(forget, self.cell[k], input * candidate);
            self.cell[k] = cell;
            self.hidden[k] = output * tanh::<I>(cell);
        }
    }
}
