//! Takes the words that a corpus never uses out of a model: of a multilingual one, most of it.
//!
//! ```text
//! cargo run --release --example trim -- --model multilingual-e5-small --corpus train.jsonl \
//!     --out target/trimmed
//! ```
//!
//! Builds without libtorch too (`-p cs-examples --no-default-features`). On the texts of the corpus
//! the model answers exactly as before; other texts of the same scripts are cut into shorter pieces
//! where the corpus had no use for longer ones, down to single characters. `--out` is a folder of
//! the same kind as `--model`: a bundle, or a Hugging Face folder to train from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{DataArgs, Outcome, Output, note, report, run};
use cs_model::Bundle;
use cs_quant::{TrimConfig, trim_vocabulary};

/// Take unused words out of a model
#[derive(Parser)]
struct Arguments {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Texts like those to be answered: a labelled file or folder, or a text a line
    #[arg(long, value_name = "PATH")]
    corpus: PathBuf,
    #[command(flatten)]
    format: DataArgs,
    /// New folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How often the corpus must use a token for it to stay; above 1, texts of the corpus are cut
    /// otherwise
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    min_count: u64,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let bundle = Bundle::open(&arguments.model)?;
        let corpus = arguments.format.open_texts(&arguments.corpus)?;
        let texts: Vec<String> = corpus.iter().map(|row| row.text).collect();
        let config = TrimConfig {
            min_count: arguments.min_count,
            ..TrimConfig::default()
        };
        let out = &arguments.out;
        let trimmed = trim_vocabulary(&bundle, out, texts.iter().map(String::as_str), &config)?;
        report(arguments.output.json, &trimmed)?;
        if !trimmed.left_out.is_empty() {
            note(format_args!("left out: {}", trimmed.left_out.join(", ")));
        }
        if bundle.int8_path().is_some() {
            note(format_args!(
                "the int8 weights are left out: quantize makes them"
            ));
        }
        note(format_args!("the model is in {}", out.display()));
        Ok(Outcome::Passed)
    })
}
