//! Scores a trained model on labelled data.
//!
//! ```text
//! cargo run --release --example evaluate -- --model target/quickstart/model --data test.jsonl --json
//! ```
//!
//! `--predictions F` also writes, a row a line, the tags that were compared, so that another scorer
//! can check the span F1. Builds without libtorch too (`-p cs-examples --no-default-features`).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::Utterance;
use cs_examples::{
    BackendKind, DataArgs, Outcome, Output, open, open_bundle, report, run, warn_unseen,
    write_predictions,
};
use cs_train::{EvaluateOptions, evaluate};

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
    #[arg(long, value_name = "LABEL")]
    oos_label: Option<String>,
    /// Write gold and predicted tags of every row to this file, as JSON lines
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
        if let Some(path) = &arguments.predictions {
            write_predictions(path, &rows, &answers)?;
        }
        let options = EvaluateOptions {
            oos_label: arguments.oos_label.as_deref(),
            tasks: Some(bundle.tasks()),
        };
        report(arguments.output.json, &evaluate(&rows, &answers, &options)?)?;
        Ok(Outcome::Passed)
    })
}
