//! Training as the examples do it: rows and a base model in, a bundle out.

use std::path::Path;

use cs_data::Dataset;
use cs_model::{EncoderConfig, Manifest, Tasks};
use cs_train::data::{Prepared, examples, tasks_of};
use cs_train::objective::{FineTune, Objective};
use cs_train::run::{Observer, Observers, TrainReport, Trainer};
use cs_train::schedule::TrainConfig;
use cs_train::tensorboard::TensorBoard;
use serde_json::json;

use crate::base::{Base, Start};
use crate::error::Result;
use crate::fitted::{Fitted, Losses};
use crate::interrupt::{interrupted, stop_on_interrupt};
use crate::lines::note_cut;
use crate::out::checkpoints;
use crate::run::note;
use crate::settings::Settings;

/// Everything a run needs, read and checked; nothing is written yet.
pub(crate) struct Ready {
    pub(crate) start: Start,
    pub(crate) config: TrainConfig,
    pub(crate) train: Prepared,
    pub(crate) eval: Option<Prepared>,
    fingerprint: String,
    oos_label: Option<String>,
}

/// Trains on the first of `data`, validates on the second, keeps checkpoints in `out`/checkpoints and
/// records the run for TensorBoard in `out`/runs. Nothing is written before the settings and the rows
/// have been checked. For the light model, libtorch is set to one thread for the whole process.
///
/// # Errors
///
/// A base model that cannot be used, settings out of range, rows without labels, a checkpoint that
/// cannot be written.
pub fn fit(
    data: (&Dataset, Option<&Dataset>),
    base: &Base,
    settings: &Settings,
    out: &Path,
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let tasks = Tasks {
        slot_head: settings.slots.unwrap_or(base.slot_head()),
        pooling: base.pooling(),
        ..tasks_of(data.0.iter().map(|row| settings.in_scope(row)))
    };
    let start = Start::new(base, data.0, &tasks, settings, None)?;
    let mut ready = Ready::new(data, start, settings)?;
    let config = ready.config.clone();
    let eval = ready.eval.as_ref();
    let objective = FineTune::new(&mut ready.start.model, &ready.train, eval, &config)?;
    let report = run_of(&objective, config, (settings, out), observer)?;
    ready.finish(report)
}

/// Runs an objective, with checkpoints and a recording in `out`.
pub(crate) fn run_of(
    objective: &dyn Objective,
    config: TrainConfig,
    (settings, out): (&Settings, &Path),
    observer: &mut dyn Observer,
) -> Result<TrainReport> {
    let trainer = Trainer::new(config, checkpoints(out))?.resume(settings.resume);
    let mut board = TensorBoard::new(out.join("runs"))?;
    let mut stop = stop_on_interrupt();
    let mut observers = Observers(vec![observer, &mut board, &mut stop]);
    Ok(trainer.run(objective, &mut observers)?)
}

impl Ready {
    pub(crate) fn new(
        (train, eval): (&Dataset, Option<&Dataset>),
        start: Start,
        settings: &Settings,
    ) -> Result<Self> {
        if matches!(start.model.config(), EncoderConfig::BiLstm(_)) {
            // Its products are so small that threads mostly wait for each other, and where another
            // process has a core they wait ten times longer than one thread works.
            tch::set_num_threads(1);
        }
        let (tasks, length) = (start.model.tasks(), start.max_length);
        let prepare = |rows: &Dataset| examples(rows.iter(), &start.tokenizer, tasks, length);
        let (train_rows, eval_rows) = (prepare(train)?, eval.map(prepare).transpose()?);
        note_cut(train_rows.truncated(), start.max_length);
        Ok(Self {
            config: settings.train_config(start.model.config()),
            train: train_rows,
            eval: eval_rows,
            start,
            fingerprint: train.fingerprint(),
            oos_label: settings.oos_label.clone(),
        })
    }

    /// The trained model, calibrated and scored on the validation rows, if there are any and no signal
    /// calls for haste.
    pub(crate) fn finish(self, report: TrainReport) -> Result<Fitted> {
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
        if !losses.calibrated {
            note(format_args!(
                "warning: without rows held out (--holdout, --eval) the last weights are kept, and confidences are \
                 not calibrated: they say more than they should"
            ));
        }
        let tasks = self.start.model.tasks().clone();
        let words = self.start.tokenizer.words();
        let mut fitted = Fitted {
            evaluation: None,
            model: self.start.model,
            report,
            tokenizer: self.start.tokenizer,
            manifest: Manifest {
                words,
                base_model: self.start.base_model,
                licence: self.start.licence,
                data_fingerprint: Some(self.fingerprint),
                settings: kept,
                ..Manifest::new(tasks, self.start.max_length)
            },
            eval_max_tokens: self.config.eval_max_tokens,
            oos_label: self.oos_label,
            losses,
        };
        if let Some(rows) = self
            .eval
            .filter(|_| !fitted.report.interrupted || !interrupted())
        {
            fitted.calibrate(&rows)?;
            let evaluation = fitted.evaluate(&rows.rows)?;
            fitted.note_metrics("eval", &evaluation);
            fitted.evaluation = Some(evaluation);
        }
        Ok(fitted)
    }
}
