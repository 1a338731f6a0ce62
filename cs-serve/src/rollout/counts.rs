//! What is counted in a step, by conversation.

use serde::{Deserialize, Serialize};

use super::guardrail::Guardrail;
use super::statistics::Mean;

/// Which model a conversation is answered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// The model that is in charge.
    Stable,
    /// The candidate.
    Canary,
}

impl Arm {
    fn index(self) -> usize {
        self as usize
    }
}

/// The sum of conversations' values, from which their mean and variance follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The number of conversations that have a value.
    pub count: u64,
    /// The sum of the values.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Tally {
    /// Gives the tally of conversations that are good or bad, which is that of zeros and ones.
    #[must_use]
    pub fn of_shares(count: u64, good: u64) -> Self {
        Self {
            count,
            sum: good as f64,
            squares: good as f64,
        }
    }

    /// Adds a conversation's value, takes out the one that it had before, or both.
    pub fn replace(&mut self, old: Option<f64>, new: Option<f64>) {
        if let Some(value) = old {
            self.count -= 1;
            self.sum -= value;
            self.squares -= value * value;
        }
        if let Some(value) = new {
            self.count += 1;
            self.sum += value;
            self.squares += value * value;
        }
    }

    /// Gives the mean, with the variance of its values; none without a conversation.
    ///
    /// The variance is that of the values with a zero and a one added to them, so that figures which are
    /// the same in all conversations so far are not taken for certain.
    #[must_use]
    pub fn mean(&self) -> Option<Mean> {
        let count = self.count as f64;
        let (padded, shifted) = (count + 2.0, self.sum + 1.0);
        let variance = (self.squares + 1.0) / padded - (shifted / padded).powi(2);
        (self.count > 0).then(|| Mean {
            count,
            mean: self.sum / count,
            variance,
        })
    }
}

/// The tallies of both models, a guardrail each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    tallies: [[Tally; Guardrail::ALL.len()]; 2],
}

impl Counts {
    /// Gives a tally.
    #[must_use]
    pub fn tally(&self, arm: Arm, guardrail: Guardrail) -> &Tally {
        &self.tallies[arm.index()][guardrail.index()]
    }

    /// Gives a tally, to be changed.
    pub fn tally_mut(&mut self, arm: Arm, guardrail: Guardrail) -> &mut Tally {
        &mut self.tallies[arm.index()][guardrail.index()]
    }
}
