//! What may be chosen about a shadow.

use serde::{Deserialize, Serialize};

use super::compare::Aspect;
use crate::rollout::error::{RolloutError, unless};

/// What a disagreement costs, in those of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Costs {
    /// Another intent. 1 by default.
    pub intent: f64,
    /// Other entities. 0.5 by default.
    pub entities: f64,
    /// Another sentiment. 0.1 by default.
    pub sentiment: f64,
    /// Another model. 0.05 by default.
    pub route: f64,
    /// Another reply. 0.5 by default.
    pub reply: f64,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            intent: 1.0,
            entities: 0.5,
            sentiment: 0.1,
            route: 0.05,
            reply: 0.5,
        }
    }
}

impl Costs {
    pub(super) fn of(&self, aspect: Aspect) -> f64 {
        match aspect {
            Aspect::Intent => self.intent,
            Aspect::Entities => self.entities,
            Aspect::Sentiment => self.sentiment,
            Aspect::Route => self.route,
            Aspect::Reply => self.reply,
        }
    }
}

/// What may be chosen about a candidate's shadow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShadowConfig {
    /// The share of its time in which the candidate computes copies of turns at most. 0.1 by default.
    pub share: f64,
    /// The copies that may wait for the candidate; further ones are not compared. 64 by default.
    pub queue: usize,
    /// The comparisons without which nothing is said. 1,000 by default.
    pub least: u64,
    /// The largest share of turns in which the intent may be another one. 0.1 by default.
    pub max_other_intents: f64,
    /// The largest share of turns that the candidate may fail to answer. 0.01 by default.
    pub max_failures: f64,
    /// What disagreements cost.
    pub costs: Costs,
    /// The turns of each kind of disagreement that are handed on, to be looked at: the first 100 by default.
    pub samples: u64,
}

impl Default for ShadowConfig {
    fn default() -> Self {
        Self {
            share: 0.1,
            queue: 64,
            least: 1_000,
            max_other_intents: 0.1,
            max_failures: 0.01,
            costs: Costs::default(),
            samples: 100,
        }
    }
}

impl ShadowConfig {
    /// Checks that it can be.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for the first value that cannot be.
    pub fn validate(&self) -> Result<(), RolloutError> {
        let is_share = self.share > 0.0 && self.share <= 1.0;
        unless(is_share, "share", self.share, "above 0 and at most 1")?;
        unless(self.queue > 0, "queue", 0, "at least 1")?;
        for (name, share) in [
            ("max_other_intents", self.max_other_intents),
            ("max_failures", self.max_failures),
        ] {
            let is_between = share > 0.0 && share < 1.0;
            unless(is_between, name, share, "above 0 and below 1")?;
        }
        Aspect::ALL.into_iter().try_for_each(|aspect| {
            let cost = self.costs.of(aspect);
            let is_cost = cost >= 0.0 && cost.is_finite();
            unless(is_cost, "costs", cost, "at least 0")
        })
    }
}
