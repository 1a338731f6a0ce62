//! The recurrence of an LSTM.

use std::ops::Range;

use super::super::gemm::Weights;
use super::super::lstm::{Recurrence, recur};
use super::super::pack::{PackedF32, PackedI8, interleave};
use super::super::team::Team;
use super::super::{Simd, TILE};
use super::functions::reference_cell;
use super::{Random, kernels};
use crate::format::matrix::{Rounding, quantise_rows};
use crate::format::scheme::{Clip, IntRange as Bound};

/// Both directions of a recurrence: its weights in `f32`, gate by gate, and as they are packed.
struct Recurrent {
    size: usize,
    /// `[N, 2, 4 h]`
    input: Vec<f32>,
    hidden: [Vec<f32>; 2],
}

impl Recurrent {
    /// Positions of six sequences, which begin within a larger batch.
    const OFFSETS: [u32; 7] = [3, 8, 9, 12, 14, 15, 22];

    fn new(size: usize) -> Self {
        let mut random = Random(size as u64);
        let mut hidden = || {
            random
                .floats(4 * size * size)
                .iter()
                .map(|w| w / 4.0)
                .collect()
        };
        let hidden = [hidden(), hidden()];
        Self {
            size,
            input: random.floats(19 * 8 * size),
            hidden,
        }
    }

    fn packed(&self, pack: impl Fn(&[f32], usize, &[f32]) -> Weights) -> [Weights; 2] {
        let zeros = vec![0.0; 4 * self.size.next_multiple_of(TILE)];
        self.hidden
            .each_ref()
            .map(|weights| pack(weights, self.size, &zeros))
    }

    /// The hidden states of some of the sequences.
    fn run(&self, simd: Simd, weights: &[Weights; 2], sequences: Range<usize>) -> Vec<f32> {
        let offsets = &Self::OFFSETS[sequences.start..=sequences.end];
        let token = |i: usize| (offsets[i] - Self::OFFSETS[0]) as usize;
        let (first, last) = (token(0), token(offsets.len() - 1));
        let input = &self.input[first * 8 * self.size..last * 8 * self.size];
        let mut out = vec![f32::NAN; (last - first) * 2 * self.size];
        let input = Recurrence {
            input: &interleave(input, [4, self.size, 1]),
            weights,
            offsets,
        };
        recur(Team::solo(simd, 0), input, &Default::default(), &mut out);
        out
    }

    /// The same by definition.
    fn expected(&self) -> Vec<f64> {
        let size = self.size;
        let mut out = vec![0.0; 19 * 2 * size];
        for ends in Self::OFFSETS.windows(2) {
            let tokens: Vec<usize> = (ends[0] - 3..ends[1] - 3)
                .map(|token| token as usize)
                .collect();
            for direction in 0..2 {
                let (mut hidden, mut cell) = (vec![0.0; size], vec![0.0; size]);
                for step in 0..tokens.len() {
                    let token = tokens[[step, tokens.len() - 1 - step][direction]];
                    let gate = |row: usize| {
                        let weights = &self.hidden[direction][row * size..][..size];
                        let input = self.input[(token * 2 + direction) * 4 * size + row];
                        let products = weights.iter().zip(&hidden).map(|(&w, h)| f64::from(w) * h);
                        f64::from(input) + products.sum::<f64>()
                    };
                    let next = |unit: usize| {
                        reference_cell([0, 1, 2, 3].map(|k| gate(k * size + unit)), cell[unit])
                    };
                    let next: Vec<[f64; 2]> = (0..size).map(next).collect();
                    cell = next.iter().map(|&[c, _]| c).collect();
                    hidden = next.iter().map(|&[_, h]| h).collect();
                    out[(token * 2 + direction) * size..][..size].copy_from_slice(&hidden);
                }
            }
        }
        out
    }
}

#[test]
fn a_recurrence_is_that_of_the_definition() {
    for size in [5, 16, 40] {
        let recurrent = Recurrent::new(size);
        let expected = recurrent.expected();
        let float = recurrent.packed(|w, size, zeros| {
            Weights::F32(PackedF32::new(size, &interleave(w, [4, size, size]), zeros))
        });
        let int8 = recurrent.packed(|w, size, zeros| {
            let (q, scale) = quantise_rows(w, size, Bound::Bounded, Rounding::new(Clip::None));
            let (q, scale) = (
                interleave(&q, [4, size, size]),
                interleave(&scale, [4, size, 1]),
            );
            Weights::Int8(PackedI8::new(size, &q, &scale, zeros))
        });
        for simd in kernels() {
            for (weights, bound) in [(&float, 2e-6), (&int8, 0.02)] {
                let whole = recurrent.run(simd, weights, 0..6);
                for (&found, expected) in whole.iter().zip(&expected) {
                    assert!(
                        (f64::from(found) - expected).abs() < bound,
                        "{found} {expected}"
                    );
                }
                // Alone a sequence takes its steps without storing gates.
                let parts = (0..6).flat_map(|i| recurrent.run(simd, weights, i..i + 1));
                assert_eq!(whole, parts.collect::<Vec<_>>(), "{simd:?} {size}");
            }
        }
    }
}
