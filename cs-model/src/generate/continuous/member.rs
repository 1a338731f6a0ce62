//! A generation among others.

use super::super::generation::Generation;
use super::super::speculation::{Budget, lookup};

/// A generation that is part of a batch.
pub(super) struct Member<'a> {
    pub(super) generation: Generation<'a>,
    /// The number of its tokens that were read.
    pub(super) read: usize,
    /// How many of them it took over from others.
    pub(super) reused: usize,
    pub(super) budget: Budget,
    /// The tokens that are read in this step after its own.
    pub(super) proposed: Vec<u32>,
}

impl Member<'_> {
    pub(super) fn is_reading(&self) -> bool {
        self.read < self.generation.prompt_length()
    }

    pub(super) fn has_begun(&self) -> bool {
        self.read > self.reused
    }

    /// Has what followed in its text before proposed, as much as it can afford at this cost.
    pub(super) fn propose(&mut self, cost: f64) {
        // The last token of all is never read.
        let most = self.budget.affords(cost).min(self.generation.left() - 1);
        self.proposed = lookup(self.generation.tokens(), most);
    }
}
