//! Masks personal data: numbers of people and their papers, telephones, addresses, names.
//!
//! ```text
//! echo '我的手机是138 0013 8000' | cargo run --release --example mask -p cs-examples --no-default-features -- --json
//! cargo run --release --example mask -- --input turns.jsonl --key-file mask.keys --model target/quickstart/int8
//! ```
//!
//! A value becomes `<KIND:tag>`. With `--key-file`, two lines of 32 bytes in hexadecimal or base64, the same value has
//! the same tag in every run; else in this run alone. With `--model`, entities whose labels are kinds, as `name` and
//! `address`, are masked as well. With `--vault`, which takes a third line of the key file, values are kept in a file
//! under that key. Lines that are objects may have a `conversation`: a value has a tag in each, and the vault forgets
//! them by these; all other lines are of one conversation without a name. With `--json`, a line per text: `masked, found[{kind, start, end}]`, in characters
//! of the text as it was, and never the value.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cs_examples::{
    BackendKind, Error, InputArgs, LengthArgs, Line, Output, Result, answer_all_lines, open,
    open_vault, print, print_json, run,
};
use cs_serve::Assistant;
use cs_serve::safety::personal::{Found, Keys, Kind, MaskedText, Masker, Vault};
use serde_json::json;

/// Texts of a file masked at a time.
const BATCH: usize = 64;

/// The conversation of the lines that do not say theirs, so that a value has one tag in all of them.
const CONVERSATION: &str = "";

/// Mask personal data
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    input: InputArgs,
    /// Keys of the tags, one for values and one for customers
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File in which the values are kept, under the third key of the key file
    #[arg(long, value_name = "FILE", requires = "key_file")]
    vault: Option<PathBuf>,
    /// Folder of a model that finds entities of the kinds
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let keys = match &arguments.key_file {
            Some(path) => Keys::open(path)?,
            None => Keys::random()?,
        };
        let vault = match (&arguments.vault, &arguments.key_file) {
            (Some(vault), Some(key_file)) => Some(Arc::new(open_vault(vault, key_file, &keys)?)),
            _ => None,
        };
        let mask = Mask {
            masker: match &vault {
                Some(vault) => Masker::new(keys).with_vault(Arc::clone(vault)),
                None => Masker::new(keys),
            },
            model: arguments.model.as_deref().map(model).transpose()?,
        };
        let outcome = answer_all_lines(
            &arguments.input,
            arguments.output,
            BATCH,
            |lines: &[&Line]| Ok(lines.iter().map(|line| mask.line(line)).collect()),
            |it| show(it, arguments.output),
        )?;
        if let (Some(vault), Some(path)) = (&vault, &arguments.vault) {
            kept(vault, path)?;
        }
        Ok(outcome)
    })
}

/// Makes sure that all values are in a vault.
fn kept(vault: &Vault, path: &Path) -> Result<()> {
    vault.sync()?;
    match vault.lost() {
        0 => Ok(()),
        lost => Err(Error::Unfit {
            path: path.to_owned(),
            found: format!("a vault into which {lost} values could not be written"),
            expected: "one with space for all of them",
        }),
    }
}

/// Opens a model one of whose labels is a kind.
fn model(path: &Path) -> Result<Assistant> {
    let assistant = open(path, BackendKind::Native, LengthArgs::default())?;
    let slots = assistant.bundle().tasks().slots.as_ref();
    let has_kind = |it: &cs_data::TagSet| Kind::ALL.iter().any(|kind| it.has_label(kind.name()));
    match slots.is_some_and(has_kind) {
        true => Ok(assistant),
        false => Err(Error::Unfit {
            path: path.to_owned(),
            found: "a model none of whose entities is personal data".to_owned(),
            expected: "one with labels such as `name` or `address`",
        }),
    }
}

struct Mask {
    masker: Masker,
    model: Option<Assistant>,
}

impl Mask {
    fn line(&self, line: &Line) -> Result<MaskedText> {
        let text = line.text.as_deref().unwrap_or_default();
        let mut others = Vec::new();
        if let Some(model) = &self.model {
            let entities = model.understand(text)?.entities;
            others.extend(entities.iter().filter_map(|it| {
                Some(Found {
                    kind: Kind::named(&it.label)?,
                    start: it.start,
                    end: it.end,
                })
            }));
        }
        let conversation = line.conversation.as_deref().unwrap_or(CONVERSATION);
        Ok(self.masker.text_with(conversation, text, &others))
    }
}

fn show(it: &MaskedText, output: Output) -> Result<()> {
    match output.json {
        true => print_json(&json!({"masked": it.masked, "found": it.found})),
        false => print(format_args!("{}", it.masked.get())),
    }
}
