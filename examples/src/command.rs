//! What `train`, `distill` and `prune` have in common: their arguments and their result.

use std::path::{Path, PathBuf};

use clap::Args;
use cs_data::{Dataset, Utterance};
use cs_model::Bundle;
use cs_train::recipe::{Fitted, Losses, Recipe, Rows, Start};
use serde_json::{Value, json};

use crate::cli::{DataArgs, Output};
use crate::error::{Error, Result};
use crate::labels::need_labels;
use crate::number;
use crate::out::{Claim, REPORT, RunOutArgs};
use crate::run::{Outcome, note, report};
use crate::settings::Settings;
use crate::unseen::warn_unseen;

/// Rows in, a model out.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Labelled rows to learn from
    #[arg(long, value_name = "PATH")]
    pub train: PathBuf,
    /// Labelled rows that choose the best epoch; a part of the training rows if left out
    #[arg(long, value_name = "PATH")]
    pub eval: Option<PathBuf>,
    /// The part held out then; 0 to train on every row and keep the last weights
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = number::share)]
    pub holdout: f64,
    /// Labelled rows to score the result on
    #[arg(long, value_name = "PATH")]
    pub test: Option<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub format: DataArgs,
    /// light, mini, or the folder of a model to start from
    #[arg(long, value_name = "light|mini|DIR")]
    pub model: Start,
    /// Where the result goes.
    #[command(flatten)]
    pub out: RunOutArgs,
    /// How to train.
    #[command(flatten)]
    pub settings: Settings,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// What was known when the epoch, the temperatures and the threshold were chosen, and so says too
/// much good of them.
const CHOSEN: [&str; 3] = ["epoch", "temperature", "threshold"];

/// The rows that [`TrainArgs`] name, and the folder that is theirs.
#[derive(Debug)]
pub struct TrainData {
    _claim: Claim,
    /// To learn from.
    pub train: Dataset,
    /// To choose by.
    pub eval: Option<Dataset>,
    /// To score the result on.
    pub test: Option<Dataset>,
}

impl TrainArgs {
    /// Takes the folder to write and reads the rows; `None` if the run has finished before, which
    /// is then reported again.
    ///
    /// # Errors
    ///
    /// A folder that may not be written to; a file that cannot be read, or in which no row is
    /// labelled; rows of which none can be held out.
    pub fn open(&self) -> Result<Option<TrainData>> {
        let claim = self.out.claim(self.settings.resume)?;
        let labelled = |path: &Path| -> Result<Dataset> {
            let rows = self.format.open(path)?;
            need_labels(path, &rows)?;
            Ok(rows)
        };
        let all = labelled(&self.train)?;
        let test = self.test.as_deref().map(labelled).transpose()?;
        let (train, eval) = match &self.eval {
            Some(path) => (all, Some(labelled(path)?)),
            None if self.holdout == 0.0 => (all, None),
            None => {
                let seed = self.settings.seed;
                let (train, eval) = hold_out(&all, &self.train, self.holdout, seed)?;
                (train, Some(eval))
            }
        };
        let (out, fingerprint) = (&self.out.out.dir, train.fingerprint());
        let config = |bundle: &Bundle| self.settings.train_config(bundle.config());
        if let Some(summary) = claim.finished(out, &fingerprint, config)? {
            self.report(&summary)?;
            return Ok(None);
        }
        Ok(Some(TrainData {
            _claim: claim,
            train,
            eval,
            test,
        }))
    }

    /// How the model is made, and where.
    ///
    /// # Errors
    ///
    /// A `--model` that is neither known nor there.
    pub fn recipe(&self) -> Result<Recipe> {
        check_start(&self.model)?;
        Ok(self.settings.recipe(&self.model, &self.out.out.dir))
    }

    /// Scores the model on the test rows, writes its bundle and reports both. A run that was
    /// interrupted before its end writes no bundle, and does not pass.
    ///
    /// # Errors
    ///
    /// A row that is invalid, a folder that cannot be written.
    pub fn close(&self, fitted: Fitted, data: &TrainData) -> Result<Outcome> {
        if fitted.report.interrupted {
            return self.interrupted(&fitted);
        }
        let summary = self.save(fitted, data)?;
        self.report(&summary)?;
        Ok(Outcome::Passed)
    }

    /// Reports a run that has to go on: nothing but its checkpoint is written.
    ///
    /// # Errors
    ///
    /// [`Error::Stdout`].
    pub fn interrupted(&self, fitted: &Fitted) -> Result<Outcome> {
        note_uncalibrated(fitted.losses);
        report(self.output.json, &summary(fitted))?;
        note_interrupted(fitted.report.steps);
        Ok(Outcome::Failed)
    }

