//! Turns texts into vectors with a model's encoder, for search and for finding duplicates.
//!
//! ```text
//! echo 'where is my order' | cargo run --release --example embed -- --model DIR --json
//! cargo run --release --example embed -p cs-examples --no-default-features -- \
//!     --model DIR --input questions.txt --json
//! ```
//!
//! `DIR` is a bundle or a plain Hugging Face encoder, in int8 if it has that. The second form builds
//! without libtorch. A vector is the mean of a text's token states (as the bundle's `pooling` says),
//! of length 1 unless `--raw`, so that the product of two is their cosine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_data::{TokenBatch, Tokenizer};
use cs_examples::{Error, InputArgs, Outcome, Output, Result, Texts, print, print_json, run};
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
    /// Leave the vectors' lengths as they are
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    output: Output,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    text: &'a str,
    embedding: &'a [f32],
}

struct Embedder {
    model: NativeModel,
    tokenizer: Tokenizer,
    max_length: usize,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let bundle = Bundle::open(&arguments.model)?;
        let embedder = Embedder {
            model: NativeModel::open(&bundle, &RuntimeConfig::default())?,
            tokenizer: bundle.tokenizer()?,
            max_length: bundle.max_length(),
        };
        let file = arguments.input.input.as_deref();
        let batch = if file.is_some() { BATCH } else { 1 };
        let (mut waiting, mut answered) = (Vec::new(), 0);
        for text in Texts::open(file)? {
            waiting.push(text?);
            answered += 1;
            if waiting.len() == batch {
                embedder.print(&std::mem::take(&mut waiting), &arguments)?;
            }
        }
        embedder.print(&waiting, &arguments)?;
        match file {
            Some(path) if answered == 0 => Err(Error::Unfit {
                path: path.to_owned(),
                found: "no text".to_owned(),
                expected: "a text a line",
            }),
            _ => Ok(Outcome::Passed),
        }
    })
}

impl Embedder {
    fn print(&self, texts: &[String], arguments: &Arguments) -> Result<()> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let encodings = self.tokenizer.encode_batch(&texts, self.max_length)?;
        let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
        let mut vectors = self.model.embed(&batch)?;
        for (row, text) in texts.into_iter().enumerate() {
            let embedding = vectors.row_mut(row);
            if !arguments.raw {
                normalise(embedding);
            }
            match arguments.output.json {
                true => print_json(&Line { text, embedding })?,
                false => print(format_args!("{text}\t{embedding:?}"))?,
            }
        }
        Ok(())
    }
}

/// Scales a vector to length 1; one of zeros stays.
fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|&x| f64::from(x).powi(2)).sum();
    if square > 0.0 {
        let inverse = square.sqrt().recip() as f32;
        vector.iter_mut().for_each(|x| *x *= inverse);
    }
}
