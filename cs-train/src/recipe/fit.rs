//! [`Ready`]: rows and a model that training can begin with.

use cs_data::Utterance;
use cs_model::{Architecture, Manifest, Tasks};
use serde_json::json;

use super::fitted::{Fitted, Losses};
use super::start::Parts;
use super::{Recipe, Rows};
use crate::data::{Prepared, examples, tasks_of};
use crate::error::Result;
use crate::schedule::TrainConfig;
use crate::torch::objective::FineTune;
use crate::torch::run::{Observer, TrainReport};

/// Everything a run needs, read and checked; nothing is written yet. What [`Recipe::fit`] does in
/// one go, in two: so that there is time to tell what of the rows cannot be used.
#[derive(Debug)]
pub struct Ready<'r> {
    pub(super) recipe: &'r Recipe,
    pub(super) parts: Parts,
    pub(super) config: TrainConfig,
    pub(super) train: Prepared,
    pub(super) eval: Option<Prepared>,
    fingerprint: Option<String>,
}

impl Recipe {
    /// Makes or opens the model to start from and reads the rows.
    ///
    /// # Errors
    ///
    /// A start that cannot be used, settings out of range, a row that is invalid.
    pub fn prepare(&self, rows: Rows) -> Result<Ready<'_>> {
        let settings = &self.settings;
        let in_scope = rows.train.iter().map(|row| settings.in_scope(row.clone()));
        let tasks = Tasks {
            slot_head: settings.slots.unwrap_or(self.start.slot_head()),
            pooling: self.start.pooling(),
            ..tasks_of(in_scope)?
        };
        let parts = Parts::new(&self.start, &rows.train, &tasks, settings, None)?;
        Ready::new(self, parts, rows)
    }
}

impl<'r> Ready<'r> {
    pub(super) fn new(recipe: &'r Recipe, parts: Parts, rows: Rows) -> Result<Self> {
        let encoder = parts.model.config();
        if matches!(encoder.architecture(), Architecture::BiLstm(_)) {
            // Its products are so small that threads mostly wait for each other, and where another
            // process has a core they wait ten times longer than one thread works.
            tch::set_num_threads(1);
        }
        let (tasks, length) = (parts.model.tasks(), parts.max_length);
        let prepare = |rows: Vec<Utterance>| examples(rows, &parts.tokenizer, tasks, length);
        let (train, eval) = (prepare(rows.train)?, rows.eval.map(prepare).transpose()?);
        Ok(Self {
            recipe,
            config: recipe.settings.train_config(encoder),
            train,
            eval,
            parts,
            fingerprint: rows.fingerprint,
        })
    }

    /// Training texts that are longer than [`max_length`](Self::max_length): only their beginning
    /// is read.
    #[must_use]
    pub fn truncated(&self) -> usize {
        self.train.truncated()
    }

    /// The longest input in tokens.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.parts.max_length
    }

    /// Trains by the labels alone; see [`Recipe::fit`].
    ///
    /// # Errors
    ///
    /// Settings out of range, rows without labels, a checkpoint that cannot be written.
    pub fn fit(mut self, observer: &mut dyn Observer) -> Result<Fitted> {
        let (recipe, config) = (self.recipe, self.config.clone());
        let eval = self.eval.as_ref();
        let objective = FineTune::new(&mut self.parts.model, &self.train, eval, &config)?;
        let report = recipe.run(&objective, config, observer)?;
        self.finish(report)
    }

    /// The trained model, calibrated and scored on the validation rows, if there are any and nobody
    /// is in haste.
    pub(super) fn finish(self, report: TrainReport) -> Result<Fitted> {
        let eval_rows = self.eval.as_ref().map_or(0, |rows| rows.rows.len());
        let losses = Losses {
            truncated: self.train.truncated(),
            lost_spans: self.train.misaligned.len(),
            calibrated: self.eval.is_some(),
        };
        let kept = json!({
            "config": &self.config, "train_rows": self.train.rows.len(), "eval_rows": eval_rows,
            "truncated": losses.truncated, "lost_spans": losses.lost_spans, "calibrated": losses.calibrated,
        });
        let tasks = self.parts.model.tasks().clone();
        let words = self.parts.tokenizer.words();
        let mut fitted = Fitted {
            evaluation: None,
            model: self.parts.model,
            report,
            tokenizer: self.parts.tokenizer,
            manifest: Manifest {
                words,
                base_model: self.parts.base_model,
                licence: self.parts.licence,
                data_fingerprint: self.fingerprint,
                settings: kept,
                ..Manifest::new(tasks, self.parts.max_length)
            },
            eval_max_tokens: self.config.eval_max_tokens,
            oos_label: self.recipe.settings.oos_label.clone(),
            losses,
        };
        let hurry = fitted.report.interrupted && self.recipe.in_haste();
        if let Some(rows) = self.eval.filter(|_| !hurry) {
            fitted.calibrate(&rows)?;
            let evaluation = fitted.evaluate(&rows.rows)?;
            fitted.note_metrics("eval", &evaluation);
            fitted.evaluation = Some(evaluation);
        }
        Ok(fitted)
    }
}
