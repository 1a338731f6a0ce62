//! Trains a model on labelled data and writes a bundle.
//!
//! ```text
//! cargo run --release --example train -- --train train.csv --columns text=text,intent=category \
//!     --test test.csv --model light --out target/model
//! ```
//!
//! `--model light` learns word pieces and a BiLSTM from the training texts alone; a folder is a
//! Hugging Face model or a bundle to start from. Without `--eval`, a tenth of every intent's rows
//! is held out to choose the best epoch. Ctrl-C stops with a checkpoint in DIR/checkpoints, and
//! `--resume` goes on from the latest one there.

use std::process::ExitCode;

use clap::Parser;
use cs_examples::{Outcome, Progress, TrainArgs, fit, run};

/// Train a model on labelled data
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: TrainArgs,
}

fn main() -> ExitCode {
    run(|Arguments { common }: Arguments| {
        let data = common.open()?;
        let sets = (&data.train, data.eval.as_ref());
        let (base, settings) = (&common.model, &common.settings);
        let fitted = fit(sets, base, settings, &common.out, &mut Progress::default())?;
        common.close(fitted, data.test.as_ref())?;
        Ok(Outcome::Passed)
    })
}
