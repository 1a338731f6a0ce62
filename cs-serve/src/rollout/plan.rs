//! How much traffic a roll-out will need.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::RolloutConfig;
use super::error::RolloutError;
use super::guardrail::{Guardrail, Margins};
use super::statistics::{Mean, Sequence, information};

/// The 95th percentile of the standard normal distribution: in so many of 100 cases it takes no longer than planned.
const PERCENTILE: f64 = 1.645;

/// What traffic is like, as far as it is known beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Conversations a day, with both models. 10,000 by default.
    pub conversations: f64,
    /// The share of them that customers rate. A tenth by default.
    pub rated: f64,
    /// What the stable model's guardrails are at, each the mean of conversations' values. By default 0.8 of satisfaction
    /// and hand-over, 0.95 of latency, 0.9 of out-of-scope, 0.995 of errors and 0.999 of safety.
    pub good: BTreeMap<Guardrail, f64>,
}

impl Default for Traffic {
    fn default() -> Self {
        let good = [
            (Guardrail::Satisfaction, 0.8),
            (Guardrail::Errors, 0.995),
            (Guardrail::Latency, 0.95),
            (Guardrail::Handover, 0.8),
            (Guardrail::Safety, 0.999),
            (Guardrail::OutOfScope, 0.9),
        ];
        Self {
            conversations: 10_000.0,
            rated: 0.1,
            good: good.into(),
        }
    }
}

impl Traffic {
    /// Checks that there can be such traffic.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for the first value that cannot be.
    pub fn validate(&self) -> Result<(), RolloutError> {
        let wrong = |name, found: f64, expected| {
            Err(RolloutError::Config {
                name,
                found: found.to_string(),
                expected,
            })
        };
        if !(self.conversations > 0.0 && self.conversations.is_finite()) {
            return wrong("conversations", self.conversations, "above 0");
        }
        if !(self.rated > 0.0 && self.rated <= 1.0) {
            return wrong("rated", self.rated, "above 0 and at most 1");
        }
        match self.good.values().find(|&&it| !(it > 0.0 && it < 1.0)) {
            Some(&found) => wrong("good", found, "above 0 and below 1"),
            None => Ok(()),
        }
    }

    /// The share of conversations that tell something of a guardrail.
    pub(super) fn telling(&self, guardrail: Guardrail) -> f64 {
        match guardrail {
            Guardrail::Satisfaction => self.rated,
            _ => 1.0,
        }
    }

    pub(super) fn good(&self, guardrail: Guardrail) -> f64 {
        let usual = || Self::default().good[&guardrail];
        self.good.get(&guardrail).copied().unwrap_or_else(usual)
    }
}

/// What a step needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The candidate's share of new conversations.
    pub share: f64,
    /// The conversations, with both models, within which a candidate that is worse by the most is caught in 95 of 100
    /// cases, in whichever guardrail.
    pub conversations: u64,
    /// The ratings of the candidate's conversations among them.
    pub ratings: u64,
    /// The days that they take, or the least that a step takes.
    pub days: f64,
    /// The conversations within which a candidate that is no worse passes in 95 of 100 cases. It need not come to as many as are
    /// needed to catch a bad one.
    pub passes_within: u64,
    /// The days that these take, or the least that a step takes.
    pub passes_within_days: f64,
    /// The guardrail that takes the most conversations.
    pub slowest: Guardrail,
}

/// What a roll-out needs, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

impl Plan {
    /// Plans a roll-out.
    ///
    /// The number of values is the least n at which the expected distance, in standard errors, exceeds the sequence's
    /// by the normal distribution's 95th percentile. As a sequence may also be crossed earlier, it is some tenth more than what
    /// simulated roll-outs need.
    ///
    /// ```
    /// use cs_serve::rollout::{Plan, RolloutConfig, Traffic};
    ///
    /// let plan = Plan::new(&RolloutConfig::default(), &Traffic::default())?;
    /// let first = &plan.steps[0];
    /// assert!((1_800..2_200).contains(&first.ratings)); // a drop from 80 to 72 % is seen in so many ratings
    /// assert_eq!(first.conversations, first.ratings * 10 * 20); // a tenth rated, a 20th of conversations
    /// # Ok::<(), cs_serve::rollout::RolloutError>(())
    /// ```
    ///
    /// # Errors
    /// [`RolloutError::Config`] for a configuration or traffic that cannot be.
    pub fn new(config: &RolloutConfig, traffic: &Traffic) -> Result<Self, RolloutError> {
        config.validate()?;
        traffic.validate()?;
        let step = |&share: &f64| planned(config, traffic, share);
        Ok(Self {
            steps: config.shares.iter().map(step).collect(),
        })
    }
}

fn planned(config: &RolloutConfig, traffic: &Traffic, share: f64) -> PlannedStep {
    let (mut conversations, mut passes_within) = (0, 0);
    let mut slowest = Guardrail::Satisfaction;
    for (&guardrail, &margins) in &config.guardrails {
        let good = traffic.good(guardrail);
        let telling = traffic.telling(guardrail) * share;
        let in_all = |values: u64| (values.max(config.least) as f64 / telling).round() as u64;
        let caught = in_all(to_catch(
            &config.upper(guardrail, margins),
            margins,
            good,
            share,
        ));
        passes_within = passes_within.max(in_all(to_pass(
            &config.lower(margins),
            margins,
            good,
            share,
        )));
        if caught > conversations {
            (conversations, slowest) = (caught, guardrail);
        }
    }
    let min_days = config.min_step.as_secs_f64() / 86_400.0;
    let days = |conversations: u64| (conversations as f64 / traffic.conversations).max(min_days);
    PlannedStep {
        share,
        conversations,
        ratings: (conversations as f64 * share * traffic.rated).round() as u64,
        days: days(conversations),
        passes_within,
        passes_within_days: days(passes_within),
        slowest,
    }
}

/// The candidate's values within which a drop by the most is shown to be more than slight.
fn to_catch(upper: &Sequence, margins: Margins, good: f64, share: f64) -> u64 {
    needed(
        upper,
        1.0 - margins.slight,
        good * (1.0 - margins.most),
        good,
        share,
    )
}

/// The candidate's values within which no drop is shown to be less than the most.
pub(super) fn to_pass(lower: &Sequence, margins: Margins, good: f64, share: f64) -> u64 {
    needed(lower, 1.0 - margins.most, good, good, share)
}

/// The candidate's values until two means are seen not to be at this ratio.
fn needed(sequence: &Sequence, ratio: f64, canary: f64, stable: f64, share: f64) -> u64 {
    let distance = (canary - ratio * stable).abs();
    let is_enough = |values: f64| {
        let stable_values = values * (1.0 - share) / share;
        let known = information(
            &of_share(canary, values),
            &of_share(stable, stable_values),
            ratio,
        );
        sequence.errors(known) + PERCENTILE <= distance * known.sqrt()
    };
    let (mut low, mut high) = (1.0_f64, 2.0_f64.powi(60));
    while high / low > 1.0 + 1e-12 && high - low > 0.5 {
        let middle = (low * high).sqrt();
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high.ceil() as u64
}

/// Values of which a share is 1 and the others 0, the largest variance that values in 0..=1 can have.
fn of_share(mean: f64, count: f64) -> Mean {
    Mean {
        count,
        mean,
        variance: mean * (1.0 - mean),
    }
}
