//! Arguments of `rollout`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use cs_serve::rollout::{Approval, Guardrail, Margins, Plan, RolloutConfig, Traffic};

use crate::candidate_args::Shares;
use crate::error::{Error, Result};
use crate::number;

/// What traffic is simulated: `drop=0.1,rated=0.1,satisfaction=0.8,conversations=10000`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulate {
    /// The relative drop of satisfaction with the candidate. One below 0 is a rise.
    pub drop: f64,
    /// The share of conversations that are rated.
    pub rated: f64,
    /// The share of ratings with the stable model that are good.
    pub satisfaction: f64,
    /// Conversations a day.
    pub conversations: f64,
}

impl FromStr for Simulate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut simulate = Self {
            drop: 0.0,
            rated: 0.1,
            satisfaction: 0.8,
            conversations: 10_000.0,
        };
        for part in text.split(',') {
            let expected = || format!("{part}, expected NAME=NUMBER");
            let (name, value) = part.split_once('=').ok_or_else(expected)?;
            let value: f64 = value.parse().map_err(|_| expected())?;
            let (field, range) = match name {
                "drop" => (&mut simulate.drop, -1.0..1.0),
                "rated" => (&mut simulate.rated, 0.0..1.000_001),
                "satisfaction" => (&mut simulate.satisfaction, 0.01..0.99),
                "conversations" => (&mut simulate.conversations, 0.001..1e9),
                _ => {
                    return Err(format!(
                        "{name}, expected drop, rated, satisfaction or conversations"
                    ));
                }
            };
            if !range.contains(&value) {
                return Err(format!("{part}, expected a number from {:?}", range));
            }
            *field = value;
        }
        let candidate = simulate.satisfaction * (1.0 - simulate.drop);
        match candidate <= 1.0 {
            true => Ok(simulate),
            false => Err(format!(
                "a satisfaction of {candidate} with the candidate, expected at most 1"
            )),
        }
    }
}

/// How a roll-out is played.
#[derive(Debug, Clone, Args)]
pub struct RolloutArgs {
    /// The model that is in charge
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "simulate",
        conflicts_with = "simulate"
    )]
    pub stable: Option<PathBuf>,
    /// The model that is to be
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "simulate",
        conflicts_with = "simulate"
    )]
    pub candidate: Option<PathBuf>,
    /// Recorded traffic: JSONL with time, conversation, customer, turn, text, reply, model, route, source, satisfied
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "simulate",
        conflicts_with = "simulate"
    )]
    pub traffic: Option<PathBuf>,
    /// Simulated traffic instead: any of drop=0.1,rated=0.1,satisfaction=0.8,conversations=10000 (a day)
    #[arg(long, value_name = "LIST")]
    pub simulate: Option<Simulate>,
    /// Roll-outs that are simulated, of which the endings are counted
    #[arg(long, value_name = "N", requires = "simulate", conflicts_with = "state", value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: Option<u64>,
    /// The candidate's share of new conversations in each step, in percent
    #[arg(long, value_name = "PERCENT,...", default_value = "5,15,30")]
    pub plan: Shares,
    /// The relative drop of satisfaction that has to be ruled out
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = number::part)]
    pub max_drop: f64,
    /// A folder where the roll-out is kept, to go on another time
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The days after which a simulated step is left waiting
    #[arg(long, value_name = "N", default_value_t = 90.0, requires = "simulate", value_parser = number::days)]
    pub days: f64,
    /// What chance follows from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl RolloutArgs {
    /// The configuration. What recorded traffic does not tell is not watched.
    ///
    /// # Errors
    ///
    /// Shares or margins that cannot be.
    pub fn config(&self) -> Result<RolloutConfig> {
        let usual = Margins::default();
        let margins = usual.scaled(self.max_drop / usual.most);
        let mut config = RolloutConfig {
            shares: self.plan.0.clone(),
            guardrails: RolloutConfig::guardrails(margins),
            approval: Approval::None,
            fold_after: u64::MAX, // where to go on is told by the turns in the journal
            ..RolloutConfig::default()
        };
        if self.simulate.is_none() {
            for untold in [Guardrail::Latency, Guardrail::Safety] {
                config.guardrails.remove(&untold);
            }
        }
        config.validate().map_err(usage)?;
        Ok(config)
    }

    /// The plan for this traffic.
    ///
    /// # Errors
    ///
    /// As [`config`](Self::config).
    pub fn planned(&self, traffic: &Traffic) -> Result<Plan> {
        Plan::new(&self.config()?, traffic).map_err(usage)
    }
}

impl Simulate {
    /// What the traffic is like.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = Traffic {
            conversations: self.conversations,
            rated: self.rated.max(1e-6),
            ..Traffic::default()
        };
        traffic
            .good
            .insert(Guardrail::Satisfaction, self.satisfaction);
        traffic
    }
}

fn usage(error: cs_serve::rollout::RolloutError) -> Error {
    Error::Usage(error.to_string())
}
