//! Integers of products, which are exact.

use std::num::NonZeroUsize;

use super::super::gemm::{QuantRows, QuantScratch, Weights};
use super::super::math::Act;
use super::super::pack::PackedI8;
use super::super::pack4::{GROUP, PackedI4};
use super::super::pool::Pool;
use super::super::team::Team;
use super::super::{Isa, Simd, TILE, Task};
use super::{Random, kernels};
use crate::format::matrix::{Rounding, quantise_rows};
use crate::format::scheme::{Clip, IntRange as Bound};

/// Rows, inputs, outputs: odd sizes, none, one, remainders of the tile, large.
pub(super) const SHAPES: [[usize; 3]; 16] = [
    [0, 8, 16],
    [1, 1, 1],
    [1, 4, 16],
    [1, 384, 384],
    [2, 3, 5],
    [2, 16, 17],
    [3, 7, 15],
    [3, 9, 33],
    [4, 8, 16],
    [5, 10, 31],
    [5, 33, 48],
    [7, 130, 77],
    [16, 384, 1152],
    [33, 65, 100],
    [96, 64, 40],
    [131, 1536, 24],
];

/// Rows, inputs and outputs of int4 products: whole groups of inputs.
pub(super) const GROUPED: [[usize; 3]; 9] = [
    [0, 32, 16],
    [17, 32, 20],
    [130, 96, 40],
    [1, 32, 1],
    [1, 384, 400],
    [3, 64, 33],
    [7, 96, 17],
    [33, 160, 70],
    [20, 1536, 24],
];

/// Packs int4 weights, given as -8..=7, with steps.
pub(super) fn pack_int4(q: &[i8], k: usize, steps: &[f32], bias: &[f32]) -> Weights {
    let halves = q.as_chunks::<2>().0.iter();
    let bytes: Vec<u8> = halves
        .map(|&[low, high]| (low + 8) as u8 | ((high + 8) as u8) << 4)
        .collect();
    Weights::Int4(PackedI4::new(k, &bytes, steps, bias))
}

/// Limits weights so that they allow for activations of 8 bits, some of them barely.
fn bounded(weights: &[i8], k: usize, range: Bound) -> Vec<i8> {
    let weights: Vec<f32> = weights.iter().map(|&w| f32::from(w)).collect();
    quantise_rows(&weights, k, range, Rounding::new(Clip::Mse)).0
}

/// Computes the integers of a product by its definition.
fn naive(u: &[u8], q: &[i8], [m, k, n]: [usize; 3]) -> Vec<i32> {
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
fn integers(team: Team<'_>, u: &[u8], q: &[i8], [m, k, n]: [usize; 3]) -> Vec<f32> {
    let packed = PackedI8::new(k, q, &vec![1.0; n], &vec![0.0; n]);
    // Every row spans all levels, which makes the quantiser the identity.
    let x: Vec<f32> = u.iter().map(|&u| f32::from(u)).collect();
    let mut out = vec![f32::NAN; m * n];
    Weights::Int8(packed).apply(team, &x, Act::None, &mut out, &mut QuantScratch::default());
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
fn check_rows(simd: Simd, u: &[u8], q: &[i8], [m, k, n]: [usize; 3], expected: &[f32]) {
    let packed = PackedI8::new(k, q, &vec![1.0; n], &vec![0.0; n]);
    let x: Vec<f32> = u.iter().map(|&u| f32::from(u)).collect();
    let mut scratch = QuantScratch::default();
    let found = simd.run(RowByRow {
        x: scratch.quantise(Team::solo(simd, 0), &x, m, k, packed.levels()),
        rows: m,
        weights: &packed,
    });
    for (found, expected) in found.iter().zip(expected.chunks_exact(n)) {
        assert_eq!(found.len(), n / 64 * 64);
        assert_eq!(found, &expected[..found.len()], "{simd:?} {m} x {k} x {n}");
    }
}

/// Checks int4 products on every kernel: with steps of 1 the output is the integer itself.
fn check_int4(u: &[u8], q: &[i8], [m, k, n]: [usize; 3]) {
    let pool = Pool::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let expected: Vec<f32> = naive(u, q, [m, k, n]).iter().map(|&v| v as f32).collect();
    let weights = pack_int4(q, k, &vec![1.0; n * k / GROUP], &vec![0.0; n]);
    let x: Vec<f32> = u.iter().map(|&u| f32::from(u)).collect();
    for simd in kernels() {
        let crew = pool.lease(2);
        let mut out = vec![f32::NAN; m * n];
        let scratch = &mut QuantScratch::default();
        weights.apply(Team::all(simd, &crew), &x, Act::None, &mut out, scratch);
        assert_eq!(out, expected, "{simd:?} {m} x {k} x {n}");
    }
}

#[test]
fn int8_products_are_exact_on_every_kernel() {
    let pools: Vec<Pool> = (1..4)
        .map(|n| Pool::new(NonZeroUsize::new(n).unwrap()).unwrap())
        .collect();
    for [m, k, n] in SHAPES {
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
                naive(&u, &q, [m, k, n]).iter().map(|&v| v as f32).collect();
            if k == 1 {
                // A row of one value has no range: it is its minimum, the product still exact.
                expected = q
                    .iter()
                    .map(|&w| f32::from(w) * f32::from(levels))
                    .collect();
            }
            for simd in kernels() {
                check_rows(simd, &u, &q, [m, k, n], &expected);
                for pool in &pools {
                    let crew = pool.lease(pool.threads());
                    let found = integers(Team::all(simd, &crew), &u, &q, [m, k, n]);
                    assert_eq!(found, expected, "{simd:?} {m} x {k} x {n}, {levels} levels");
                }
            }
        }
    }
}

#[test]
fn int4_products_are_exact_on_every_kernel() {
    for [m, k, n] in GROUPED {
        let mut random = Random(n as u64);
        let q: Vec<i8> = random.weights(n * k).iter().map(|w| w >> 4).collect();
        let mut u: Vec<u8> = (0..m * k).map(|_| random.bits() as u8).collect();
        for row in u.chunks_exact_mut(k) {
            (row[0], row[k - 1]) = (255, 0);
        }
        check_int4(&u, &q, [m, k, n]);
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
        for [m, k, n] in [[1, 96, 80], [5, 64, 17]] {
            let q: Vec<i8> = block.into_iter().cycle().take(n * k).collect();
            let mut u = vec![255; m * k];
            u.chunks_exact_mut(k).for_each(|row| row[k - 1] = 0);
            check_int4(&u, &q, [m, k, n]);
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
                let found = integers(Team::solo(simd, 0), &u, &q, [1, k, 64]);
                let expected = naive(&u, &q, [1, k, 64]);
                let expected: Vec<f32> = expected.iter().map(|&v| v as f32).collect();
                assert_eq!(found, expected);
                check_rows(simd, &u, &q, [1, k, 64], &expected);
            }
        }
    }
}
