//! Rows into batches, and batches packed.

use cs_data::*;
use proptest::prelude::*;

use crate::common::seeded;

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn every_row_is_in_one_batch_within_the_budget(
        lengths in proptest::collection::vec(0usize..40, 0..300),
        max_tokens in 0usize..100,
        max_sequences in 0usize..9,
        shuffle in proptest::option::of(any::<u64>()),
    ) {
        let plan = BatchPlan { max_tokens, max_sequences, shuffle };
        let batches = plan.batches(&lengths);
        prop_assert_eq!(&batches, &plan.batches(&lengths));
        for batch in &batches {
            let tokens: usize = batch.iter().map(|&row| lengths[row]).sum();
            prop_assert!(!batch.is_empty() && batch.len() <= max_sequences.max(1));
            prop_assert!(tokens <= max_tokens || batch.len() == 1);
        }
        let mut rows = batches.concat();
        if shuffle.is_some() {
            rows.sort_unstable();
        }
        prop_assert_eq!(rows, (0..lengths.len()).collect::<Vec<_>>());
    }

    #[test]
    fn packing_keeps_sequences(rows in proptest::collection::vec(
        proptest::collection::vec(any::<u32>(), 0..9), 0..9))
    {
        let batch = TokenBatch::pack(rows.iter().map(Vec::as_slice));
        prop_assert_eq!(batch.sequences(), rows.len());
        prop_assert_eq!(batch.tokens(), batch.positions.len());
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(&batch.ids[batch.range(at)], row.as_slice());
            prop_assert!(batch.positions[batch.range(at)].iter().copied().eq(0..row.len() as u32));
        }
        prop_assert_eq!(batch.max_len, rows.iter().map(Vec::len).max().unwrap_or(0));
    }
}

#[test]
fn shuffled_batches_hold_rows_of_like_length_and_depend_on_the_seed() {
    let lengths: Vec<usize> = (0..10_000).map(|row| row * 7919 % 64 + 1).collect();
    let plan = BatchPlan {
        max_tokens: 1024,
        max_sequences: 64,
        shuffle: Some(1),
    };
    let batches = plan.batches(&lengths);
    let spread: usize = batches
        .iter()
        .map(|rows| {
            let of = rows.iter().map(|&row| lengths[row]);
            of.clone().max().unwrap() - of.min().unwrap()
        })
        .sum();
    assert!(
        spread < 4 * batches.len(),
        "mean spread {}",
        spread as f64 / batches.len() as f64
    );
    let tokens: usize = lengths.iter().sum();
    assert!(
        batches.len() <= tokens / 1024 * 11 / 10,
        "batches are full: {}",
        batches.len()
    );
    assert_ne!(
        batches,
        BatchPlan {
            shuffle: Some(2),
            ..plan
        }
        .batches(&lengths)
    );
    assert!(
        batches
            .windows(2)
            .any(|two| lengths[two[0][0]] > lengths[two[1][0]])
    );
}
