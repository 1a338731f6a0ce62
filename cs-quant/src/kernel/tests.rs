//! One case table over every kernel, against plain references.
#![allow(
    clippy::print_stdout,
    reason = "a run on another machine should say what it tested"
)]

use std::num::NonZeroUsize;
use std::sync::Mutex;

use cs_model::NormKind;
use half::f16;

use super::attention::{AttentionInput, HeadScratch, attention};
use super::cached::{Kept, PAGE, Page, PageLayer, PageRef, Queries, Segment, attend, remember};
use super::gemm::{QuantRows, QuantScratch, Weights};
use super::heads::HeadShape;
use super::lstm::{Recurrence, recur};
use super::math::{Act, activate, erf, exp, lstm_cell, tanh};
use super::outliers::Outliers;
use super::pack::{PackedF32, PackedI8, interleave};
use super::pack4::{GROUP, PackedI4};
use super::pool::Pool;
use super::row_ops::{Norm, QuantOut, RowScale, add_norm, norm, quantise};
use super::team::Team;
use super::{Isa, Kernel, Simd, TILE, Task};
use crate::format::matrix::{Rounding, quantise_rows};
use crate::format::scheme::{Clip, IntRange as Bound};

/// Rows, inputs, outputs: odd sizes, none, one, remainders of the tile, large.
const SHAPES: [(usize, usize, usize); 16] = [
    (0, 8, 16),
    (1, 1, 1),
    (1, 4, 16),
    (1, 384, 384),
    (2, 3, 5),
    (2, 16, 17),
    (3, 7, 15),
    (3, 9, 33),
    (4, 8, 16),
    (5, 10, 31),
    (5, 33, 48),
    (7, 130, 77),
    (16, 384, 1152),
    (33, 65, 100),
    (96, 64, 40),
    (131, 1536, 24),
];

fn kernels() -> Vec<Simd> {
    Kernel::ALL
        .into_iter()
        .filter_map(|kernel| Simd::new(kernel).ok())
        .collect()
}

struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    fn float(&mut self) -> f32 {
        self.bits() as f32 / (1u64 << 30) as f32 - 1.0
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    /// Weights of any size.
    fn weights(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.bits() as u8 as i8).collect()
    }
}

/// Limits weights so that they allow for activations of 8 bits, some of them barely.
fn bounded(weights: &[i8], k: usize, range: Bound) -> Vec<i8> {
    let weights: Vec<f32> = weights.iter().map(|&w| f32::from(w)).collect();
    quantise_rows(&weights, k, range, Rounding::new(Clip::Mse)).0
}

/// Computes the integers of a product by its definition.
fn naive(u: &[u8], q: &[i8], (m, k, n): (usize, usize, usize)) -> Vec<i32> {
    let mut sums = vec![0; m * n];
    for row in 0..m {
        for column in 0..n {
            sums[row * n + column] = (0..k)
                .map(|i| i32::from(u[row * k + i]) * i32::from(q[column * k + i]))
                .sum();
        }
    }
    sums
}

/// With a step of 1 and a minimum of 0 the output is the integer itself, as long as `f32` holds it.
fn integers(team: Team<'_>, u: &[u8], q: &[i8], (m, k, n): (usize, usize, usize)) -> Vec<f32> {
    let packed = PackedI8::new(k, q, &vec![1.0; n], &vec![0.0; n]);
    // Every row spans all levels, which makes the quantiser the identity.
    let x: Vec<f32> = u.iter().map(|&u| f32::from(u)).collect();
    let mut out = vec![f32::NAN; m * n];
    Weights::Int8(packed).apply(
        team,
        &x,
        Act::None,
        (&mut out, &mut QuantScratch::default()),
    );
    out
}

/// The rows of a product one by one, in four panels at a time as far as there are four.
struct RowByRow<'a> {
    x: QuantRows<'a>,
    rows: usize,
    weights: &'a PackedI8,
}

impl Task for RowByRow<'_> {
    type Output = Vec<Vec<f32>>;

    #[inline(always)]
    fn is_wide(&self) -> bool {
        self.weights.is_wide()
    }

    #[inline(always)]
    fn run<I: Isa>(self) -> Vec<Vec<f32>> {
        let fours = self.weights.outputs / TILE / 4;
        let row = |row: usize| {
            let fours = (0..fours).map(|i| self.weights.product_row::<I>(self.x, row, i * 4));
            fours.flatten().flatten().collect()
        };
        (0..self.rows).map(row).collect()
    }
}

