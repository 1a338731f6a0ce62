//! Trains a small model on what a large one says, and writes a bundle.
//!
//! ```text
//! cargo run --release --example distill -- --train train.csv --columns text=text,intent=category \
//!     --test test.csv --teacher target/teacher --model light --copies 40 --out target/pupil
//! ```
//!
//! The pupil learns from the labels of `--train`, from the teacher's logits for the same texts and for
//! those of `--corpus`, whose labels, if any, are not looked at, and for `--copies` variants of each
//! training text. It has the teacher's heads and labels. A light pupil's word embeddings start as the
//! principal components of the teacher's. With `--hidden` and `--attention` a transformer's inner states
//! follow the teacher's too; `mini` then reads with the teacher's tokenizer.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    Error, Outcome, Progress, Result, Teaching, TrainArgs, distill, note, run, variants,
    warn_unseen,
};
use cs_train::DistillConfig;

/// Train a small model on what a large one says
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: TrainArgs,
    /// Folder of the trained model to learn from
    #[arg(long, value_name = "DIR")]
    teacher: PathBuf,
    /// Texts whose labels, if any, are not looked at
    #[arg(long, value_name = "PATH")]
    corpus: Option<PathBuf>,
    /// Variants made of each training text
    #[arg(long, default_value_t = 0)]
    copies: usize,
    /// Divides the logits before they are compared
    #[arg(long, default_value_t = 2.0)]
    temperature: f64,
    /// Weight of the teacher's answers
    #[arg(long, default_value_t = 1.0)]
    soft: f64,
    /// Weight of the labels
    #[arg(long, default_value_t = 0.5)]
    hard: f64,
    /// Weight of the hidden states' distance, between transformers
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    hidden: f64,
    /// Weight of the attention scores' distance, between transformers
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    attention: f64,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let common = &arguments.common;
        let mut teaching = teaching(&arguments)?;
        let data = common.open()?;
        let rows: Vec<_> = data.train.iter().collect();
        warn_unseen(&common.train, &rows, teaching.teacher.tasks());
        let made = variants(&data.train, arguments.copies, common.settings.seed)?;
        teaching.corpus.extend(made);
        note(format_args!(
            "{} labelled rows, {} texts without labels",
            data.train.len(),
            teaching.corpus.len()
        ));
        let sets = (&data.train, data.eval.as_ref());
        let how = (&common.settings, common.out.as_path());
        let fitted = distill(
            sets,
            &teaching,
            &common.model,
            how,
            &mut Progress::default(),
        )?;
        common.close(fitted, data.test.as_ref())?;
        Ok(Outcome::Passed)
    })
}

/// The teacher, and the texts of `--corpus`.
fn teaching(arguments: &Arguments) -> Result<Teaching> {
    let config = DistillConfig {
        temperature: arguments.temperature,
        soft: arguments.soft,
        hard: arguments.hard,
        hidden: arguments.hidden,
        attention: arguments.attention,
    };
    let device = arguments.common.settings.device;
    let mut teaching = Teaching::open(&arguments.teacher, device, config)?;
    if let Some(path) = &arguments.corpus {
        teaching.corpus = arguments.common.format.open(path)?.iter().collect();
        if teaching.corpus.is_empty() {
            return Err(Error::Unfit {
                path: path.clone(),
                found: "no rows".to_owned(),
                expected: "texts",
            });
        }
    }
    Ok(teaching)
}
