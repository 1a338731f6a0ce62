//! Answers texts with a trained model: intent, entities, sentiment.
//!
//! ```text
//! echo '查询订单12345' | cargo run --release --example predict -- --model target/quickstart/int8
//! cargo run --release --example predict -p cs-examples --no-default-features -- \
//!     --model target/quickstart/int8 --input questions.txt --json
//! ```
//!
//! The second form builds without libtorch. Lines from a file are answered in batches, those from
//! standard input as they come.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    BackendKind, Error, InputArgs, Logits, Outcome, Output, Result, Texts, open, print, print_json,
    readable, run,
};
use cs_model::Understanding;
use cs_serve::Assistant;
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
    let assistant = open(&arguments.model, arguments.backend)?;
    let file = arguments.input.input.as_deref();
    let batch = if file.is_some() { BATCH } else { 1 };
    let (mut waiting, mut answered) = (Vec::new(), 0);
    for text in Texts::open(file)? {
        waiting.push(text?);
        answered += 1;
        if waiting.len() == batch {
            answer(&assistant, &std::mem::take(&mut waiting), &arguments)?;
        }
    }
    answer(&assistant, &waiting, &arguments)?;
    match file {
        Some(path) if answered == 0 => {
            let (path, found) = (path.to_owned(), "no text".to_owned());
            Err(Error::Unfit {
                path,
                found,
                expected: "a text a line",
            })
        }
        _ => Ok(Outcome::Passed),
    }
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    answer: &'a Understanding,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Logits>,
}

fn answer(assistant: &Assistant, texts: &[String], arguments: &Arguments) -> Result<()> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for answer in &assistant.understand_batch(&texts)? {
        let logits = match arguments.logits {
            true => Some(Logits::of(assistant, &answer.text)?),
            false => None,
        };
        if arguments.output.json {
            print_json(&Line { answer, logits })?;
            continue;
        }
        print(format_args!("{}", readable(answer)))?;
        if let Some(logits) = logits {
            print(format_args!("    {logits:?}"))?;
        }
    }
    Ok(())
}
