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
//! faster; it then says which layers to keep in fp32, and `--auto` does. `--sensitivity` shows what
//! each layer alone costs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::Utterance;
use cs_examples::{
    DataArgs, GateArgs, Outcome, Output, QuantArgs, Result, layer_sensitivity, note, report, run,
    warn_unseen,
};
use cs_model::Bundle;
use cs_quant::Verdict;

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
    gate: GateArgs,
    #[command(flatten)]
    quantise: QuantArgs,
    /// First show what quantising each layer alone costs, on stderr
    #[arg(long)]
    sensitivity: bool,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let bundle = Bundle::open(&arguments.model)?;
        let rows = rows(&arguments, &bundle)?;
        let config = arguments.quantise.config();
        if arguments.sensitivity {
            for layer in layer_sensitivity(&bundle, &config, &rows)? {
                let metric = layer.metric_drop.map(|drop| format!("{:+.4}", -drop));
                note(format_args!(
                    "{:.5} (least {:.5}) {} {}",
                    layer.cosine,
                    layer.least_cosine,
                    metric.unwrap_or_default(),
                    layer.layer
                ));
            }
        }
        let (gate, out) = (&arguments.gate, &arguments.out);
        let verdict = gate.quantize(&bundle, out, &config, &rows)?;
        report(arguments.output.json, &verdict)?;
        Ok(explain(&arguments, &verdict, rows.is_empty()))
    })
}

fn rows(arguments: &Arguments, bundle: &Bundle) -> Result<Vec<Utterance>> {
    let Some(path) = &arguments.data else {
        return Ok(Vec::new());
    };
    let rows: Vec<Utterance> = arguments.format.open(path)?.iter().collect();
    warn_unseen(path, &rows, bundle.tasks());
    Ok(rows)
}

fn explain(arguments: &Arguments, verdict: &Verdict, unjudged: bool) -> Outcome {
    if unjudged {
        note(format_args!(
            "no --data: the quality of the answers was not compared"
        ));
    }
    let kept = verdict.keep_fp32.join(",");
    if verdict.accepted {
        if !kept.is_empty() {
            note(format_args!("kept in fp32: {kept}"));
        }
        note(format_args!("accepted: {}", arguments.out.display()));
        return Outcome::Passed;
    }
    if !kept.is_empty() && !arguments.gate.auto {
        note(format_args!(
            "it would keep its quality with --keep-fp32 {kept}, which --auto finds by itself"
        ));
    }
    note(format_args!("not accepted: nothing was written"));
    Outcome::Failed
}
