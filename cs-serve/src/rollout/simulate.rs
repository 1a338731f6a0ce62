//! What a roll-out would do, by chance from a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use cs_data::SplitMix;
use serde::{Deserialize, Serialize};

use super::config::RolloutConfig;
use super::counts::{Arm, Counts, Tally};
use super::decide::{Verdict, decide};
use super::error::RolloutError;
use super::guardrail::Guardrail;
use super::plan::Traffic;

/// The candidate's conversations from one look to the next.
const BETWEEN_LOOKS: u64 = 50;

/// How a simulated roll-out ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The candidate has gone.
    RolledBack,
    /// It has passed all steps.
    Promoted,
    /// A step was not over within the days that there were.
    Waiting,
}

/// What a simulated step took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimulatedStep {
    /// The conversations, with both models.
    pub conversations: u64,
    /// The ratings of the candidate's.
    pub ratings: u64,
    /// The days.
    pub days: f64,
}

/// A simulated roll-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// How it ended.
    pub ending: Ending,
    /// What was decided last.
    pub verdict: Verdict,
    /// What each step took that was begun. The last one is the one it ended in.
    pub steps: Vec<SimulatedStep>,
}

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario<'a> {
    /// What was chosen about the roll-out.
    pub config: &'a RolloutConfig,
    /// What traffic and the stable model are like.
    pub traffic: &'a Traffic,
    /// How the candidate's figures are, relative to the stable model's: -0.1 for a drop by a tenth. 0 for
    /// those that are left out.
    pub changes: &'a BTreeMap<Guardrail, f64>,
    /// The days after which a step is left waiting.
    pub most_days: f64,
}

impl Scenario<'_> {
    /// Plays a roll-out in which each conversation is good or bad by itself, and looks each 50 of the candidate's
    /// conversations. The same seed gives the same. Takes some milliseconds.
    ///
    /// ```
    /// use cs_serve::rollout::{Ending, Guardrail, RolloutConfig, Scenario, Traffic};
    ///
    /// let (config, traffic) = (RolloutConfig::default(), Traffic::default());
    /// let changes = [(Guardrail::Satisfaction, -0.2)].into();
    /// let worse = Scenario { config: &config, traffic: &traffic, changes: &changes, most_days: 365.0 };
    /// assert_eq!(worse.play(7)?.ending, Ending::RolledBack);
    /// # Ok::<(), cs_serve::rollout::RolloutError>(())
    /// ```
    ///
    /// # Errors
    /// [`RolloutError::Config`] for a configuration, traffic or change that cannot be.
    pub fn play(&self, seed: u64) -> Result<Simulated, RolloutError> {
        self.config.validate()?;
        self.traffic.validate()?;
        for (&guardrail, &change) in self.changes {
            let found = self.traffic.good(guardrail) * (1.0 + change);
            if !(0.0..=1.0).contains(&found) {
                return Err(RolloutError::Config {
                    name: "changes",
                    found: format!("{guardrail} at {found}"),
                    expected: "shares in 0..=1",
                });
            }
        }
        let (mut steps, mut verdict) = (Vec::new(), Verdict::Pass);
        for (step, &share) in self.config.shares.iter().enumerate() {
            let mut chance = SplitMix::named(seed, &format!("step {step}"));
            let simulated = self.step(share, &mut chance);
            verdict = simulated.1;
            steps.push(simulated.0);
            if verdict != Verdict::Pass {
                break;
            }
        }
        let ending = match verdict {
            Verdict::RollBack { .. } => Ending::RolledBack,
            Verdict::Pass => Ending::Promoted,
            Verdict::Wait | Verdict::TooLittleTraffic | Verdict::NothingToCompare { .. } => {
                Ending::Waiting
            }
        };
        Ok(Simulated {
            ending,
            verdict,
            steps,
        })
    }

    fn step(&self, share: f64, chance: &mut SplitMix) -> (SimulatedStep, Verdict) {
        let mut counts = Counts::default();
        let (mut canary, mut stable) = (0, 0);
        loop {
            canary += BETWEEN_LOOKS;
            let in_all = (canary as f64 / share).round() as u64;
            let more_stable = in_all - canary - stable;
            stable += more_stable;
            for &guardrail in self.config.guardrails.keys() {
                for (arm, more) in [(Arm::Canary, BETWEEN_LOOKS), (Arm::Stable, more_stable)] {
                    self.count(
                        counts.tally_mut(arm, guardrail),
                        guardrail,
                        arm,
                        more,
                        chance,
                    );
                }
            }
            let days = in_all as f64 / self.traffic.conversations;
            let elapsed = Duration::try_from_secs_f64(days * 86_400.0).unwrap_or(Duration::MAX);
            let decision = decide(self.config, share, &counts, elapsed);
            let is_over = matches!(decision.verdict, Verdict::RollBack { .. } | Verdict::Pass);
            if is_over || days >= self.most_days {
                let step = SimulatedStep {
                    conversations: in_all,
                    ratings: counts.tally(Arm::Canary, Guardrail::Satisfaction).count,
                    days,
                };
                return (step, decision.verdict);
            }
        }
    }

    /// Adds more conversations to a tally.
    fn count(
        &self,
        tally: &mut Tally,
        guardrail: Guardrail,
        arm: Arm,
        more: u64,
        chance: &mut SplitMix,
    ) {
        let telling = successes(more, self.traffic.telling(guardrail), chance);
        let change = match arm {
            Arm::Stable => 0.0,
            Arm::Canary => self.changes.get(&guardrail).copied().unwrap_or(0.0),
        };
        let good = self.traffic.good(guardrail) * (1.0 + change);
        let good = successes(telling, good, chance);
        *tally = Tally::of_shares(tally.count + telling, tally.sum as u64 + good);
    }
}

/// How many of so many trials succeed. 64 of them at once compare a random number with the probability, bit by bit
/// until all differ.
fn successes(trials: u64, probability: f64, chance: &mut SplitMix) -> u64 {
    const BITS: u32 = 32;
    if probability >= 1.0 {
        return trials;
    }
    let threshold = (probability * f64::from(2.0_f32.powi(32))).round() as u64;
    let mut count = 0;
    let mut left = trials;
    while left > 0 {
        let lanes = left.min(64);
        left -= lanes;
        let mut undecided = u64::MAX >> (64 - lanes);
        for bit in (0..BITS).rev() {
            let random = chance.next();
            if threshold >> bit & 1 == 1 {
                count += u64::from((undecided & !random).count_ones());
                undecided &= random;
            } else {
                undecided &= !random;
            }
            if undecided == 0 {
                break;
            }
        }
    }
    count
}
