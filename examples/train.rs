//! Trains a model on labelled data and writes a bundle.
//!
//! ```text
//! cargo run --release --example train -- --train train.csv --columns text=text,intent=category \
//!     --test test.csv --model light --out target/model
//! ```
//!
//! `--model light` learns word pieces and a BiLSTM from the training texts alone; a folder is a
//! Hugging Face model or a bundle to start from. Without `--eval`, a tenth of every intent's rows
//! is held out to choose the best epoch: whole dialogues, and rows with their copies.
//!
//! Ctrl-C or SIGTERM stops with a checkpoint in DIR/checkpoints and exit status 1, and writes no
//! model; `--resume` goes on from the latest checkpoint there, or starts afresh without one. A run
//! that has finished removes its checkpoints; `--resume` then only says so, `--overwrite` trains
//! anew.

use std::process::ExitCode;

use clap::Parser;
use cs_examples::{Interruptible, Outcome, Progress, TrainArgs, note_cut, run};

/// Train a model on labelled data
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: TrainArgs,
}

fn main() -> ExitCode {
    run(|Arguments { common }: Arguments| {
        let Some(data) = common.open()? else {
            return Ok(Outcome::Passed);
        };
        // A `cs_train::recipe::Recipe`: a start, settings, and the folder to write.
        let recipe = common.recipe()?;
        let ready = recipe.prepare(data.rows())?;
        note_cut(ready.truncated(), ready.max_length());
        let fitted = ready.fit(&mut Interruptible(&mut Progress::default()))?;
        // `Fitted::evaluate` on the test rows, and `Fitted::write`.
        common.close(fitted, &data)
    })
}