    /// Scores the model on the test rows, writes its bundle and removes the checkpoints; what there
    /// is to report.
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    pub fn save(&self, mut fitted: Fitted, data: &TrainData) -> Result<Value> {
        note_uncalibrated(fitted.losses);
        let mut summary = summary(&fitted);
        if let (Some(test), Some(path)) = (&data.test, &self.test) {
            summary["test"] = self.test(&mut fitted, test, path)?;
        }
        if fitted.evaluation.is_some() {
            summary["eval_chose"] = json!(CHOSEN);
            fitted.note_setting("eval_chose", json!(CHOSEN));
            note(format_args!(
                "eval.* is of the rows that also chose the {}: the figures of rows that chose nothing (--test) are \
                 lower",
                CHOSEN.join(", ")
            ));
        }
        fitted.note_setting(REPORT, summary.clone());
        fitted.write(&self.out.out.dir)?;
        self.out.finish()?;
        Ok(summary)
    }

    /// Reports what [`save`](Self::save) has returned.
    ///
    /// # Errors
    ///
    /// [`Error::Stdout`].
    pub fn report(&self, summary: &Value) -> Result<()> {
        report(self.output.json, summary)?;
        note(format_args!(
            "the model is in {}",
            self.out.out.dir.display()
        ));
        Ok(())
    }

    fn test(&self, fitted: &mut Fitted, test: &Dataset, path: &Path) -> Result<Value> {
        let rows: Vec<Utterance> = test.iter().collect();
        warn_unseen(path, &rows, fitted.tasks());
        let evaluation = fitted.evaluate(&rows)?;
        fitted.note_metrics("test", &evaluation);
        Ok(json!(evaluation))
    }
}

impl TrainData {
    /// The rows to learn from and those to choose by.
    pub fn rows(&self) -> Rows {
        rows_of(&self.train, self.eval.as_ref())
    }
}

/// The rows of data sets, with the fingerprint of those to learn from.
pub fn rows_of(train: &Dataset, eval: Option<&Dataset>) -> Rows {
    Rows {
        train: train.iter().collect(),
        eval: eval.map(|rows| rows.iter().collect()),
        fingerprint: Some(train.fingerprint()),
    }
}

fn check_start(start: &Start) -> Result<()> {
    match start {
        Start::Folder(folder) if !folder.exists() => Err(Error::Unfit {
            path: folder.clone(),
            found: "no such folder".to_owned(),
            expected: "light, mini or the folder of a model (--model)",
        }),
        _ => Ok(()),
    }
}

fn note_uncalibrated(losses: Losses) {
    if !losses.calibrated {
        note(format_args!(
            "warning: without rows held out (--holdout, --eval) the last weights are kept, and confidences are \
             not calibrated: they say more than they should"
        ));
    }
}

fn summary(fitted: &Fitted) -> Value {
    json!({
        "steps": fitted.report.steps,
        "best_step": fitted.report.best_step,
        "resumed_from": fitted.report.resumed_from,
        "interrupted": fitted.report.interrupted,
        "eval": fitted.evaluation,
        "truncated": fitted.losses.truncated,
        "lost_spans": fitted.losses.lost_spans,
        "calibrated": fitted.losses.calibrated,
        "tokens_per_second": fitted.report.tokens_per_second,
        "examples_per_second": fitted.report.examples_per_second,
        "seconds": fitted.report.seconds,
    })
}

/// Tells how to go on with a run that a signal has stopped.
pub fn note_interrupted(steps: usize) {
    note(format_args!(
        "interrupted after step {steps}: no model was written; --resume goes on from the checkpoint"
    ));
}

/// Splits off validation rows by a share and a seed: dialogues, and rows with their copies, as a
/// whole.
///
/// # Errors
///
/// Rows of which none can be held out: `path` is where they are from.
pub fn hold_out(all: &Dataset, path: &Path, share: f64, seed: u64) -> Result<(Dataset, Dataset)> {
    let (train, eval) = all.stratified_split(share, seed)?;
    if eval.is_empty() {
        return Err(Error::Unfit {
            path: path.to_owned(),
            found: format!(
                "{} rows of which none can be held out to choose by: each is the last of its label, or they are \
                 all of one dialogue or copies of each other",
                all.len()
            ),
            expected: "more rows, --eval with others, or --holdout 0",
        });
    }
    Ok((train, eval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_neither_known_nor_there_is_named() {
        let line = check_start(&"lite".parse().unwrap()).unwrap_err().line();
        assert_eq!(
            line,
            "lite: no such folder, expected light, mini or the folder of a model (--model)"
        );
        assert!(check_start(&Start::Light).is_ok());
    }
}
