//! Pairs of the demo's sentences that ask the same, and of such as do not although they look like
//! it: negations, other entities, other intents. `route --pairs` fits a cache to them.
//!
//! ```text
//! cargo run --release --example pairs -p cs-examples --no-default-features -- --out target/pairs
//! ```
//!
//! Writes, for each language, `zh.fit.jsonl`, `zh.held-out.jsonl` and `zh.unseen.jsonl`, whose
//! sentences have no templates in common; a line is `{"one": …, "other": …, "same": true}`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::file;
use cs_examples::demo::{Corpus, Language, Part};
use cs_examples::{Error, Outcome, Output, number, report, run};
use serde_json::json;

/// Write pairs of sentences that ask the same, and of such as do not
#[derive(Parser)]
struct Arguments {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pairs of each file
    #[arg(long, value_name = "N", default_value_t = 6000, value_parser = number::positive)]
    pairs: usize,
    /// Chooses the sentences
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let corpus = Corpus::embedded()?;
        std::fs::create_dir_all(&arguments.out).map_err(Error::io(&arguments.out))?;
        for (language, name) in [(Language::Zh, "zh"), (Language::En, "en")] {
            for (part, part_name) in Part::ALL {
                let pairs = corpus.pairs(part, language, arguments.pairs, arguments.seed);
                let path = arguments.out.join(format!("{name}.{part_name}.jsonl"));
                let write = |out: &mut dyn std::io::Write| {
                    for pair in &pairs {
                        writeln!(out, "{}", json!(pair))?;
                    }
                    Ok(())
                };
                file::write(&path, write).map_err(Error::io(&path))?;
            }
        }
        report(
            arguments.output.json,
            &json!({"pairs": 6 * arguments.pairs}),
        )?;
        Ok(Outcome::Passed)
    })
}
