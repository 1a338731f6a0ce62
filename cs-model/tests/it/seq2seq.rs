//! Encoder-decoders against Hugging Face's (`reference/make_seq2seq.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cs_data::TokenBatch;
use cs_model::generate::{Continuation, Decoder, GenerateConfig, Generator, Prompt};
use cs_model::{Device, Dtype, Seq2SeqLm, Translator, Weights, write_safetensors};
use serde::Deserialize;
use serde_json::Value;

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
    /// Of the folder that has a tokenizer.
    #[serde(default)]
    translations: Vec<Translated>,
}

#[derive(Deserialize)]
struct Translated {
    text: String,
    translation: String,
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/seq2seq");
    folder.join(name)
}

fn inputs(name: &str) -> Inputs {
    serde_json::from_slice(&std::fs::read(folder(name).join("inputs.json")).unwrap()).unwrap()
}

fn open(name: &str) -> Seq2SeqLm {
    Seq2SeqLm::open(&folder(name), Device::Cpu, Dtype::F32).unwrap()
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
        let beams = generate(&model, config.clone(), &inputs.sources);
        for ((found, tokens), score) in beams.iter().zip(&inputs.beams).zip(&inputs.scores) {
            assert_eq!(found.tokens, *tokens, "{name}, beams");
            close(found.score.as_slice(), &[*score], name);
        }
        let greedy = generate(&model, config.with_beams(1), &inputs.sources);
        for (found, tokens) in greedy.iter().zip(&inputs.greedy) {
            assert_eq!(found.tokens, *tokens, "{name}, greedy");
        }
    }
}

#[test]
fn cached_steps_are_the_whole_forward() {
    for name in FOLDERS {
        let (model, inputs) = (open(name), inputs(name));
        // Sequences come twice, go and change places while they grow.
        let (sources, targets) = (&inputs.sources[2..5], &inputs.targets[4..7]);
        let mut decoder = model.encode(&pack(sources)).unwrap();
        let prompts: Vec<&[u32]> = targets.iter().map(|target| &target[..2]).collect();
        let mut rows = decoder.prefill(&prompts).unwrap();
        let mut sequences: Vec<(usize, Vec<u32>)> = prompts
            .iter()
            .map(|prompt| prompt.to_vec())
            .enumerate()
            .collect();
        for (step, order) in [vec![2, 0, 0, 1], vec![3, 1, 2], vec![0, 0, 2, 1], vec![1]]
            .iter()
            .enumerate()
        {
            let own: Vec<Vec<u32>> = sequences
                .iter()
                .map(|(source, _)| sources[*source].clone())
                .collect();
            let so_far: Vec<Vec<u32>> =
                sequences.iter().map(|(_, tokens)| tokens.clone()).collect();
            let whole = logits(&model, &own, &so_far);
            let mut end = 0;
            for (row, tokens) in so_far.iter().enumerate() {
                end += tokens.len() * rows.cols;
                close(rows.row(row), &whole[end - rows.cols..end], name);
            }
            decoder.reorder(order).unwrap();
            sequences = order
                .iter()
                .map(|&place| sequences[place].clone())
                .collect();
            let next = (5..).step_by(step + 1).take(order.len());
            let next: Vec<u32> = next.collect();
            rows = decoder.step(&next).unwrap();
            sequences
                .iter_mut()
                .zip(next)
                .for_each(|(own, token)| own.1.push(token));
        }
    }
}

