//! The threshold of a router from what both models answered to labelled turns.

use serde::Serialize;

use super::bound::{probability_of_at_most, upper_bound};
use crate::error::FitError;

/// What became of a labelled turn that neither model had learned from.
///
/// ```
/// use cs_serve::route::Outcome;
///
/// let lost = Outcome { confidence: 0.7, light_is_right: false, full_is_right: true };
/// assert!(lost.is_loss());
/// assert!(!Outcome { full_is_right: false, ..lost }.is_loss()); // the full model would not help
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The light model's confidence in its likeliest intent.
    pub confidence: f32,
    /// Whether the light model's likeliest intent is the turn's.
    pub light_is_right: bool,
    /// Whether the full model's is.
    pub full_is_right: bool,
}

impl Outcome {
    /// Whether leaving the turn to the light model loses a right answer.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        self.full_is_right && !self.light_is_right
    }
}

/// How much may be lost, and how surely.
///
/// ```
/// use cs_serve::route::Budget;
///
/// assert_eq!(Budget::default(), Budget { max_loss: 0.005, risk: 0.05 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// The largest probability, of a turn that the light model answers, that it is wrong where the
    /// full model is right. 0.005 by default.
    pub max_loss: f64,
    /// The probability that a fit keeps a threshold which loses more. 0.05 by default.
    pub risk: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_loss: 0.005,
            risk: 0.05,
        }
    }
}

/// A threshold that keeps a budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FittedThreshold {
    /// The least confidence with which the light model's answer is given.
    pub threshold: f32,
    /// The upper bound of the probability of a loss, at the budget's risk.
    pub loss_upper: f64,
    /// The number of turns that the light model would have answered.
    pub kept: usize,
    /// The number of losses among them.
    pub losses: usize,
}

/// The shares of the risk with which the tests begin, one after the other.
const SHARES: [f64; 4] = [1.0 / 2.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0];

/// Finds the lowest threshold that keeps the budget, so that the light model answers as much as it
/// may.
///
/// That one chooses by the same turns that one judges by would make the bound too low. So the
/// candidates are tested in an order that does not depend on who was right, from strict to lax, by
/// the fallback procedure (Wiens, "A fixed sequence Bonferroni procedure for testing multiple
/// endpoints", 2003): half of the risk is there for the first candidate, and a sixth more at each
/// quarter of the way to the last. A candidate that keeps the budget hands on to the next what it
/// was tested with; what one that fails had is lost, and the tests go on at the next quarter. The
/// probability that any threshold which passed loses more is then at most the risk; the lowest of
/// them is taken. Beginning four times finds it also where a few turns that the light model is
/// surest of are lost.
///
/// The first candidate keeps a quarter of the turns, or as many as are needed to show anything if
/// that is more; each further one keeps a hundredth more. Where half of the turns are fewer than are
/// needed, the tests begin once, at the full risk.
///
/// The turns have to be new to both models, and such as will come; those whose confidence is no
/// number are left out. They are sorted: O(n log n), and at most 76 bounds.
///
/// ```
/// use cs_serve::route::{Budget, Outcome, fit_threshold};
///
/// // Above 0.5, the light model loses one answer in a thousand, below it one in two.
/// let turn = |i: usize| {
///     let confidence = (i % 1000) as f32 / 1000.0;
///     let light_is_right = if confidence > 0.5 { i != 999 } else { i % 2 == 0 };
///     Outcome { confidence, light_is_right, full_is_right: true }
/// };
/// let turns: Vec<Outcome> = (0..10_000).map(turn).collect();
/// let fitted = fit_threshold(&turns, Budget::default())?;
/// assert!((0.49..0.51).contains(&fitted.threshold) && fitted.loss_upper <= 0.005);
/// # Ok::<(), cs_serve::FitError>(())
/// ```
///
/// # Errors
/// [`FitError::Budget`] for a budget that is no probability, [`FitError::Few`] where so few turns
/// cannot show that the budget is kept, and [`FitError::Loss`] where the light model loses too much
/// wherever a test began.
pub fn fit_threshold(outcomes: &[Outcome], budget: Budget) -> Result<FittedThreshold, FitError> {
    let is_number = |it: &&Outcome| !it.confidence.is_nan();
    let mut sorted: Vec<&Outcome> = outcomes.iter().filter(is_number).collect();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let few = FitError::Few {
        found: sorted.len(),
        needed: least_rows(budget)?,
    };
    let (mut lowest, mut failed) = (None, Vec::new());
    let mut risk = 0.0; // that the next test may take
    for Candidate { kept, share } in candidates(&sorted, budget)? {
        risk += share * budget.risk;
        if risk == 0.0 {
            continue;
        }
        let losses = sorted[..kept].iter().filter(|it| it.is_loss()).count();
        let tested = FittedThreshold {
            threshold: sorted[kept - 1].confidence,
            loss_upper: upper_bound(losses, kept, risk),
            kept,
            losses,
        };
        if tested.loss_upper <= budget.max_loss {
            lowest = Some(tested);
        } else {
            failed.push(tested);
            risk = 0.0;
        }
    }
    let nearest = failed
        .into_iter()
        .min_by(|a, b| a.loss_upper.total_cmp(&b.loss_upper));
    let refused = |nearest| refusal(nearest, sorted.len(), budget);
    lowest.ok_or_else(|| nearest.map_or(few, refused))
}

