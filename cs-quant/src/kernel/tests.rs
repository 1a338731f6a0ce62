//! One case table over every kernel, against plain references.
#![allow(
    clippy::print_stdout,
    reason = "a run on another machine should say what it tested"
)]

use std::num::NonZeroUsize;
use std::sync::Mutex;

use super::attention::{AttentionInput, HeadScratch, attention};
use super::gemm::{QuantScratch, Weights};
use super::math::{Act, activate, erf, exp, sigmoid, tanh};
use super::pack::{PackedF32, PackedI8};
use super::pool::Pool;
use super::row_ops::{Norm, RowScale, add_norm, quantise};
use super::team::Team;
use super::{Isa, Kernel, Simd, Task};
use crate::format::matrix::quantise_rows;
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
fn bounded(weights: &[i8], k: usize) -> Vec<i8> {
    let weights: Vec<f32> = weights.iter().map(|&w| f32::from(w)).collect();
    quantise_rows(&weights, k, Bound::Bounded, Clip::Mse).0
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

#[test]
fn int8_products_are_exact_on_every_kernel() {
    let pools: Vec<Pool> = (1..4)
        .map(|n| Pool::new(NonZeroUsize::new(n).unwrap()).unwrap())
        .collect();
    for (m, k, n) in SHAPES {
        let mut random = Random(k as u64);
        let any = random.weights(n * k);
        for (q, keeps) in [(bounded(&any, k), true), (any, false)] {
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
                for pool in &pools {
                    let crew = pool.lease(pool.threads());
                    let found = integers(Team::all(simd, &crew), &u, &q, (m, k, n));
                    assert_eq!(found, expected, "{simd:?} {m} x {k} x {n}, {levels} levels");
                }
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
            ([33; 8], 127),
            ([127; 8], 63),
            ([-64; 8], 127),
            ([-128; 8], 63),
        ] {
            for k in [64, 200, 1536] {
                let q: Vec<i8> = block.into_iter().cycle().take(k * 16).collect();
                let packed = PackedI8::new(k, &q, &[1.0; 16], &[0.0; 16]);
                assert_eq!(packed.levels(), levels, "{block:?}");
                let mut u = vec![levels; k];
                u[k - 1] = 0;
                let found = integers(Team::solo(simd, 0), &u, &q, (1, k, 16));
                let expected = naive(&u, &q, (1, k, 16));
                assert_eq!(
                    found,
                    expected.iter().map(|&v| v as f32).collect::<Vec<_>>()
                );
            }
        }
    }
}

#[test]
fn quantised_and_float_layers_are_near_the_reference() {
    for (m, k, n) in SHAPES {
        let mut random = Random(m as u64 + 7);
        let (x, w, bias) = (random.floats(m * k), random.floats(n * k), random.floats(n));
        let (q, scale) = quantise_rows(&w, k, Bound::Bounded, Clip::None);
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
            quantise(Team::solo(simd, 0), &x, how, (&mut bytes, &mut scales));
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
        quantise(Team::solo(simd, 0), &x, (8, 127), (&mut bytes, &mut scales));
        assert!(bytes.iter().all(|&u| u <= 127));
    }
}

#[test]
fn layer_norm_is_that_of_the_definition() {
    let mut random = Random(5);
    for width in [1, 5, 8, 20, 384] {
        let (x, y) = (random.floats(3 * width), random.floats(3 * width));
        let (weight, bias) = (random.floats(width), random.floats(width));
        let norm = Norm {
            weight: weight.clone(),
            bias: bias.clone(),
            epsilon: 1e-5,
        };
        for simd in kernels() {
            let mut found = x.clone();
            add_norm(Team::solo(simd, 0), &norm, &mut found, &y);
            for row in 0..3 {
                let sum = |i: usize| f64::from(x[row * width + i]) + f64::from(y[row * width + i]);
                let mean = (0..width).map(sum).sum::<f64>() / width as f64;
                let variance =
                    (0..width).map(|i| (sum(i) - mean).powi(2)).sum::<f64>() / width as f64;
                for i in 0..width {
                    let normal = (sum(i) - mean) / (variance + 1e-5).sqrt();
                    let expected = normal * f64::from(weight[i]) + f64::from(bias[i]);
                    let found = f64::from(found[row * width + i]);
                    assert!(
                        (found - expected).abs() < 1e-5,
                        "{width}: {found} {expected}"
                    );
                }
            }
        }
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

/// Largest error of the functions over a grid: exp (relative), erf, tanh, sigmoid, GELU.
struct Errors;

impl Task for Errors {
    type Output = [f64; 5];

    #[inline(always)]
    fn run<I: Isa>(self) -> [f64; 5] {
        let mut worst = [0.0f64; 5];
        for i in -40_000..=40_000 {
            let x = i as f32 * 5e-4;
            let exact = f64::from(x);
            let mut y = [x; 16];
            activate::<I, 16>(Act::Gelu, &mut y);
            let found = [
                exp::<I>(x),
                erf::<I>(x),
                tanh::<I>(x),
                sigmoid::<I>(x),
                y[3],
            ]
            .map(f64::from);
            let expected = [
                exact.exp(),
                reference_erf(exact),
                exact.tanh(),
                1.0 / (1.0 + (-exact).exp()),
                0.5 * exact * (1.0 + reference_erf(exact / 2f64.sqrt())),
            ];
            for k in 0..5 {
                let unit = match k {
                    0 => expected[0],
                    4 => exact.abs().max(1.0),
                    _ => 1.0,
                };
                worst[k] = worst[k].max((found[k] - expected[k]).abs() / unit);
            }
        }
        worst
    }
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
        let [exp, erf, tanh, sigmoid, gelu] = simd.run(Errors);
        assert!(exp < 4e-7, "exp {exp}");
        assert!(erf < 4e-7, "erf {erf}");
        assert!(tanh < 4e-7, "tanh {tanh}");
        assert!(sigmoid < 4e-7, "sigmoid {sigmoid}");
        assert!(gelu < 4e-7, "gelu {gelu}");
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
