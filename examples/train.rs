//! Trains a model on labelled data and writes a bundle.
//!
//! ```text
//! cargo run --release --example train -- --train train.csv --columns text=text,intent=category \
//!     --test test.csv --model light --out target/model
//! ```
//!
//! `--model light` learns word pieces and a BiLSTM from the training texts alone; a folder is a
//! Hugging Face model or a bundle to start from. Without `--eval`, a tenth of every intent's rows
//! is held out to choose the best epoch. Ctrl-C stops with a checkpoint in DIR/checkpoints, and
//! `--resume` goes on from the latest one there.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::{Dataset, Utterance};
use cs_examples::{
    Base, DataArgs, Error, Fitted, Outcome, Output, Progress, Result, Settings, fit, note, report,
    run, warn_unseen,
};
use serde_json::{Value, json};

/// Train a model on labelled data
#[derive(Parser)]
struct Arguments {
    /// Labelled rows to learn from
    #[arg(long, value_name = "PATH")]
    train: PathBuf,
    /// Labelled rows that choose the best epoch; a part of the training rows if left out
    #[arg(long, value_name = "PATH")]
    eval: Option<PathBuf>,
    /// The part held out then; 0 to train on every row and keep the last weights
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    holdout: f64,
    /// Labelled rows to score the result on
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    #[command(flatten)]
    format: DataArgs,
    /// light, or the folder of a model to start from
    #[arg(long, value_name = "light|DIR")]
    model: Base,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let (train, eval) = rows(&arguments)?;
        let test = arguments
            .test
            .as_deref()
            .map(|path| arguments.format.open(path))
            .transpose()?;
        if arguments.out.exists() && !arguments.out.is_dir() {
            let found = "not a folder".to_owned();
            return Err(Error::Unfit {
                path: arguments.out,
                found,
                expected: "a folder, or nothing yet",
            });
        }
        let (base, settings) = (&arguments.model, &arguments.settings);
        let mut progress = Progress::default();
        let mut fitted = fit(
            (&train, eval.as_ref()),
            base,
            settings,
            &arguments.out,
            &mut progress,
        )?;
        let summary = summary(&arguments, &mut fitted, test)?;
        fitted.write(&arguments.out)?;
        report(arguments.output.json, &summary)?;
        note(format_args!("the model is in {}", arguments.out.display()));
        Ok(Outcome::Passed)
    })
}

/// The rows to learn from and those to choose by.
fn rows(arguments: &Arguments) -> Result<(Dataset, Option<Dataset>)> {
    let all = arguments.format.open(&arguments.train)?;
    if let Some(path) = &arguments.eval {
        return Ok((all, Some(arguments.format.open(path)?)));
    }
    if arguments.holdout == 0.0 {
        return Ok((all, None));
    }
    let (train, eval) = all.stratified_split(arguments.holdout, arguments.settings.seed)?;
    Ok((train, Some(eval)))
}

fn summary(arguments: &Arguments, fitted: &mut Fitted, test: Option<Dataset>) -> Result<Value> {
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
    if let (Some(test), Some(path)) = (test, &arguments.test) {
        let rows: Vec<Utterance> = test.iter().collect();
        warn_unseen(path, &rows, fitted.tasks());
        let evaluation = fitted.evaluate(&rows)?;
        fitted.note_metrics("test", &evaluation);
        summary["test"] = json!(evaluation);
    }
    Ok(summary)
}
