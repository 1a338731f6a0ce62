//! Adapts an encoder to a domain: it learns to guess masked words of texts without labels.
//!
//! ```text
//! cargo run --release --example pretrain -- --corpus texts.jsonl --model all-MiniLM-L6-v2 \
//!     --out target/encoder
//! ```
//!
//! What `--out` holds is an encoder that `train --model` starts from, and that can be pre-trained
//! further. Whole words are masked; `--words` names a file of words, one a line, for texts without
//! spaces.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::Dataset;
use cs_examples::{
    DataArgs, Error, Interruptible, Outcome, Output, Progress, REPORT, Result, RunOutArgs,
    Settings, hold_out, note, note_interrupted, number, report, run,
};
use cs_train::data::{MaskingConfig, WordList};
use cs_train::recipe::{Pretraining, Start};
use cs_train::run::TrainReport;
use serde_json::{Value, json};

/// Adapt an encoder to a domain
#[derive(Parser)]
struct Arguments {
    /// Texts to learn from: a plain text a line in a .txt file, or rows, whose labels are not
    /// looked at
    #[arg(long, value_name = "PATH", visible_alias = "train")]
    corpus: PathBuf,
    /// Texts that choose the best epoch; a part of the corpus if left out
    #[arg(long, value_name = "PATH")]
    eval: Option<PathBuf>,
    /// The part held out then; 0 to learn from every text and keep the last weights
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = number::share)]
    holdout: f64,
    #[command(flatten)]
    format: DataArgs,
    /// mini, or the folder of an encoder to start from
    #[arg(long, value_name = "mini|DIR")]
    model: Start,
    /// Words to be masked as a whole, one a line
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
    /// Share of the words to be guessed
    #[arg(long, value_name = "SHARE", default_value_t = 0.15, value_parser = number::part)]
    mask: f64,
    #[command(flatten)]
    out: RunOutArgs,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let (settings, out) = (&arguments.settings, arguments.out.out.dir.as_path());
        let claim = arguments.out.claim(settings.resume)?;
        let (texts, eval) = texts(&arguments)?;
        let fingerprint = texts.fingerprint();
        let same = claim.finished(out, &fingerprint, |b| settings.train_config(b.config()))?;
        if let Some(summary) = same {
            report(arguments.output.json, &summary)?;
            return Ok(Outcome::Passed);
        }
        let words = arguments.words.as_deref().map(WordList::open).transpose()?;
        let pretraining = Pretraining {
            texts: texts.iter().collect(),
            eval: eval.iter().collect(),
            words,
            masking: MaskingConfig {
                rate: arguments.mask,
                ..MaskingConfig::default()
            },
            fingerprint: Some(fingerprint),
        };
        if arguments.model == Start::Light {
            let line = "--model light reads no context to guess words from; mini does";
            return Err(Error::Usage(line.to_owned()));
        }
        let recipe = settings.recipe(&arguments.model, out);
        let mut progress = Progress::default();
        let mut trained = pretraining.run(&recipe, &mut Interruptible(&mut progress))?;
        let summary = summary(&trained.report);
        if trained.report.interrupted {
            report(arguments.output.json, &summary)?;
            note_interrupted(trained.report.steps);
            return Ok(Outcome::Failed);
        }
        trained.note_setting(REPORT, summary.clone());
        trained.write(out)?;
        report(arguments.output.json, &summary)?;
        arguments.out.finish()?;
        note(format_args!("the encoder is in {}", out.display()));
        Ok(Outcome::Passed)
    })
}

/// What there is to report of a run. Its validation texts chose the epoch.
fn summary(report: &TrainReport) -> Value {
    let mut summary = json!({
        "steps": report.steps,
        "best_step": report.best_step,
        "resumed_from": report.resumed_from,
        "interrupted": report.interrupted,
        "eval": report.best.as_ref().map(|best| &best.figures),
        "tokens_per_second": report.tokens_per_second,
        "seconds": report.seconds,
    });
    if report.best.is_some() {
        summary["eval_chose"] = json!(["epoch"]);
    }
    summary
}

/// The texts to learn from and those to choose by.
fn texts(arguments: &Arguments) -> Result<(Dataset, Dataset)> {
    let (path, share) = (&arguments.corpus, arguments.holdout);
    let all = arguments.format.open_texts(path)?;
    match &arguments.eval {
        Some(path) => Ok((all, arguments.format.open_texts(path)?)),
        None if share == 0.0 => Ok((all, Dataset::default())),
        None => hold_out(&all, path, share, arguments.settings.seed),
    }
}
