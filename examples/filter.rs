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
//! are `pass`, `review`, `mask` and `block`, and `allow` for phrases in which words are innocent. A word between slashes is a regular
//! expression, as `/qq\s?\d{5,11}/`. With `--json`, a
//! line per text: `text, hits[{word, start, end, category, severity, trick}], action, masked`. It exits with 1 if a text
//! is blocked. `--stream N` filters texts as they come, N characters at a time, which finds the same.
//!
//! `--semantic DIR` also finds texts whose meaning is prohibited, whatever their words are, and tells it as `meaning{category,
//! severity, similarity}`. The folder has an encoder, `exemplars.tsv`, whose lines are those of a list with texts for words, and
//! `ordinary.txt`, ordinary texts, a line each. A text is prohibited if it is nearer to such an exemplar than one in 200 ordinary texts is,
//! and than it is to any exemplar whose action is `allow`: mentions that are negated or quoted.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cs_examples::{
    Error, InputArgs, Outcome, Output, Result, Semantic, note, open_words, print, print_json, run,
    try_answer_lines,
};
use cs_serve::RuntimeConfig;
use cs_serve::safety::Action;
use cs_serve::safety::meaning::covered;
use cs_serve::safety::words::{Filter, FilterConfig, Filtered, Stream, Trick};
use serde::Serialize;
use serde_json::{Value, json};

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
    /// Folder of an encoder, of `exemplars.tsv`, prohibited texts, and of `ordinary.txt`, ordinary ones: texts whose meaning is
    /// prohibited are found, too
    #[arg(long, value_name = "DIR")]
    semantic: Option<PathBuf>,
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
    /// With `--semantic`, what the text is like that is prohibited.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<Value>,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let filter = Arc::new(filter(&arguments)?);
        let semantic = semantic(&arguments)?;
        let is_blocked = Cell::new(false);
        let line = |text: &&str| {
            let mut filtered = match arguments.stream {
                Some(length) => streamed(&filter, text, length as usize),
                None => filter.filter(text),
            };
            let likeness = semantic.as_ref().map(|it| it.prohibited(text));
            let likeness = likeness.transpose()?;
            if let Some(likeness) = likeness.flatten() {
                filtered.action = filtered.action.max(likeness.action);
                if likeness.action == Action::Block {
                    filtered.masked = covered(text);
                }
            }
            Ok::<_, Error>(Line {
                text: (*text).to_owned(),
                filtered,
                meaning: likeness.map(|it| json!(it)),
            })
        };
        let answer = |texts: &[&str]| Ok(texts.iter().map(line).collect());
        let outcome = try_answer_lines(
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
    let mut config = FilterConfig::default();
    if !arguments.layers.is_empty() {
        config = config.with_tricks(arguments.layers.iter().copied().collect());
    }
    if let Some(path) = &arguments.splits {
        config = config.with_splits(&std::fs::read(path).map_err(Error::io(path))?, path)?;
    }
    let filter = open_words(&arguments.words, config)?;
    if filter.duplicates() > 0 {
        note(format_args!(
            "{} lines have a word that is on another one too: the strictest of them counts",
            filter.duplicates()
        ));
    }
    Ok(filter)
}

fn semantic(arguments: &Arguments) -> Result<Option<Semantic>> {
    let open = |dir: &PathBuf| Semantic::open(dir, &RuntimeConfig::default());
    arguments.semantic.as_ref().map(open).transpose()
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
    if let Some(meaning) = &line.meaning {
        print(format_args!("    meaning: {meaning}"))?;
    }
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
