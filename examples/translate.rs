//! Translates texts with a Marian model.
//!
//! ```text
//! echo '我要退款' | cargo run --release --example translate -- --model opus-mt-zh-en --json
//! cargo run --release --example translate -- --model opus-mt-en-zh --input lines.txt --beams 1
//! ```
//!
//! Builds without libtorch too (`-p cs-examples --no-default-features`). `DIR` is a Hugging Face
//! folder with `model.safetensors`, `source.spm`, `target.spm` and `vocab.json`, or one that
//! `quantize` made of it. Its `generation_config.json` says how a translation is chosen, but for the beams.
//! Lines from a file are translated in batches, those from standard input as they come. A blank line
//! stays one; of a text longer than the model's positions only the beginning is translated, with a
//! warning.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    BackendKind, InputArgs, Outcome, Output, Result, answer_lines, note, number, print, print_json,
    run,
};
use cs_model::Translator;
#[cfg(feature = "torch")]
use cs_model::{Device, Dtype, Seq2SeqLm};
use cs_quant::{NativeSeq2SeqLm, RuntimeConfig};
use serde::Serialize;

/// Texts of a file translated at a time.
const BATCH: usize = 16;

/// Translate texts with a Marian model
#[derive(Parser)]
struct Arguments {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// Translations kept beside each other while the best is looked for
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = number::positive)]
    beams: usize,
    /// What runs the model
    #[arg(long, value_enum, default_value = "native")]
    backend: BackendKind,
    #[command(flatten)]
    output: Output,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line {
    text: String,
    translation: String,
    #[serde(skip)]
    truncated: bool,
}

fn main() -> ExitCode {
    run(translate)
}

fn translate(arguments: Arguments) -> Result<Outcome> {
    let Arguments {
        model,
        input,
        beams,
        backend,
        output,
    } = arguments;
    let translator = open(&model, backend)?.with_beams(beams);
    let answer = |texts: &[&str]| -> Result<Vec<Line>> {
        let pairs = texts.iter().zip(translator.translate(texts)?);
        let lines = pairs.map(|(text, found)| Line {
            text: (*text).to_owned(),
            translation: found.text,
            truncated: found.truncated,
        });
        Ok(lines.collect())
    };
    let mut cut = 0;
    let outcome = answer_lines(&input, output, BATCH, answer, |line: &Line| {
        cut += usize::from(line.truncated);
        match output.json {
            true => print_json(line),
            false => print(format_args!("{}", line.translation)),
        }
    })?;
    if cut > 0 {
        note(format_args!(
            "warning: {cut} texts were longer than {} tokens, and only their beginning was translated",
            translator.max_length()
        ));
    }
    Ok(outcome)
}

/// Opens the model with what is to run it.
fn open(dir: &Path, backend: BackendKind) -> Result<Translator> {
    Ok(match backend {
        BackendKind::Native => {
            let model = NativeSeq2SeqLm::open(dir, &RuntimeConfig::default())?;
            Translator::new(model, dir)?
        }
        #[cfg(feature = "torch")]
        BackendKind::Torch => {
            let model = Seq2SeqLm::open(dir, Device::auto(), Dtype::F32)?;
            Translator::new(model, dir)?
        }
    })
}
