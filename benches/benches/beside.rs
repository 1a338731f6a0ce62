//! How long understanding waits beside texts that are written on the same threads: a light model
//! answers a text every 20 ms, first alone, then beside eight callers of a decoder, who ask again as
//! soon as their text is complete. A line of JSON each. `cargo bench -p cs-benches
//! --no-default-features --bench beside`; `GENERATOR=DIR|FILE.gguf` takes that decoder instead of one
//! with random weights.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cs_data::{SplitMix, Tokenizer};
use cs_model::generate::GenerateConfig;
use cs_model::{
    BiLstmConfig, Bundle, BundleWriter, DecoderConfig, EncoderConfig, Manifest, RawTensor, Tasks,
    init, write_safetensors,
};
use cs_quant::{Precision, RuntimeConfig};
use cs_serve::Assistant;
use cs_serve::engine::generation::{
    GenerationConfig, GenerationEngine, GenerationHandle, GenerationModel, GenerationRequest,
};
use cs_serve::engine::{Engine, EngineConfig, Handle, Options};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TEXT: &str = "去上海的订单到哪里了，谢谢!";
const CALLERS: u64 = 8;
const REQUESTS: u32 = 500;
const EVERY: Duration = Duration::from_millis(20);
/// Tokens of a prompt, the first half of which all have in common, and of a text.
const PROMPT: usize = 128;
const NEW: usize = 64;

/// Eight layers of SmolLM2-135M's shape, with fewer words.
const DECODER: &str = r#"{"model_type": "llama", "vocab_size": 8192, "hidden_size": 576,
    "intermediate_size": 1536, "num_hidden_layers": 8, "num_attention_heads": 9,
    "num_key_value_heads": 3, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0, "tie_word_embeddings": true}"#;

fn runtime() -> RuntimeConfig {
    RuntimeConfig {
        precision: Precision::Int8,
        ..RuntimeConfig::default()
    }
}

/// A light model with random weights.
fn assistant(dir: &Path) -> Result<Assistant> {
    let tokenizer = Tokenizer::train([TEXT; 2].into_iter(), 5000)?;
    let config = EncoderConfig::from(BiLstmConfig {
        vocab_size: 5000,
        embedding_size: 192,
        hidden_size: 192,
        ..BiLstmConfig::default()
    });
    let tasks = Tasks {
        intent: Some((0..27).map(|i| format!("intent{i}")).collect()),
        ..Tasks::default()
    };
    let mut writer = BundleWriter::new(dir)?;
    writer.write("config.json", &config.to_json()?)?;
    writer.write("tokenizer.json", &tokenizer.to_json()?)?;
    writer.write_with("model.safetensors", |path| {
        init::write_fresh(path, &config, &tasks, 1)
    })?;
    writer.finish(Manifest::new(tasks, 128))?;
    Ok(Assistant::open_native(Bundle::open(dir)?, &runtime())?)
}

/// A decoder with random weights.
fn write_decoder(dir: &Path) -> Result<()> {
    std::fs::write(dir.join("config.json"), DECODER)?;
    let tokenizer = Tokenizer::train([TEXT; 2].into_iter(), 5000)?;
    std::fs::write(dir.join("tokenizer.json"), tokenizer.to_json()?)?;
    let mut random = SplitMix::new(1);
    let shapes = DecoderConfig::open(dir)?.tensors();
    let tensors = shapes.iter().map(|(name, shape)| {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| random.unit() as f32 * 0.08 - 0.04)
            .collect();
        (name, RawTensor::from_f32(shape, &values))
    });
    Ok(write_safetensors(
        &dir.join("model.safetensors"),
        tensors,
        &BTreeMap::new(),
    )?)
}

/// The milliseconds from when each request is due to its answer.
fn understand(handle: &Handle) -> Result<Vec<f64>> {
    let start = Instant::now();
    let mut waits = Vec::new();
    for request in 0..REQUESTS {
        let due = EVERY * request;
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        handle.understand(TEXT, &Options::default())?;
        waits.push((start.elapsed() - due).as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

fn write(handle: &GenerationHandle, seed: u64, stop: &AtomicBool) -> Result<()> {
    let mut random = SplitMix::new(seed);
    let mut token = move || (random.next() % 1000) as u32 + 10;
    while !stop.load(Ordering::Relaxed) {
        let shared = (0..PROMPT as u32 / 2).map(|i| i + 10);
        let prompt: Vec<u32> = shared.chain((0..PROMPT / 2).map(|_| token())).collect();
        let config = GenerateConfig {
            max_new_tokens: NEW,
            ..GenerateConfig::default()
        };
        let request = GenerationRequest::new(prompt, config);
        handle.generate(request, &Options::default())?.wait()?;
    }
    Ok(())
}

fn show(what: &str, waits: &[f64], new_tokens: u64, seconds: f64) -> Result<()> {
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share).round() as usize];
    let line = serde_json::json!({
        "beside": what, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
        "tokens_per_second": new_tokens as f64 / seconds,
    });
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn main() -> Result<()> {
    let (light, decoder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let engine = Engine::start(Arc::new(assistant(light.path())?), EngineConfig::default())?;
    let path = match std::env::var_os("GENERATOR") {
        Some(path) => PathBuf::from(path),
        None => {
            write_decoder(decoder.path())?;
            decoder.path().to_owned()
        }
    };
    let model = GenerationModel::open(&path, &runtime())?;
    let writer = GenerationEngine::start(model, GenerationConfig::default())?;
    let (handle, generation) = (engine.handle(), writer.handle());
    show("nothing", &understand(&handle)?, 0, 1.0)?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers = (0..CALLERS).map(|seed| {
            let (generation, stop) = (&generation, &stop);
            scope.spawn(move || write(generation, seed, stop).map_err(|error| error.to_string()))
        });
        let callers: Vec<_> = callers.collect();
        let (before, start) = (generation.snapshot().new_tokens, Instant::now());
        let waits = understand(&handle);
        let after = generation.snapshot();
        let seconds = start.elapsed().as_secs_f64();
        let (before_alone, start) = (after.new_tokens, Instant::now());
        std::thread::sleep(Duration::from_secs(5));
        let alone = generation.snapshot().new_tokens - before_alone;
        let alone = alone as f64 / start.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.join().map_err(|_| "a caller panicked")??;
        }
        show("8 texts", &waits?, after.new_tokens - before, seconds)?;
        let step = after.step.mean().unwrap_or_default() * 1e3;
        let line = serde_json::json!({
            "beside": "no understanding", "step_ms": step, "tokens_per_second": alone,
        });
        Ok(writeln!(std::io::stdout(), "{line}")?)
    })
}
