//! What comparisons add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compare::{Answered, Aspect, Disagreement};
use crate::rollout::error::RolloutError;

/// The most kinds of disagreements that are told apart; further ones count, and are not listed.
const MOST_KINDS: usize = 10_000;
/// The 97.5th percentile of the standard normal distribution, for intervals of 95 %.
const PERCENTILE: f64 = 1.96;

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
    fn of(&self, aspect: Aspect) -> f64 {
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
    /// The turns that may wait for the candidate; further ones are not compared. 64 by default.
    pub queue: usize,
    /// The comparisons without which nothing is said. 1,000 by default.
    pub least: u64,
    /// The largest share of turns in which the intent may be another one. 0.1 by default.
    pub max_other_intents: f64,
    /// The largest share of turns that the candidate may fail to answer. 0.01 by default.
    pub max_failures: f64,
    /// What disagreements cost.
    pub costs: Costs,
}

impl Default for ShadowConfig {
    fn default() -> Self {
        Self {
            queue: 64,
            least: 1_000,
            max_other_intents: 0.1,
            max_failures: 0.01,
            costs: Costs::default(),
        }
    }
}

impl ShadowConfig {
    /// Checks that it can be.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for the first value that cannot be.
    pub fn validate(&self) -> Result<(), RolloutError> {
        let wrong = |name, found: String, expected| {
            Err(RolloutError::Config {
                name,
                found,
                expected,
            })
        };
        if self.queue == 0 {
            return wrong("queue", "0".into(), "at least 1");
        }
        for (name, share) in [
            ("max_other_intents", self.max_other_intents),
            ("max_failures", self.max_failures),
        ] {
            if !(share > 0.0 && share < 1.0) {
                return wrong(name, share.to_string(), "above 0 and below 1");
            }
        }
        let costs = Aspect::ALL.map(|it| self.costs.of(it));
        match costs.iter().find(|&&it| !(it >= 0.0 && it.is_finite())) {
            Some(found) => wrong("costs", found.to_string(), "at least 0"),
            None => Ok(()),
        }
    }
}

/// How often both models agree in something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// In what.
    pub aspect: Aspect,
    /// The share of turns.
    pub share: f64,
    /// The lower end of its interval of 95 %.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// A kind of disagreement, and how much it matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The disagreement.
    #[serde(flatten)]
    pub disagreement: Disagreement,
    /// The turns that have it.
    pub count: u64,
    /// Its share of turns times its cost.
    pub cost: f64,
}

/// Why a candidate is not fit for a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfit {
    /// It may understand more turns otherwise than is allowed.
    Intents,
    /// It may fail more turns than is allowed.
    Failures,
}

/// Whether a candidate is fit for a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fitness", content = "why", rename_all = "kebab-case")]
pub enum Fitness {
    /// It is: the upper ends of the intervals are within what is allowed.
    Fit,
    /// It is not: an interval lies beyond it.
    Unfit(Unfit),
    /// It is not known yet.
    Unknown,
}

/// What comparisons say of a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The turns that were compared.
    pub compared: u64,
    /// The turns that the candidate failed to answer.
    pub failed: u64,
    /// The turns that were not compared for want of room.
    pub shed: u64,
    /// Whether the candidate is fit for a canary.
    #[serde(flatten)]
    pub fitness: Fitness,
    /// How often the models agree.
    pub agreements: Vec<Agreement>,
    /// The disagreements, the costliest first.
    pub ranking: Vec<Ranked>,
}

/// What was compared so far.
#[derive(Debug, Clone, Default)]
pub struct Comparisons {
    compared: u64,
    failed: u64,
    differing: BTreeMap<Aspect, u64>,
    kinds: BTreeMap<Disagreement, u64>,
}

impl Comparisons {
    /// Adds a turn that both have answered.
    pub fn add(&mut self, stable: &Answered, candidate: &Answered) {
        self.compared += 1;
        for disagreement in super::compare(stable, candidate) {
            *self.differing.entry(disagreement.aspect).or_default() += 1;
            let is_known = self.kinds.contains_key(&disagreement);
            if is_known || self.kinds.len() < MOST_KINDS {
                *self.kinds.entry(disagreement).or_default() += 1;
            }
        }
    }

    /// Adds a turn that the candidate has failed to answer.
    pub fn add_failure(&mut self) {
        self.failed += 1;
    }

    /// Says what they add up to. `shed` is what was not compared. The ranking has at most `most` lines.
    #[must_use]
    pub fn report(&self, config: &ShadowConfig, shed: u64, most: usize) -> Report {
        let agreement = |aspect| {
            let differing = self.differing.get(&aspect).copied().unwrap_or(0);
            let agreeing = self.compared - differing;
            let (lower, upper) = interval(agreeing, self.compared);
            Agreement {
                aspect,
                share: agreeing as f64 / (self.compared as f64).max(1.0),
                lower,
                upper,
            }
        };
        let mut ranking: Vec<Ranked> = self.ranked(config).collect();
        ranking.sort_by(|a, b| b.cost.total_cmp(&a.cost));
        ranking.truncate(most);
        Report {
            compared: self.compared,
            failed: self.failed,
            shed,
            fitness: self.fitness(config),
            agreements: Aspect::ALL.into_iter().map(agreement).collect(),
            ranking,
        }
    }

    fn ranked(&self, config: &ShadowConfig) -> impl Iterator<Item = Ranked> {
        self.kinds.iter().map(|(disagreement, &count)| Ranked {
            disagreement: disagreement.clone(),
            count,
            cost: count as f64 / self.compared as f64 * config.costs.of(disagreement.aspect),
        })
    }

    fn fitness(&self, config: &ShadowConfig) -> Fitness {
        let answered = self.compared + self.failed;
        if answered < config.least {
            return Fitness::Unknown;
        }
        let others = self.differing.get(&Aspect::Intent).copied().unwrap_or(0);
        let intents = interval(others, self.compared);
        let failures = interval(self.failed, answered);
        if failures.0 > config.max_failures {
            return Fitness::Unfit(Unfit::Failures);
        }
        if intents.0 > config.max_other_intents {
            return Fitness::Unfit(Unfit::Intents);
        }
        let are_within = failures.1 <= config.max_failures && intents.1 <= config.max_other_intents;
        if are_within {
            Fitness::Fit
        } else {
            Fitness::Unknown
        }
    }
}

/// The score interval of a share (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).
fn interval(events: u64, trials: u64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (trials as f64, PERCENTILE * PERCENTILE);
    let share = events as f64 / n;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let spread = (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let half = PERCENTILE * spread / (1.0 + z2 / n);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::interval;

    /// `statsmodels.stats.proportion.proportion_confint(…, method="wilson")`, with 1.96 for 1.959964.
    #[test]
    fn intervals_are_wilsons() {
        for (events, trials, lower, upper) in [
            (0, 1000, 0.0, 0.003_826_8),
            (50, 1000, 0.038_130_8, 0.065_314_3),
            (10, 10, 0.722_467_2, 1.0),
        ] {
            let found = interval(events, trials);
            assert!((found.0 - lower).abs() < 1e-5, "{found:?}");
            assert!((found.1 - upper).abs() < 1e-5, "{found:?}");
        }
    }
}
