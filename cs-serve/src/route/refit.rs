//! The threshold of a router, fitted again as turns come.

use serde::Serialize;

use super::fit::{Budget, FittedThreshold, Outcome, fit_threshold};
use crate::error::FitError;

/// The turns of the first fit. Each further one takes twice as many.
const FIRST: usize = 1 << 10;
/// The turns of the last one.
const LAST: usize = 1 << 16;

/// Fits a threshold as turns come: to 1,024 of them, and again whenever there are twice as many, to 65,536. The first fit
/// takes half of the budget's risk, and each further one half of what the one before took. So the budget's risk is that of all
/// thresholds together that are ever proposed, however often one looks. It holds for turns that are independent of each
/// other; those of one conversation are somewhat less.
///
/// ```
/// use cs_serve::route::{Budget, Outcome, Refit};
///
/// let mut refit = Refit::new(Budget::default());
/// for i in 0..2048 {
///     let confidence = (i % 1000) as f32 / 1000.0;
///     refit.add(Outcome { confidence, light_is_right: confidence > 0.2, full_is_right: true });
/// }
/// let proposal = refit.proposal();
/// let fitted = proposal.fitted.unwrap();
/// assert_eq!(proposal.fitted_turns, 2048);
/// assert!((0.2..0.25).contains(&fitted.threshold) && fitted.loss_upper <= 0.005);
/// ```
#[derive(Debug, Clone)]
pub struct Refit {
    budget: Budget,
    outcomes: Vec<Outcome>,
    proposal: Proposal,
}

/// A threshold that turns propose, or why they do not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Proposal {
    /// The turns so far, at most 65,536.
    pub turns: usize,
    /// The turns that the last fit took; 0 before it.
    pub fitted_turns: usize,
    /// The threshold, if one keeps the budget.
    #[serde(flatten)]
    pub fitted: Option<FittedThreshold>,
    /// Why none does.
    pub problem: Option<String>,
}

impl Refit {
    /// Begins without a turn.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            outcomes: Vec::new(),
            proposal: Proposal::default(),
        }
    }

    /// Adds what became of a turn. Takes milliseconds where there are so many that a threshold is fitted to them.
    pub fn add(&mut self, outcome: Outcome) {
        if self.outcomes.len() == LAST {
            return;
        }
        self.outcomes.push(outcome);
        let turns = self.outcomes.len();
        self.proposal.turns = turns;
        if turns >= FIRST && turns.is_power_of_two() {
            self.propose();
        }
    }

    fn propose(&mut self) {
        let turns = self.outcomes.len();
        let risk = self.budget.risk / (2 * turns / FIRST) as f64;
        let fitted = fit_threshold(
            &self.outcomes,
            Budget {
                risk,
                ..self.budget
            },
        );
        self.proposal = Proposal {
            turns,
            fitted_turns: turns,
            fitted: fitted.as_ref().ok().copied(),
            problem: fitted.err().as_ref().map(FitError::to_string),
        };
    }

    /// Gives what the turns so far propose.
    #[must_use]
    pub fn proposal(&self) -> Proposal {
        self.proposal.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_data::SplitMix;

    const BUDGET: Budget = Budget {
        max_loss: 0.02,
        risk: 0.1,
    };

    fn outcome(random: &mut SplitMix, loss: f64) -> Outcome {
        Outcome {
            confidence: random.unit() as f32,
            light_is_right: !random.chance(loss),
            full_is_right: true,
        }
    }

    #[test]
    fn nothing_is_proposed_before_there_are_turns_and_then_what_a_fit_says() {
        let (mut refit, mut random) = (Refit::new(BUDGET), SplitMix::new(7));
        let mut outcomes = Vec::new();
        for turns in 1..=5_000 {
            let it = outcome(&mut random, 0.002);
            outcomes.push(it);
            refit.add(it);
            let proposal = refit.proposal();
            assert_eq!(proposal.turns, turns);
            let fitted = match turns {
                ..1024 => 0,
                1024..2048 => 1024,
                2048..4096 => 2048,
                _ => 4096,
            };
            assert_eq!(proposal.fitted_turns, fitted);
            assert_eq!(proposal.fitted.is_some(), fitted > 0);
        }
        let eighth = Budget {
            risk: BUDGET.risk / 8.0,
            ..BUDGET
        };
        let fitted = fit_threshold(&outcomes[..4096], eighth).unwrap();
        assert_eq!(refit.proposal().fitted, Some(fitted));
    }

    /// Who loses a little more than is allowed, however sure, is proposed at any time of a sample as seldom as is said.
    #[test]
    fn the_risk_is_that_of_all_proposals_together() {
        let proposes = |seed| {
            let (mut refit, mut random) = (Refit::new(BUDGET), SplitMix::new(seed));
            (0..4096).any(|_| {
                refit.add(outcome(&mut random, 0.0201));
                refit.proposal().fitted.is_some()
            })
        };
        let proposed = (0..200).filter(|&seed| proposes(seed)).count();
        assert!((1..=20 + 11).contains(&proposed), "{proposed} of 200"); // 2.5 standard deviations
    }

    #[test]
    fn why_nothing_is_proposed_is_said() {
        let (mut refit, mut random) = (Refit::new(BUDGET), SplitMix::new(1));
        (0..1024).for_each(|_| refit.add(outcome(&mut random, 0.3)));
        let Proposal {
            fitted, problem, ..
        } = refit.proposal();
        assert_eq!(fitted, None);
        assert!(problem.unwrap().contains("expected at most 0.02"));
    }
}