/// Checks the products of rows by four panels against those that were expected of all columns.
fn check_rows(simd: Simd, u: &[u8], q: &[i8], (m, k, n): (usize, usize, usize), expected: &[f32]) {
    let packed = PackedI8::new(k, q, &vec![1.0; n], &vec![0.0; n]);
    let x: Vec<f32> = u.iter().map(|&u| f32::from(u)).collect();
    let mut scratch = QuantScratch::default();
    let found = simd.run(RowByRow {
        x: scratch.quantise(Team::solo(simd, 0), &x, m, (k, packed.levels())),
        rows: m,
        weights: &packed,
    });
    for (found, expected) in found.iter().zip(expected.chunks_exact(n)) {
        assert_eq!(found.len(), n / 64 * 64);
        assert_eq!(found, &expected[..found.len()], "{simd:?} {m} x {k} x {n}");
    }
}

#[test]
fn int8_products_are_exact_on_every_kernel() {
    let pools: Vec<Pool> = (1..4)
        .map(|n| Pool::new(NonZeroUsize::new(n).unwrap()).unwrap())
        .collect();
    for (m, k, n) in SHAPES {
        let mut random = Random(k as u64);
        let any = random.weights(n * k);
        for (q, keeps) in [
            (bounded(&any, k, Bound::Bounded), true),
            (bounded(&any, k, Bound::Paired), true),
            (any, false),
        ] {
            let packed = PackedI8::new(k, &q, &vec![1.0; n], &vec![0.0; n]);
            let levels = packed.levels();
            assert!(if keeps {
                levels == 255
            } else {
                levels < 255 || k < 8
            });
            let mut u: Vec<u8> = (0..m * k).map(|_| random.bits() as u8 & levels).collect();
            for row in u.chunks_exact_mut(k) {
                row[0] = levels;
                row[k - 1] = if k > 1 { 0 } else { levels };
            }
            let mut expected: Vec<f32> =
                naive(&u, &q, (m, k, n)).iter().map(|&v| v as f32).collect();
            if k == 1 {
                // A row of one value has no range: it is its minimum, the product still exact.
                expected = q
                    .iter()
                    .map(|&w| f32::from(w) * f32::from(levels))
                    .collect();
            }
            for simd in kernels() {
                check_rows(simd, &u, &q, (m, k, n), &expected);
                for pool in &pools {
                    let crew = pool.lease(pool.threads());
                    let found = integers(Team::all(simd, &crew), &u, &q, (m, k, n));
                    assert_eq!(found, expected, "{simd:?} {m} x {k} x {n}, {levels} levels");
                }
            }
        }
    }
}

/// Rows, inputs and outputs of int4 products: whole groups of inputs.
const GROUPED: [(usize, usize, usize); 9] = [
    (0, 32, 16),
    (17, 32, 20),
    (130, 96, 40),
    (1, 32, 1),
    (1, 384, 400),
    (3, 64, 33),
    (7, 96, 17),
    (33, 160, 70),
    (20, 1536, 24),
];

/// Packs int4 weights, given as -8..=7, with steps.
fn pack_int4(q: &[i8], k: usize, steps: &[f32], bias: &[f32]) -> Weights {
    let halves = q.as_chunks::<2>().0.iter();
    let bytes: Vec<u8> = halves
        .map(|&[low, high]| (low + 8) as u8 | ((high + 8) as u8) << 4)
        .collect();
    Weights::Int4(PackedI4::new(k, &bytes, steps, bias))
}

/// Checks int4 products on every kernel: with steps of 1 the output is the integer itself.
fn check_int4(u: &[u8], q: &[i8], (m, k, n): (usize, usize, usize)) {
    let pool = Pool::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let expected: Vec<f32> = naive(u, q, (m, k, n)).iter().map(|&v| v as f32).collect();
    let weights = pack_int4(q, k, &vec![1.0; n * k / GROUP], &vec![0.0; n]);
    let x: Vec<f32> = u.iter().map(|&u| f32::from(u)).collect();
    for simd in kernels() {
        let crew = pool.lease(2);
        let mut out = vec![f32::NAN; m * n];
        let scratch = &mut QuantScratch::default();
        weights.apply(Team::all(simd, &crew), &x, Act::None, (&mut out, scratch));
        assert_eq!(out, expected, "{simd:?} {m} x {k} x {n}");
    }
}

