//! What `train`, `distill` and `prune` have in common: their arguments and their result.

use std::path::{Path, PathBuf};

use clap::Args;
use cs_data::{Dataset, Utterance};
use serde_json::{Value, json};

use crate::base::Base;
use crate::cli::{DataArgs, Output};
use crate::error::{Error, Result};
use crate::fitted::Fitted;
use crate::run::{note, report};
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
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub holdout: f64,
    /// Labelled rows to score the result on
    #[arg(long, value_name = "PATH")]
    pub test: Option<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub format: DataArgs,
    /// light, mini, or the folder of a model to start from
    #[arg(long, value_name = "light|mini|DIR")]
    pub model: Base,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How to train.
    #[command(flatten)]
    pub settings: Settings,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// The rows that [`TrainArgs`] name.
#[derive(Debug)]
pub struct TrainData {
    /// To learn from.
    pub train: Dataset,
    /// To choose by.
    pub eval: Option<Dataset>,
    /// To score the result on.
    pub test: Option<Dataset>,
}

impl TrainArgs {
    /// Reads the rows, and checks that the result can be written.
    ///
    /// # Errors
    ///
    /// A file that cannot be read; an `--out` that is no folder.
    pub fn open(&self) -> Result<TrainData> {
        if self.out.exists() && !self.out.is_dir() {
            return Err(Error::Unfit {
                path: self.out.clone(),
                found: "not a folder".to_owned(),
                expected: "a folder, or nothing yet",
            });
        }
        let all = self.format.open(&self.train)?;
        let test = self.test.as_deref().map(|path| self.format.open(path));
        let test = test.transpose()?;
        let (train, eval) = match &self.eval {
            Some(path) => (all, Some(self.format.open(path)?)),
            None if self.holdout == 0.0 => (all, None),
            None => {
                let (train, eval) = all.stratified_split(self.holdout, self.settings.seed)?;
                (train, Some(eval))
            }
        };
        Ok(TrainData { train, eval, test })
    }

    /// Scores the model on the test rows, writes its bundle and reports both.
    ///
    /// # Errors
    ///
    /// A row that is invalid, a folder that cannot be written.
    pub fn close(&self, fitted: Fitted, test: Option<&Dataset>) -> Result<()> {
        let summary = self.save(fitted, test)?;
        self.report(&summary)
    }

    /// Scores the model on the test rows and writes its bundle; what there is to report.
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    pub fn save(&self, mut fitted: Fitted, test: Option<&Dataset>) -> Result<Value> {
        let mut summary = json!({
            "steps": fitted.report.steps,
            "best_step": fitted.report.best_step,
            "resumed_from": fitted.report.resumed_from,
            "interrupted": fitted.report.interrupted,
            "eval": fitted.evaluation,
            "tokens_per_second": fitted.report.tokens_per_second,
            "examples_per_second": fitted.report.examples_per_second,
            "seconds": fitted.report.seconds,
        });
        if let (Some(test), Some(path)) = (test, &self.test) {
            summary["test"] = self.test(&mut fitted, test, path)?;
        }
        fitted.write(&self.out)?;
        Ok(summary)
    }

    /// Reports what [`save`](Self::save) has returned.
    ///
    /// # Errors
    ///
    /// [`Error::Stdout`].
    pub fn report(&self, summary: &Value) -> Result<()> {
        report(self.output.json, summary)?;
        note(format_args!("the model is in {}", self.out.display()));
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
