//! Attention of whole sequences.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;

use super::super::attention::{AttentionInput, HeadScratch, attention};
use super::super::pool::Pool;
use super::super::team::Team;
use super::{Random, kernels};

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
                check_sequence(&qkv, [width, size], rows, &out);
            }
        }
    }
}

fn check_sequence(qkv: &[f32], [width, size]: [usize; 2], rows: Range<usize>, out: &[f32]) {
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
