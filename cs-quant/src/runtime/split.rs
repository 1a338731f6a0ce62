//! How a batch is split over threads, and whether it may be run at all. Pure functions of shapes.

use std::ops::Range;

use cs_data::TokenBatch;

use crate::error::{Error, Result};

/// The tokens of a group: enough rows that a weight read from memory is used often, few enough that
/// their activations stay in a core's second-level cache.
const GROUP_TOKENS: usize = 128;

/// The share of useful time above which groups beat splitting every operation over the threads.
const BALANCED: f64 = 0.8;

/// The number of multiply-adds that are worth another thread: some microseconds.
const THREAD_MACS: usize = 1 << 19;

/// The way in which a batch is divided over threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// Each group is carried through the network by one thread.
    Groups,
    /// The groups are computed one after another, with every operation split over all threads.
    Together,
}

/// Groups of whole sequences; the buffers are kept between calls.
#[derive(Debug, Default)]
pub(crate) struct SplitPlan {
    /// Group `i` has the sequences `cuts[i]..cuts[i + 1]`.
    cuts: Vec<usize>,
    /// The number of tokens that each thread has to compute.
    busy: Vec<usize>,
}

/// Gives the number of threads that a batch is worth, given the multiply-adds of a token.
pub(crate) fn worthwhile_threads(tokens: usize, macs: usize) -> usize {
    1 + tokens.saturating_mul(macs) / THREAD_MACS
}

impl SplitPlan {
    /// Chooses how to divide the sequences that begin at `offsets` `[B + 1]`.
    pub(crate) fn choose(&mut self, offsets: &[u32], threads: usize) -> Split {
        let tokens = offsets.last().map_or(0, |&end| end as usize);
        let count = tokens.div_ceil(GROUP_TOKENS * threads).max(1) * threads;
        self.cut(offsets, count);
        if threads == 1 || self.balance(offsets, threads) >= BALANCED {
            return Split::Groups;
        }
        // Small groups gain nothing here: each operation is a wait for the slowest thread.
        self.cut(offsets, tokens.div_ceil(GROUP_TOKENS * 4).max(1));
        Split::Together
    }

    /// Lists the groups, as ranges of sequences.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        self.cuts.windows(2).map(|ends| ends[0]..ends[1])
    }

    /// The bounds of the groups, as indices of sequences.
    pub(crate) fn cuts(&self) -> &[usize] {
        &self.cuts
    }

    /// Cuts the batch into at most `count` groups of consecutive sequences, of about the same
    /// number of tokens.
    fn cut(&mut self, offsets: &[u32], count: usize) {
        let sequences = offsets.len().saturating_sub(1);
        let tokens = offsets.last().map_or(0, |&end| end as usize);
        self.cuts.clear();
        self.cuts.push(0);
        let mut start = 0;
        for group in 1..=count {
            let target = tokens * group / count;
            let mut end = start;
            // A sequence belongs to the group that its middle lies in.
            while end < sequences && middle(offsets, end) < target {
                end += 1;
            }
            if group == count {
                end = sequences;
            }
            if end > start {
                self.cuts.push(end);
            }
            start = end;
        }
    }

    /// Computes the useful share of the threads' time if each takes the next group as soon as it is
    /// free.
    fn balance(&mut self, offsets: &[u32], threads: usize) -> f64 {
        self.busy.clear();
        self.busy.resize(threads, 0);
        for ends in self.cuts.windows(2) {
            let tokens = (offsets[ends[1]] - offsets[ends[0]]) as usize;
            if let Some(least) = self.busy.iter_mut().min() {
                *least += tokens;
            }
        }
        let longest = self.busy.iter().max().copied().unwrap_or(0);
        let total: usize = self.busy.iter().sum();
        if longest == 0 {
            return 1.0;
        }
        total as f64 / (longest * threads) as f64
    }
}

fn middle(offsets: &[u32], sequence: usize) -> usize {
    (offsets[sequence] as usize + offsets[sequence + 1] as usize) / 2
}

/// Checks that a batch is consistent and fits the model.
pub(crate) fn check(batch: &TokenBatch, vocab: usize, places: Option<usize>) -> Result<()> {
    let tokens = batch.ids.len();
    let malformed = |problem: String| Err(Error::Batch { problem });
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
        let problem = |problem| Err(Error::Input { sequence, problem });
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

    fn plan(lengths: &[u32], threads: usize) -> (Split, Vec<Range<usize>>) {
        let mut plan = SplitPlan::default();
        let split = plan.choose(&offsets(lengths), threads);
        (split, plan.groups().collect())
    }

    #[test]
    fn like_sequences_make_even_groups() {
        let (split, groups) = plan(&[32; 32], 2);
        assert_eq!((split, groups.len()), (Split::Groups, 8));
        assert!(groups.iter().all(|g| g.len() == 4));
        assert_eq!(plan(&[16; 2], 2), (Split::Groups, vec![0..1, 1..2]));
    }

    #[test]
    fn what_does_not_divide_is_shared() {
        for (count, threads, expected) in [
            (1, 2, Split::Together),
            (3, 2, Split::Together),
            (1, 1, Split::Groups),
        ] {
            let (split, groups) = plan(&vec![128; count], threads);
            assert_eq!((split, groups.len(), groups[0].end), (expected, 1, count));
        }
    }

    #[test]
    fn groups_cover_every_sequence_once() {
        let lengths: Vec<u32> = (0..97).map(|i| 1 + i * 37 % 64).collect();
        for threads in 1..9 {
            for count in [0, 1, 2, 3, 10, 97] {
                let (_, groups) = plan(&lengths[..count], threads);
                let all: Vec<usize> = groups.into_iter().flatten().collect();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn little_work_takes_one_thread() {
        assert_eq!(worthwhile_threads(16, 10_000), 1);
        assert_eq!(worthwhile_threads(0, usize::MAX), 1);
        assert!(worthwhile_threads(16, 10_600_000) > 8);
        assert!(worthwhile_threads(usize::MAX, usize::MAX) > 8);
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
