//! Scores a trained model on labelled data.
//!
//! ```text
//! cargo run --release --example evaluate -- --model target/quickstart/model --data test.jsonl \
//!     --report target/evaluation --json
//! ```
//!
//! `--report` writes everything about the evaluation as `report.html` and `report.json`: classes,
//! confusions, calibration, wrong rows. Intervals hold 95 % of `--bootstrap` resamples of the rows.
//! `--predictions F` writes, a row a line, the tags that were compared, so that another scorer can
//! check the span F1. Rows without any label of the model's tasks are refused. Builds without
//! libtorch too (`-p cs-examples --no-default-features`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use cs_data::Utterance;
use cs_examples::{
    BackendKind, DataArgs, Error, LengthArgs, Outcome, Output, Result, note_cut, open,
    refuse_input, report, run, warn_unseen, write_predictions,
};
use cs_model::{Calibration, Intent, Tasks, Understanding};
use cs_train::evaluation::{EvaluateOptions, Evaluation};
use cs_train::metrics::{Bootstrap, Interval};
use cs_train::report::{EvaluationReport, ReportConfig};
use serde::Serialize;

/// Score a trained model on labelled data
#[derive(Parser)]
struct Arguments {
    /// Folder of the trained model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Labelled rows
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    #[command(flatten)]
    format: DataArgs,
    /// What runs the model
    #[arg(long, value_enum, default_value = "native")]
    backend: BackendKind,
    #[command(flatten)]
    length: LengthArgs,
    /// Intent of rows that are out of scope, for the oos figures: such a row is right if the model
    /// abstains or answers this
    #[arg(long, value_name = "LABEL")]
    oos_label: Option<String>,
    /// Write gold and predicted tags of every row to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Write a report: report.html and report.json in this folder, or one file that ends in .html
    /// or .json. It quotes wrong rows
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,
    /// Resamples of the rows, for the intervals; 0: none
    #[arg(long, value_name = "N", default_value_t = 1000)]
    bootstrap: usize,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// How the figures' intervals are found, if they are asked for.
    fn bootstrap(&self) -> Option<Bootstrap> {
        (self.bootstrap > 0).then(|| Bootstrap {
            resamples: self.bootstrap,
            ..Bootstrap::default()
        })
    }
}

/// The figures, and where they probably lie.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    evaluation: Evaluation,
    intervals: BTreeMap<String, Interval>,
    /// Rows of which only the beginning was read.
    truncated: usize,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        for output in [&arguments.predictions, &arguments.report]
            .into_iter()
            .flatten()
        {
            refuse_input(output, &[&arguments.data])?;
        }
        let assistant = open(&arguments.model, arguments.backend, arguments.length)?;
        let tasks = assistant.bundle().tasks().clone();
        let data = arguments.format.open(&arguments.data)?;
        let rows: Vec<Utterance> = data.iter().collect();
        check_labelled(&arguments.data, &rows, &tasks)?;
        warn_unseen(&arguments.data, &rows, &tasks);
        // The threshold is applied in the evaluation, where confidences below it still count.
        let calibration = assistant.bundle().calibration();
        let assistant = assistant.with_calibration(Calibration {
            abstain_below: None,
            ..calibration
        })?;
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let answers = assistant.understand_batch(&texts)?;
        if let Some(path) = &arguments.predictions {
            write_predictions(path, &rows, &decided(&answers, calibration.abstain_below))?;
        }
        let options = EvaluateOptions {
            oos_label: arguments.oos_label.as_deref(),
            tasks: Some(&tasks),
            abstain_below: calibration.abstain_below,
        };
        let about = [
            ("model", arguments.model.display().to_string()),
            ("data", arguments.data.display().to_string()),
            ("data fingerprint", data.fingerprint()),
            ("backend", assistant.backend().name().to_owned()),
            (
                "temperature of intents",
                calibration.intent_temperature.to_string(),
            ),
        ];
        let config = ReportConfig {
            bootstrap: arguments.bootstrap(),
            about: about.map(|(name, value)| (name.to_owned(), value)).into(),
            ..ReportConfig::default()
        };
        let full = EvaluationReport::of(&rows, &answers, &options, &config)?;
        if let Some(path) = &arguments.report {
            full.write(path)?;
        }
        let figures = Figures {
            evaluation: full.evaluation,
            intervals: full.intervals,
            truncated: answers.iter().filter(|answer| answer.truncated).count(),
        };
        note_cut(figures.truncated, assistant.bundle().max_length());
        report(arguments.output.json, &figures)?;
        Ok(Outcome::Passed)
    })
}

/// Refuses rows that say nothing about any of the model's heads.
fn check_labelled(path: &Path, rows: &[Utterance], tasks: &Tasks) -> Result<()> {
    let labelled = |row: &Utterance| {
        (tasks.intent.is_some() && row.intent.is_some())
            || (tasks.slots.is_some() && !row.spans.is_empty())
            || (tasks.sentiment && row.sentiment.is_some())
    };
    if rows.iter().any(labelled) {
        return Ok(());
    }
    Err(Error::Unfit {
        path: path.to_owned(),
        found: format!(
            "none of {} rows has a label of {}",
            rows.len(),
            tasks.heads().join(", ")
        ),
        expected: "labelled rows (--columns says where the labels are)",
    })
}

/// The answers with no intent where it is not sure enough.
fn decided(answers: &[Understanding], least: Option<f32>) -> Vec<Understanding> {
    let mut decided = answers.to_vec();
    for answer in &mut decided {
        let sure = |intent: &Intent| least.is_none_or(|least| intent.confidence >= least);
        answer.intent = answer.intent.take().filter(sure);
    }
    decided
}
