//! Makes more labelled rows of those there are; spans move with the text.
//!
//! ```text
//! cargo run --release --example augment -- --input train.jsonl --output more.jsonl \
//!     --synonyms synonyms.tsv --entities entities.tsv --typos 0.02 --copies 3 --seed 7 --json
//! ```
//!
//! A synonym dictionary has `word<TAB>candidate[:weight]<TAB>candidate…` a line, an entity list
//! `label<TAB>value` or `label<TAB>=rule`. Pairs of the dictionary that tell the data's intents
//! apart are reported and not used. `--back-translate FWD,BWD` takes folders of Marian models, which
//! it runs itself, or shell commands that answer each line with its translation; entities travel as
//! placeholders, and what does not come back whole is dropped. `--rephrase DIR` asks a chat model for other
//! words and takes those that have every entity word for word and, with `--classifier DIR`, the intent
//! that this bundle finds in the row. Of what models were `asked` about, the report counts what was
//! `dropped`, by reason, and in `by_origin` what was kept. `--balance N` brings every intent to N rows.
//! Without any operator, irrelevant words are put in (`--noise 0.1`); with one, nothing is done but
//! what is asked for. Operators run in the order entities, synonyms, back translation, rephrasing,
//! masked words, noise, typos.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use cs_data::augment::{AugmentReport, Pipeline, PipelineConfig};
use cs_data::{WriteOptions, Writer};
use cs_examples::{
    DataArgs, Error, Operators, Outcome, Output, note, number, refuse_input, report, run,
};
use serde::Serialize;

/// Make more labelled rows; spans move with the text
#[derive(Parser)]
struct Arguments {
    /// Labelled rows
    #[arg(long, value_name = "PATH")]
    input: PathBuf,
    /// Where the new rows go; the format by ending
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    #[command(flatten)]
    operators: Operators,
    /// Copies of each row
    #[arg(long, default_value_t = 1, conflicts_with = "balance", value_parser = number::rows)]
    copies: usize,
    /// Instead of copies: bring every intent to this many rows
    #[arg(long, value_name = "ROWS", value_parser = number::rows)]
    balance: Option<usize>,
    /// Write the rows themselves too
    #[arg(long)]
    keep_original: bool,
    /// Equal seeds, equal rows
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    format: DataArgs,
    #[command(flatten)]
    report: Output,
}

/// What comes out, as JSON.
#[derive(Serialize)]
struct Summary {
    rows_in: usize,
    rows_out: usize,
    by_origin: BTreeMap<String, usize>,
    seconds: f64,
    flagged: Vec<String>,
    skipped: Vec<String>,
    asked: BTreeMap<String, usize>,
    dropped: BTreeMap<String, usize>,
    short: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        refuse_input(&arguments.output, &[&arguments.input])?;
        let data = arguments.format.open(&arguments.input)?;
        // Before rows are made, which may take long.
        let mut writer = Writer::create(&arguments.output, &WriteOptions::default())?;
        let started = Instant::now();
        let pipeline = Pipeline::new(PipelineConfig {
            copies: arguments.copies,
            balance: arguments.balance,
            keep_original: arguments.keep_original,
            seed: arguments.seed,
            threads: None,
        });
        let (pipeline, left_out) = arguments.operators.add_to(pipeline, &data)?;
        let (augmented, made) = pipeline.run(&data)?;
        if made.rows_out == 0 {
            return Err(nothing_made(&arguments.input, &made));
        }
        let seconds = started.elapsed().as_secs_f64();
        writer.write_all(&augmented)?;
        let lost = writer.finish()?;
        if !lost.is_empty() {
            note(format_args!("not held by the format of the output: {lost}"));
        }
        let summary = Summary {
            rows_in: made.rows_in,
            rows_out: made.rows_out,
            by_origin: made.by_origin,
            seconds,
            flagged: left_out.flagged,
            skipped: left_out.skipped,
            asked: made.asked,
            dropped: made.dropped,
            short: made.short,
        };
        report(arguments.report.json, &summary)?;
        Ok(Outcome::Passed)
    })
}

fn nothing_made(input: &Path, made: &AugmentReport) -> Error {
    let reasons = made.dropped.iter();
    let reasons: Vec<String> = reasons.map(|(reason, n)| format!("{n} {reason}")).collect();
    Error::Unfit {
        path: input.to_owned(),
        found: format!("no row that the operators change ({})", reasons.join(", ")),
        expected: "at least one copy to write",
    }
}
