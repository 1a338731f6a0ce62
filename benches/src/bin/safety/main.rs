//! Measures the room `safety` of cs-serve on generated turns: personal data of each kind in Chinese and English,
//! a third of the turns with none but with numbers that look as if they were some; and prohibited meanings.
//!
//! ```text
//! safety masking [--half development|sealed-1|…|sealed-5] [--turns 20000] [--seed 7] [--errors 10] [--write FILE.jsonl]
//! safety meaning --embedder DIR --turns FILE… [--prefix 'query: '] [--most 2000] [--seed 7]
//! ```
//!
//! The recognisers were written with the half `development`. Both sealed halves were written without a look at the
//! recognisers and measured so: the first, then, what was missed in it mended, the second. That was mended in turn, so that
//! neither is unseen now. Three others wrote the third, the fourth and the fifth, each alone, which were measured likewise; what the third and
//! the fourth showed was mended since. A value is found if what covers it whole is masked as its kind; of names, addresses and dates four fifths of it are enough, as nobody
//! can say where "Flat 3, the house next to …" begins. Figures come as JSON, and errors on stderr. `--write` writes the
//! turns with their values, for other programs to be measured on.

mod grammar;
mod meaning;
mod score;
mod sources;
mod turns;
mod writing;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use cs_benches::finish;
use cs_data::SplitMix;
use cs_serve::safety::personal::{Found, Keys, Kind, Masker, find};
use serde_json::{Value, json};

use score::Score;
use turns::{Half, Turn, Turns};

type Error = Box<dyn std::error::Error>;
type Result<T> = std::result::Result<T, Error>;

/// Measure the room safety on generated turns
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Find and mask personal data
    Masking(Masking),
    /// Find texts that mean what is prohibited, by exemplars
    Meaning(MeaningArgs),
}

#[derive(Debug, Args)]
struct MeaningArgs {
    /// Folder of an encoder
    #[arg(long, value_name = "DIR")]
    embedder: PathBuf,
    /// What stands before each text, as the encoder has learned it
    #[arg(long, default_value = "query: ")]
    prefix: String,
    /// Ordinary turns, one a line: half of them fit the threshold
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    turns: Vec<PathBuf>,
    /// The most turns of a file
    #[arg(long, default_value = "2000")]
    most: usize,
    /// Seed of the choice of turns
    #[arg(long, default_value = "7")]
    seed: u64,
}

#[derive(Debug, Args)]
struct Masking {
    /// The sentences and formats of the turns
    #[arg(long, value_enum, default_value = "development")]
    half: Half,
    /// How many turns
    #[arg(long, default_value = "20000")]
    turns: usize,
    /// Seed of the turns
    #[arg(long, default_value = "7")]
    seed: u64,
    /// Errors that are told
    #[arg(long, default_value = "10")]
    errors: usize,
    /// Where the turns are written
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    let figures = match Arguments::parse().what {
        What::Masking(arguments) => masking(&arguments),
        What::Meaning(arguments) => meaning::measure(&meaning::Setup {
            embedder: &arguments.embedder,
            prefix: &arguments.prefix,
            turns: &arguments.turns,
            most: arguments.most,
            seed: arguments.seed,
        }),
    };
    finish(figures.map(|it| format!("{it:#}")))
}

fn masking(arguments: &Masking) -> Result<Value> {
    let half = arguments.half.to_string();
    let all = Turns::of(arguments.half)?;
    let mut random = SplitMix::named(arguments.seed, &half);
    let turns: Vec<Turn> = (0..arguments.turns)
        .map(|_| all.make(&mut random))
        .collect();
    let mut score = Score::default();
    let mut told = 0;
    for turn in &turns {
        let found = find(&turn.text);
        if !score.add(turn, &found) && told < arguments.errors {
            told += 1;
            tell(turn, &found)?;
        }
    }
    if let Some(path) = &arguments.write {
        let lines: Vec<String> = turns.iter().map(|it| it.json().to_string()).collect();
        std::fs::write(path, lines.join("\n") + "\n")?;
    }
    let mut figures = score.figures();
    figures["microseconds"] = json!(microseconds(&turns)?);
    Ok(json!({half: figures}))
}

/// Tells a turn in which something was missed, or found that isn't there.
fn tell(turn: &Turn, found: &[Found]) -> Result<()> {
    let characters: Vec<char> = turn.text.chars().collect();
    let part =
        |kind: Kind, start, end| format!("{kind}:{}", String::from_iter(&characters[start..end]));
    let planted: Vec<String> = turn
        .values
        .iter()
        .map(|it| part(it.kind, it.start, it.end))
        .collect();
    let found: Vec<String> = found
        .iter()
        .map(|it| part(it.kind, it.start, it.end))
        .collect();
    writeln!(std::io::stderr(), "{} {planted:?} {found:?}", turn.text)?;
    Ok(())
}

/// The mean time to mask a turn.
fn microseconds(turns: &[Turn]) -> Result<f64> {
    let masker = Masker::new(Keys::random()?);
    // The first turn has the patterns compiled.
    for turn in turns.iter().take(100) {
        let _ = masker.text("one", &turn.text);
    }
    let start = Instant::now();
    let characters: usize = turns
        .iter()
        .map(|it| masker.text("one", &it.text).masked.get().len())
        .sum();
    let micros = start.elapsed().as_secs_f64() * 1e6 / turns.len().max(1) as f64;
    Ok(if characters > 0 { micros } else { 0.0 })
}
