//! Generation by libtorch, measured: a batch of ragged prompts at once, or prompt by prompt by a line
//! protocol, beside other runtimes.
//!
//! ```text
//! generate batch (--model DIR | --shape qwen2.5-0.5b) [--device cuda] [--dtype bf16] [--prompts 512]
//!                [--shortest 8] [--longest 128] [--new 64] [--rounds 3]
//! generate serve --model DIR [--device cpu] [--dtype fp32]
//! ```
//!
//! `batch` writes `{"tokens_per_second": [...], "prefill_seconds": [...], "seconds": [...], "peak_mb": N}`,
//! a number a round after one that warms up; `benches/peers/generate_transformers.py` does the same.
//! `serve` reads commands from stdin:
//!
//! ```text
//! (start)                                     {"ready": true, "disk": BYTES, "load_seconds": S}
//! {"cmd":"prefill","ids":[..],"n":3}          {"ns":[..]}             the prompt, to the next token
//! {"cmd":"decode","ids":[..],"steps":32}      {"ns":[..],"out":[..]}  each step after it, greedy
//! {"cmd":"rss"}                               {"peak_mb":..}
//! {"cmd":"quit"}
//! ```

mod batch;
mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use cs_model::{Device, Dtype};
use serde_json::{Value, json};

/// What every run gives.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures generation by libtorch.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Continues a batch of ragged prompts.
    Batch(batch::BatchArgs),
    /// Continues prompts by a line protocol.
    Serve {
        #[command(flatten)]
        place: Place,
        /// The model's folder.
        #[arg(long)]
        model: PathBuf,
    },
}

/// Where and in which type a model computes.
#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// The device.
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// The type of the weights.
    #[arg(long, value_enum, default_value_t = FloatType::Fp32)]
    dtype: FloatType,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FloatType {
    Fp32,
    Fp16,
    Bf16,
}

impl Place {
    fn dtype(&self) -> Dtype {
        match self.dtype {
            FloatType::Fp32 => Dtype::F32,
            FloatType::Fp16 => Dtype::F16,
            FloatType::Bf16 => Dtype::BF16,
        }
    }
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Batch(args) => batch::run(&args),
        Command::Serve { place, model } => serve::run(&model, &place),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a reader there is nobody to tell.
            let _ = say(&json!({"error": error.to_string()}));
            ExitCode::FAILURE
        }
    }
}

/// Writes an answer, a line.
fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}
