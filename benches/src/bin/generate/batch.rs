//! A batch of ragged prompts, all at once.

use std::path::PathBuf;
use std::time::Instant;

use cs_benches::sequences;
use cs_model::generate::{Decoder, GenerateConfig, Generator, Prompt};
use cs_model::ops::cuda_memory;
use cs_model::{CausalLm, DecoderConfig};
use serde_json::{Value, json};

use crate::{Place, Result, say};

#[derive(Debug, clap::Args)]
pub(crate) struct BatchArgs {
    #[command(flatten)]
    place: Place,
    /// The model's folder.
    #[arg(long, required_unless_present = "shape", conflicts_with = "shape")]
    model: Option<PathBuf>,
    /// The shape of a model with random weights.
    #[arg(long, value_parser = ["qwen2.5-0.5b"])]
    shape: Option<String>,
    /// The number of prompts.
    #[arg(long, default_value_t = 512)]
    prompts: usize,
    /// The fewest tokens of a prompt.
    #[arg(long, default_value_t = 8)]
    shortest: usize,
    /// The most tokens of a prompt.
    #[arg(long, default_value_t = 128)]
    longest: usize,
    /// The number of new tokens of each prompt.
    #[arg(long, default_value_t = 64)]
    new: usize,
    /// The number of rounds, after one that warms up.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Qwen2.5-0.5B.
const QWEN: &str = r#"{"model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896,
    "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
    "num_key_value_heads": 2, "max_position_embeddings": 32768, "hidden_act": "silu",
    "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "tie_word_embeddings": true}"#;

pub(crate) fn run(args: &BatchArgs) -> Result<()> {
    let (device, dtype) = (args.place.device, args.place.dtype());
    let mut model = match &args.model {
        Some(dir) => CausalLm::open(dir, device, dtype)?,
        None => {
            let config = DecoderConfig::from_json(QWEN.as_bytes(), "qwen2.5-0.5b".as_ref())?;
            CausalLm::new(&config, device, dtype, 1)?
        }
    };
    let prompts = prompts(args, model.config().vocab_size());
    let (mut seconds, mut prefill) = (Vec::new(), Vec::new());
    for round in 0..=args.rounds {
        let first = prefill_seconds(&mut model, &prompts)?;
        let all = generate_seconds(&mut model, &prompts, args.new)?;
        if round > 0 {
            prefill.push(first);
            seconds.push(all);
        }
    }
    let tokens = (args.prompts * args.new) as f64;
    let rates: Vec<f64> = seconds.iter().map(|seconds| tokens / seconds).collect();
    let peak = cuda_memory(device)?.map_or(Value::Null, |memory| (memory.peak >> 20).into());
    say(&json!({
        "tokens_per_second": rates,
        "prefill_seconds": prefill,
        "seconds": seconds,
        "peak_mb": peak,
    }))
}

/// Random prompts, their lengths evenly from the shortest to the longest, in no order.
fn prompts(args: &BatchArgs, vocab_size: usize) -> Vec<Vec<u32>> {
    let span = args.longest.saturating_sub(args.shortest) + 1;
    let length = |place: usize| args.shortest + place * 37 % span;
    let lengths: Vec<usize> = (0..args.prompts).map(length).collect();
    sequences(&lengths, vocab_size, 7)
}

fn prefill_seconds(model: &mut CausalLm, prompts: &[Vec<u32>]) -> Result<f64> {
    let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    model.prefill(&[])?;
    let start = Instant::now();
    model.prefill_likeliest(&prompts)?;
    Ok(start.elapsed().as_secs_f64())
}

fn generate_seconds(model: &mut CausalLm, prompts: &[Vec<u32>], new: usize) -> Result<f64> {
    let config = GenerateConfig {
        max_new_tokens: new,
        ..GenerateConfig::default()
    };
    let generator = Generator::new(config, model.config().vocab_size())?;
    let prompts: Vec<_> = prompts.iter().map(|prompt| Prompt::new(prompt)).collect();
    model.prefill(&[])?;
    let start = Instant::now();
    let found = generator.run(model, &prompts, &mut |_| ())?;
    let seconds = start.elapsed().as_secs_f64();
    if found.iter().any(|found| found.tokens.len() != new) {
        return Err("a continuation ended early".into());
    }
    Ok(seconds)
}
