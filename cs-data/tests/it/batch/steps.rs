//! Steps of a run, resumed, and how well they are shuffled.

use std::collections::HashMap;

use cs_data::*;
use proptest::prelude::*;

use crate::common::seeded;

fn plan(max_tokens: usize, max_sequences: usize, shuffle: Option<u64>) -> BatchPlan {
    BatchPlan {
        max_tokens,
        max_sequences,
        shuffle,
    }
}

proptest! {
    #![proptest_config(seeded(96))]

    #[test]
    fn resumed_is_uninterrupted(
        lengths in proptest::collection::vec(0usize..40, 1..120),
        max_tokens in 1usize..100,
        shuffle in proptest::option::of(any::<u64>()),
        place in any::<proptest::sample::Index>(),
    ) {
        let plan = plan(max_tokens, 6, shuffle);
        let run = || Batches::new(plan.clone(), lengths.clone());
        let whole: Vec<Step> = run().take_while(|step| step.epoch < 3).collect();
        for epoch in 0..3 {
            let of_epoch = whole.iter().filter(|step| step.epoch == epoch);
            prop_assert!(of_epoch.clone().enumerate().all(|(at, step)| step.step == at));
            let mut rows: Vec<usize> = of_epoch.flat_map(|step| step.rows.clone()).collect();
            rows.sort_unstable();
            prop_assert!(rows.into_iter().eq(0..lengths.len()));
        }
        let at = place.index(whole.len());
        let resumed = run().at(whole[at].epoch, whole[at].step);
        prop_assert!(resumed.take(whole.len() - at).eq(whole[at..].iter().cloned()));
        // As a checkpoint between two steps has it, at the end of an epoch too.
        let mut stopped = run();
        let before: Vec<Step> = stopped.by_ref().take(at).collect();
        prop_assert_eq!(before.as_slice(), &whole[..at]);
        let (epoch, step) = stopped.upcoming();
        prop_assert_eq!(run().at(epoch, step).next().unwrap(), whole[at].clone());
    }
}

#[test]
fn epochs_differ_only_if_shuffled() {
    let lengths: Vec<usize> = (0..200).map(|row| 1 + row % 7).collect();
    let rows = |shuffle, epoch| -> Vec<usize> {
        let run = Batches::new(plan(32, 8, shuffle), lengths.clone()).at(epoch, 0);
        run.take_while(|step| step.epoch == epoch)
            .flat_map(|step| step.rows)
            .collect()
    };
    assert_eq!(rows(None, 0), rows(None, 5));
    assert_ne!(rows(Some(1), 0), rows(Some(1), 5));
    assert_ne!(rows(Some(1), 0), rows(Some(2), 0));
    assert_eq!(Batches::new(plan(32, 8, None), Vec::new()).next(), None);
}

/// The figures in the documentation of `BatchPlan::batches`.
#[test]
fn shuffling_by_length_is_as_good_as_stated() {
    // Lengths of short messages: a product of three uniform numbers, 4 to 73 tokens, mean 15.
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let lengths: Vec<usize> = (0..20_000)
        .map(|_| {
            4 + (70.0 * uniform() * (0.2 + 0.8 * uniform()) * (0.1 + 0.9 * uniform())) as usize
        })
        .collect();
    let plan = plan(2048, 64, Some(1));
    let epochs = [0, 1].map(|epoch| plan.of_epoch(epoch).batches(&lengths));

    // What padding each batch to its longest row would add, were it done.
    let padding = |batches: &[Vec<usize>]| {
        let longest = |rows: &Vec<usize>| rows.iter().map(|&row| lengths[row]).max().unwrap();
        let padded: usize = batches.iter().map(|rows| rows.len() * longest(rows)).sum();
        1.0 - lengths.iter().sum::<usize>() as f64 / padded as f64
    };
    let unordered = BatchPlan {
        shuffle: None,
        ..plan.clone()
    }
    .batches(&lengths);
    let (grouped, unordered) = (padding(&epochs[0]), padding(&unordered));
    assert!(grouped < 0.06 && unordered > 0.65, "{grouped} {unordered}");

    // Correlation of the mean lengths of consecutive batches.
    let mean = |rows: &Vec<usize>| {
        rows.iter().map(|&row| lengths[row] as f64).sum::<f64>() / rows.len() as f64
    };
    let means: Vec<f64> = epochs[0].iter().map(mean).collect();
    let centre = means.iter().sum::<f64>() / means.len() as f64;
    let moved = means.iter().map(|mean| mean - centre);
    let variance: f64 = moved.clone().map(|x| x * x).sum();
    let covariance: f64 = moved.clone().zip(moved.skip(1)).map(|(x, y)| x * y).sum();
    let correlation = covariance / variance;
    assert!(correlation.abs() < 0.05, "{correlation}");

    // How many of a row's batch-mates it meets again in the next epoch.
    let batch_of: HashMap<usize, usize> = epochs[1]
        .iter()
        .enumerate()
        .flat_map(|(batch, rows)| rows.iter().map(move |&row| (row, batch)))
        .collect();
    let (mut pairs, mut again) = (0, 0);
    for rows in &epochs[0] {
        for (at, row) in rows.iter().enumerate() {
            pairs += rows.len() - at - 1;
            again += rows[at + 1..]
                .iter()
                .filter(|mate| batch_of[mate] == batch_of[row])
                .count();
        }
    }
    let again = f64::from(again as u32) / f64::from(pairs as u32);
    assert!(again < 0.06, "{again}");
}
