//! What follows from what was counted, as a pure function.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::RolloutConfig;
use super::counts::{Arm, Counts};
use super::guardrail::{Guardrail, Margins};
use super::plan::to_pass;
use super::statistics::Change;

/// The least share that has to be good for a relative drop of it to be told: of a tenth, that takes eighty times the
/// conversations that it takes of nine tenths.
const LEAST_GOOD: f64 = 0.1;

/// Which rule a drop comes under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It is surely more than slight, and looks marked.
    Marked,
    /// It is surely more than the most.
    Most,
}

/// What is to be done about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The candidate goes.
    RollBack {
        /// What is worse.
        guardrail: Guardrail,
        /// The rule that it comes under.
        rule: Rule,
    },
    /// The step has passed.
    Pass,
    /// It is not known yet.
    Wait,
    /// It is not known yet, and at this rate it will not be within the patience.
    TooLittleTraffic,
    /// It will not be known, whatever the traffic: the stable model has next to nothing good of a guardrail, of which less could
    /// be told. Who starts a roll-out without that guardrail, or with another budget for what it counts, gets further.
    NothingToCompare {
        /// What there is nothing good of.
        guardrail: Guardrail,
    },
}

/// Conversations with a value, and their mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The number of conversations.
    pub count: u64,
    /// The mean of their values, if there are any.
    pub mean: Option<f64>,
}

/// A guardrail as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The guardrail.
    pub guardrail: Guardrail,
    /// What it is with the stable model.
    pub stable: Side,
    /// What it is with the candidate.
    pub canary: Side,
    /// How they compare, once both have enough conversations.
    pub change: Option<Change>,
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What is to be done.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What it follows from, a figure for each guardrail that is watched.
    pub figures: Vec<Figure>,
    /// The days that the step is expected to take in all for a candidate that is no worse; none as long as
    /// nothing says so.
    pub expected_days: Option<f64>,
}

/// Decides about a step that has taken so long, by what was counted in it. Takes some tens of microseconds.
///
/// A candidate goes as soon as one guardrail shows a drop that is surely more than [slight](Margins::slight) and looks
/// [marked](Margins::marked), or is surely more than the [most](Margins::most). A step has passed when its least time is over
/// and all guardrails rule out a drop by the most. "Surely" holds at all looks together, so it may be asked at any time.
///
/// ```
/// use std::time::Duration;
/// use cs_serve::rollout::{Arm, Counts, Guardrail, Margins, RolloutConfig, Rule, Tally, Verdict, decide};
///
/// let guardrails = [(Guardrail::Satisfaction, Margins::default())].into();
/// let config = RolloutConfig { guardrails, ..RolloutConfig::default() };
/// let mut counts = Counts::default();
/// *counts.tally_mut(Arm::Stable, Guardrail::Satisfaction) = Tally::of_shares(38_000, 30_400); // 80 %
/// *counts.tally_mut(Arm::Canary, Guardrail::Satisfaction) = Tally::of_shares(2_000, 1_440); // 72 %
/// let decision = decide(&config, 0.05, &counts, Duration::ZERO);
/// let worse = Verdict::RollBack { guardrail: Guardrail::Satisfaction, rule: Rule::Marked };
/// assert_eq!(decision.verdict, worse);
/// ```
#[must_use]
pub fn decide(config: &RolloutConfig, share: f64, counts: &Counts, elapsed: Duration) -> Decision {
    let figures = figures(config, counts);
    let expected_days = expected_days(config, share, &figures, elapsed);
    let is_worse = |figure: &Figure| {
        let rule = rule_of(figure.change?, config.guardrails[&figure.guardrail])?;
        Some(Verdict::RollBack {
            guardrail: figure.guardrail,
            rule,
        })
    };
    let is_ruled_out = |figure: &Figure| {
        let most = config.guardrails[&figure.guardrail].most;
        figure.change.is_some_and(|change| change.lower > -most)
    };
    let has_nothing_good = |figure: &Figure| {
        let stable = &figure.stable;
        let is_known = stable.count >= config.least && !is_ruled_out(figure);
        let guardrail = figure.guardrail;
        let nothing = Verdict::NothingToCompare { guardrail };
        (is_known && stable.mean.is_some_and(|it| it < LEAST_GOOD)).then_some(nothing)
    };
    let is_too_slow = || expected_days.is_none_or(|days| days > days_of(config.patience));
    let in_vain = || figures.iter().find_map(has_nothing_good);
    let verdict = match figures.iter().find_map(is_worse) {
        Some(worse) => worse,
        None if elapsed >= config.min_step && figures.iter().all(is_ruled_out) => Verdict::Pass,
        None => match in_vain() {
            Some(nothing) => nothing,
            None if elapsed >= config.min_step && is_too_slow() => Verdict::TooLittleTraffic,
            None => Verdict::Wait,
        },
    };
    Decision {
        verdict,
        figures,
        expected_days,
    }
}

fn rule_of(change: Change, margins: Margins) -> Option<Rule> {
    if change.upper < -margins.most {
        return Some(Rule::Most);
    }
    (change.upper < -margins.slight && change.estimate <= -margins.marked).then_some(Rule::Marked)
}

/// The guardrails that are watched, as far as they are known.
pub(super) fn figures(config: &RolloutConfig, counts: &Counts) -> Vec<Figure> {
    let side = |arm, guardrail| {
        let tally = counts.tally(arm, guardrail);
        Side {
            count: tally.count,
            mean: tally.mean().map(|it| it.mean),
        }
    };
    let figure = |(&guardrail, &margins): (&Guardrail, &Margins)| {
        let (stable, canary) = (side(Arm::Stable, guardrail), side(Arm::Canary, guardrail));
        let is_enough = stable.count.min(canary.count) >= config.least;
        Figure {
            guardrail,
            stable,
            canary,
            change: is_enough
                .then(|| change(config, counts, guardrail, margins))
                .flatten(),
        }
    };
    config.guardrails.iter().map(figure).collect()
}

/// None if the stable model has nothing good, of which less cannot be.
fn change(
    config: &RolloutConfig,
    counts: &Counts,
    guardrail: Guardrail,
    margins: Margins,
) -> Option<Change> {
    let canary = counts.tally(Arm::Canary, guardrail).mean()?;
    let stable = counts.tally(Arm::Stable, guardrail).mean()?;
    let (lower, upper) = (config.lower(margins), config.upper(guardrail, margins));
    Change::of(&canary, &stable, &lower, &upper).filter(|_| stable.mean > 0.0)
}

/// How long the slowest guardrail takes at this rate.
fn expected_days(
    config: &RolloutConfig,
    share: f64,
    figures: &[Figure],
    elapsed: Duration,
) -> Option<f64> {
    let mut slowest = days_of(config.min_step);
    for figure in figures {
        if figure.canary.count == 0 || elapsed.is_zero() {
            return None;
        }
        let good = figure.stable.mean?.clamp(0.01, 0.9999);
        let margins = config.guardrails[&figure.guardrail];
        let needed = to_pass(&config.lower(margins), margins, good, share).max(config.least);
        let days = days_of(elapsed) * needed as f64 / figure.canary.count as f64;
        slowest = slowest.max(days);
    }
    Some(slowest)
}

fn days_of(time: Duration) -> f64 {
    time.as_secs_f64() / 86_400.0
}
