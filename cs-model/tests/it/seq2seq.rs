//! Encoder-decoders against Hugging Face's (`reference/make_seq2seq.py`).

use std::path::{Path, PathBuf};

use cs_data::TokenBatch;
use cs_model::generate::{Continuation, GenerateConfig, Generator, Prompt};
use cs_model::{Device, Seq2SeqLm, Weights};
use serde::Deserialize;

const FOLDERS: [&str; 5] = [
    "bart",
    "blenderbot",
    "blenderbot_small",
    "marian",
    "marian_separate",
];

#[derive(Deserialize)]
struct Inputs {
    sources: Vec<Vec<u32>>,
    targets: Vec<Vec<u32>>,
    greedy: Vec<Vec<u32>>,
    beams: Vec<Vec<u32>>,
    scores: Vec<f32>,
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/seq2seq");
    folder.join(name)
}

fn inputs(name: &str) -> Inputs {
    serde_json::from_slice(&std::fs::read(folder(name).join("inputs.json")).unwrap()).unwrap()
}

fn open(name: &str) -> Seq2SeqLm {
    Seq2SeqLm::open(&folder(name), Device::Cpu).unwrap()
}

fn pack(sequences: &[Vec<u32>]) -> TokenBatch {
    TokenBatch::pack(sequences.iter().map(Vec::as_slice))
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        // A number that is not one must fail as well.
        assert!((x - y).abs() < 1e-4, "{what}: {x} at {i}, expected {y}");
    }
}

fn logits(model: &Seq2SeqLm, sources: &[Vec<u32>], targets: &[Vec<u32>]) -> Vec<f32> {
    let logits = model.logits(&pack(sources), &pack(targets)).unwrap();
    logits.flatten(0, -1).try_into().unwrap()
}

fn expected(name: &str, model: &Seq2SeqLm, targets: &[Vec<u32>]) -> Vec<f32> {
    let tokens = targets.iter().map(Vec::len).sum();
    let stored = Weights::open(&folder(name).join("expected.safetensors")).unwrap();
    stored
        .f32("logits", &[tokens, model.config().vocab_size()])
        .unwrap()
}

#[test]
fn logits_are_those_of_transformers_in_a_batch_and_alone() {
    for name in FOLDERS {
        let (
            model,
            Inputs {
                sources, targets, ..
            },
        ) = (open(name), inputs(name));
        let expected = expected(name, &model, &targets);
        close(&logits(&model, &sources, &targets), &expected, name);
        let mut rest = expected.as_slice();
        for (source, target) in sources.chunks(1).zip(targets.chunks(1)) {
            let (own, others) = rest.split_at(target[0].len() * model.config().vocab_size());
            close(&logits(&model, source, target), own, name);
            rest = others;
        }
    }
}

fn generate(model: &Seq2SeqLm, config: GenerateConfig, sources: &[Vec<u32>]) -> Vec<Continuation> {
    let generator = Generator::new(config, model.config().vocab_size()).unwrap();
    let start = [model.config().decoder_start_token_id()];
    let prompt = |source| Prompt {
        source,
        ..Prompt::new(&start)
    };
    let prompts: Vec<Prompt<'_>> = sources.iter().map(|source| prompt(source)).collect();
    let mut decoder = model.encode(&pack(sources)).unwrap();
    generator.run(&mut decoder, &prompts, &mut |_| ()).unwrap()
}

#[test]
fn targets_are_those_of_transformers_token_for_token() {
    for name in FOLDERS {
        let (model, inputs) = (open(name), inputs(name));
        let config = GenerateConfig::open(&folder(name)).unwrap();
        for (found, expected) in generate(&model, config.clone(), &inputs.sources)
            .iter()
            .zip(&inputs.beams)
        {
            assert_eq!(found.tokens, *expected, "{name}, beams");
        }
        let scores = generate(&model, config.clone(), &inputs.sources);
        let scores: Vec<f32> = scores.iter().filter_map(|found| found.score).collect();
        close(&scores, &inputs.scores, name);
        let greedy = generate(&model, config.with_beams(1), &inputs.sources);
        let greedy: Vec<Vec<u32>> = greedy.into_iter().map(|found| found.tokens).collect();
        assert_eq!(greedy, inputs.greedy, "{name}, greedy");
    }
}
