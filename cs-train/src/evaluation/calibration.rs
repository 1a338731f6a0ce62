//! [`Calibrator`]: temperatures and the abstention threshold, chosen on validation data.
//!
//! `B` sequences, `N` packed tokens, `C` labels.

use cs_data::Utterance;
use cs_model::{Calibration, HeadOutput, Matrix};
use serde::{Deserialize, Serialize};

use crate::data::Example;
use crate::error::{Error, Result};

/// Temperatures lie within this and its inverse.
const MOST: f64 = 20.0;
/// Newton steps of [`fit_temperature`]; each at least halves the interval.
const STEPS: usize = 100;

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

/// Logits of validation rows and what they should have said.
///
/// Works on plain numbers, so that any runtime's outputs will do.
///
/// ```
/// use cs_data::{Encoding, Utterance};
/// use cs_model::{HeadOutput, Matrix};
/// use cs_train::data::Example;
/// use cs_train::evaluation::Calibrator;
///
/// let encoding = Encoding { ids: vec![2, 3], ..Encoding::default() };
/// let example = |intent| Example {
///     id: String::new(), encoding: encoding.clone(), intent: Some(intent), tags: None, sentiment: None,
/// };
/// let row = Utterance::new("", "hi");
/// let mut calibrator = Calibrator::new(None);
/// // Sure of it three times, once wrongly: that is too sure.
/// let intent = Matrix::new(3, 2, vec![4.0, 0.0, 4.0, 0.0, 4.0, 0.0])?;
/// let output = HeadOutput { intent: Some(intent), ..HeadOutput::default() };
/// let examples = [0, 0, 1].map(example);
/// calibrator.add(&output, examples.iter().map(|example| (&row, example)))?;
///
/// let calibration = calibrator.fit(None)?;
/// // Two of three: a difference of ln 2 is right, 4 was shown.
/// assert!((f64::from(calibration.intent_temperature) - 4.0 / 2f64.ln()).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Calibrator {
    oos_label: Option<String>,
    intents: Logits,
    slots: Logits,
    /// The logits of each row out of scope, `[C]`.
    out_of_scope: Vec<Vec<f32>>,
}

/// Rows of logits and the index of the right one.
#[derive(Debug, Clone, Default)]
struct Logits(Vec<(Vec<f32>, usize)>);

impl Calibrator {
    /// No rows yet. Rows with the intent `oos_label` are out of scope.
    #[must_use]
    pub fn new(oos_label: Option<&str>) -> Self {
        Self {
            oos_label: oos_label.map(str::to_owned),
            ..Self::default()
        }
    }