#[test]
fn int4_products_are_exact_on_every_kernel() {
    for (m, k, n) in GROUPED {
        let mut random = Random(n as u64);
        let q: Vec<i8> = random.weights(n * k).iter().map(|w| w >> 4).collect();
        let mut u: Vec<u8> = (0..m * k).map(|_| random.bits() as u8).collect();
        for row in u.chunks_exact_mut(k) {
            (row[0], row[k - 1]) = (255, 0);
        }
        check_int4(&u, &q, (m, k, n));
        let weights = pack_int4(&q, k, &vec![1.0; n * k / GROUP], &vec![0.0; n]);
        for (i, expected) in q.chunks_exact(k).enumerate() {
            let mut row = vec![f32::NAN; k];
            weights.row(i, &mut row);
            assert!(row.iter().zip(expected).all(|(x, &q)| *x == f32::from(q)));
        }
    }
}

#[test]
fn extreme_int4_values_do_not_saturate() {
    for block in [[-8; 4], [7; 4], [-8, -8, 7, 7], [7, -8, 7, -8]] {
        for (m, k, n) in [(1, 96, 80), (5, 64, 17)] {
            let q: Vec<i8> = block.into_iter().cycle().take(n * k).collect();
            let mut u = vec![255; m * k];
            u.chunks_exact_mut(k).for_each(|row| row[k - 1] = 0);
            check_int4(&u, &q, (m, k, n));
        }
    }
}

/// Layers of the same random weights in each precision.
fn layers(random: &mut Random, k: usize, n: usize) -> [Weights; 3] {
    let (w, bias) = (random.floats(n * k), random.floats(n));
    let (q, scale) = quantise_rows(&w, k, Bound::Bounded, Rounding::new(Clip::None));
    let small: Vec<i8> = w.iter().map(|w| (w * 7.0).round() as i8).collect();
    let steps: Vec<f32> = (0..n * k / GROUP)
        .map(|i| 0.125 + (i % 5) as f32 * 0.25)
        .collect();
    [
        Weights::F32(PackedF32::new(k, &w, &bias)),
        Weights::Int8(PackedI8::new(k, &q, &scale, &bias)),
        pack_int4(&small, k, &steps, &bias),
    ]
}

#[test]
fn a_row_does_not_depend_on_those_beside_it() {
    for (m, k, n) in GROUPED {
        let mut random = Random(k as u64 + 1);
        let x = random.floats(m * k);
        for (weights, simd) in layers(&mut random, k, n)
            .iter()
            .flat_map(|weights| kernels().into_iter().map(move |simd| (weights, simd)))
        {
            let scratch = &mut QuantScratch::default();
            let mut multiply = |x: &[f32]| {
                let mut out = vec![f32::NAN; x.len() / k * n];
                weights.apply(Team::solo(simd, 0), x, Act::Silu, (&mut out, scratch));
                out
            };
            let together = multiply(&x);
            let alone: Vec<f32> = x.chunks_exact(k).flat_map(&mut multiply).collect();
            assert_eq!(together, alone, "{simd:?} {m} x {k} x {n}");
        }
    }
}

#[test]
fn outliers_do_not_make_the_rest_of_a_row_coarse() {
    for (m, k, n) in GROUPED {
        let mut random = Random(k as u64 + 3);
        let mut x = random.floats(m * k);
        for (row, x) in x.chunks_exact_mut(k).enumerate() {
            x[row * 7 % k] = 300.0;
            x[k - 1] = -170.0;
        }
        let step = 2.0 * 32.0 * (0.5 + 470.0 / k as f64) / 255.0;
        let [_, int8, int4] = layers(&mut random, k, n);
        let quantised = [int8, int4];
        for (weights, simd) in quantised
            .iter()
            .flat_map(|weights| kernels().into_iter().map(move |simd| (weights, simd)))
        {
            let scratch = &mut match n % 2 {
                0 => QuantScratch::apart(),
                _ => QuantScratch::for_logits(),
            };
            let mut multiply = |x: &[f32]| {
                let mut out = vec![f32::NAN; x.len() / k * n];
                weights.apply(Team::solo(simd, 0), x, Act::None, (&mut out, scratch));
                out
            };
            let found = multiply(&x);
            let alone: Vec<f32> = x.chunks_exact(k).flat_map(&mut multiply).collect();
            assert_eq!(found, alone, "{simd:?} {m} x {k} x {n}");
            let zero = f64::from(multiply(&vec![0.0; k])[0]);
            let mut row = vec![0.0; k];
            weights.row(0, &mut row);
            let size: f64 = row.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>();
            // Four standard deviations of rounding; steps as coarse as the outliers' have one that large.
            let bound = 4.0 * step / 12f64.sqrt() * size.sqrt();
            for (x, found) in x.chunks_exact(k).zip(found.chunks_exact(n)) {
                let products = x.iter().zip(&row);
                let sum: f64 = products.map(|(&x, &w)| f64::from(x) * f64::from(w)).sum();
                let error = (f64::from(found[0]) - zero - sum).abs();
                assert!(error <= bound, "{simd:?} {k}: {error} of {bound}");
            }
        }
    }
}

