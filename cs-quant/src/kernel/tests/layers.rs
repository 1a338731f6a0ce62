//! Products of linear layers, in every precision.

use super::super::TILE;
use super::super::gemm::{QuantScratch, Weights};
use super::super::math::Act;
use super::super::pack::{PackedF32, PackedI8, interleave};
use super::super::pack4::GROUP;
use super::super::team::Team;
use super::products::{GROUPED, SHAPES, pack_int4};
use super::{Random, kernels};
use crate::format::matrix::{Rounding, quantise_rows};
use crate::format::scheme::{Clip, IntRange as Bound};

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
    for [m, k, n] in GROUPED {
        let mut random = Random(k as u64 + 1);
        let x = random.floats(m * k);
        for (weights, simd) in layers(&mut random, k, n)
            .iter()
            .flat_map(|weights| kernels().into_iter().map(move |simd| (weights, simd)))
        {
            let scratch = &mut QuantScratch::default();
            let mut multiply = |x: &[f32]| {
                let mut out = vec![f32::NAN; x.len() / k * n];
                weights.apply(Team::solo(simd, 0), x, Act::Silu, &mut out, scratch);
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
    for [m, k, n] in GROUPED {
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
                weights.apply(Team::solo(simd, 0), x, Act::None, &mut out, scratch);
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
    for [m, k, n] in GROUPED {
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
            both.apply_gated(team, &x, Act::Silu, &mut found, scratch);
            gates.apply(team, &x, Act::None, &mut gate, scratch);
            values.apply(team, &x, Act::None, &mut value, scratch);
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
fn quantised_and_float_layers_are_near_the_reference() {
    for [m, k, n] in SHAPES {
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
                weights.apply(Team::solo(simd, 0), &x, Act::Relu, &mut out, scratch);
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
