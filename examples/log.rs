//! Tidies a log of conversations: days into Parquet, old ones out, a customer out, rows as JSON lines.
//!
//! ```text
//! cargo run --release --example log -p cs-examples --no-default-features -- --dir logs --parquet --retain 180
//! cargo run --release --example log -- --dir logs --delete 'customer 7' --key-file mask.keys --json
//! ```
//!
//! `serve` may go on to write there. With `--json`, an object with what was done, in this order: `deleted{rows_before,
//! rows_after, rows, ratings, files}`, `removed` (days)`, parquet{days, rows, rated, ratings_without_turn, torn_bytes}`,
//! `exported` (rows). Days are of UTC. Rows have `time` in milliseconds since 1970.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Parser};
use cs_data::file::AtomicFile;
use cs_examples::{Error, Outcome, Output, Result, refuse_input, report, run};
use cs_serve::log::{Day, LogFolder, Row};
use cs_serve::safety::personal::{Keys, Masker};
use serde_json::{Map, json};

/// Tidy a log of conversations
#[derive(Parser)]
#[command(group = ArgGroup::new("action").required(true).multiple(true))]
struct Arguments {
    /// Folder of the log
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Remove what is there of a customer, by the name that the service knows them by
    #[arg(
        long,
        value_name = "CUSTOMER",
        group = "action",
        requires = "key_file",
        conflicts_with = "delete_tag"
    )]
    delete: Option<String>,
    /// Keys of the tags, with which the log is written
    #[arg(long, value_name = "FILE", requires = "delete")]
    key_file: Option<PathBuf>,
    /// Remove what is there of a customer, by their tag in the log
    #[arg(long, value_name = "TAG", group = "action", value_parser = tag)]
    delete_tag: Option<String>,
    /// Remove the days before so many before today
    #[arg(long, value_name = "DAYS", group = "action")]
    retain: Option<u32>,
    /// Turn days that are over into Parquet
    #[arg(long, group = "action")]
    parquet: bool,
    /// Write all rows as JSON lines
    #[arg(long, value_name = "FILE", group = "action")]
    export: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn tag(text: &str) -> Result<String, &'static str> {
    let is_tag = |it: u8| matches!(it, b'a'..=b'z' | b'2'..=b'7');
    match text.len() == 16 && text.bytes().all(is_tag) {
        true => Ok(text.to_owned()),
        false => Err("expected 16 characters of a to z and 2 to 7"),
    }
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let mut folder = LogFolder::open(&arguments.dir)?;
        let mut done = Map::new();
        let named = (&arguments.delete, &arguments.key_file);
        let customer = match named {
            (Some(customer), Some(keys)) => {
                let masker = Masker::new(Keys::open(keys)?);
                Some(masker.customer(customer).into_inner())
            }
            _ => arguments.delete_tag,
        };
        if let Some(tag) = customer {
            done.insert("deleted".to_owned(), json!(folder.delete(&tag)?));
        }
        if let Some(days) = arguments.retain {
            let removed = folder.retain(today().before(days))?;
            done.insert("removed".to_owned(), json!(removed));
        }
        if arguments.parquet {
            let converted = folder.to_parquet(today())?;
            done.insert("parquet".to_owned(), json!(converted));
        }
        if let Some(path) = &arguments.export {
            done.insert("exported".to_owned(), json!(export(&folder, path)?));
        }
        report(arguments.output.json, &done)?;
        Ok(Outcome::Passed)
    })
}

fn today() -> Day {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |it| it.as_millis());
    Day::of(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Gives the number of rows that were written.
fn export(folder: &LogFolder, path: &Path) -> Result<u64> {
    refuse_input(path, &[folder.path()])?;
    let mut file = AtomicFile::create(path).map_err(Error::io(path))?;
    let read = folder.read(|row: Row| {
        let line = serde_json::to_string(&row).map_err(std::io::Error::from);
        line.and_then(|line| writeln!(file, "{line}"))
            .map_err(|error| format!("{}: {error}", path.display()))
    })?;
    file.finish().map_err(Error::io(path))?;
    Ok(read.rows)
}
