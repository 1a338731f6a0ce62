//! Tidies a log of conversations: days into Parquet, old ones out, a customer out, rows as JSON lines.
//!
//! ```text
//! cargo run --release --example log -p cs-examples --no-default-features -- --dir logs --parquet --retain 180
//! cargo run --release --example log -- --dir logs --delete 'customer 7' --key-file mask.keys --json
//! ```
//!
//! `serve` may go on to write there; what it writes meanwhile is not deleted. `--vault` has a vault forget the values of the
//! customer's conversations, too, and with `--retain` those of conversations that have no turn left; without it the vault keeps
//! them. Of a damaged file of rows, `--salvage` keeps those that are whole. With `--json`, an object with what was done, in
//! this order: `salvaged{files, rows, lost_bytes}`, `forgotten` (values), `deleted{rows_before, rows_after, rows, ratings,
//! comparisons, files}`, `removed` (days), `parquet{days, rows, rated, compared, ratings_without_turn,
//! comparisons_without_turn, torn_bytes}`, `exported` (rows). Days are of UTC. Rows have `time` in milliseconds since 1970.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Parser};
use cs_data::file::AtomicFile;
use cs_examples::{Error, Outcome, Output, Result, note, open_vault, refuse_input, report, run};
use cs_serve::log::{Day, LogFolder, Row};
use cs_serve::safety::personal::{Keys, Masker, Vault};
use serde_json::{Map, Value, json};

/// Tidy a log of conversations
#[derive(Parser)]
#[command(group = ArgGroup::new("action").required(true).multiple(true))]
#[command(group = ArgGroup::new("customer"))]
#[command(group = ArgGroup::new("keyed").multiple(true))]
#[command(group = ArgGroup::new("forgetting").multiple(true))]
struct Arguments {
    /// Folder of the log
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Remove what is there of a customer, by the name that the service knows them by
    #[arg(
        long,
        value_name = "CUSTOMER",
        groups = ["action", "customer", "keyed", "forgetting"],
        requires = "key_file"
    )]
    delete: Option<String>,
    /// Keys of the tags, with which the log is written
    #[arg(long, value_name = "FILE", requires = "keyed")]
    key_file: Option<PathBuf>,
    /// Vault that forgets the values of the customer's conversations, and of those without a turn that is retained
    #[arg(long, value_name = "FILE", group = "keyed", requires_all = ["key_file", "forgetting"])]
    vault: Option<PathBuf>,
    /// Remove what is there of a customer, by their tag in the log
    #[arg(long, value_name = "TAG", groups = ["action", "customer", "keyed", "forgetting"], value_parser = tag)]
    delete_tag: Option<String>,
    /// Remove the days before so many before today; their values stay in a vault that is not named
    #[arg(long, value_name = "DAYS", groups = ["action", "forgetting"])]
    retain: Option<u32>,
    /// Take what is damaged out of files of rows, and keep the rows that are whole
    #[arg(long, group = "action")]
    salvage: bool,
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
        let mut done = Map::new();
        if arguments.salvage {
            let salvaged = LogFolder::salvage(&arguments.dir)?;
            done.insert("salvaged".to_owned(), json!(salvaged));
        }
        let mut folder = LogFolder::open(&arguments.dir)?;
        let keyed = keyed(&arguments, &folder)?;
        delete(&arguments, keyed.as_ref(), &mut folder, &mut done)?;
        if let Some(days) = arguments.retain {
            let first = today().before(days);
            if let Some(vault) = keyed.as_ref().and_then(|it| it.vault.as_ref()) {
                forget(vault, &folder.conversations_before(first)?, &mut done)?;
            }
            done.insert("removed".to_owned(), json!(folder.retain(first)?));
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

/// What keys are for.
struct Keyed {
    masker: Masker,
    vault: Option<Vault>,
}

/// Opens the key file, if one was named: the keys have to be those of the log.
fn keyed(arguments: &Arguments, folder: &LogFolder) -> Result<Option<Keyed>> {
    let Some(path) = &arguments.key_file else {
        return Ok(None);
    };
    let keys = Keys::open(path)?;
    let masker = Masker::new(keys.clone());
    folder.check_keys(&masker)?;
    let vault = arguments.vault.as_ref();
    if let Some(vault) = vault.filter(|it| !it.is_file()) {
        return Err(Error::Unfit {
            path: vault.clone(),
            found: "no file".to_owned(),
            expected: "the vault that has the customers' values",
        });
    }
    let vault = vault.map(|it| open_vault(it, path, &keys)).transpose()?;
    Ok(Some(Keyed { masker, vault }))
}

/// Removes what is there of a customer, if one was named, first from the vault: the log says of which conversations.
fn delete(
    arguments: &Arguments,
    keyed: Option<&Keyed>,
    folder: &mut LogFolder,
    done: &mut Map<String, Value>,
) -> Result<()> {
    let named = arguments.delete.as_ref().zip(keyed);
    let named = named.map(|(name, keyed)| keyed.masker.customer(name).into_inner());
    let Some(tag) = named.or_else(|| arguments.delete_tag.clone()) else {
        return Ok(());
    };
    if let Some(vault) = keyed.and_then(|it| it.vault.as_ref()) {
        forget(vault, &folder.conversations(&tag)?, done)?;
    }
    let deleted = folder.delete(&tag)?;
    if deleted.is_empty() {
        note(format_args!(
            "warning: nothing of this customer is in the log"
        ));
    }
    done.insert("deleted".to_owned(), json!(deleted));
    Ok(())
}

/// Has a vault forget the values of conversations, and adds how many they were to those before.
fn forget(
    vault: &Vault,
    conversations: &BTreeSet<String>,
    done: &mut Map<String, Value>,
) -> Result<()> {
    let conversations: Vec<&str> = conversations.iter().map(String::as_str).collect();
    let before = done.get("forgotten").and_then(Value::as_u64);
    let forgotten = vault.forget(&conversations)? as u64 + before.unwrap_or(0);
    done.insert("forgotten".to_owned(), json!(forgotten));
    Ok(())
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
