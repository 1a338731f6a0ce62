//! Adapts an encoder to a domain: it learns to guess masked words of texts without labels.
//!
//! ```text
//! cargo run --release --example pretrain -- --corpus texts.jsonl --model all-MiniLM-L6-v2 \
//!     --out target/encoder
//! ```
//!
//! What `--out` holds is an encoder that `train --model` starts from, and that can be pre-trained further.
//! Whole words are masked; `--words` names a file of words, one a line, for texts without spaces.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::{Dataset, Utterance};
use cs_examples::{
    Base, DataArgs, Outcome, Output, Pretraining, Progress, Result, Settings, note, report, run,
};
use cs_train::{MaskingConfig, WordList};
use serde_json::json;

/// Adapt an encoder to a domain
#[derive(Parser)]
struct Arguments {
    /// Texts to learn from: a plain text a line in a .txt file, or rows, whose labels are not looked at
    #[arg(long, value_name = "PATH", visible_alias = "train")]
    corpus: PathBuf,
    /// Texts that choose the best epoch; a part of the corpus if left out
    #[arg(long, value_name = "PATH")]
    eval: Option<PathBuf>,
    /// The part held out then
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    holdout: f64,
    #[command(flatten)]
    format: DataArgs,
    /// mini, or the folder of an encoder to start from
    #[arg(long, value_name = "mini|DIR")]
    model: Base,
    /// Words to be masked as a whole, one a line
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
    /// Share of the words to be guessed
    #[arg(long, value_name = "SHARE", default_value_t = 0.15)]
    mask: f64,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let (texts, eval) = texts(&arguments)?;
        let words = arguments.words.as_deref().map(WordList::open).transpose()?;
        let pretraining = Pretraining {
            texts,
            eval,
            words,
            masking: MaskingConfig {
                rate: arguments.mask,
                ..MaskingConfig::default()
            },
        };
        let (settings, out) = (&arguments.settings, arguments.out.as_path());
        let trained = pretraining.run(&arguments.model, settings, out, &mut Progress::default())?;
        let summary = json!({
            "steps": trained.steps,
            "best_step": trained.best_step,
            "resumed_from": trained.resumed_from,
            "eval": trained.best.map(|best| best.figures),
            "tokens_per_second": trained.tokens_per_second,
            "seconds": trained.seconds,
        });
        report(arguments.output.json, &summary)?;
        note(format_args!("the encoder is in {}", out.display()));
        Ok(Outcome::Passed)
    })
}

/// The texts to learn from and those to choose by.
fn texts(arguments: &Arguments) -> Result<(Vec<Utterance>, Vec<Utterance>)> {
    let rows = |data: &Dataset| data.iter().collect();
    let all = arguments.format.open_texts(&arguments.corpus)?;
    if let Some(path) = &arguments.eval {
        return Ok((rows(&all), rows(&arguments.format.open_texts(path)?)));
    }
    let (texts, eval) = all.stratified_split(arguments.holdout, arguments.settings.seed)?;
    Ok((rows(&texts), rows(&eval)))
}
