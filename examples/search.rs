//! Searches the settings of a training run: random trials, of which the better half is trained
//! twice as long, again and again (successive halving; Jamieson and Talwalkar 2016, algorithm 1).
//!
//! ```text
//! cargo run --release --example search -- --train train.csv --columns text=text,intent=category \
//!     --model light --trials 16 --log target/search.jsonl
//! ```
//!
//! Every trial becomes a line of `--log`; what stands there already, of the same rows, model and
//! settings, is not computed again. Settings that are given are not drawn.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    DataArgs, Error, Outcome, Output, SearchKey, Settings, Trial, TrialLog, hold_out, note, number,
    report, run,
};
use cs_train::recipe::Start;

/// Share of the rows that choose.
const HELD_OUT: f64 = 0.1;

/// Search the settings of a training run
#[derive(Parser)]
struct Arguments {
    /// Labelled rows; a tenth of them chooses
    #[arg(long, value_name = "PATH")]
    train: PathBuf,
    #[command(flatten)]
    format: DataArgs,
    /// light, mini, or the folder of a model to start from
    #[arg(long, value_name = "light|mini|DIR")]
    model: Start,
    /// Trials of one epoch (or --epochs) in the first round
    #[arg(long, default_value_t = 8, value_parser = number::positive)]
    trials: usize,
    /// File of the trials
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let settings = &arguments.settings;
        if settings.resume {
            let line = "--resume: a search goes on by its --log, expected no --resume";
            return Err(Error::Usage(line.to_owned()));
        }
        let data = arguments.format.open(&arguments.train)?;
        let (train, eval) = hold_out(&data, &arguments.train, HELD_OUT, settings.seed)?;
        let key = SearchKey::new((&train, &eval), &arguments.model, settings)?;
        let mut log = TrialLog::open(&arguments.log, key)?;
        let mut left: Vec<usize> = (0..arguments.trials).collect();
        let mut epochs = settings.epochs.unwrap_or(1);
        while !left.is_empty() {
            let mut round = Vec::new();
            for &number in &left {
                let mut trial = Trial::draw(number, epochs, settings);
                if let Some(done) = log.find(&trial) {
                    trial = done.clone();
                } else if trial.run(&train, &eval, &arguments.model, settings)? {
                    log.add(&trial)?;
                } else {
                    note(format_args!(
                        "interrupted in trial {number}; the same command goes on by the log"
                    ));
                    return Ok(Outcome::Failed);
                }
                report(arguments.output.json, &trial)?;
                round.push((trial.metric.unwrap_or(f64::NEG_INFINITY), number));
            }
            left = better_half(round);
            epochs *= 2;
        }
        note(format_args!(
            "each metric is the best of its epochs, and the best of them chooses the settings, on the same rows: \
             rows that chose nothing will tell less"
        ));
        Ok(Outcome::Passed)
    })
}

/// Who is trained longer; nobody after the last round, which has one trial: the best.
fn better_half(mut round: Vec<(f64, usize)>) -> Vec<usize> {
    round.sort_by(|a, b| b.0.total_cmp(&a.0));
    let kept = match round.len() {
        0 | 1 => 0,
        trials => trials.div_ceil(2),
    };
    let best = round.into_iter().take(kept);
    best.map(|(_, number)| number).collect()
}
