//! Scores a trained model on labelled data.
//!
//! ```text
//! cargo run --release --example evaluate -- --model target/quickstart/model --data test.jsonl --json
//! ```
//!
//! `--predictions F` also writes, a row a line, the tags that were compared, so that another scorer
//! can check the span F1. Without libtorch (`-p cs-examples --no-default-features`) the intent
//! accuracy and the span F1 are what is left.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::Utterance;
use cs_examples::{
    BackendKind, DataArgs, Outcome, Output, Result, open, open_bundle, report, run, warn_unseen,
};
use cs_model::{Tasks, Understanding};

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
    /// Intent of rows that are out of scope, for oos_recall
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "LABEL")]
    oos_label: Option<String>,
    /// Write gold and predicted tags of every row to this file, as JSON lines
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let bundle = open_bundle(&arguments.model)?;
        let rows: Vec<Utterance> = arguments.format.open(&arguments.data)?.iter().collect();
        warn_unseen(&arguments.data, &rows, bundle.tasks());
        let assistant = open(&arguments.model, arguments.backend)?;
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let answers = assistant.understand_batch(&texts)?;
        evaluate(&arguments, bundle.tasks(), (&rows, &answers))?;
        Ok(Outcome::Passed)
    })
}

#[cfg(feature = "torch")]
fn evaluate(
    arguments: &Arguments,
    tasks: &Tasks,
    (rows, answers): (&[Utterance], &[Understanding]),
) -> Result<()> {
    if let Some(path) = &arguments.predictions {
        cs_examples::write_predictions(path, rows, answers)?;
    }
    let options = cs_train::EvaluateOptions {
        oos_label: arguments.oos_label.as_deref(),
        tasks: Some(tasks),
    };
    report(
        arguments.output.json,
        &cs_train::evaluate(rows, answers, &options)?,
    )
}

#[cfg(not(feature = "torch"))]
fn evaluate(
    arguments: &Arguments,
    tasks: &Tasks,
    (rows, answers): (&[Utterance], &[Understanding]),
) -> Result<()> {
    report(
        arguments.output.json,
        &cs_examples::Score::of(rows, answers, tasks),
    )
}
