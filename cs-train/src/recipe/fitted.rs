//! [`Fitted`]: a trained model on its way into a bundle.

use std::path::Path;

use cs_data::{Tokenizer, Utterance};
use cs_model::{Bundle, BundleWriter, Calibration, Manifest, Model, Tasks};
use serde_json::Value;

use crate::data::{Prepared, examples};
use crate::error::Result;
use crate::evaluation::{Abstention, EvaluateOptions, Evaluation, evaluate};
use crate::torch::inference::{calibrate, predict};
use crate::torch::run::TrainReport;

/// A trained model and how it came about.
#[derive(Debug)]
pub struct Fitted {
    /// The model with its best weights.
    pub model: Model,
    /// How the run went.
    pub report: TrainReport,
    /// Its figures on the validation rows, if there were any.
    pub evaluation: Option<Evaluation>,
    /// What of the rows could not be used.
    pub losses: Losses,
    pub(super) tokenizer: Tokenizer,
    pub(super) manifest: Manifest,
    pub(super) eval_max_tokens: usize,
    pub(super) oos_label: Option<String>,
}

/// What training could not use, and did not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// Training rows of which only the beginning was read.
    pub truncated: usize,
    /// Training spans that no tags can express.
    pub lost_spans: usize,
    /// Whether confidences were fitted to rows held out.
    pub calibrated: bool,
}

impl Fitted {
    /// Fits the temperatures to rows that were not trained on and, if some of them are out of
    /// scope, the threshold below which there is no intent.
    pub(super) fn calibrate(&mut self, rows: &Prepared) -> Result<()> {
        let oos = self.oos_label.as_deref();
        let foreign = |row: &Utterance| oos.is_some() && row.intent.as_deref() == oos;
        let threshold = rows
            .rows
            .iter()
            .any(foreign)
            .then_some(Abstention::Balanced);
        let length = self.eval_max_tokens;
        self.manifest.calibration = calibrate(&self.model, rows, length, oos, threshold)?;
        Ok(())
    }

    /// Scores the model on other rows. Labels it does not know count as wrong.
    ///
    /// # Errors
    ///
    /// If a row is invalid or the model fails.
    pub fn evaluate(&self, rows: &[Utterance]) -> Result<Evaluation> {
        let (tasks, length) = (&self.manifest.tasks, self.manifest.max_length);
        let prepared = examples(rows.iter().cloned(), &self.tokenizer, tasks, length)?;
        // The figures about confidence want to see what is below the threshold as well.
        let calibration = Calibration {
            abstain_below: None,
            ..self.manifest.calibration
        };
        let answers = predict(&self.model, &prepared, self.eval_max_tokens, &calibration)?;
        let options = EvaluateOptions {
            tasks: Some(tasks),
            oos_label: self.oos_label.as_deref(),
            abstain_below: self.manifest.calibration.abstain_below,
        };
        evaluate(rows, &answers, &options)
    }

    /// Puts figures into the bundle's manifest, as `SET.FIGURE`.
    pub fn note_metrics(&mut self, set: &str, evaluation: &Evaluation) {
        let figures = serde_json::to_value(evaluation).unwrap_or(Value::Null);
        for (name, figure) in figures.as_object().into_iter().flatten() {
            if let Some(figure) = figure.as_f64() {
                self.manifest
                    .metrics
                    .insert(format!("{set}.{name}"), figure);
            }
        }
    }

    /// Puts how the model came about into the bundle's manifest, beside the settings of training.
    pub fn note_setting(&mut self, name: &str, value: Value) {
        self.manifest.settings[name] = value;
    }

    /// The heads and their labels.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.manifest.tasks
    }

    /// Writes the bundle.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written; a bundle that was there before stays whole.
    pub fn write(&self, out: &Path) -> Result<()> {
        write_bundle(out, &self.model, &self.tokenizer, &self.manifest)
    }
}

/// Writes a model with its tokenizer and its manifest.
pub(super) fn write_bundle(
    out: &Path,
    model: &Model,
    tokenizer: &Tokenizer,
    manifest: &Manifest,
) -> Result<()> {
    let mut writer = BundleWriter::new(out)?;
    let config = model.config().with_fp32_weights();
    writer.write("config.json", &config.to_json()?)?;
    writer.write("tokenizer.json", &tokenizer.to_json()?)?;
    writer.write_with(Bundle::WEIGHTS, |path| model.save_weights(path))?;
    writer.finish(manifest.clone())?;
    Ok(())
}
