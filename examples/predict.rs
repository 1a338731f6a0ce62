//! Answers texts with a trained model: intent, entities, sentiment.
//!
//! ```text
//! echo '查询订单12345' | cargo run --release --example predict -- --model target/quickstart/int8
//! cargo run --release --example predict -p cs-examples --no-default-features -- \
//!     --model target/quickstart/int8 --input questions.txt --json
//! ```
//!
//! The second form builds without libtorch. Lines from a file are answered in batches, those from
//! standard input as they come. A line in which the model can read nothing, an empty one say, has
//! no intent, nor has one below the model's threshold; `intents` ranks the likeliest all the same.
//! A line that cannot be answered leaves `{"error": …, "line": N}` in its place, and the exit
//! status is 2.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    BackendKind, InputArgs, LengthArgs, Logits, Outcome, Output, Result, answer_lines, note_cut,
    open, print, print_json, readable, run,
};
use cs_model::Understanding;
use serde::Serialize;

/// Texts of a file answered at a time.
const BATCH: usize = 64;

/// Answer texts with a trained model
#[derive(Parser)]
struct Arguments {
    /// Folder of the trained model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// What runs the model
    #[arg(long, value_enum, default_value = "native")]
    backend: BackendKind,
    #[command(flatten)]
    length: LengthArgs,
    /// Also print the heads' raw outputs
    #[arg(long)]
    logits: bool,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(predict)
}

fn predict(arguments: Arguments) -> Result<Outcome> {
    let Arguments {
        model,
        input,
        backend,
        length,
        output,
        logits,
    } = arguments;
    let assistant = open(&model, backend, length)?;
    let mut cut = 0;
    let answer = |texts: &[&str]| Ok(assistant.understand_batch(texts)?);
    let outcome = answer_lines(&input, output, BATCH, answer, |answer| {
        cut += usize::from(answer.truncated);
        let logits = logits.then(|| Logits::of(&assistant, &answer.text));
        show(answer, logits.transpose()?, output)
    })?;
    note_cut(cut, assistant.bundle().max_length());
    Ok(outcome)
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    answer: &'a Understanding,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Logits>,
}

fn show(answer: &Understanding, logits: Option<Logits>, output: Output) -> Result<()> {
    if output.json {
        return print_json(&Line { answer, logits });
    }
    print(format_args!("{}", readable(answer)))?;
    match logits {
        Some(logits) => print(format_args!("    {logits:?}")),
        None => Ok(()),
    }
}
