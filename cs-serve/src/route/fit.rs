//! The threshold of a router from what both models answered to labelled turns.

use super::bound::upper_bound;
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
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// Finds the lowest threshold that keeps the budget, so that the light model answers as much as it
/// may.
///
/// That one chooses by the same turns that one judges by would make the bound too low. So the
/// candidates are tested in an order that does not depend on who was right, from strict to lax,
/// each at the full risk, and the first that fails ends it (fixed-sequence testing, as in
/// Angelopoulos et al., "Learn then Test", 2021, section 4.1): the probability that any threshold
/// that is kept loses more is then at most the risk. The first candidate keeps a quarter of the
/// turns, or as many as are needed to show anything if that is more; each further one keeps a
/// hundredth more.
///
/// The turns have to be new to both models, and such as will come. They are sorted: O(n log n), and
/// at most 76 bounds.
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
/// even of what it is surest of.
pub fn fit_threshold(outcomes: &[Outcome], budget: Budget) -> Result<FittedThreshold, FitError> {
    let Budget { max_loss, risk } = budget;
    let needed = least_rows(budget)?;
    if outcomes.len() < needed {
        return Err(FitError::Few {
            found: outcomes.len(),
            needed,
        });
    }
    let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut best = None;
    for kept in candidates(&sorted, needed) {
        let losses = sorted[..kept].iter().filter(|it| it.is_loss()).count();
        let loss_upper = upper_bound(losses, kept, risk);
        let candidate = FittedThreshold {
            threshold: sorted[kept - 1].confidence,
            loss_upper,
            kept,
            losses,
        };
        if loss_upper > max_loss {
            let refusal = FitError::Loss {
                kept,
                losses,
                loss_upper,
                max_loss,
            };
            return best.ok_or(refusal);
        }
        best = Some(candidate);
    }
    best.ok_or(FitError::Few {
        found: outcomes.len(),
        needed,
    })
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

/// The numbers of turns that the thresholds to be tested would keep, in the order of the tests.
/// Turns of equal confidence are kept together; those whose confidence is no number never are.
fn candidates(sorted: &[&Outcome], needed: usize) -> Vec<usize> {
    let all = sorted.len();
    let first = (all / 4).max(needed);
    let step = (all / 100).max(1);
    let mut candidates: Vec<usize> = (first..all)
        .step_by(step)
        .chain([all])
        .map(|kept| {
            let least = sorted[kept - 1].confidence;
            sorted.partition_point(|it| it.confidence >= least)
        })
        .collect();
    candidates.dedup();
    candidates
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
    fn confidences_that_are_no_numbers_are_not_kept() {
        let mut turns = turns(2000, |_, _| false, 3);
        for turn in &mut turns[..100] {
            (turn.confidence, turn.light_is_right) = (f32::NAN, false);
        }
        if let Ok(fitted) = fit_threshold(&turns, Budget::default()) {
            assert!(fitted.threshold.is_finite() && fitted.kept <= 1900);
        }
    }

    /// Where losses come as often as they may at one threshold, a fit goes too far in at most the
    /// risk's share of samples.
    #[test]
    fn the_budget_is_kept_as_often_as_is_said() {
        let budget = Budget {
            max_loss: 0.02,
            risk: 0.1,
        };
        // Below a confidence of c the losses among what is kept are (1 - c) / 20 on average.
        let loss =
            |confidence: f32, it: &mut SplitMix| it.chance(f64::from(1.0 - confidence) / 10.0);
        let too_far = |seed| {
            let fitted = fit_threshold(&turns(8000, loss, seed), budget);
            fitted.is_ok_and(|fitted| (1.0 - fitted.threshold) / 20.0 > 0.02)
        };
        let runs = 200;
        let failures = (0..runs).filter(|&seed| too_far(seed)).count();
        assert!(failures <= 31, "{failures} of {runs}"); // 20 and 2.5 standard deviations
        let kept = (0..20).filter_map(|seed| fit_threshold(&turns(8000, loss, seed), budget).ok());
        assert!(kept.count() > 10);
    }
}
