//! How a batch is split over threads, and whether it may be run at all. Pure functions of shapes.

use std::ops::Range;

use cs_data::TokenBatch;

use crate::error::{QuantError, Result};

/// Tokens of a group: enough rows that a weight read from memory is used often, few enough that
/// their activations stay in a core's second-level cache.
const GROUP_TOKENS: usize = 96;

/// Above this share of useful time, groups beat splitting every operation over the threads.
const BALANCED: f64 = 0.8;

/// How a batch is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Groups of whole sequences, each carried through the network by one thread.
    Groups(Vec<Range<usize>>),
    /// The groups one after another, every operation split over all threads.
    Together(Vec<Range<usize>>),
}

/// Chooses for sequences that begin at `offsets` `[B + 1]`.
pub(crate) fn plan(offsets: &[u32], threads: usize) -> Plan {
    let tokens = offsets.last().map_or(0, |&end| end as usize);
    let count = tokens.div_ceil(GROUP_TOKENS * threads).max(1) * threads;
    let groups = cut(offsets, count);
    if threads == 1 || balance(offsets, &groups, threads) >= BALANCED {
        return Plan::Groups(groups);
    }
    // Nothing is gained by small pieces here: each operation is a wait for the slowest thread.
    Plan::Together(cut(offsets, tokens.div_ceil(GROUP_TOKENS * 4).max(1)))
}

/// At most `count` ranges of consecutive sequences, of about the same number of tokens.
fn cut(offsets: &[u32], count: usize) -> Vec<Range<usize>> {
    let sequences = offsets.len().saturating_sub(1);
    let tokens = offsets.last().map_or(0, |&end| end as usize);
    let mut groups: Vec<Range<usize>> = Vec::with_capacity(count);
    let mut start = 0;
    for group in 1..=count {
        let target = tokens * group / count;
        let mut end = start;
        // A sequence belongs to the group its middle lies in.
        while end < sequences && (offsets[end] as usize + offsets[end + 1] as usize) / 2 < target {
            end += 1;
        }
        if group == count {
            end = sequences;
        }
        if end > start {
            groups.push(start..end);
        }
        start = end;
    }
    groups
}

/// Useful share of the threads' time when each takes the next group as soon as it is free.
fn balance(offsets: &[u32], groups: &[Range<usize>], threads: usize) -> f64 {
    let mut busy = vec![0usize; threads];
    for group in groups {
        let tokens = (offsets[group.end] - offsets[group.start]) as usize;
        if let Some(least) = busy.iter_mut().min() {
            *least += tokens;
        }
    }
    let longest = busy.iter().max().copied().unwrap_or(0);
    let total: usize = busy.iter().sum();
    if longest == 0 {
        return 1.0;
    }
    total as f64 / (longest * threads) as f64
}

/// Checks that a batch is consistent and fits the model.
pub(crate) fn check(batch: &TokenBatch, vocab: usize, places: Option<usize>) -> Result<()> {
    let tokens = batch.ids.len();
    let malformed = |problem: String| Err(QuantError::Batch { problem });
    if batch.positions.len() != tokens {
        return malformed(format!(
            "{} positions for {tokens} ids",
            batch.positions.len()
        ));
    }
    if batch.offsets.is_empty() && tokens == 0 {
        return Ok(());
    }
    if batch.offsets.first() != Some(&0)
        || batch.offsets.last().map(|&e| e as usize) != Some(tokens)
    {
        return malformed(format!("the offsets do not go from 0 to {tokens} tokens"));
    }
    for (sequence, ends) in batch.offsets.windows(2).enumerate() {
        let problem = |problem| Err(QuantError::Input { sequence, problem });
        if ends[0] == ends[1] {
            return problem("no tokens, expected at least one".to_owned());
        }
        let range = ends[0] as usize..ends[1] as usize;
        let Some(ids) = batch.ids.get(range.clone()) else {
            return malformed(format!(
                "sequence {sequence} ends before it begins or too late"
            ));
        };
        if let Some(id) = ids.iter().find(|&&id| id as usize >= vocab) {
            return problem(format!("token id {id}, expected less than {vocab}"));
        }
        let beyond = |&&p: &&u32| places.is_some_and(|places| p as usize >= places);
        if let Some(position) = batch.positions[range].iter().find(beyond) {
            let places = places.unwrap_or_default();
            return problem(format!("position {position}, expected less than {places}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(lengths: &[u32]) -> Vec<u32> {
        let mut offsets = vec![0];
        for length in lengths {
            offsets.push(offsets[offsets.len() - 1] + length);
        }
        offsets
    }

    #[test]
    fn like_sequences_make_even_groups() {
        let Plan::Groups(groups) = plan(&offsets(&[32; 32]), 2) else {
            panic!()
        };
        assert_eq!(groups.len(), 12);
        assert!(groups.iter().all(|g| (2..=3).contains(&g.len())));
        let Plan::Groups(groups) = plan(&offsets(&[16; 2]), 2) else {
            panic!()
        };
        assert_eq!(groups, [0..1, 1..2]);
    }

    #[test]
    fn what_does_not_divide_is_shared() {
        for (lengths, threads, together) in [
            (vec![128], 2, true),
            (vec![128; 3], 2, true),
            (vec![128], 1, false),
        ] {
            let plan = plan(&offsets(&lengths), threads);
            assert_eq!(matches!(plan, Plan::Together(_)), together);
            let (Plan::Groups(groups) | Plan::Together(groups)) = plan;
            assert_eq!((groups.len(), groups[0].end), (1, lengths.len()));
        }
    }

    #[test]
    fn groups_cover_every_sequence_once() {
        let lengths: Vec<u32> = (0..97).map(|i| 1 + i * 37 % 64).collect();
        for threads in 1..9 {
            for count in [0, 1, 2, 3, 10, 97] {
                let (Plan::Groups(groups) | Plan::Together(groups)) =
                    plan(&offsets(&lengths[..count]), threads);
                let all: Vec<usize> = groups.into_iter().flatten().collect();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn bad_batches_are_named() {
        let good = TokenBatch::pack([&[1, 2][..], &[3]]);
        assert!(check(&good, 4, Some(2)).is_ok());
        let message = |batch: &TokenBatch, vocab, places| {
            check(batch, vocab, places).unwrap_err().to_string()
        };
        let id = message(&good, 3, None);
        assert_eq!(id, "sequence 1: token id 3, expected less than 3");
        let place = message(&good, 4, Some(1));
        assert_eq!(place, "sequence 0: position 1, expected less than 1");
        let empty = TokenBatch::pack([&[1][..], &[]]);
        assert_eq!(
            message(&empty, 4, None),
            "sequence 1: no tokens, expected at least one"
        );
        for offsets in [
            vec![],
            vec![0],
            vec![0, 5, 3],
            vec![0, 2, 1, 3],
            vec![1, 3],
            vec![0, 2],
        ] {
            let batch = TokenBatch {
                offsets,
                ..good.clone()
            };
            assert!(check(&batch, 4, None).is_err(), "{batch:?}");
        }
        let batch = TokenBatch {
            positions: vec![0],
            ..good
        };
        assert!(check(&batch, 4, None).is_err());
    }
}