    /// Adds a packed batch: the output for `rows`, in order. A row or token without a target is
    /// left out, unless the row is out of scope.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if there are not as many rows or tokens as in the output, or a target is no
    /// label; [`Error::Logits`] for logits that are not finite.
    pub fn add<'a>(
        &mut self,
        output: &HeadOutput,
        rows: impl IntoIterator<Item = (&'a Utterance, &'a Example)>,
    ) -> Result<()> {
        let rows: Vec<_> = rows.into_iter().collect();
        let tokens = rows.iter().map(|(_, example)| example.encoding.ids.len());
        check_rows("intent logits", &output.intent, rows.len())?;
        check_rows("slot logits", &output.slots, tokens.sum())?;
        let mut first = 0;
        for (index, &(row, example)) in rows.iter().enumerate() {
            if let Some(logits) = &output.intent {
                self.add_intent(logits.row(index), (row, example))?;
            }
            let tokens = first..first + example.encoding.ids.len();
            first = tokens.end;
            // The probabilities of a conditional random field are no softmax of its logits.
            let slots = output
                .slots
                .as_ref()
                .filter(|_| output.transitions.is_none());
            if let (Some(logits), Some(tags)) = (slots, &example.tags) {
                for (token, tag) in tokens.zip(tags) {
                    let Some(tag) = tag else { continue };
                    self.slots
                        .push(logits.row(token), *tag as usize, &example.id)?;
                }
            }
        }
        Ok(())
    }

    fn add_intent(&mut self, logits: &[f32], (row, example): (&Utterance, &Example)) -> Result<()> {
        let known = |label: &str| Some(label) == self.oos_label.as_deref();
        if row.intent.as_deref().is_some_and(known) {
            check_finite(logits, &example.id)?;
            self.out_of_scope.push(logits.to_vec());
        } else if let Some(intent) = example.intent {
            self.intents.push(logits, intent, &example.id)?;
        }
        Ok(())
    }

    /// The calibration of what was added: the temperature of each task that has rows (see
    /// [`fit_temperature`]), then, if asked for, the threshold of the intents' confidences at that
    /// temperature (see [`abstention_threshold`]).
    ///
    /// # Errors
    ///
    /// As [`abstention_threshold`].
    pub fn fit(&self, abstention: Option<Abstention>) -> Result<Calibration> {
        let intent_temperature = self.intents.temperature();
        let threshold =
            abstention.map(|target| abstention_threshold(&self.scored(intent_temperature), target));
        Ok(Calibration {
            intent_temperature: intent_temperature as f32,
            slot_temperature: self.slots.temperature() as f32,
            // Below everything seen is no threshold.
            abstain_below: threshold
                .transpose()?
                .filter(|&t| t > 0.0)
                .map(|t| t as f32),
        })
    }

    /// Every intent row's answer at a temperature.
    #[must_use]
    pub fn scored(&self, temperature: f64) -> Vec<ConfidenceRow> {
        let in_scope = self.intents.0.iter().map(|(logits, target)| {
            let (best, confidence) = most_likely(logits, temperature);
            (confidence, true, best == *target)
        });
        let out = self.out_of_scope.iter();
        let out = out.map(|logits| (most_likely(logits, temperature).1, false, false));
        let scored = |(confidence, in_scope, right)| ConfidenceRow {
            confidence,
            in_scope,
            right,
        };
        in_scope.chain(out).map(scored).collect()
    }
}

impl Logits {
    fn push(&mut self, logits: &[f32], target: usize, id: &str) -> Result<()> {
        check_finite(logits, id)?;
        if target >= logits.len() {
            return Err(Error::Shape {
                what: format!("target of row {id:?}"),
                expected: format!("below {}", logits.len()),
                found: target.to_string(),
            });
        }
        self.0.push((logits.to_vec(), target));
        Ok(())
    }

    fn temperature(&self) -> f64 {
        fit_temperature(self.0.iter().map(|(logits, target)| (&logits[..], *target)))
    }
}

/// The temperature at which the logits' softmax is most likely to have given the targets: it
/// minimises the mean negative log-likelihood (Guo et al. 2017, section 4.2), which is convex in
/// its inverse. O(rows · C) a step, some ten steps.
///
/// Lies in 1/20 to 20. Stays 1 without rows, and where there is no minimum because every row is
/// right and so the surer the better: such data cannot tell how sure is too sure.
///
/// ```
/// let temperature = cs_train::evaluation::fit_temperature([(&[4.0, 0.0][..], 0), (&[4.0, 0.0], 0)]);
/// assert_eq!(temperature, 1.0);
/// ```
///
/// # Panics
///
/// If a target is not the index of a logit.
#[must_use]
pub fn fit_temperature<'a>(rows: impl IntoIterator<Item = (&'a [f32], usize)>) -> f64 {
    let rows: Vec<_> = rows.into_iter().collect();
    let slopes = |inverse: f64| {
        let terms = rows
            .iter()
            .map(|(logits, target)| slope(logits, *target, inverse));
        terms.fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1))
    };
    let (mut low, mut high) = (1.0 / MOST, MOST);
    if rows.is_empty() || slopes(high).0 <= 0.0 {
        return 1.0;
    }
    if slopes(low).0 >= 0.0 {
        return MOST;
    }
    let mut inverse: f64 = 1.0;
    for _ in 0..STEPS {
        let (first, second) = slopes(inverse);
        if first > 0.0 {
            high = inverse;
        } else {
            low = inverse;
        }
        let newton = inverse - first / second;
        let next = if newton > low && newton < high {
            newton
        } else {
            (low + high) / 2.0
        };
        let moved = (next - inverse).abs();
        inverse = next;
        if moved <= 1e-12 * inverse {
            break;
        }
    }
    1.0 / inverse
}

