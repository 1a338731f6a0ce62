//! Operations on rows: quantising and norms.

use cs_model::NormKind;

use super::super::outliers::Outliers;
use super::super::row_ops::{Norm, QuantOut, RowScale, add_norm, norm, quantise};
use super::super::team::Team;
use super::{Random, kernels};

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
            let out = QuantOut {
                bytes: &mut bytes,
                scales: &mut scales,
                outliers: &mut [],
                beyond: f32::INFINITY,
            };
            quantise(Team::solo(simd, 0), &x, width, 255, out);
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
        quantise(Team::solo(simd, 0), &x, 8, 127, out);
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