#[test]
fn gated_layers_are_products_of_two() {
    for (m, k, n) in GROUPED {
        let mut random = Random(k as u64 + 2);
        let x = random.floats(m * k);
        let (gates, values) = (random.floats(n * k), random.floats(n * k));
        let zeros = vec![0.0; n];
        let both = interleave(&[&gates[..], &values].concat(), [2, n, k]);
        let padding = vec![0.0; 2 * n.next_multiple_of(TILE)];
        let both = Weights::F32(PackedF32::new(k, &both, &padding));
        let [gates, values] = [gates, values].map(|w| Weights::F32(PackedF32::new(k, &w, &zeros)));
        for simd in kernels() {
            let team = Team::solo(simd, 0);
            let scratch = &mut QuantScratch::default();
            let [mut found, mut gate, mut value] = [(); 3].map(|()| vec![f32::NAN; m * n]);
            both.apply_gated(team, &x, Act::Silu, (&mut found, scratch));
            gates.apply(team, &x, Act::None, (&mut gate, scratch));
            values.apply(team, &x, Act::None, (&mut value, scratch));
            for ((found, gate), value) in found.iter().zip(gate).zip(value) {
                let sigmoid = 1.0 / (1.0 + f64::from(-gate).exp());
                let expected = f64::from(gate) * sigmoid * f64::from(value);
                let bound = 1e-6 * expected.abs().max(1.0);
                assert!(
                    (f64::from(*found) - expected).abs() < bound,
                    "{found} {expected}"
                );
            }
        }
    }
}

#[test]
fn extreme_values_do_not_saturate() {
    for simd in kernels() {
        for (block, levels) in [
            ([32; 8], 255),
            ([127, 1, 0, 127, 0, 0, 0, 1], 255),
            ([-128, 0, -64, -64, 0, 0, 0, 0], 255),
            ([-128, 127, 127, -128, 1, 0, 0, 1], 255),
            ([33; 8], 255),
            ([127, 1, -1, 127, 1, 127, 127, 0], 255),
            ([-64; 8], 255),
            ([65, 64, 64, 64, 0, 0, 0, 0], 127),
            ([127; 8], 63),
            ([-128; 8], 63),
        ] {
            for k in [64, 200, 1536] {
                let q: Vec<i8> = block.into_iter().cycle().take(k * 64).collect();
                let packed = PackedI8::new(k, &q, &[1.0; 64], &[0.0; 64]);
                assert_eq!(packed.levels(), levels, "{block:?}");
                let mut u = vec![levels; k];
                u[k - 1] = 0;
                let found = integers(Team::solo(simd, 0), &u, &q, (1, k, 64));
                let expected = naive(&u, &q, (1, k, 64));
                let expected: Vec<f32> = expected.iter().map(|&v| v as f32).collect();
                assert_eq!(found, expected);
                check_rows(simd, &u, &q, (1, k, 64), &expected);
            }
        }
    }
}

