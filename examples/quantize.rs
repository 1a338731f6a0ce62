//! Turns a trained model into int8, and keeps it only if it answers as well.
//!
//! ```text
//! cargo run --release --example quantize -- --model target/quickstart/model --out target/int8 \
//!     --data test.jsonl --max-drop 0.005
//! ```
//!
//! Builds without libtorch too (`-p cs-examples --no-default-features`). The native runtime answers
//! the rows in fp32 and in int8; the metric is the mean of intent accuracy and span F1. Exit status
//! 1, and nothing written, if it falls by more than `--max-drop` or the model gets too little
//! faster.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::Utterance;
use cs_examples::{DataArgs, Gate, Outcome, Output, note, open_bundle, report, run, warn_unseen};

/// Quantise a trained model to int8, if it keeps its quality
#[derive(Parser)]
struct Arguments {
    /// Folder of the trained model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Labelled rows to compare on
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(flatten)]
    format: DataArgs,
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let bundle = open_bundle(&arguments.model)?;
        let rows: Vec<Utterance> = match &arguments.data {
            Some(path) => {
                let rows: Vec<Utterance> = arguments.format.open(path)?.iter().collect();
                warn_unseen(path, &rows, bundle.tasks());
                rows
            }
            None => {
                note(format_args!(
                    "no --data: the quality of the answers is not compared"
                ));
                Vec::new()
            }
        };
        let verdict = arguments.gate.quantize(&bundle, &arguments.out, &rows)?;
        report(arguments.output.json, &verdict)?;
        if rows.is_empty() {
            note(format_args!(
                "no --data: the quality of the answers was not compared"
            ));
        }
        if verdict.accepted {
            note(format_args!("accepted: {}", arguments.out.display()));
            return Ok(Outcome::Passed);
        }
        note(format_args!("not accepted: nothing was written"));
        Ok(Outcome::Failed)
    })
}