/// First and second derivative of a row's negative log-likelihood by the inverse temperature: how
/// far the expected logit lies above the target's, and the logits' variance.
fn slope(logits: &[f32], target: usize, inverse: f64) -> (f64, f64) {
    let largest = largest(logits);
    let (mut weight, mut mean, mut square) = (0.0, 0.0, 0.0);
    for &logit in logits {
        let below = f64::from(logit) - largest;
        let probability = (below * inverse).exp();
        weight += probability;
        mean += probability * below;
        square += probability * below * below;
    }
    let mean = mean / weight;
    let target = f64::from(logits[target]) - largest;
    (mean - target, (square / weight - mean * mean).max(0.0))
}

fn largest(logits: &[f32]) -> f64 {
    f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max))
}

/// The first largest logit and its probability, as decoding has them.
fn most_likely(logits: &[f32], temperature: f64) -> (usize, f64) {
    let largest = largest(logits);
    let best = logits.iter().position(|&l| f64::from(l) == largest);
    let terms = logits
        .iter()
        .map(|&l| ((f64::from(l) - largest) / temperature).exp());
    (best.unwrap_or(0), 1.0 / terms.sum::<f64>())
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
    let mut counts = Counts::answering_all(&rows);
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
            best: Counts::best_precision(&rows),
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
        return Err(Error::Config {
            field: "abstention",
            value: share.to_string(),
            expected: "0 to 1",
        });
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
struct Counts {
    /// The rows in scope, and those out of scope.
    all: (usize, usize),
    answered: (usize, usize),
    right: usize,
}

impl Counts {
    fn answering_all(rows: &[ConfidenceRow]) -> Self {
        let inside = rows.iter().filter(|row| row.in_scope).count();
        let all = (inside, rows.len() - inside);
        let right = rows.iter().filter(|row| row.right).count();
        Self {
            all,
            answered: all,
            right,
        }
    }

    fn withhold(&mut self, row: &ConfidenceRow) {
        match row.in_scope {
            true => self.answered.0 -= 1,
            false => self.answered.1 -= 1,
        }
        self.right -= usize::from(row.right);
    }

    /// The larger the better; a share that is reached counts 1.
    fn score(&self, target: Abstention) -> f64 {
        let caught = (self.all.1 - self.answered.1) as f64;
        let (inside, outside) = (self.all.0 as f64, self.all.1 as f64);
        match target {
            Abstention::Accuracy => (self.right as f64 + caught) / (inside + outside),
            Abstention::Balanced => (self.right as f64 / inside + caught / outside) / 2.0,
            Abstention::OutOfScopeF1 => {
                let withheld = caught + (self.all.0 - self.answered.0) as f64;
                2.0 * caught / (withheld + outside)
            }
            // The highest threshold that keeps the share.
            Abstention::Coverage(share) if (self.answered.0 as f64) < share * inside => -1.0,
            Abstention::Coverage(_) => {
                inside + outside - (self.answered.0 + self.answered.1) as f64
            }
            Abstention::Precision(share) => f64::from(u8::from(self.precision() >= share)),
        }
    }

    fn precision(&self) -> f64 {
        self.right as f64 / (self.answered.0 + self.answered.1).max(1) as f64
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

fn check_finite(logits: &[f32], id: &str) -> Result<()> {
    match logits.iter().find(|logit| !logit.is_finite()) {
        None => Ok(()),
        Some(&value) => Err(Error::Logits {
            id: id.to_owned(),
            value: f64::from(value),
        }),
    }
}

fn check_rows(what: &str, logits: &Option<Matrix>, expected: usize) -> Result<()> {
    match logits {
        Some(logits) if logits.rows != expected => Err(Error::Shape {
            what: what.to_owned(),
            expected: format!("{expected} rows"),
            found: logits.rows.to_string(),
        }),
        _ => Ok(()),
    }
}
