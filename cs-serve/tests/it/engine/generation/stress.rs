//! Everything at once, on the native runtime.

use std::path::Path;

use cs_model::generate::{GenerateConfig, Generator, Prompt, Sampling};
use cs_quant::NativeCausalLm;
use cs_serve::engine::Options;
use cs_serve::engine::generation::{
    GenerationConfig, GenerationEvent, GenerationHandle, GenerationModel, GenerationPrompt,
    GenerationRequest,
};
use cs_serve::{EngineError, RuntimeConfig};

use super::{assert_settled, start, tokenizer};
use crate::engine::models::Random;

fn native(threads: usize) -> NativeCausalLm {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = dir.join("../cs-model/tests/reference/decoders/llama");
    let config = RuntimeConfig {
        threads: threads.try_into().ok(),
        ..RuntimeConfig::default()
    };
    NativeCausalLm::open(&dir, &config).unwrap()
}

fn request(random: &mut Random) -> GenerationRequest {
    // A page of the cache that many begin with, or none.
    let shared = [0, 33, 34][random.below(3)];
    let own = 1 + random.below(5);
    let mut prompt: Vec<u32> = (0..shared).map(|i| i * 7 % 60).collect();
    prompt.extend((0..own).map(|_| random.below(60) as u32));
    let sampling = (random.below(3) == 0).then(|| Sampling {
        temperature: 2.0,
        seed: random.below(4) as u64,
        ..Sampling::default()
    });
    let config = GenerateConfig {
        max_new_tokens: 1 + random.below(9),
        eos_token_id: vec![2],
        sampling,
        ..GenerateConfig::default()
    };
    GenerationRequest::new(prompt, config)
}

fn alone(model: &mut NativeCausalLm, request: &GenerationRequest) -> Vec<u32> {
    let GenerationPrompt::Tokens(prompt) = &request.prompt else {
        panic!("a text");
    };
    let generator = Generator::new(request.config.clone(), model.config().vocab_size()).unwrap();
    let found = generator.run(model, &[Prompt::new(prompt)], &mut |_| ());
    found.unwrap().remove(0).tokens
}

/// One request of a caller, read to its end or given up on the way.
fn one(handle: &GenerationHandle, random: &mut Random, solo: &mut NativeCausalLm) -> bool {
    let request = request(random);
    let patience = match random.below(4) {
        0 => random.below(4),
        _ => usize::MAX,
    };
    let mut stream = match handle.generate(request.clone(), &Options::default()) {
        Err(EngineError::Full { .. }) => return false,
        stream => stream.unwrap(),
    };
    let mut text = String::new();
    for event in stream.by_ref().take(patience) {
        match event.unwrap() {
            GenerationEvent::Delta(delta) => text += &delta.text,
            GenerationEvent::End(end) => {
                assert_eq!(end.tokens, alone(solo, &request));
                assert_eq!(end.text, text);
                return true;
            }
        }
    }
    false
}

#[test]
fn eight_callers_who_come_and_go_get_what_each_would_get_alone() {
    const CALLERS: u64 = 8;
    let model = native(2);
    let cache_bytes = model.token_bytes() * 32 * 7;
    let backend = Box::new(model.continuous());
    let model = GenerationModel::new(tokenizer(), GenerateConfig::default(), backend);
    let config = GenerationConfig {
        prompt_tokens: 9,
        cache_bytes,
        queue: 6,
        ..GenerationConfig::default()
    };
    let (engine, handle) = start(model, config);
    let caller = |seed: u64| {
        let handle = handle.clone();
        move || {
            let (mut random, mut solo) = (Random(seed), native(1));
            (0..40)
                .filter(|_| one(&handle, &mut random, &mut solo))
                .count()
        }
    };
    let written: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|seed| scope.spawn(caller(seed))).collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .sum()
    });
    assert!(written > 100, "{written}");
    assert_settled(&handle);
    let it = handle.snapshot();
    assert!(
        it.answered as usize >= written && it.reused_tokens > 0,
        "{it:?}"
    );
    assert!(engine.drain(std::time::Duration::MAX).is_clean());
}
