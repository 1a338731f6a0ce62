//! What comparisons add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compare::{Answered, Aspect, Disagreement};
use super::config::ShadowConfig;

/// The most kinds of disagreements that are told apart; further ones count, and are not listed.
const MOST_KINDS: usize = 10_000;
/// The 97.5th percentile of the standard normal distribution, for intervals of 95 %.
const PERCENTILE: f64 = 1.96;

/// A share of turns, with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share; 0 without a turn.
    pub share: f64,
    /// The lower end of the interval.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// How often both models agree in something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// In what.
    pub aspect: Aspect,
    /// The turns that tell it: those in which one of the models has something of it at least.
    pub turns: u64,
    /// How many of them agree.
    #[serde(flatten)]
    pub share: Share,
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
    /// How many of the turns that it was asked for it failed to answer.
    pub failures: Share,
    /// How often the models agree, in what there is to compare.
    pub agreements: Vec<Agreement>,
    /// The disagreements, the costliest first.
    pub ranking: Vec<Ranked>,
}

/// What was compared so far.
#[derive(Debug, Clone, Default)]
pub struct Comparisons {
    compared: u64,
    failed: u64,
    /// The turns that tell an aspect, and those of them that differ in it.
    told: BTreeMap<Aspect, [u64; 2]>,
    kinds: BTreeMap<Disagreement, u64>,
}

impl Comparisons {
    /// Adds a turn that both have answered. Gives where they differ, each with the number of turns in which they have
    /// so far; 0 if there are too many kinds to count this one.
    pub fn add(&mut self, stable: &Answered, candidate: &Answered) -> Vec<(Disagreement, u64)> {
        self.compared += 1;
        for aspect in Aspect::ALL {
            if aspect.is_told(stable) || aspect.is_told(candidate) {
                self.told.entry(aspect).or_default()[0] += 1;
            }
        }
        let found = super::compare(stable, candidate).into_iter();
        found.map(|it| self.count(it)).collect()
    }

    fn count(&mut self, disagreement: Disagreement) -> (Disagreement, u64) {
        self.told.entry(disagreement.aspect).or_default()[1] += 1;
        let is_known = self.kinds.contains_key(&disagreement);
        if !is_known && self.kinds.len() >= MOST_KINDS {
            return (disagreement, 0);
        }
        let count = self.kinds.entry(disagreement.clone()).or_default();
        *count += 1;
        (disagreement, *count)
    }

    /// Adds a turn that the candidate has failed to answer.
    pub fn add_failure(&mut self) {
        self.failed += 1;
    }

    /// Says what they add up to. `shed` is what was not compared. The ranking has at most `most` lines.
    #[must_use]
    pub fn report(&self, config: &ShadowConfig, shed: u64, most: usize) -> Report {
        let agreement = |(&aspect, &[turns, differing]): (&Aspect, &[u64; 2])| Agreement {
            aspect,
            turns,
            share: Share::of(turns - differing, turns),
        };
        let mut ranking: Vec<Ranked> = self.ranked(config).collect();
        ranking.sort_by(|a, b| b.cost.total_cmp(&a.cost));
        ranking.truncate(most);
        Report {
            compared: self.compared,
            failed: self.failed,
            shed,
            fitness: self.fitness(config),
            failures: self.failures(),
            agreements: self.told.iter().map(agreement).collect(),
            ranking,
        }
    }

    fn failures(&self) -> Share {
        Share::of(self.failed, self.compared + self.failed)
    }

    fn ranked(&self, config: &ShadowConfig) -> impl Iterator<Item = Ranked> {
        self.kinds.iter().map(|(disagreement, &count)| Ranked {
            disagreement: disagreement.clone(),
            count,
            cost: count as f64 / self.compared as f64 * config.costs.of(disagreement.aspect),
        })
    }

    fn fitness(&self, config: &ShadowConfig) -> Fitness {
        if self.compared + self.failed < config.least {
            return Fitness::Unknown;
        }
        let failures = self.failures();
        if failures.lower > config.max_failures {
            return Fitness::Unfit(Unfit::Failures);
        }
        // Models without intents have none that are other ones.
        let intents = self.told.get(&Aspect::Intent);
        let others = intents.map(|&[turns, others]| Share::of(others, turns));
        if others.is_some_and(|it| it.lower > config.max_other_intents) {
            return Fitness::Unfit(Unfit::Intents);
        }
        let are_intents_within = others.is_none_or(|it| it.upper <= config.max_other_intents);
        match are_intents_within && failures.upper <= config.max_failures {
            true => Fitness::Fit,
            false => Fitness::Unknown,
        }
    }
}

impl Share {
    /// With its score interval (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).
    fn of(events: u64, trials: u64) -> Self {
        if trials == 0 {
            let (lower, upper) = (0.0, 1.0);
            return Self {
                share: 0.0,
                lower,
                upper,
            };
        }
        let (n, z2) = (trials as f64, PERCENTILE * PERCENTILE);
        let share = events as f64 / n;
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let spread = (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let half = PERCENTILE * spread / (1.0 + z2 / n);
        Self {
            share,
            lower: (middle - half).max(0.0),
            upper: (middle + half).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    /// `statsmodels.stats.proportion.proportion_confint(…, method="wilson")`, with 1.96 for 1.959964.
    #[test]
    fn intervals_are_wilsons() {
        for (events, trials, lower, upper) in [
            (0, 1000, 0.0, 0.003_826_8),
            (50, 1000, 0.038_130_8, 0.065_314_3),
            (10, 10, 0.722_467_2, 1.0),
        ] {
            let found = Share::of(events, trials);
            assert!((found.lower - lower).abs() < 1e-5, "{found:?}");
            assert!((found.upper - upper).abs() < 1e-5, "{found:?}");
        }
    }
}
