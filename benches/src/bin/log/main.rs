//! Measures the room `log` of cs-serve, and kills who writes.
//!
//! ```text
//! log kill [--times 200] [--seed 7]
//! log full --dir DIR
//! log speed [--seconds 10] [--masked]
//! ```
//!
//! `kill` lets another process write rows with personal values of fixed formats, or turn days into Parquet, and kills
//! it (SIGKILL) at random moments; no value may be in the bytes of any file then, before anything is tidied up, and whatever
//! was synced has to be there, in order. At the end all rows are looked at, too, as Parquet is compressed. `full` fills a small disk, then makes room. `speed` masks and logs turns as fast as one
//! thread can, while another one writes and syncs each second. Figures come as JSON.

mod full;
mod kill;
mod planted;
mod speed;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cs_serve::safety::personal::{Keys, Masker};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measure the room log, and kill who writes
#[derive(Debug, Parser)]
enum Arguments {
    /// Kill processes that write, and look at what is left
    Kill(kill::Kill),
    /// Fill a disk
    Full(full::Full),
    /// Rows a second
    Speed(speed::Speed),
    /// What `kill` starts
    #[command(subcommand, hide = true)]
    Child(Child),
}

#[derive(Debug, Subcommand)]
enum Child {
    /// Write rows from a number on, and say which are synced
    Write { dir: PathBuf, from: u64, seed: u64 },
    /// Turn days into Parquet
    Tidy { dir: PathBuf },
}

fn main() -> Result<()> {
    let figures = match Arguments::parse() {
        Arguments::Kill(kill) => kill.run()?,
        Arguments::Full(full) => full.run()?,
        Arguments::Speed(speed) => speed.run()?,
        Arguments::Child(Child::Write { dir, from, seed }) => return kill::write(&dir, from, seed),
        Arguments::Child(Child::Tidy { dir }) => return kill::tidy_and_say(&dir),
    };
    writeln!(std::io::stdout(), "{figures}")?;
    Ok(())
}

/// A masker whose keys are always the same, as those of a log are.
fn masker() -> Result<Masker> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("keys");
    std::fs::write(&path, format!("{}\n{}\n", "1a".repeat(32), "2b".repeat(32)))?;
    Ok(Masker::new(Keys::open(&path)?))
}
