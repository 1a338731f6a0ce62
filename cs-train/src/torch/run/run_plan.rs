//! What a run will do, known before its first step.

use cs_data::{BatchPlan, Batches};

use super::seed::{Stream, derive};
use crate::schedule::TrainConfig;

/// How many times the epochs that were asked for may be made for the sake of `min_steps`.
const MOST_TIMES: usize = 10;

/// The batches of a run and where its epochs end: a pure function of lengths and settings.
#[derive(Debug)]
pub(crate) struct RunPlan {
    batches: BatchPlan,
    lengths: Vec<usize>,
    /// Steps taken at the end of each epoch.
    ends: Vec<usize>,
}

impl RunPlan {
    /// Plans training on rows of these lengths in tokens.
    pub(crate) fn new(lengths: Vec<usize>, config: &TrainConfig) -> Self {
        let batches = BatchPlan {
            max_tokens: config.max_tokens,
            max_sequences: config.batch_size,
            shuffle: Some(derive(config.seed, Stream::Order, 0)),
        };
        // An epoch's number of batches depends on its order.
        let of_epoch = |epoch| batches.of_epoch(epoch).batches(&lengths).len();
        let most = config.epochs.saturating_mul(MOST_TIMES);
        let (mut ends, mut steps) = (Vec::new(), 0);
        while ends.len() < config.epochs || (steps < config.min_steps && ends.len() < most) {
            steps += of_epoch(ends.len());
            ends.push(steps);
        }
        Self {
            batches,
            lengths,
            ends,
        }
    }

    /// Steps of all epochs.
    pub(crate) fn steps(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Passes over the rows.
    pub(crate) fn epochs(&self) -> usize {
        self.ends.len()
    }

    /// Rows that are trained on.
    pub(crate) fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// The epoch (from 0) that the step after `steps` steps belongs to.
    pub(crate) fn epoch(&self, steps: usize) -> usize {
        self.ends.partition_point(|&end| end <= steps)
    }

    /// Whether an epoch ends after `steps` steps.
    pub(crate) fn ends_epoch(&self, steps: usize) -> bool {
        self.ends.binary_search(&steps).is_ok()
    }

    /// The batches from the step after `steps` steps on.
    pub(crate) fn batches(&self, steps: usize) -> Batches {
        let epoch = self.epoch(steps);
        let begin = epoch.checked_sub(1).map_or(0, |before| self.ends[before]);
        Batches::new(self.batches.clone(), self.lengths.clone()).at(epoch, steps - begin)
    }

    /// The tokens of some rows.
    pub(crate) fn tokens(&self, rows: &[usize]) -> usize {
        rows.iter().map(|&row| self.lengths[row]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_set_has_more_epochs_until_they_are_enough_steps() {
        let epochs = |rows: usize, min_steps| {
            let config = TrainConfig {
                epochs: 3,
                min_steps,
                batch_size: 32,
                ..TrainConfig::default()
            };
            let plan = RunPlan::new(vec![8; rows], &config);
            (plan.epochs(), plan.steps())
        };
        assert_eq!(epochs(600, 0), (3, 57));
        assert_eq!(epochs(600, 300), (16, 304));
        assert_eq!(epochs(20_000, 300), (3, 1875));
        assert_eq!(epochs(20, 300), (30, 30)); // ten times the epochs, no more
    }

    #[test]
    fn a_plan_can_be_entered_at_any_step() {
        let config = TrainConfig {
            epochs: 3,
            batch_size: 4,
            max_tokens: 20,
            ..TrainConfig::default()
        };
        let plan = RunPlan::new((0..30).map(|row| 1 + row % 9).collect(), &config);
        let all: Vec<_> = plan.batches(0).take(plan.steps()).collect();
        for steps in 0..plan.steps() {
            assert!(
                plan.batches(steps)
                    .take(plan.steps() - steps)
                    .eq(all[steps..].iter().cloned())
            );
            assert_eq!(plan.epoch(steps), all[steps].epoch);
            let last = all.get(steps + 1).is_none_or(|next| next.step == 0);
            assert_eq!(plan.ends_epoch(steps + 1), last);
        }
        assert!(!plan.ends_epoch(0));
    }
}
