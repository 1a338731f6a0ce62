//! Many simulated roll-outs, and how they end.

use std::collections::BTreeMap;

use cs_data::SplitMix;
use cs_serve::rollout::{Ending, Guardrail, Scenario, Simulated};
use serde::Serialize;

use super::args::{RolloutArgs, Simulate};
use crate::error::{Error, Result};

/// How many roll-outs ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Runs {
    /// The roll-outs.
    pub runs: u64,
    /// Those that ended with the stable model.
    pub rolled_back: u64,
    /// Those that ended with the candidate.
    pub promoted: u64,
    /// Those that did not end.
    pub waiting: u64,
    /// The ratings of the candidate's conversations in the step that a roll-out ended in: the median.
    pub ratings_median: u64,
    /// The 95th percentile.
    pub ratings_p95: u64,
    /// For each step, the 95th percentile of those roll-outs that have passed it; none if none has.
    pub passed_p95: Vec<Option<u64>>,
}

impl Runs {
    /// Plays them. Each follows from the seed and its number.
    ///
    /// # Errors
    ///
    /// Arguments that cannot be.
    pub fn play(arguments: &RolloutArgs, simulate: &Simulate, runs: u64) -> Result<Self> {
        let config = arguments.config()?;
        let traffic = simulate.traffic();
        let changes = BTreeMap::from([(Guardrail::Satisfaction, -simulate.drop)]);
        let scenario = Scenario {
            config: &config,
            traffic: &traffic,
            changes: &changes,
            most_days: arguments.days,
        };
        let play = |run: u64| {
            let seed = SplitMix::hash(arguments.seed, &format!("run {run}"));
            let played = scenario.play(seed);
            played.map_err(|error| Error::Usage(error.to_string()))
        };
        let played = (0..runs).map(play).collect::<Result<Vec<_>>>()?;
        Ok(Self::of(&played, config.shares.len()))
    }

    fn of(played: &[Simulated], steps: usize) -> Self {
        let count = |ending| played.iter().filter(|it| it.ending == ending).count() as u64;
        let last = |it: &Simulated| it.steps.last().map(|step| step.ratings);
        let ratings: Vec<u64> = played.iter().filter_map(last).collect();
        let passed = |step: usize| {
            let has = |it: &&Simulated| it.steps.len() > step + 1 || it.ending == Ending::Promoted;
            let ratings = played.iter().filter(has).map(|it| it.steps[step].ratings);
            quantile(ratings.collect(), 0.95)
        };
        Self {
            runs: played.len() as u64,
            rolled_back: count(Ending::RolledBack),
            promoted: count(Ending::Promoted),
            waiting: count(Ending::Waiting),
            ratings_median: quantile(ratings.clone(), 0.5).unwrap_or(0),
            ratings_p95: quantile(ratings, 0.95).unwrap_or(0),
            passed_p95: (0..steps).map(passed).collect(),
        }
    }
}

/// The least value that so many are at most.
fn quantile(mut values: Vec<u64>, share: f64) -> Option<u64> {
    values.sort_unstable();
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.saturating_sub(1)).copied()
}
