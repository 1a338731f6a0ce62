//! Finds words of lists in texts, however they are disguised.
//!
//! ```text
//! cargo run --release --example filter -p cs-examples --no-default-features -- \
//!     --words examples/data/words.tsv --input texts.txt --json
//! echo 'You r-a-s-c-a-l' | cargo run --release --example filter -- \
//!     --words examples/data/words.tsv --layers exact,case,symbols
//! ```
//!
//! A line of a list is `word⇥category⇥severity⇥action`, all but the word optional; `#` begins a comment. The actions
//! are `pass`, `review`, `mask` and `block`, and `allow` for phrases in which words are innocent. With `--json`, a
//! line per text: `text, hits[{word, start, end, category, severity, trick}], action, masked`. It exits with 1 if a text
//! is blocked. `--stream N` filters texts as they come, N characters at a time, which finds the same.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cs_examples::{
    Error, InputArgs, Outcome, Output, Result, answer_lines, note, print, print_json, run,
};
use cs_serve::safety::words::{Action, Filter, FilterConfig, Filtered, Stream, Trick, WordList};
use serde::Serialize;

/// Find words of lists in texts
#[derive(Parser)]
struct Arguments {
    /// Lists of words
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    words: Vec<PathBuf>,
    /// Tricks that are seen through, of exact, case, width, traditional, symbols, spaces, repeat, pinyin, initials,
    /// homophone, shape, split, leet, emoji and invisible; all if left out
    #[arg(long, value_name = "TRICKS", value_delimiter = ',')]
    layers: Vec<Trick>,
    /// Chinese characters with their two parts, a line each, besides those of a small table
    #[arg(long, value_name = "FILE")]
    splits: Option<PathBuf>,
    /// Filter texts as they come, so many characters at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stream: Option<u32>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: Output,
}

/// A line of the output.
#[derive(Serialize)]
struct Line {
    text: String,
    #[serde(flatten)]
    filtered: Filtered,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let filter = Arc::new(filter(&arguments)?);
        let is_blocked = Cell::new(false);
        let answer = |texts: &[&str]| {
            let line = |text: &&str| {
                let filtered = match arguments.stream {
                    Some(length) => streamed(&filter, text, length as usize),
                    None => filter.filter(text),
                };
                let text = (*text).to_owned();
                Line { text, filtered }
            };
            Ok(texts.iter().map(line).collect())
        };
        let outcome = answer_lines(
            &arguments.input,
            arguments.output,
            1,
            answer,
            |line: &Line| {
                is_blocked.set(is_blocked.get() || line.filtered.action == Action::Block);
                show(line, arguments.output)
            },
        )?;
        Ok(match outcome {
            Outcome::Passed if is_blocked.get() => Outcome::Failed,
            outcome => outcome,
        })
    })
}

fn filter(arguments: &Arguments) -> Result<Filter> {
    let mut words = WordList::new();
    for path in &arguments.words {
        words.add(&std::fs::read(path).map_err(Error::io(path))?, path)?;
    }
    let mut config = FilterConfig::default();
    if !arguments.layers.is_empty() {
        config = config.with_tricks(arguments.layers.iter().copied().collect());
    }
    if let Some(path) = &arguments.splits {
        config = config.with_splits(&std::fs::read(path).map_err(Error::io(path))?, path)?;
    }
    let filter = Filter::new(words, config);
    if filter.is_empty() {
        return Err(Error::Unfit {
            path: arguments.words[0].clone(),
            found: "no word".to_owned(),
            expected: "a word a line",
        });
    }
    if filter.duplicates() > 0 {
        note(format_args!(
            "{} lines have a word that is on another one too: the strictest of them counts",
            filter.duplicates()
        ));
    }
    Ok(filter)
}

/// What comes out of a text in pieces.
fn streamed(filter: &Arc<Filter>, text: &str, length: usize) -> Filtered {
    let mut stream = Stream::new(Arc::clone(filter));
    let chars: Vec<char> = text.chars().collect();
    let mut told: Vec<Filtered> = chars
        .chunks(length)
        .map(|piece| stream.push(&piece.iter().collect::<String>()))
        .collect();
    told.push(stream.finish());
    Filtered {
        action: told
            .iter()
            .map(|told| told.action)
            .max()
            .unwrap_or_default(),
        masked: told.iter().map(|told| told.masked.as_str()).collect(),
        hits: told.into_iter().flat_map(|told| told.hits).collect(),
    }
}

fn show(line: &Line, output: Output) -> Result<()> {
    if output.json {
        return print_json(line);
    }
    print(format_args!(
        "{}\t{}",
        line.filtered.action, line.filtered.masked
    ))?;
    for hit in &line.filtered.hits {
        let category = hit.category.as_deref().unwrap_or("-");
        print(format_args!(
            "    {} to {}: {}, {category}, severity {}, {}",
            hit.start,
            hit.end,
            hit.word,
            hit.severity.get(),
            hit.trick
        ))?;
    }
    Ok(())
}
