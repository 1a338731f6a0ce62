//! The order of a training run's batches, from any point on.

use std::collections::VecDeque;

use super::pack::BatchPlan;

/// One batch of a run.
///
/// ```
/// use cs_data::{BatchPlan, Batches, Step};
/// let plan = BatchPlan { max_tokens: 8, max_sequences: 2, shuffle: None };
/// let first = Batches::new(plan, vec![3, 4, 2]).next();
/// assert_eq!(first, Some(Step { epoch: 0, step: 0, rows: vec![0, 1] }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// Number of the epoch, from 0.
    pub epoch: usize,
    /// Number of the batch in its epoch, from 0.
    pub step: usize,
    /// Numbers of the batch's rows.
    pub rows: Vec<usize>,
}

/// The batches of one epoch after the other, without end; each epoch has every row once. A plan
/// that shuffles gives every epoch an order of its own.
///
/// Which rows a step has is a pure function of plan, lengths, epoch and step: what starts
/// [`at`](Self::at) a step gives the batches that would have come there. Planning an epoch costs
/// O(n log n) when it begins, about a tenth of a second for a million rows.
///
/// ```
/// use cs_data::{BatchPlan, Batches};
/// let plan = BatchPlan { max_tokens: 64, max_sequences: 4, shuffle: Some(7) };
/// let lengths: Vec<usize> = (0..50).map(|row| 1 + row % 9).collect();
///
/// let mut run = Batches::new(plan.clone(), lengths.clone());
/// let whole: Vec<_> = run.by_ref().take_while(|step| step.epoch < 2).collect();
/// let saved = (whole[20].epoch, whole[20].step); // in a checkpoint
/// let resumed = Batches::new(plan, lengths).at(saved.0, saved.1);
/// assert!(whole[20..].iter().cloned().eq(resumed.take_while(|step| step.epoch < 2)));
/// ```
#[derive(Debug, Clone)]
pub struct Batches {
    plan: BatchPlan,
    lengths: Vec<usize>,
    /// The epoch of the next step.
    epoch: usize,
    step: usize,
    /// What is left of the epoch; `None` before it is planned.
    left: Option<VecDeque<Vec<usize>>>,
}

impl Batches {
    /// Begins at the first step of rows with these lengths, in tokens. Without rows there are no
    /// batches.
    pub fn new(plan: BatchPlan, lengths: Vec<usize>) -> Self {
        Batches {
            plan,
            lengths,
            epoch: 0,
            step: 0,
            left: None,
        }
    }

    /// Begins at this step of this epoch. After an epoch's last step, the next epoch begins.
    #[must_use]
    pub fn at(self, epoch: usize, step: usize) -> Self {
        Batches {
            epoch,
            step,
            left: None,
            ..self
        }
    }

    /// Epoch and step of the next batch: what to save in order to go on from here. After an epoch's
    /// last step this is a step that the epoch does not have.
    pub fn upcoming(&self) -> (usize, usize) {
        (self.epoch, self.step)
    }

    fn plan_epoch(&self) -> VecDeque<Vec<usize>> {
        let batches = self.plan.of_epoch(self.epoch).batches(&self.lengths);
        batches.into_iter().skip(self.step).collect()
    }
}

impl Iterator for Batches {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.lengths.is_empty() {
            return None;
        }
        loop {
            let mut left = self.left.take().unwrap_or_else(|| self.plan_epoch());
            if let Some(rows) = left.pop_front() {
                self.left = Some(left);
                let (epoch, step) = self.upcoming();
                self.step += 1;
                return Some(Step { epoch, step, rows });
            }
            self.epoch += 1;
            self.step = 0;
        }
    }
}