/// Why not even this threshold keeps the budget, and how many turns might show that it does.
fn refusal(nearest: FittedThreshold, turns: usize, budget: Budget) -> FitError {
    let (kept, losses) = (nearest.kept, nearest.losses);
    let needed = rows_to_show(losses as f64 / kept as f64, budget);
    FitError::Loss {
        kept,
        losses,
        loss_upper: nearest.loss_upper,
        max_loss: budget.max_loss,
        needed: needed.map(|rows| rows * turns / kept),
    }
}

/// Gives the number of rows that show that a budget is kept, if nothing is lost of them.
///
/// # Errors
/// [`FitError::Budget`] for a budget that is no probability.
pub(super) fn least_rows(budget: Budget) -> Result<usize, FitError> {
    let Budget { max_loss, risk } = budget;
    for (name, found) in [("max_loss", max_loss), ("risk", risk)] {
        if !(found > 0.0 && found < 1.0) {
            return Err(FitError::Budget { name, found });
        }
    }
    Ok((risk.ln() / (-max_loss).ln_1p()).ceil() as usize)
}

/// Gives the number of rows that show that a budget is kept, if this share of them is lost; `None`
/// if that is more than a million, or no number would.
pub(super) fn rows_to_show(loss: f64, budget: Budget) -> Option<usize> {
    let shows = |rows: usize| {
        let losses = (loss * rows as f64).ceil() as usize;
        probability_of_at_most(losses, rows, budget.max_loss) <= budget.risk // as the bound says it
    };
    if loss >= budget.max_loss {
        return None;
    }
    let mut enough = 1;
    while !shows(enough) {
        enough *= 2;
        if enough > 1_000_000 {
            return None;
        }
    }
    let mut few = enough / 2;
    while few + 1 < enough {
        let middle = usize::midpoint(few, enough);
        if shows(middle) {
            enough = middle;
        } else {
            few = middle;
        }
    }
    Some(enough)
}

/// A threshold to be tested.
#[derive(Debug, PartialEq)]
struct Candidate {
    /// The number of turns that it keeps. Turns of equal confidence are kept together.
    kept: usize,
    /// The share of the risk that is there for it, whatever became of the candidates before.
    share: f64,
}

