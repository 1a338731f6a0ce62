//! What may be chosen about a roll-out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{RolloutError, unless};
use super::guardrail::{Guardrail, Margins};
use super::statistics::Sequence;

/// The most steps, which is also what the risk is divided by at most.
const MOST_STEPS: usize = 20;

/// Who lets a roll-out go on when a step has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Nobody: the last step ends with the candidate in charge.
    None,
    /// A person, once: after the last step, before the candidate has all conversations.
    #[default]
    Last,
    /// A person, after each step.
    Each,
}

/// What may be chosen about a roll-out. [`validate`](Self::validate) says whether it can work.
///
/// ```
/// use cs_serve::rollout::{Guardrail, RolloutConfig};
///
/// let config = RolloutConfig::default();
/// assert_eq!(config.shares, [0.05, 0.15, 0.3]);
/// assert!(config.validate().is_ok());
/// let falling = RolloutConfig { shares: vec![0.15, 0.05], ..config };
/// assert_eq!(
///     falling.validate().unwrap_err().to_string(),
///     "shares = [0.15, 0.05], expected 1 to 20 rising shares above 0 and below 1"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutConfig {
    /// The share of new conversations that the candidate has in each step. 0.05, 0.15 and 0.3 by default.
    pub shares: Vec<f64>,
    /// The guardrails that are watched, with their margins. A step passes only if all of them say so. By default
    /// all six: satisfaction with 3, 8 and 10 %; latency, hand-over and out-of-scope, which all
    /// conversations tell and not only rated ones, with half of that; errors and safety, which are rare, with
    /// a tenth.
    pub guardrails: BTreeMap<Guardrail, Margins>,
    /// The probability that a candidate which is at most slightly worse is ever rolled back, over all guardrails and
    /// steps together; and that one which is worse by the most gets past any step. 0.01 by default.
    pub risk: f64,
    /// How long a step takes at least. A day by default, so that it has seen each hour.
    #[serde(rename = "min_step_ms", with = "crate::millis")]
    pub min_step: Duration,
    /// How many conversations that have a value of a guardrail each model needs before anything is said of it, as bounds hold
    /// for many. 100 by default.
    pub least: u64,
    /// How long a step may be expected to take before it is said that there is too little traffic. 28 days by default.
    #[serde(rename = "patience_ms", with = "crate::millis")]
    pub patience: Duration,
    /// Who lets it go on. By default a person after the last step.
    pub approval: Approval,
    /// How many conversations of one customer count in a step, for each model. 1 by default.
    pub per_customer: u32,
    /// How long a conversation is remembered after its last turn or rating. Two days by default; sessions should be
    /// over by then.
    #[serde(rename = "expiry_ms", with = "crate::millis")]
    pub expiry: Duration,
    /// How many conversations are remembered; further ones get the stable model and are not counted. A million by
    /// default, which is some 150 MB.
    pub most: usize,
    /// After how many events the journal is written anew, to begin with where the roll-out stands, besides four for each
    /// conversation that is remembered. 100,000 by default, which is some 15 MB.
    pub fold_after: u64,
}

impl Default for RolloutConfig {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            shares: vec![0.05, 0.15, 0.3],
            guardrails: Self::guardrails(Margins::default()),
            risk: 0.01,
            min_step: DAY,
            least: 100,
            patience: 28 * DAY,
            approval: Approval::default(),
            per_customer: 1,
            expiry: 2 * DAY,
            most: 1_000_000,
            fold_after: 100_000,
        }
    }
}

impl RolloutConfig {
    /// Gives all guardrails, with margins in proportion to those of satisfaction: half of them, or a tenth for what is
    /// rare.
    #[must_use]
    pub fn guardrails(satisfaction: Margins) -> BTreeMap<Guardrail, Margins> {
        let scale = |guardrail| match guardrail {
            Guardrail::Satisfaction => 1.0,
            Guardrail::Latency | Guardrail::Handover | Guardrail::OutOfScope => 0.5,
            Guardrail::Errors | Guardrail::Safety => 0.1,
        };
        let with = |it| (it, satisfaction.scaled(scale(it)));
        Guardrail::ALL.into_iter().map(with).collect()
    }

    /// Checks that a roll-out can be made so.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for the first value that cannot be.
    pub fn validate(&self) -> Result<(), RolloutError> {
        let rising = self.shares.windows(2).all(|pair| pair[0] < pair[1]);
        let between = self.shares.iter().all(|&share| 0.0 < share && share < 1.0);
        unless(
            rising && between && (1..=MOST_STEPS).contains(&self.shares.len()),
            "shares",
            format_args!("{:?}", self.shares),
            "1 to 20 rising shares above 0 and below 1",
        )?;
        let has_any = !self.guardrails.is_empty();
        unless(has_any, "guardrails", "none", "at least one")?;
        for (guardrail, margins) in &self.guardrails {
            let Margins {
                slight,
                marked,
                most,
            } = margins;
            unless(
                margins.are_ordered(),
                "guardrails",
                format_args!("{{ {guardrail}: slight {slight}, marked {marked}, most {most} }}"),
                "0 <= slight < marked <= most < 1",
            )?;
        }
        let is_risk = self.risk > 0.0 && self.risk <= 0.1;
        unless(is_risk, "risk", self.risk, "above 0 and at most 0.1")?;
        unless(self.least >= 20, "least", self.least, "at least 20")?;
        unless(
            self.patience >= self.min_step,
            "patience_ms",
            self.patience.as_millis(),
            "at least min_step_ms",
        )?;
        unless(self.per_customer > 0, "per_customer", 0, "at least 1")?;
        unless(
            self.expiry >= Duration::from_secs(60),
            "expiry_ms",
            self.expiry.as_millis(),
            "at least 60000",
        )?;
        unless(self.most > 0, "most", 0, "at least 1")?;
        unless(self.fold_after > 0, "fold_after", 0, "at least 1")
    }

    /// The sequence that rules a drop out. All guardrails have to say so before a step passes, so each of them may take the
    /// whole risk (Berger, "Multiparameter hypothesis testing and acceptance sampling", 1982).
    pub(super) fn lower(&self, margins: Margins) -> Sequence {
        Sequence::new(self.risk, margins.most)
    }

    /// The sequence that shows a drop. Any guardrail may, in any step, so they share the risk: half of it for
    /// satisfaction, which has the fewest values, and the other half for the others together.
    pub(super) fn upper(&self, guardrail: Guardrail, margins: Margins) -> Sequence {
        let watched = self.guardrails.len() as f64;
        let weight = match self.guardrails.contains_key(&Guardrail::Satisfaction) {
            true if self.guardrails.len() == 1 => 1.0,
            true if guardrail == Guardrail::Satisfaction => 0.5,
            true => 0.5 / (watched - 1.0),
            false => 1.0 / watched,
        };
        let risk = self.risk * weight / self.shares.len() as f64;
        Sequence::new(risk, margins.most - margins.slight)
    }
}