#[test]
fn quantised_and_float_layers_are_near_the_reference() {
    for (m, k, n) in SHAPES {
        let mut random = Random(m as u64 + 7);
        let (x, w, bias) = (random.floats(m * k), random.floats(n * k), random.floats(n));
        let (q, scale) = quantise_rows(&w, k, Bound::Bounded, Rounding::new(Clip::None));
        for simd in kernels() {
            let float = Weights::F32(PackedF32::new(k, &w, &bias));
            let int8 = Weights::Int8(PackedI8::new(k, &q, &scale, &bias));
            assert_eq!((int8.inputs(), int8.outputs()), (k, n));
            for (weights, bound) in [(float, 2e-6), (int8, 0.016)] {
                let mut out = vec![f32::NAN; m * n];
                let scratch = &mut QuantScratch::default();
                weights.apply(Team::solo(simd, 0), &x, Act::Relu, (&mut out, scratch));
                for (i, &found) in out.iter().enumerate() {
                    let (row, column) = (i / n * k, i % n * k);
                    let sum: f64 = (0..k)
                        .map(|j| f64::from(x[row + j]) * f64::from(w[column + j]))
                        .sum();
                    let expected = (sum + f64::from(bias[i % n])).max(0.0);
                    let bound = bound * (k as f64).sqrt().max(1.0) * 1.5;
                    assert!(
                        (f64::from(found) - expected).abs() <= bound,
                        "{found} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn quantised_rows_are_alike_on_every_kernel() {
    let mut random = Random(3);
    for width in [1, 2, 7, 8, 9, 31, 384] {
        let mut x = random.floats(5 * width);
        x[..width].fill(0.25);
        let stride = width.next_multiple_of(8);
        let mut seen: Option<(Vec<u8>, Vec<RowScale>)> = None;
        for simd in kernels() {
            let (mut bytes, mut scales) = (vec![9; 5 * stride], vec![RowScale::default(); 5]);
            let how = (width, 255);
            let out = QuantOut {
                bytes: &mut bytes,
                scales: &mut scales,
                outliers: &mut [],
                beyond: f32::INFINITY,
            };
            quantise(Team::solo(simd, 0), &x, how, out);
            assert_eq!(
                scales[0],
                RowScale {
                    scale: 0.0,
                    min: 0.25
                }
            );
            for (row, (bytes, scale)) in bytes.chunks_exact(stride).zip(&scales).enumerate() {
                assert!(bytes[width..].iter().all(|&u| u == 0));
                for (&u, &x) in bytes.iter().zip(&x[row * width..][..width]) {
                    let back = scale.scale * f32::from(u) + scale.min;
                    assert!((back - x).abs() <= scale.scale * 0.501);
                }
            }
            let now = (bytes, scales);
            assert_eq!(seen.get_or_insert_with(|| now.clone()), &now);
        }
    }
}

#[test]
fn values_that_are_not_finite_do_no_harm() {
    for simd in kernels() {
        let x = [
            f32::NAN,
            1.0,
            f32::INFINITY,
            -2.0,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            0.0,
        ];
        let (mut bytes, mut scales) = ([0; 8], [RowScale::default()]);
        let out = QuantOut {
            bytes: &mut bytes,
            scales: &mut scales,
            outliers: &mut [Outliers::default()],
            beyond: 32.0,
        };
        quantise(Team::solo(simd, 0), &x, (8, 127), out);
        assert!(bytes.iter().all(|&u| u <= 127));
    }
}

#[test]
fn norms_are_those_of_the_definitions() {
    let mut random = Random(5);
    for width in [1, 5, 8, 20, 384] {
        let (x, y) = (random.floats(3 * width), random.floats(3 * width));
        for kind in [NormKind::Layer, NormKind::Rms] {
            let parameters = Norm {
                kind,
                weight: random.floats(width),
                bias: random.floats(width),
                epsilon: 1e-5,
            };
            let sums: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            for simd in kernels() {
                let mut found = x.clone();
                add_norm(Team::solo(simd, 0), &parameters, &mut found, &y);
                let mut same = vec![f32::NAN; sums.len()];
                norm(Team::solo(simd, 0), &parameters, &sums, &mut same);
                assert_eq!(found, same);
                for (row, found) in sums.chunks_exact(width).zip(found.chunks_exact(width)) {
                    check_norm(&parameters, row, found);
                }
            }
        }
    }
}

fn check_norm(norm: &Norm, row: &[f32], found: &[f32]) {
    let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
    let mean = match norm.kind {
        NormKind::Layer => row.iter().sum::<f64>() / row.len() as f64,
        NormKind::Rms => 0.0,
    };
    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
    for (i, &found) in found.iter().enumerate() {
        let normal = (row[i] - mean) / (variance + 1e-5).sqrt();
        let expected = normal * f64::from(norm.weight[i]) + f64::from(norm.bias[i]);
        assert!(
            (f64::from(found) - expected).abs() < 1e-5,
            "{found} {expected}"
        );
    }
}

#[test]
fn attention_is_that_of_the_definition() {
    let mut random = Random(11);
    let pool = Pool::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let crew = pool.lease(2);
    let scratch: Vec<Mutex<HeadScratch>> = (0..pool.ranks()).map(|_| Mutex::default()).collect();
    for (heads, size) in [(1, 1), (4, 8), (3, 16), (2, 26), (12, 32)] {
        let width = heads * size;
        // The first offset is not zero: a part of a larger batch.
        let offsets = [5, 6, 8, 11, 15, 36, 70];
        let tokens = 65;
        let qkv = random.floats(tokens * 3 * width);
        for simd in kernels() {
            let mut out = vec![f32::NAN; tokens * width];
            // In two parts, the second of which begins within a sequence.
            let (above, below) = out.split_at_mut(20 * width);
            for (queries, out) in [(0..20, above), (20..tokens, below)] {
                let input = AttentionInput {
                    qkv: &qkv,
                    offsets: &offsets,
                    queries,
                    heads,
                    width,
                };
                attention(Team::all(simd, &crew), input, &scratch, out);
            }
            for ends in offsets.windows(2) {
                let rows = (ends[0] - 5) as usize..(ends[1] - 5) as usize;
                check_sequence(&qkv, (width, size), rows, &out);
            }
        }
    }
}

fn check_sequence(
    qkv: &[f32],
    (width, size): (usize, usize),
    rows: std::ops::Range<usize>,
    out: &[f32],
) {
    let at = |row: usize, part: usize, c: usize| f64::from(qkv[row * 3 * width + part * width + c]);
    for row in rows.clone() {
        for head in (0..width).step_by(size) {
            let dot = |key| {
                (head..head + size)
                    .map(|c| at(row, 0, c) * at(key, 1, c))
                    .sum::<f64>()
            };
            let weights: Vec<f64> = rows
                .clone()
                .map(|key| (dot(key) / (size as f64).sqrt()).exp())
                .collect();
            let total: f64 = weights.iter().sum();
            for c in head..head + size {
                let values = rows.clone().zip(&weights);
                let expected = values.map(|(key, w)| w * at(key, 2, c)).sum::<f64>() / total;
                let found = f64::from(out[row * width + c]);
                assert!((found - expected).abs() < 2e-6, "{found} {expected}");
            }
        }
    }
}

/// Rows of queries, keys and values of two conversations, of which some are read after the others.
struct Conversations {
    shape: HeadShape,
    kept: Kept,
    qkv: Vec<f32>,
}

impl Conversations {
    const LENGTHS: [usize; 2] = [21, 70];

    /// The rows of each conversation.
    fn rows() -> [std::ops::Range<usize>; 2] {
        let [first, second] = Self::LENGTHS;
        [0..first, first..first + second]
    }

    /// The contexts of all rows, where of each conversation the last `last` rows are read one by one
    /// after the others together.
    fn run(&self, team: Team<'_>, scratch: &[Mutex<HeadScratch>], last: usize) -> Vec<f32> {
        let (shape, kept) = (self.shape, self.kept);
        let (start, width) = (0, shape.width());
        let layer = PageLayer {
            start,
            heads: shape,
            kept,
        };
        let mut out = vec![f32::NAN; self.qkv.len() / width * shape.context()];
        let mut pages = Self::LENGTHS.map(|length| {
            let page = vec![Default::default(); kept.lines(layer.len())];
            vec![page; length.div_ceil(PAGE)]
        });
        let mut read = |rows: [std::ops::Range<usize>; 2]| {
            let refs = pages.each_mut().map(|pages| {
                let refs = pages.iter_mut().map(PageRef::growing);
                refs.collect::<Vec<_>>()
            });
            let (mut qkv, mut segments) = (Vec::new(), Vec::new());
            for ((own, pages), all) in rows.iter().zip(&refs).zip(Self::rows()) {
                let first = qkv.len() / width;
                qkv.extend_from_slice(&self.qkv[own.start * width..own.end * width]);
                segments.push(Segment {
                    pages,
                    before: own.start - all.start,
                    rows: first..first + own.len(),
                });
            }
            remember(team, layer, &segments, &qkv);
            let queries = Queries {
                rows: &qkv,
                width,
                causal: true,
            };
            let mut context = vec![f32::NAN; qkv.len() / width * shape.context()];
            attend(team, layer, &segments, (queries, scratch, &mut context));
            let mut context = context.chunks_exact(shape.context());
            for row in rows.into_iter().flatten() {
                let out = &mut out[row * shape.context()..][..shape.context()];
                out.copy_from_slice(context.next().unwrap());
            }
        };
        read(Self::rows().map(|rows| rows.start..rows.end - last));
        for row in (1..=last).rev() {
            read(Self::rows().map(|rows| rows.end - row..rows.end - row + 1));
        }
        out
    }

    /// The context of a row's head by definition.
    fn expected(&self, rows: &std::ops::Range<usize>, row: usize, head: usize) -> Vec<f64> {
        let HeadShape { keys, size, .. } = self.shape;
        let number = |row: usize, column: usize| {
            let number = self.qkv[row * self.shape.width() + column];
            match self.kept {
                Kept::F16 if column >= self.shape.context() => f16::from_f32(number).to_f64(),
                _ => f64::from(number),
            }
        };
        let key = self.shape.context() + head / self.shape.group() * size;
        let weight = |other: usize| {
            let products = (0..size).map(|c| number(row, head * size + c) * number(other, key + c));
            (products.sum::<f64>() / (size as f64).sqrt()).exp()
        };
        let weights: Vec<f64> = (rows.start..=row).map(weight).collect();
        let total: f64 = weights.iter().sum();
        let value = |c: usize| {
            let values = (rows.start..=row).map(|other| number(other, key + keys * size + c));
            values.zip(&weights).map(|(v, w)| v * w).sum::<f64>() / total
        };
        (0..size).map(value).collect()
    }
}

#[test]
fn attention_to_cached_keys_is_that_of_the_definition_however_it_is_read() {
    let mut random = Random(13);
    let pool = Pool::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let crew = pool.lease(2);
    let scratch: Vec<Mutex<HeadScratch>> = (0..pool.ranks()).map(|_| Mutex::default()).collect();
    for (queries, keys, size) in [(1, 1, 1), (4, 4, 8), (6, 2, 16), (14, 2, 26), (9, 3, 64)] {
        for kept in [Kept::F32, Kept::F16] {
            let shape = HeadShape {
                queries,
                keys,
                size,
            };
            let tokens: usize = Conversations::LENGTHS.iter().sum();
            let qkv = random.floats(tokens * shape.width());
            let conversations = Conversations { shape, kept, qkv };
            for simd in kernels() {
                let whole = conversations.run(Team::all(simd, &crew), &scratch, 0);
                for rows in Conversations::rows() {
                    for (row, head) in rows.clone().flat_map(|i| (0..queries).map(move |h| (i, h)))
                    {
                        let expected = conversations.expected(&rows, row, head);
                        let found = &whole[row * shape.context() + head * size..][..size];
                        for (&found, expected) in found.iter().zip(expected) {
                            assert!(
                                (f64::from(found) - expected).abs() < 2e-6,
                                "{simd:?} {shape:?}"
                            );
                        }
                    }
                }
                let parts = conversations.run(Team::solo(simd, crew.caller()), &scratch, 9);
                assert!(whole == parts, "{simd:?} {shape:?} {kept:?}");
            }
        }
    }
}

#[test]
fn numbers_beyond_f16_are_kept_as_its_largest() {
    let shape = HeadShape {
        queries: 1,
        keys: 1,
        size: 3,
    };
    let layer = PageLayer {
        start: 0,
        heads: shape,
        kept: Kept::F16,
    };
    for simd in kernels() {
        let mut page: Page = vec![Default::default(); layer.kept.lines(layer.len())];
        let refs = [PageRef::growing(&mut page)];
        let segments = [Segment {
            pages: &refs,
            before: 0,
            rows: 0..1,
        }];
        let values = [1e6, f32::NEG_INFINITY, 65_520.0];
        let qkv = [[0.0; 3], [f32::INFINITY, -7e4, 3.0], values].concat();
        let team = Team::solo(simd, 0);
        remember(team, layer, &segments, &qkv);
        let queries = Queries {
            rows: &qkv,
            width: 9,
            causal: true,
        };
        let mut out = [f32::NAN; 3];
        attend(
            team,
            layer,
            &segments,
            (queries, &[Mutex::default()], &mut out),
        );
        // A query of zeros makes no sum of what is infinite.
        assert_eq!(out, [65_504.0, -65_504.0, 65_504.0], "{simd:?}");
    }
}

/// What a set makes of floats in 16 bits.
struct Narrow<'a>(&'a [f32; TILE]);

impl Task for Narrow<'_> {
    type Output = [f16; TILE];

    #[inline(always)]
    fn run<I: Isa>(self) -> [f16; TILE] {
        // SAFETY: tasks only run where `I` does.
        unsafe { I::narrow(self.0) }
    }
}

#[test]
fn floats_become_the_same_f16_numbers_on_every_kernel() {
    let mut random = Random(17);
    for simd in kernels() {
        for _ in 0..20_000 {
            // Of all exponents, numbers between two others and none among them.
            let floats = [(); TILE].map(|()| f32::from_bits(random.bits() as u32 & !0xfff));
            for (found, float) in simd.run(Narrow(&floats)).into_iter().zip(floats) {
                let expected = f16::from_f32(float.clamp(-65_504.0, 65_504.0));
                let same = found.to_bits() == expected.to_bits();
                assert!(
                    same || found.is_nan() && float.is_nan(),
                    "{simd:?}: {float:e}"
                );
            }
        }
    }
}

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
    fn run(
        &self,
        simd: Simd,
        weights: &[Weights; 2],
        sequences: std::ops::Range<usize>,
    ) -> Vec<f32> {
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

/// Largest error of the functions over a grid: exp (relative), erf, GELU, tanh, and an LSTM's cell and
/// hidden state with two gates at the point of the grid and two far from it.
struct Errors;

impl Task for Errors {
    type Output = [f64; 6];

    #[inline(always)]
    fn run<I: Isa>(self) -> [f64; 6] {
        let mut worst = [0.0f64; 6];
        let mut random = Random(1);
        for i in -40_000..=40_000 {
            let x = i as f32 * 5e-4;
            let exact = f64::from(x);
            let mut y = [x; 16];
            activate::<I, 16>(Act::Gelu, &mut y);
            let mut gates = [x; 4];
            for k in 0..2 {
                gates[(i + 40_000) as usize / (1 + k) % 4] = random.float() * 12.0;
            }
            let cell = random.float();
            let [c, h] = lstm_cell::<I>(gates, cell);
            let found = [exp::<I>(x), erf::<I>(x), y[3], tanh::<I>(x), c, h].map(f64::from);
            let [c, h] = reference_cell(gates.map(f64::from), f64::from(cell));
            let expected = [
                exact.exp(),
                reference_erf(exact),
                0.5 * exact * (1.0 + reference_erf(exact / 2f64.sqrt())),
                exact.tanh(),
                c,
                h,
            ];
            for k in 0..6 {
                let unit = match k {
                    0 => expected[0],
                    2 => exact.abs().max(1.0),
                    _ => 1.0,
                };
                worst[k] = worst[k].max((found[k] - expected[k]).abs() / unit);
            }
        }
        worst
    }
}

/// A step of an LSTM by its definition.
fn reference_cell([i, f, g, o]: [f64; 4], c: f64) -> [f64; 2] {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
    [c, sigmoid(o) * c.tanh()]
}

/// erf in double precision: its Taylor series near zero, else the continued fraction of 1 - erf.
fn reference_erf(x: f64) -> f64 {
    if x.abs() > 2.5 {
        let tail = (1..100)
            .rev()
            .fold(0.0, |rest, n| f64::from(n) / 2.0 / (x.abs() + rest));
        let complement = (-x * x).exp() / std::f64::consts::PI.sqrt() / (x.abs() + tail);
        return x.signum() * (1.0 - complement);
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..100 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn functions_are_as_exact_as_documented() {
    for simd in kernels() {
        let [exp, erf, gelu, tanh, cell, hidden] = simd.run(Errors);
        println!("{simd:?}: {cell:e} {hidden:e}");
        assert!(exp < 4e-7, "exp {exp}");
        assert!(erf < 4e-7, "erf {erf}");
        assert!(gelu < 4e-7, "gelu {gelu}");
        assert!(tanh < 4e-7, "tanh {tanh}");
        assert!(cell < 1e-6, "cell {cell}");
        assert!(hidden < 1e-6, "hidden {hidden}");
    }
}

#[test]
fn a_kernel_the_machine_lacks_is_refused() {
    for kernel in Kernel::ALL {
        // Shown with `--nocapture`: which kernels the other tests ran.
        println!(
            "{kernel}: {}",
            if kernel.is_supported() {
                "tested"
            } else {
                "not here"
            }
        );
        assert_eq!(Simd::new(kernel).is_ok(), kernel.is_supported());
        assert_eq!(kernel.to_string().parse::<Kernel>().unwrap(), kernel);
    }
    assert!("neon".parse::<Kernel>().is_err());
}