/// The thresholds to be tested, in the order of the tests.
fn candidates(sorted: &[&Outcome], budget: Budget) -> Result<Vec<Candidate>, FitError> {
    let all = sorted.len();
    let least = |share: f64| {
        least_rows(Budget {
            risk: share * budget.risk,
            ..budget
        })
    };
    let shares = match 2 * least(SHARES[0])? <= all {
        true => &SHARES[..],
        false => &[1.0],
    };
    let first = (all / 4).max(least(shares[0])?);
    if first > all {
        return Ok(Vec::new());
    }
    let step = (all / 100).max(1);
    let mut kept: Vec<usize> = (first..all)
        .step_by(step)
        .chain([all])
        .map(|kept| {
            let least = sorted[kept - 1].confidence;
            sorted.partition_point(|it| it.confidence >= least)
        })
        .collect();
    kept.dedup();
    let apart = kept.len().div_ceil(shares.len());
    let candidate = |(at, kept): (usize, usize)| Candidate {
        kept,
        share: if at.is_multiple_of(apart) {
            shares[at / apart]
        } else {
            0.0
        },
    };
    Ok(kept.into_iter().enumerate().map(candidate).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_data::SplitMix;

    fn turns(rows: usize, loss: impl Fn(f32, &mut SplitMix) -> bool, seed: u64) -> Vec<Outcome> {
        let mut random = SplitMix::new(seed);
        let one = |random: &mut SplitMix| {
            let confidence = random.unit() as f32;
            Outcome {
                confidence,
                light_is_right: !loss(confidence, random),
                full_is_right: true,
            }
        };
        (0..rows).map(|_| one(&mut random)).collect()
    }

    #[test]
    fn a_light_model_that_loses_nothing_answers_everything() {
        let fitted = fit_threshold(&turns(700, |_, _| false, 1), Budget::default()).unwrap();
        assert_eq!((fitted.kept, fitted.losses), (700, 0));
    }

    #[test]
    fn where_nothing_can_be_shown_nothing_is_fitted() {
        let few = fit_threshold(&turns(597, |_, _| false, 1), Budget::default());
        assert_eq!(
            few.unwrap_err(),
            FitError::Few {
                found: 597,
                needed: 598
            }
        );
        let bad = fit_threshold(&turns(9000, |_, it| it.chance(0.1), 1), Budget::default());
        let line = bad.unwrap_err().to_string();
        assert!(line.contains("expected at most 0.005"), "{line}");
        for max_loss in [0.0, 1.0, f64::NAN, -0.1] {
            let budget = Budget {
                max_loss,
                risk: 0.05,
            };
            assert!(matches!(
                fit_threshold(&[], budget),
                Err(FitError::Budget { .. })
            ));
        }
    }

    #[test]
    fn a_loss_among_the_surest_does_not_end_it() {
        let mut turns = turns(2900, |confidence, it| confidence < 0.2 && it.chance(0.5), 1);
        turns.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        turns[500].light_is_right = false;
        let fitted = fit_threshold(&turns, Budget::default()).unwrap();
        assert!((0.18..0.22).contains(&fitted.threshold), "{fitted:?}");
        // Too few for four beginnings; the only one meets the loss.
        let few = fit_threshold(&turns[..700], Budget::default()).unwrap_err();
        assert!(matches!(few, FitError::Loss { losses: 1, .. }), "{few}");
    }

    #[test]
    fn a_refusal_tells_how_many_turns_might_do() {
        let needed = |turns: &[Outcome]| match fit_threshold(turns, Budget::default()) {
            Err(FitError::Loss { needed, .. }) => needed,
            other => panic!("{other:?}"),
        };
        let losing = |every: usize| {
            let turn = |i: usize| Outcome {
                confidence: 1.0 - i as f32 / 3000.0,
                light_is_right: i % every != every / 2,
                full_is_right: true,
            };
            (0..3000).map(turn).collect::<Vec<_>>()
        };
        let more = needed(&losing(250)).unwrap();
        assert!(more > 3000, "{more}");
        let enough: Vec<Outcome> = losing(250).into_iter().cycle().take(2 * more).collect();
        assert!(fit_threshold(&enough, Budget::default()).is_ok());
        assert_eq!(needed(&losing(150)), None);
    }

    #[test]
    fn confidences_that_are_no_numbers_are_not_kept() {
        let mut turns = turns(2000, |_, _| false, 3);
        for turn in &mut turns[..100] {
            (turn.confidence, turn.light_is_right) = (f32::NAN, false);
        }
        let fitted = fit_threshold(&turns, Budget::default()).unwrap();
        assert!(fitted.threshold.is_finite() && fitted.kept == 1900);
        let none = fit_threshold(&turns[..100], Budget::default());
        assert!(matches!(none, Err(FitError::Few { found: 0, .. })));
    }

    /// Of so many samples, those in which the fit fails the risk of 0.1 may be some more than a
    /// tenth: by 2.5 standard deviations.
    fn assert_rare(failures: usize, samples: usize) {
        let (failures, samples) = (failures as f64, samples as f64);
        let most = 0.1 * samples + 2.5 * (0.09 * samples).sqrt();
        assert!(failures <= most, "{failures} of {samples}");
    }

    #[test]
    fn the_budget_is_kept_as_often_as_is_said() {
        let budget = Budget {
            max_loss: 0.02,
            risk: 0.1,
        };
        // Above a confidence of c, (1 - c) / 28 are lost on average.
        let loss =
            |confidence: f32, it: &mut SplitMix| it.chance(f64::from(1.0 - confidence) / 14.0);
        let fit = |seed| fit_threshold(&turns(3000, loss, seed), budget).ok();
        let fitted: Vec<_> = (0..100).filter_map(fit).collect();
        let too_far = |it: &&FittedThreshold| (1.0 - it.threshold) / 28.0 > 0.02;
        assert_rare(fitted.iter().filter(too_far).count(), 100);
        assert!(fitted.len() > 50, "{}", fitted.len());
    }

    /// Whoever loses a little more than is allowed, however sure, is let through as seldom as is
    /// said, although the tests begin four times; so is whoever is worst where it is surest.
    #[test]
    fn no_beginning_lets_through_what_loses_too_much() {
        let budget = Budget {
            max_loss: 0.02,
            risk: 0.1,
        };
        let constant = |_: f32, it: &mut SplitMix| it.chance(0.0201);
        let upside_down =
            |confidence: f32, it: &mut SplitMix| it.chance(f64::from(confidence) * 0.0402);
        let passed = |seed| {
            let one = fit_threshold(&turns(1000, constant, seed), budget).is_ok();
            let other = fit_threshold(&turns(1000, upside_down, seed), budget).is_ok();
            [one, other].map(usize::from)
        };
        let passed: Vec<[usize; 2]> = (0..200).map(passed).collect();
        for kind in [0, 1] {
            assert_rare(passed.iter().map(|it| it[kind]).sum(), 200);
        }
        assert!(passed.iter().any(|it| it[0] == 1)); // the test is not merely too strict
    }
}
