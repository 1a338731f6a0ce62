//! Measures the knowledge room of cs-serve on CrossWOZ (<https://github.com/thu-coai/CrossWOZ>), whose
//! customers and systems are people, and on replies made from templates.
//!
//! ```text
//! crosswoz check     --data DIR [--seed 7] [--errors 10]
//! crosswoz templates --data DIR --shop examples/data/shop/facts.ttl [--seed 7] [--errors 10]
//! crosswoz linking   --data DIR [--seed 7] [--errors 10]
//! crosswoz questions --data DIR [--errors 10]
//! ```
//!
//! `DIR` has `val.json`, or `val.json.zip` for `unzip`, and `database/` with the tables.
//!
//! `check` swaps a value of a seeded half of the turns that inform for another thing's, and counts the
//! swaps that are found and the other turns that are blocked; the turns before are the context, as
//! texts. It reports the dialogues of either half apart: the check was written with an eye on the first,
//! and errors of the second were read after that. `templates` does the same with replies of our own. Figures come as JSON, and errors on
//! stderr, as many as `--errors` says.

mod check;
mod databases;
mod dialogues;
mod facts;
mod linking;
mod questions;
mod swap;
mod templates;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use cs_benches::finish;
use cs_serve::knowledge::linking::{Linker, LinkerConfig};
use serde_json::{Value, json};

use check::Outcome;
use databases::Databases;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measure the knowledge room on CrossWOZ
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Hold people's turns against the databases
    Check(Measured),
    /// Hold replies made from templates against the databases and a shop's facts
    Templates {
        #[command(flatten)]
        measured: Measured,
        /// Facts of a shop, in Turtle
        #[arg(long, value_name = "FILE")]
        shop: PathBuf,
    },
    /// Find the databases' names with typing errors
    Linking(Measured),
    /// Answer what customers ask, given what they speak of
    Questions(Measured),
}

#[derive(Debug, Args)]
struct Measured {
    /// Folder of CrossWOZ's validation set and databases
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Seed of what is swapped for what
    #[arg(long, default_value = "7")]
    seed: u64,
    /// Errors that are told
    #[arg(long, value_name = "N", default_value = "10")]
    errors: usize,
}

fn main() -> ExitCode {
    let figures = match Arguments::parse().what {
        What::Check(measured) => check_turns(&measured),
        What::Linking(measured) => link_names(&measured),
        What::Questions(measured) => answer_turns(&measured),
        What::Templates { measured, shop } => check_templates(&measured, &shop),
    };
    finish(figures)
}

fn check_turns(measured: &Measured) -> Result<Value> {
    let databases = Databases::open(&measured.data.join("database"))?;
    let checker = facts::checker(facts::of_databases(
        &measured.data.join("database"),
        facts::NAMES,
    )?)?;
    let dialogues = dialogues::open(&measured.data)?;
    let (first, second) = dialogues.split_at(dialogues.len() / 2);
    let figures = |dialogues| -> Result<Value> {
        let outcome = check::measure(&checker, &databases, dialogues, measured.seed)?;
        tell(&outcome, measured.errors)?;
        Ok(outcome.figures())
    };
    Ok(json!({"first": figures(first)?, "second": figures(second)?}))
}

fn check_templates(measured: &Measured, shop: &std::path::Path) -> Result<Value> {
    let crosswoz = facts::of_databases(&measured.data.join("database"), facts::NAMES)?;
    let figures = |facts| -> Result<Value> {
        let outcome = templates::measure(facts, measured.seed)?;
        tell(&outcome, measured.errors)?;
        Ok(outcome.figures())
    };
    Ok(json!({"crosswoz": figures(crosswoz)?, "shop": figures(facts::open(shop)?)?}))
}

fn link_names(measured: &Measured) -> Result<Value> {
    let facts = facts::of_databases(&measured.data.join("database"), "")?;
    let linker = Linker::new(facts.as_ref(), LinkerConfig::default())?;
    let (mut missed, mut odd) = (Vec::new(), Vec::new());
    let misspelt = linking::misspelt(facts.as_ref(), &linker, measured.seed, &mut missed)?;
    let taken = linking::taken(&linker, &dialogues::open(&measured.data)?, &mut odd);
    tell_samples(
        &[("missed", &missed), ("of no label", &odd)],
        measured.errors,
    )?;
    Ok(json!({"misspelt": misspelt, "taken": taken}))
}

fn answer_turns(measured: &Measured) -> Result<Value> {
    let folder = measured.data.join("database");
    let names = questions::names(&Databases::open(&folder)?);
    let facts = facts::of_databases(&folder, &names)?;
    let linker = Linker::new(facts.as_ref(), LinkerConfig::default())?;
    let service = questions::Service::new(facts.as_ref(), &linker)?;
    let dialogues = dialogues::open(&measured.data)?;
    let (first, second) = dialogues.split_at(dialogues.len() / 2);
    let figures = |dialogues| -> Result<Value> {
        let outcome = questions::measure(&service, dialogues)?;
        let samples = [
            ("attributes", &outcome.wrong_attributes),
            ("values", &outcome.wrong_values),
        ];
        tell_samples(&samples, measured.errors)?;
        Ok(outcome.figures())
    };
    Ok(json!({"first": figures(first)?, "second": figures(second)?}))
}

fn tell(outcome: &Outcome, errors: usize) -> Result<()> {
    let samples = [
        ("missed", &outcome.missed_samples),
        ("blocked", &outcome.blocked_samples),
    ];
    tell_samples(&samples, errors)
}

/// Tells some of each sort, spread over all of them.
fn tell_samples(sorts: &[(&str, &Vec<String>)], errors: usize) -> Result<()> {
    let mut out = std::io::stderr().lock();
    for (what, samples) in sorts {
        let step = samples.len().div_ceil(errors.max(1)).max(1);
        for sample in samples.iter().step_by(step).take(errors) {
            writeln!(out, "{what}: {sample}")?;
        }
    }
    Ok(())
}
