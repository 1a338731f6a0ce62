//! The generation engine on scripted backends, and on a small native one.

mod ends;
mod faults;
mod room;
mod stress;
mod texts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cs_data::Tokenizer;
use cs_model::generate::GenerateConfig;
use cs_serve::engine::Options;
use cs_serve::engine::generation::{
    GenerationConfig, GenerationEngine, GenerationHandle, GenerationModel, GenerationRequest,
    GenerationSnapshot, GenerationStream,
};
use cs_serve::{BackendError, ScriptedGeneration};

/// The token that ends a text.
const END: u32 = 3;
/// The first token that is a word of its own.
const FIRST: u32 = 5;

fn tokenizer() -> Tokenizer {
    let texts = [
        "where is order 12345",
        "订单 12345 在哪里？",
        "please cancel the order",
    ];
    let tokenizer = Tokenizer::train(texts.into_iter(), 120).unwrap();
    assert_eq!(tokenizer.id("[SEP]"), Some(END));
    tokenizer
}

/// The token after some others: words in an order that depends on all of them, and no end.
fn next(tokens: &[u32]) -> u32 {
    let sum = tokens
        .iter()
        .fold(1u32, |sum, &token| sum.wrapping_mul(31).wrapping_add(token));
    FIRST + sum % 20
}

/// What comes after a prompt.
fn alone(prompt: &[u32], new: usize) -> Vec<u32> {
    let mut tokens = prompt.to_vec();
    (0..new).for_each(|_| tokens.push(next(&tokens)));
    tokens.split_off(prompt.len())
}

fn model(script: impl Fn(&[u32]) -> Result<u32, BackendError> + Send + 'static) -> GenerationModel {
    let tokenizer = tokenizer();
    let backend = ScriptedGeneration::new(tokenizer.vocab_size(), script).with_positions(1000);
    GenerationModel::new(tokenizer, settings(8), Box::new(backend))
}

fn plain() -> GenerationModel {
    model(|tokens| Ok(next(tokens)))
}

/// A cache of 20 pages of 8 tokens.
fn config() -> GenerationConfig {
    GenerationConfig {
        prompt_tokens: 16,
        cache_bytes: 160,
        ..GenerationConfig::default()
    }
}

fn settings(new: usize) -> GenerateConfig {
    GenerateConfig {
        max_new_tokens: new,
        eos_token_id: vec![END],
        ..GenerateConfig::default()
    }
}

fn start(model: GenerationModel, config: GenerationConfig) -> (GenerationEngine, GenerationHandle) {
    let engine = GenerationEngine::start(model, config).unwrap();
    let handle = engine.handle();
    (engine, handle)
}

fn ask(handle: &GenerationHandle, prompt: &[u32], new: usize) -> GenerationStream {
    let request = GenerationRequest::new(prompt.to_vec(), settings(new));
    handle.generate(request, &Options::default()).unwrap()
}

fn refusal(handle: &GenerationHandle, prompt: &[u32], config: GenerateConfig) -> String {
    let request = GenerationRequest::new(prompt.to_vec(), config);
    handle
        .generate(request, &Options::default())
        .unwrap_err()
        .to_string()
}

/// Waits for what the engine's thread is about to do.
fn eventually(handle: &GenerationHandle, holds: impl Fn(&GenerationSnapshot) -> bool) {
    let started = Instant::now();
    while !holds(&handle.snapshot()) {
        let snapshot = handle.snapshot();
        assert!(started.elapsed() < Duration::from_secs(60), "{snapshot:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Checks that all that was let in has come to an end, and reserves no room any more.
fn assert_settled(handle: &GenerationHandle) {
    eventually(handle, |it| it.active == 0 && it.waiting == 0);
    // The room is counted after a step, so another one is needed.
    let _ = ask(handle, &[FIRST], 1).wait();
    eventually(handle, |it| it.reserved_tokens == 0);
    let it = handle.snapshot();
    let ended = it.answered + it.failed + it.late + it.cancelled + it.cut_off;
    assert_eq!(it.accepted, ended, "{it:?}");
    assert!(it.used_tokens <= it.cache_tokens, "{it:?}");
}

/// A gate that is passed by those who read this token last.
fn gated(gate: &Arc<super::models::Gate>, at: u32) -> GenerationModel {
    let gate = Arc::clone(gate);
    model(move |tokens| {
        if tokens.last() == Some(&at) {
            gate.pass();
        }
        Ok(next(tokens))
    })
}
