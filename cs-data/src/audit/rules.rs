//! What a data set must meet.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What must hold for an audit to pass, and how closely it looks.
///
/// Duplicates, contradictions, entity conflicts and noise suspects are findings without a rule: a
/// greeting may well occur twice, and a suspect is not yet an error.
///
/// ```
/// use cs_data::audit::Rules;
/// let rules = Rules { max_imbalance: 10.0, ..Rules::default() };
/// assert!(rules.validate().is_ok());
/// assert!(Rules { max_imbalance: 0.5, ..rules }.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Rows that a core intent needs to count as covered, 1 or more. Default 1.
    pub min_examples: usize,
    /// Share of the core intents that must be covered, 0 to 1. Default 0.8.
    pub min_coverage: f64,
    /// Largest ratio allowed of the largest to the smallest, of intents and of positive and
    /// negative rows, 1 or more. Default 3.
    pub max_imbalance: f64,
    /// Spans and tags that may be at fault. Default 0.
    pub max_iob_errors: usize,
    /// Rows that reading may leave out. Default 0.
    pub max_unread: usize,
    /// Rows that may stand in the other data set. Default 0.
    pub max_leaks: usize,
    /// Jaccard similarity from which two texts are near-duplicates, 0.5 to 1. Default 0.8.
    pub similarity: f64,
    /// Most findings of each kind that the report lists; it counts all. Default 20.
    pub examples: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            min_examples: 1,
            min_coverage: 0.8,
            max_imbalance: 3.0,
            max_iob_errors: 0,
            max_unread: 0,
            max_leaks: 0,
            similarity: 0.8,
            examples: 20,
        }
    }
}

impl Rules {
    /// Checks that each value is in its range.
    ///
    /// # Errors
    ///
    /// The first value out of its range.
    pub fn validate(&self) -> Result<()> {
        if self.min_examples == 0 {
            return Err(Error::argument("min_examples", "0", "1 or more"));
        }
        // NaN lies in no range.
        if !(0.0..=1.0).contains(&self.min_coverage) {
            let found = self.min_coverage.to_string();
            return Err(Error::argument(
                "min_coverage",
                found,
                "a number from 0 to 1",
            ));
        }
        if !(1.0..=f64::MAX).contains(&self.max_imbalance) {
            let found = self.max_imbalance.to_string();
            return Err(Error::argument(
                "max_imbalance",
                found,
                "a finite number, 1 or more",
            ));
        }
        // Below, almost any two short sentences share enough, and the search slows to a crawl.
        if !(0.5..=1.0).contains(&self.similarity) {
            let found = self.similarity.to_string();
            return Err(Error::argument(
                "similarity",
                found,
                "a number from 0.5 to 1",
            ));
        }
        Ok(())
    }
}

/// How a rule came out.
///
/// ```
/// use cs_data::audit::RuleVerdict;
/// let verdict = RuleVerdict::at_most("leaks", Some(2.0), 0.0);
/// assert_eq!(verdict.passed, Some(false));
/// assert_eq!(RuleVerdict::at_most("leaks", None, 0.0).passed, None); // does not apply
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleVerdict {
    /// Key in the report of the value that was measured.
    pub rule: &'static str,
    /// The value that was measured; `None` where the rule does not apply or the value is infinite.
    pub value: Option<f64>,
    /// Lowest value allowed, if the rule has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Highest value allowed, if the rule has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// Whether the rule holds; `None` where it does not apply, because the data lack what it is
    /// about.
    pub passed: Option<bool>,
}

impl RuleVerdict {
    /// Makes the rule fail: there was nothing to measure where something was to be.
    pub(super) fn fail(&mut self) {
        self.passed = Some(false);
    }

    /// Makes the verdict that `value` must reach `limit`.
    pub fn at_least(rule: &'static str, value: Option<f64>, limit: f64) -> Self {
        RuleVerdict {
            rule,
            value,
            at_least: Some(limit),
            at_most: None,
            passed: value.map(|value| value >= limit),
        }
    }

    /// Makes the verdict that `value` must not exceed `limit`. An infinite value fails, and is not
    /// kept: JSON has none.
    pub fn at_most(rule: &'static str, value: Option<f64>, limit: f64) -> Self {
        RuleVerdict {
            rule,
            value: value.filter(|value| value.is_finite()),
            at_least: None,
            at_most: Some(limit),
            passed: value.map(|value| value <= limit),
        }
    }
}
