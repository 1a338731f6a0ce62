//! Searches the settings of a training run: random trials, of which the better half is trained twice as
//! long, again and again (successive halving; Jamieson and Talwalkar 2016, algorithm 1).
//!
//! ```text
//! cargo run --release --example search -- --train train.csv --columns text=text,intent=category \
//!     --model light --trials 16 --log target/search.jsonl
//! ```
//!
//! Every trial becomes a line of `--log`; what stands there already is not computed again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{Base, DataArgs, Outcome, Output, Settings, Trial, report, run};

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
    model: Base,
    /// Trials of one epoch (or --epochs) in the first round
    #[arg(long, default_value_t = 8)]
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
        let (data, settings) = (
            arguments.format.open(&arguments.train)?,
            &arguments.settings,
        );
        let (train, eval) = data.stratified_split(0.1, settings.seed)?;
        let log = Trial::read(&arguments.log)?;
        let mut left: Vec<usize> = (0..arguments.trials).collect();
        let mut epochs = settings.epochs.unwrap_or(1);
        while !left.is_empty() {
            let mut round = Vec::new();
            for &number in &left {
                let mut trial = Trial::draw(number, epochs, settings);
                let same = |done: &&Trial| {
                    Trial {
                        metric: None,
                        ..(*done).clone()
                    } == trial
                };
                match log.iter().find(same) {
                    Some(done) => trial = done.clone(),
                    None => {
                        trial.run((&train, Some(&eval)), &arguments.model, settings)?;
                        trial.append(&arguments.log)?;
                    }
                }
                report(arguments.output.json, &trial)?;
                round.push((trial.metric.unwrap_or(f64::NEG_INFINITY), number));
            }
            // The last round has one trial: the best.
            round.sort_by(|a, b| b.0.total_cmp(&a.0));
            let kept = if left.len() > 1 {
                left.len().div_ceil(2)
            } else {
                0
            };
            left = round
                .into_iter()
                .take(kept)
                .map(|(_, number)| number)
                .collect();
            epochs *= 2;
        }
        Ok(Outcome::Passed)
    })
}