#[test]
fn tensors_are_those_of_the_checkpoint_and_survive_saving() {
    for name in FOLDERS {
        let model = open(name);
        let stored = Weights::open(&folder(name).join("model.safetensors")).unwrap();
        let mut names: Vec<String> = model
            .parameters()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        assert_eq!(names, stored.names().collect::<Vec<_>>(), "{name}");

        let dir = tempfile::tempdir().unwrap();
        model.save(dir.path()).unwrap();
        let raw = |dir: &Path| {
            let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let header: BTreeMap<String, Value> =
                serde_json::from_slice(&bytes[8..8 + length]).unwrap();
            header.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(raw(dir.path()), raw(&folder(name)), "{name}");
        let again = Seq2SeqLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap();
        let Inputs {
            sources, targets, ..
        } = inputs(name);
        assert_eq!(
            logits(&again, &sources, &targets),
            logits(&model, &sources, &targets)
        );
    }
}

/// Copies a folder with other tensors.
fn edited(name: &str, edit: impl Fn(&str) -> Option<&'static str>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let stored = Weights::open(&folder(name).join("model.safetensors")).unwrap();
    let tensors = stored.names().filter_map(|name| {
        let new = edit(name).unwrap_or(name);
        (!new.is_empty()).then(|| (new, stored.raw(name).unwrap()))
    });
    let path = dir.path().join("model.safetensors");
    write_safetensors(&path, tensors, &BTreeMap::new()).unwrap();
    std::fs::copy(
        folder(name).join("config.json"),
        dir.path().join("config.json"),
    )
    .unwrap();
    dir
}

#[test]
fn a_shared_table_is_found_under_any_name_and_a_bias_of_zero_may_be_left_out() {
    let Inputs {
        sources, targets, ..
    } = inputs("bart");
    let expected = logits(&open("bart"), &sources, &targets);
    for stored in [
        "shared.weight",
        "encoder.embed_tokens.weight",
        "lm_head.weight",
    ] {
        let dir = edited("bart", |name| (name == "shared.weight").then_some(stored));
        let model = Seq2SeqLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap();
        assert_eq!(logits(&model, &sources, &targets), expected, "{stored}");
    }
    let dir = edited("bart", |name| (name == "final_logits_bias").then_some(""));
    let model = Seq2SeqLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap();
    let stored = Weights::open(&folder("bart").join("model.safetensors")).unwrap();
    let bias = stored.f32("final_logits_bias", &[1, 96]).unwrap();
    let found = logits(&model, &sources, &targets);
    let found: Vec<f32> = found
        .iter()
        .zip(bias.iter().cycle())
        .map(|(x, y)| x + y)
        .collect();
    close(&found, &expected, "without a bias");
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = edited("bart", |name| match name {
        "decoder.layers.1.fc1.bias" => Some("decoder.layers.7.fc1.bias"),
        "encoder.layers.0.fc1.weight" => Some("decoder.layers.0.encoder_attn.q_proj.bias"),
        "decoder.layers.0.encoder_attn.q_proj.bias" => Some(""),
        _ => None,
    });
    let error = Seq2SeqLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap_err();
    let error = error.to_string();
    for part in [
        "decoder.layers.1.fc1.bias [20] is missing",
        "decoder.layers.7.fc1.bias is unknown",
        "encoder.layers.0.fc1.weight [24, 16] is missing",
        "decoder.layers.0.encoder_attn.q_proj.bias is F32 [24, 16], expected F32, F16 or BF16 [16]",
    ] {
        assert!(error.contains(part), "{error}");
    }

    let model = open("marian_separate");
    let text = |sources: &[u32], targets: &[&[u32]]| {
        let (sources, targets) = (
            TokenBatch::pack([sources]),
            TokenBatch::pack(targets.iter().copied()),
        );
        model.logits(&sources, &targets).unwrap_err().to_string()
    };
    let short = [5, 0];
    assert_eq!(
        text(&short, &[&short, &short]),
        "sequences of the decoder: expected 1, one a source, found 2"
    );
    assert_eq!(
        text(&[5; 33], &[&short]),
        "positions[32] is 32, expected less than 32"
    );
    assert_eq!(
        text(&[70], &[&short]),
        "ids[0] is 70, expected less than 70"
    );
    assert_eq!(
        text(&short, &[&[60]]),
        "ids[0] is 60, expected less than 60"
    );
    let mut decoder = model.encode(&TokenBatch::pack([&short[..]])).unwrap();
    let error = decoder
        .prefill(&[&short[..], &short])
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("expected 1, one a source, found 2"),
        "{error}"
    );
    decoder.prefill(&[&short[..]]).unwrap();
    let error = decoder.reorder(&[1]).unwrap_err().to_string();
    assert_eq!(error, "sources is 1, expected less than 1 sequences");
}

#[test]
fn texts_are_translated_as_by_transformers() {
    let translator = Translator::new(open("marian"), &folder("marian")).unwrap();
    let inputs = inputs("marian");
    let mut texts: Vec<&str> = inputs
        .translations
        .iter()
        .map(|own| own.text.as_str())
        .collect();
    texts.insert(1, "  ");
    let mut found = translator.translate(&texts).unwrap();
    let blank = found.remove(1);
    assert_eq!((blank.text.as_str(), blank.truncated), ("", false));
    for (found, expected) in found.iter().zip(&inputs.translations) {
        assert_eq!(found.text, expected.translation, "{}", expected.text);
        let long = expected.text.chars().count() > 40;
        assert_eq!(found.truncated, long, "{}", expected.text);
    }
    assert!(
        found
            .iter()
            .any(|found| found.truncated && !found.text.is_empty())
    );
    assert!(translator.translate(&[]).unwrap().is_empty());
}
