//! Makes more labelled rows of those there are; spans move with the text.
//!
//! ```text
//! cargo run --release --example augment -- --input train.jsonl --output more.jsonl \
//!     --synonyms synonyms.tsv --entities entities.tsv --typos 0.02 --copies 3 --seed 7 --json
//! ```
//!
//! A synonym dictionary has `word<TAB>candidate[:weight]<TAB>candidate…` a line, an entity list
//! `label<TAB>value` or `label<TAB>=rule`. Pairs of the dictionary that tell the data's intents apart
//! are reported and not used. `--balance N` brings every intent to N rows. Operators run in the order
//! entities, synonyms, back translation, masked words, noise, typos.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use cs_data::Dataset;
use cs_data::augment::{
    BackTranslation, Contextual, Entities, LineProcess, Noise, NoiseConfig, Pipeline,
    PipelineConfig, Synonyms, Typos, TyposConfig,
};
use cs_examples::{DataArgs, Error, Outcome, Output, Result, note, report, run};
use serde::Serialize;

/// Make more labelled rows; spans move with the text
#[derive(Parser)]
struct Arguments {
    /// Labelled rows
    #[arg(long, value_name = "PATH")]
    input: PathBuf,
    /// Where the new rows go (JSON Lines)
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Dictionary: word<TAB>candidate[:weight]<TAB>candidate…
    #[arg(long, value_name = "FILE")]
    synonyms: Option<PathBuf>,
    /// Leave out what is wrong in the dictionary, and say so, instead of stopping
    #[arg(long)]
    lenient: bool,
    /// Values: label<TAB>value, or a rule: label<TAB>=[A-Z]{2}\d{8}, =card, =date_zh, …
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// Probability of an irrelevant word after each token
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    noise: f64,
    /// Irrelevant words, one a line, instead of those that are shipped
    #[arg(long, value_name = "FILE")]
    fillers: Option<PathBuf>,
    /// Probability of each token to be left out
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    delete: f64,
    /// Probability of each token to be swapped with the next
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    swap: f64,
    /// Probability of a typing error in each character
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    typos: f64,
    /// Shell commands that translate lines, there and back
    #[arg(long, value_name = "FWD,BWD")]
    back_translate: Option<String>,
    /// Shell command that answers each line with candidates for its [MASK], between tabs
    #[arg(long, value_name = "COMMAND")]
    fill_mask: Option<String>,
    /// Seconds that a command may take
    #[arg(long, default_value_t = 3600)]
    timeout: u64,
    /// Copies of each row
    #[arg(long, default_value_t = 1, conflicts_with = "balance")]
    copies: usize,
    /// Instead of copies: bring every intent to this many rows
    #[arg(long, value_name = "ROWS")]
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
    dropped: BTreeMap<String, usize>,
    short: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let data = arguments.format.open(&arguments.input)?;
        let started = Instant::now();
        let (pipeline, notes) = pipeline(&arguments, &data)?;
        let (augmented, made) = pipeline.run(&data)?;
        let seconds = started.elapsed().as_secs_f64();
        augmented.write_jsonl(&arguments.output)?;
        let summary = Summary {
            rows_in: made.rows_in,
            rows_out: made.rows_out,
            by_origin: made.by_origin,
            seconds,
            flagged: notes.flagged,
            skipped: notes.skipped,
            dropped: made.dropped,
            short: made.short,
        };
        report(arguments.report.json, &summary)?;
        Ok(Outcome::Passed)
    })
}

/// What was left out of the dictionary.
#[derive(Default)]
struct Notes {
    flagged: Vec<String>,
    skipped: Vec<String>,
}

fn pipeline(arguments: &Arguments, data: &Dataset) -> Result<(Pipeline, Notes)> {
    let mut notes = Notes::default();
    let mut pipeline = Pipeline::new(PipelineConfig {
        copies: arguments.copies,
        balance: arguments.balance,
        keep_original: arguments.keep_original,
        seed: arguments.seed,
        threads: None,
    });
    if let Some(path) = &arguments.entities {
        pipeline = pipeline.with(Entities::open(path)?, 1.0)?;
    }
    if let Some(path) = &arguments.synonyms {
        pipeline = pipeline.with(synonyms(path, arguments.lenient, data, &mut notes)?, 1.0)?;
    }
    let timeout = Duration::from_secs(arguments.timeout);
    if let Some(commands) = &arguments.back_translate {
        let pair = commands
            .split_once(',')
            .filter(|(there, back)| !there.trim().is_empty() && !back.trim().is_empty());
        let (there, back) = pair.ok_or_else(|| {
            Error::Usage(format!(
                "--back-translate {commands:?}: expected two commands, FWD,BWD"
            ))
        })?;
        let [there, back] = [there, back].map(|command| LineProcess::new(command.trim(), timeout));
        let operator = BackTranslation::new(there, back, Default::default())?;
        pipeline = pipeline.with_batch(operator, 1.0)?;
    }
    if let Some(command) = &arguments.fill_mask {
        let filler = LineProcess::new(command.as_str(), timeout);
        pipeline = pipeline.with_batch(Contextual::new(filler, 5)?, 1.0)?;
    }
    let config = NoiseConfig {
        insert: arguments.noise,
        delete: arguments.delete,
        swap: arguments.swap,
        in_entities: false,
    };
    let mut noise = Noise::new(config)?;
    if let Some(path) = &arguments.fillers {
        noise = noise.open_fillers(path)?;
    }
    let typos = Typos::new(TyposConfig {
        rate: arguments.typos,
        ..TyposConfig::default()
    })?;
    Ok((pipeline.with(noise, 1.0)?.with(typos, 1.0)?, notes))
}

fn synonyms(path: &Path, lenient: bool, data: &Dataset, notes: &mut Notes) -> Result<Synonyms> {
    let synonyms = if lenient {
        let (synonyms, skipped) = Synonyms::open_lenient(path)?;
        notes.skipped = skipped.iter().map(ToString::to_string).collect();
        synonyms
    } else {
        Synonyms::open(path)?
    };
    let (synonyms, flagged) = synonyms.guarded(data, Synonyms::SEPARATES)?;
    let shown = flagged.iter().map(|pair| {
        format!(
            "{} -> {} turns {} into {}",
            pair.word, pair.replacement, pair.intent, pair.other_intent
        )
    });
    notes.flagged = shown.collect();
    for line in notes.skipped.iter().chain(&notes.flagged) {
        note(format_args!("left out: {line}"));
    }
    Ok(synonyms)
}
