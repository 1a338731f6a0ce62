//! Trains a small model on what a large one says, and writes a bundle.
//!
//! ```text
//! cargo run --release --example distill -- --train train.csv --columns text=text,intent=category \
//!     --test test.csv --teacher target/teacher --model light --copies 40 --out target/student
//! ```
//!
//! The student learns from the labels of `--train`, from the teacher's logits for the same texts
//! and for those of `--corpus`, whose labels, if any, are not looked at, and for `--copies`
//! variants of each training text. It has the teacher's heads and labels. A light student's word
//! embeddings start as the principal components of the teacher's. With `--hidden` and `--attention`
//! a transformer's inner states follow the teacher's too; `mini` then reads with the teacher's
//! tokenizer.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    DistillArgs, Interruptible, Outcome, Progress, TrainArgs, note_cut, number, run,
};
use cs_train::objective::DistillConfig;
use cs_train::recipe::Teaching;

/// Train a small model on what a large one says
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: TrainArgs,
    /// Folder of the trained model to learn from
    #[arg(long, value_name = "DIR")]
    teacher: PathBuf,
    #[command(flatten)]
    how: DistillArgs,
    /// Weight of the attention scores' distance, between transformers
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, value_parser = number::not_negative)]
    attention: f64,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let (common, how) = (&arguments.common, &arguments.how);
        let config = DistillConfig {
            attention: arguments.attention,
            ..how.config()
        };
        let device = common.settings.device;
        let mut teaching = Teaching::open(&arguments.teacher, device, config)?;
        let Some(data) = common.open()? else {
            return Ok(Outcome::Passed);
        };
        how.ask(&mut teaching, common, &data.train)?;
        let recipe = common.recipe()?;
        let ready = recipe.prepare_student(data.rows(), &teaching)?;
        note_cut(ready.truncated(), ready.max_length());
        let mut progress = Progress::default();
        let fitted = ready.distill(&teaching, &mut Interruptible(&mut progress))?;
        common.close(fitted, &data)
    })
}
