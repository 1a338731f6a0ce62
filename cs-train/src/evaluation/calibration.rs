//! [`Calibrator`]: temperatures and the abstention threshold, chosen on validation data.
//!
//! `B` sequences, `N` packed tokens, `C` labels.

use cs_data::Utterance;
use cs_model::{Calibration, HeadOutput, Matrix};

use super::abstention::{Abstention, ConfidenceRow, abstention_threshold};
use super::temperature::{fit_temperature, largest};
use crate::data::Example;
use crate::error::{Error, Result};

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
                self.add_intent(logits.row(index), row, example)?;
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

    fn add_intent(&mut self, logits: &[f32], row: &Utterance, example: &Example) -> Result<()> {
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
            ConfidenceRow {
                confidence,
                in_scope: true,
                right: best == *target,
            }
        });
        let out = self.out_of_scope.iter().map(|logits| ConfidenceRow {
            confidence: most_likely(logits, temperature).1,
            in_scope: false,
            right: false,
        });
        in_scope.chain(out).collect()
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

/// The first largest logit and its probability, as decoding has them.
fn most_likely(logits: &[f32], temperature: f64) -> (usize, f64) {
    let largest = largest(logits);
    let best = logits.iter().position(|&l| f64::from(l) == largest);
    let terms = logits
        .iter()
        .map(|&l| ((f64::from(l) - largest) / temperature).exp());
    (best.unwrap_or(0), 1.0 / terms.sum::<f64>())
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
