//! [`abstention_threshold`]: how sure a model has to be to answer.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What an abstention threshold should achieve on validation data. Of thresholds that are equally
/// good, the one that abstains least is chosen.
///
/// ```
/// use cs_train::evaluation::Abstention;
/// let target: Abstention = serde_json::from_str(r#"{"coverage": 0.95}"#)?;
/// assert_eq!(target, Abstention::Coverage(0.95));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstention {
    /// Highest accuracy over all rows: a row in scope is right if it is answered rightly, a row out
    /// of scope if it is not answered (Larson et al. 2019, section 3). Follows the share of rows
    /// out of scope in the validation data.
    Accuracy,
    /// Highest mean of the accuracy in scope and the recall out of scope, whatever the share of the
    /// latter.
    Balanced,
    /// Highest F1 of recognising rows out of scope.
    OutOfScopeF1,
    /// At least this share of the rows in scope is answered; needs no rows out of scope.
    Coverage(f64),
    /// Of the rows answered, at least this share is right; as many as possible are answered. Needs
    /// no rows out of scope.
    Precision(f64),
}

/// An answer before any threshold.
///
/// ```
/// use cs_train::evaluation::{Abstention, ConfidenceRow, abstention_threshold};
///
/// let rows = [(0.9, true, true), (0.8, true, true), (0.4, false, false), (0.3, true, false)];
/// let rows = rows.map(|(confidence, in_scope, right)| ConfidenceRow { confidence, in_scope, right });
/// let threshold = abstention_threshold(&rows, Abstention::Accuracy)?;
/// assert!(threshold > 0.4 && threshold < 0.8);
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceRow {
    /// The probability of the most likely label.
    pub confidence: f64,
    /// Whether the row has one of the model's labels.
    pub in_scope: bool,
    /// Whether that is the most likely label; false for a row out of scope.
    pub right: bool,
}

/// The confidence below which answers should be withheld: halfway between two confidences of
/// `rows`, or 0 if every row should be answered. At least one row is. O(rows · log rows).
///
/// # Errors
///
/// [`Error::Empty`] without rows, or without rows out of scope where the target needs them;
/// [`Error::Config`] for a share outside 0 to 1; [`Error::Unreachable`] for a precision that no
/// threshold reaches.
pub fn abstention_threshold(rows: &[ConfidenceRow], target: Abstention) -> Result<f64> {
    validate(rows, target)?;
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let mut counts = AtThreshold::answering_all(&rows);
    let mut best = (counts.score(target), 0.0);
    for pair in rows.windows(2) {
        counts.withhold(&pair[0]);
        if pair[0].confidence < pair[1].confidence {
            let score = counts.score(target);
            if score > best.0 {
                best = (score, (pair[0].confidence + pair[1].confidence) / 2.0);
            }
        }
    }
    match target {
        Abstention::Precision(wanted) if best.0 < 1.0 => Err(Error::Unreachable {
            what: "precision of answered rows",
            wanted,
            best: AtThreshold::best_precision(&rows),
        }),
        _ => Ok(best.1),
    }
}

fn validate(rows: &[ConfidenceRow], target: Abstention) -> Result<()> {
    let share = match target {
        Abstention::Coverage(share) | Abstention::Precision(share) => Some(share),
        _ => None,
    };
    if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
        return Err(Error::config("abstention", share, "0 to 1"));
    }
    if rows.is_empty() || !rows.iter().any(|row| row.in_scope) {
        return Err(Error::Empty { what: "validation" });
    }
    if share.is_none() && rows.iter().all(|row| row.in_scope) {
        return Err(Error::Empty {
            what: "out-of-scope",
        });
    }
    Ok(())
}

/// What becomes of the rows at a threshold.
struct AtThreshold {
    all: ByScope,
    answered: ByScope,
    right: usize,
}

/// Numbers of rows in scope and out of scope.
#[derive(Clone, Copy)]
struct ByScope {
    inside: usize,
    outside: usize,
}

impl ByScope {
    fn sum(self) -> usize {
        self.inside + self.outside
    }
}

impl AtThreshold {
    fn answering_all(rows: &[ConfidenceRow]) -> Self {
        let inside = rows.iter().filter(|row| row.in_scope).count();
        let all = ByScope {
            inside,
            outside: rows.len() - inside,
        };
        let right = rows.iter().filter(|row| row.right).count();
        Self {
            all,
            answered: all,
            right,
        }
    }

    fn withhold(&mut self, row: &ConfidenceRow) {
        match row.in_scope {
            true => self.answered.inside -= 1,
            false => self.answered.outside -= 1,
        }
        self.right -= usize::from(row.right);
    }

    /// The larger the better; a share that is reached counts 1.
    fn score(&self, target: Abstention) -> f64 {
        let caught = (self.all.outside - self.answered.outside) as f64;
        let (inside, outside) = (self.all.inside as f64, self.all.outside as f64);
        match target {
            Abstention::Accuracy => (self.right as f64 + caught) / (inside + outside),
            Abstention::Balanced => (self.right as f64 / inside + caught / outside) / 2.0,
            Abstention::OutOfScopeF1 => {
                let withheld = caught + (self.all.inside - self.answered.inside) as f64;
                2.0 * caught / (withheld + outside)
            }
            // The highest threshold that keeps the share.
            Abstention::Coverage(share) if (self.answered.inside as f64) < share * inside => -1.0,
            Abstention::Coverage(_) => inside + outside - self.answered.sum() as f64,
            Abstention::Precision(share) => f64::from(u8::from(self.precision() >= share)),
        }
    }

    fn precision(&self) -> f64 {
        self.right as f64 / self.answered.sum().max(1) as f64
    }

    fn best_precision(sorted: &[ConfidenceRow]) -> f64 {
        let mut counts = Self::answering_all(sorted);
        let mut best = counts.precision();
        for pair in sorted.windows(2) {
            counts.withhold(&pair[0]);
            if pair[0].confidence < pair[1].confidence {
                best = best.max(counts.precision());
            }
        }
        best
    }
}
