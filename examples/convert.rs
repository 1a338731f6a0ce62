//! Rewrites labelled data in another format, in constant memory, and says what got lost.
//!
//! ```text
//! cargo run --release --example convert -- --input rows.csv --columns text=query,intent=category --output rows.parquet --json
//! ```
//!
//! Formats go by the endings, or by `--from` and `--to`. The first broken row is an error that
//! names its place; with `--lenient` such rows are left out and told on standard error with the
//! reason. What the new format cannot hold is told by field and number of rows.
//!
//! `--folds 5` deals the rows of a file that fits into memory out for a cross-validation: into
//! `0/train.jsonl` and `0/eval.jsonl` and so on in the folder `--output`. Dialogues and copies of a
//! row stay together, and each label is spread evenly.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::{Format, Losses, ReadOptions, Reader, Scheme, WriteOptions, Writer};
use cs_examples::{DataArgs, Error, Outcome, Output, Result, note, refuse_input, report, run};
use serde::Serialize;

/// Rewrite labelled data in another format
#[derive(Parser)]
struct Arguments {
    /// Labelled rows: a file or a folder
    #[arg(long, value_name = "PATH")]
    input: PathBuf,
    /// What to write: a file, or for seq and partitions a new folder
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Format of the output, by ending if left out
    #[arg(long)]
    to: Option<Format>,
    #[command(flatten)]
    data: DataArgs,
    /// Leave out rows that are broken or that the new format cannot hold, and say which
    #[arg(long)]
    lenient: bool,
    /// Scheme of the tags, of CoNLL and seq alone (IOB2 by default)
    #[arg(long)]
    to_scheme: Option<Scheme>,
    /// Write a folder of Parquet files, one for each value: intent, speaker or origin
    #[arg(long, value_name = "COLUMN")]
    partition_by: Option<String>,
    /// Deal the rows into this many folds, each a folder of two JSONL files
    #[arg(long, value_name = "N", conflicts_with_all = ["to", "to_scheme", "partition_by", "lenient"])]
    folds: Option<usize>,
    /// Chooses what goes into which fold
    #[arg(long, default_value_t = 1, requires = "folds")]
    seed: u64,
    #[command(flatten)]
    output_form: Output,
}

#[derive(Serialize)]
struct Converted {
    /// Rows written.
    rows: usize,
    /// Rows left out.
    skipped: usize,
    /// Fields that the format cannot hold, and in how many rows.
    lost: std::collections::BTreeMap<&'static str, usize>,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let (rows, skipped, lost) = convert(&arguments)?;
        if !lost.is_empty() {
            note(format_args!("not held by the new format: {lost}"));
        }
        let lost = lost.iter().collect();
        let converted = Converted {
            rows,
            skipped,
            lost,
        };
        report(arguments.output_form.json, &converted)?;
        Ok(Outcome::Passed)
    })
}

fn convert(arguments: &Arguments) -> Result<(usize, usize, Losses)> {
    refuse_input(&arguments.output, &[&arguments.input])?;
    if let Some(folds) = arguments.folds {
        return deal(arguments, folds);
    }
    let read = ReadOptions {
        lenient: arguments.lenient,
        ..arguments.data.options()
    };
    let write = WriteOptions {
        format: arguments.to,
        scheme: arguments.to_scheme,
        partition_by: arguments.partition_by.clone(),
    };
    let mut reader = Reader::open(&arguments.input, &read)?;
    let mut writer = Writer::create(&arguments.output, &write)?;
    let (mut rows, mut skipped) = (0, 0);
    let mut skip = |reason: &cs_data::Error| {
        skipped += 1;
        note(format_args!("skipped {reason}"));
    };
    loop {
        let piece = reader.next().transpose()?;
        reader.take_skipped().iter().for_each(&mut skip);
        let Some(piece) = piece else { break };
        for row in piece.iter() {
            match writer.write(&row) {
                Ok(()) => rows += 1,
                Err(error @ cs_data::Error::Unwritable { .. }) if arguments.lenient => skip(&error),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok((rows, skipped, writer.finish()?))
}

fn deal(arguments: &Arguments, folds: usize) -> Result<(usize, usize, Losses)> {
    let data = arguments.data.open(&arguments.input)?;
    for (number, fold) in data.k_fold(folds, arguments.seed)?.enumerate() {
        let folder = arguments.output.join(number.to_string());
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let (rest, held_out) = fold?;
        rest.save(&folder.join("train.jsonl"), &WriteOptions::default())?;
        held_out.save(&folder.join("eval.jsonl"), &WriteOptions::default())?;
    }
    Ok((data.len(), 0, Losses::default()))
}
