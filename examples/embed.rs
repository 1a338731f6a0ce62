//! Turns texts into vectors with a model's encoder, for search and for finding duplicates.
//!
//! ```text
//! echo 'where is my order' | cargo run --release --example embed -- --model DIR --json
//! cargo run --release --example embed -p cs-examples --no-default-features -- \
//!     --model DIR --input questions.txt --prefix 'query: ' --json
//! ```
//!
//! `DIR` is a bundle or a plain Hugging Face encoder, in int8 if it has that. The second form
//! builds without libtorch. A vector is the text's token states pooled as the folder says
//! (`1_Pooling/config.json`, `pooling` of a bundle; else their mean), of length 1 unless `--raw`,
//! so that the product of two is their cosine. Some models want a prefix before each text, which
//! `--prefix` gives, or `--prompt`, by its name in `config_sentence_transformers.json`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::{TokenBatch, Tokenizer};
use cs_examples::{
    Error, InputArgs, LengthArgs, Output, Result, answer_lines, note_cut, print, print_json, run,
};
use cs_model::Bundle;
use cs_quant::{NativeModel, RuntimeConfig};
use serde::Serialize;

/// Texts of a file computed at a time.
const BATCH: usize = 32;

/// Turn texts into vectors
#[derive(Parser)]
struct Arguments {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// Text before each text, e.g. 'query: '
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt")]
    prefix: Option<String>,
    /// The prefix that the model lists by this name; its default one if left out
    #[arg(long, value_name = "NAME")]
    prompt: Option<String>,
    #[command(flatten)]
    length: LengthArgs,
    /// Leave the vectors' lengths as they are
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    output: Output,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line {
    text: String,
    embedding: Vec<f32>,
    /// Whether only the beginning of the text was read.
    truncated: bool,
}

struct Embedder {
    model: NativeModel,
    tokenizer: Tokenizer,
    max_length: usize,
    prefix: String,
    raw: bool,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let bundle = arguments.length.apply(Bundle::open(&arguments.model)?)?;
        let config = RuntimeConfig::default();
        let (tokenizer, model) = bundle.tokenizer_beside(|| NativeModel::open(&bundle, &config));
        let embedder = Embedder {
            prefix: prefix(&arguments, &bundle)?,
            model: model?,
            tokenizer: tokenizer?,
            max_length: bundle.max_length(),
            raw: arguments.raw,
        };
        let Arguments { input, output, .. } = &arguments;
        let mut cut = 0;
        let embed = |texts: &[&str]| embedder.embed(texts);
        let outcome = answer_lines(input, *output, BATCH, embed, |line: &Line| {
            cut += usize::from(line.truncated);
            match output.json {
                true => print_json(line),
                false => print(format_args!("{}\t{:?}", line.text, line.embedding)),
            }
        })?;
        note_cut(cut, embedder.max_length);
        Ok(outcome)
    })
}

/// What goes before each text.
fn prefix(arguments: &Arguments, bundle: &Bundle) -> Result<String> {
    if let Some(prefix) = &arguments.prefix {
        return Ok(prefix.clone());
    }
    let prompts = bundle.prompts()?;
    let Some(name) = &arguments.prompt else {
        return Ok(prompts.default_prompt().unwrap_or_default().to_owned());
    };
    let known: Vec<&str> = prompts.prompts.keys().map(String::as_str).collect();
    let known = match known.is_empty() {
        true => "the model lists none; --prefix takes the text itself".to_owned(),
        false => format!("one of {}", known.join(", ")),
    };
    let unknown = || Error::Usage(format!("--prompt: {name:?}, expected {known}"));
    prompts.get(name).map(str::to_owned).ok_or_else(unknown)
}

impl Embedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Line>> {
        let prefixed: Vec<String> = texts
            .iter()
            .map(|text| self.prefix.clone() + text)
            .collect();
        let prefixed: Vec<&str> = prefixed.iter().map(String::as_str).collect();
        let encodings = self.tokenizer.encode_batch(&prefixed, self.max_length)?;
        let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
        let vectors = self.model.embed(&batch)?;
        let lines = texts.iter().zip(&encodings).enumerate();
        Ok(lines
            .map(|(row, (text, encoding))| {
                let mut embedding = vectors.row(row).to_vec();
                if !self.raw {
                    normalise(&mut embedding);
                }
                Line {
                    text: (*text).to_owned(),
                    embedding,
                    truncated: encoding.truncated,
                }
            })
            .collect())
    }
}

fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|&x| f64::from(x).powi(2)).sum();
    if square > 0.0 {
        let inverse = square.sqrt().recip() as f32;
        vector.iter_mut().for_each(|x| *x *= inverse);
    }
}
