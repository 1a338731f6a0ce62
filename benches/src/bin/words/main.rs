//! Measures what the safety room of cs-serve sees through, and what it takes for a word that is none.
//!
//! ```text
//! words evasions --words FILE… [--splits FILE] [--errors 10]
//! words alarms   --words FILE… --turns FILE… [--layers L,…] [--errors 10]
//! words speed    [--count 10000]
//! ```
//!
//! `evasions` disguises each word of two characters or more by each trick, in ways of two halves, the first of which was
//! looked at when the filter was written, and tells which are found. `alarms` counts the turns, a line each, in which a
//! word is found; words that stand there as they are, apart. `speed` tells how long lists of words take to be ready.
//! Figures come as JSON, and errors on stderr, as many as `--errors` says.

mod alarms;
mod evasions;
mod speed;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use cs_benches::finish;
use cs_serve::safety::words::{FilterConfig, WordList};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measure the filter of words
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Find words that are disguised
    Evasions {
        #[command(flatten)]
        listed: Listed,
        /// Characters with their two parts, a line each
        #[arg(long, value_name = "FILE")]
        splits: Option<PathBuf>,
    },
    /// Find words in turns that have none
    Alarms {
        #[command(flatten)]
        listed: Listed,
        /// Turns, one a line
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        turns: Vec<PathBuf>,
        /// Tricks that are seen through; all if left out
        #[arg(long, value_name = "TRICKS", value_delimiter = ',')]
        layers: Vec<String>,
    },
    /// Make ready to look for many words
    Speed {
        /// Number of words
        #[arg(long, value_name = "N", default_value = "10000")]
        count: usize,
    },
}

#[derive(Debug, Args)]
struct Listed {
    /// Lists of words
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    words: Vec<PathBuf>,
    /// Errors that are told, for each kind
    #[arg(long, value_name = "N", default_value = "10")]
    errors: usize,
}

impl Listed {
    /// The words of two characters or more.
    fn words(&self) -> Result<Vec<String>> {
        let mut words = Vec::new();
        for path in &self.words {
            let text = std::fs::read_to_string(path)?;
            let lines = text
                .lines()
                .map(|line| line.split('\t').next().unwrap_or_default().trim());
            words.extend(
                lines
                    .filter(|word| word.chars().count() > 1)
                    .map(str::to_owned),
            );
        }
        words.sort();
        words.dedup();
        Ok(words)
    }
}

fn list(words: &[String]) -> Result<WordList> {
    let mut list = WordList::new();
    list.add(words.join("\n").as_bytes(), "words".as_ref())?;
    Ok(list)
}

fn main() -> ExitCode {
    let figures = match Arguments::parse().what {
        What::Evasions { listed, splits } => listed.words().and_then(|words| {
            let config = match &splits {
                None => FilterConfig::default(),
                Some(path) => FilterConfig::default().with_splits(&std::fs::read(path)?, path)?,
            };
            evasions::measure(&words, splits.as_deref(), config, listed.errors)
        }),
        What::Alarms {
            listed,
            turns,
            layers,
        } => listed
            .words()
            .and_then(|words| alarms::measure(&words, &turns, &layers, listed.errors)),
        What::Speed { count } => speed::measure(count),
    };
    finish(figures)
}
