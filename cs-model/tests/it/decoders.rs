//! The libtorch decoders against what Hugging Face transformers computed and generated
//! (`reference/make_decoders.py`), and what holds for them whatever their weights.

use std::path::{Path, PathBuf};

use cs_data::TokenBatch;
use cs_model::generate::{Decoder, EarlyStopping, GenerateConfig, Generator, Prompt};
use cs_model::{CausalLm, DecoderConfig, Device, Dtype, RawTensor, Weights, write_safetensors};
use serde_json::Value;

const FAMILIES: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];
/// The number of new tokens of the references.
const NEW: usize = 15;

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/decoders")
}

fn open(family: &str) -> CausalLm {
    CausalLm::open(&references().join(family), Device::Cpu, Dtype::F32).unwrap()
}

/// A list of the family's `expected.json`.
fn expected(family: &str, key: &str) -> Vec<Vec<u32>> {
    let json = std::fs::read(references().join(family).join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&json).unwrap();
    serde_json::from_value(all[key].clone()).unwrap()
}

fn logits(model: &CausalLm, prompts: &[Vec<u32>]) -> Vec<f32> {
    let batch = TokenBatch::pack(prompts.iter().map(Vec::as_slice));
    let logits = model.logits(&batch).unwrap();
    logits.flatten(0, -1).try_into().unwrap()
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        // A number that is not one must fail as well.
        assert!((x - y).abs() < 1e-4, "{what}: {x} at {i}, expected {y}");
    }
}

/// What is generated for all prompts at once.
fn generate(model: &mut CausalLm, prompts: &[Vec<u32>], config: GenerateConfig) -> Vec<Vec<u32>> {
    let generator = Generator::new(config, model.config().vocab_size()).unwrap();
    let prompts: Vec<_> = prompts.iter().map(|prompt| Prompt::new(prompt)).collect();
    let found = generator.run(model, &prompts, &mut |_| ()).unwrap();
    found.into_iter().map(|found| found.tokens).collect()
}

fn greedy() -> GenerateConfig {
    GenerateConfig {
        max_new_tokens: NEW,
        eos_token_id: vec![2],
        ..GenerateConfig::default()
    }
}

fn beams() -> GenerateConfig {
    GenerateConfig {
        num_beams: 4,
        length_penalty: 0.7,
        no_repeat_ngram_size: 3,
        early_stopping: EarlyStopping::Yes,
        ..greedy()
    }
}

#[test]
fn logits_equal_hugging_face() {
    for family in FAMILIES {
        let (model, prompts) = (open(family), expected(family, "prompts"));
        let tokens = prompts.iter().map(Vec::len).sum();
        let path = references().join(family).join("expected.safetensors");
        let vocab = model.config().vocab_size();
        let expected = Weights::open(&path).unwrap();
        let expected = expected.f32("logits", &[tokens, vocab]).unwrap();
        close(&logits(&model, &prompts), &expected, family);
    }
}

#[test]
fn greedy_tokens_equal_hugging_face() {
    for family in FAMILIES {
        let (mut model, prompts) = (open(family), expected(family, "prompts"));
        let found = generate(&mut model, &prompts, greedy());
        assert_eq!(found, expected(family, "greedy"), "{family}");
    }
}

#[test]
fn beams_equal_hugging_face() {
    for family in FAMILIES {
        let (mut model, prompts) = (open(family), expected(family, "prompts"));
        let found = generate(&mut model, &prompts, beams());
        assert_eq!(found, expected(family, "beams"), "{family}");
    }
}

#[test]
fn scaled_positions_equal_hugging_face() {
    let scaled = Weights::open(&references().join("scaled.safetensors")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let llama = references().join("llama");
    std::fs::copy(
        llama.join("model.safetensors"),
        dir.path().join("model.safetensors"),
    )
    .unwrap();
    let config: Value =
        serde_json::from_slice(&std::fs::read(llama.join("config.json")).unwrap()).unwrap();
    let prompt = expected("llama", "prompts").pop().unwrap();
    for name in ["linear", "dynamic", "llama3", "yarn", "yarn_weighted"] {
        let rope = std::fs::read(references().join(format!("rope_{name}.json"))).unwrap();
        let mut config = config.clone();
        config["rope_parameters"] = serde_json::from_slice(&rope).unwrap();
        std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
        let model = CausalLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap();
        let expected = scaled.f32(name, &[prompt.len(), 61]).unwrap();
        close(
            &logits(&model, std::slice::from_ref(&prompt)),
            &expected,
            name,
        );
    }
}

#[test]
fn steps_equal_the_whole_forward() {
    for family in FAMILIES {
        let (mut model, mut texts) = (open(family), expected(family, "prompts"));
        let prompts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let mut rows = model.prefill(&prompts).unwrap();
        for step in 0..4_u32 {
            for (i, text) in texts.iter().enumerate() {
                let whole = logits(&model, std::slice::from_ref(text));
                close(rows.row(i), &whole[whole.len() - 61..], family);
            }
            // In turn another sequence is dropped, and another goes on twice.
            let sources: Vec<usize> = match step {
                1 => vec![6, 1, 1, 3, 0, 1],
                2 => vec![5, 4, 0],
                _ => (0..texts.len()).collect(),
            };
            model.reorder(&sources).unwrap();
            texts = sources
                .iter()
                .map(|&source| texts[source].clone())
                .collect();
            let next: Vec<u32> = (0..texts.len() as u32).map(|i| 7 * i + step).collect();
            texts
                .iter_mut()
                .zip(&next)
                .for_each(|(text, &token)| text.push(token));
            rows = model.step(&next).unwrap();
        }
    }
}

#[test]
fn names_are_those_of_the_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    for family in FAMILIES {
        let (model, folder) = (open(family), references().join(family));
        let saved = dir.path().join(family);
        model.save(&saved).unwrap();
        let names = |folder: &Path| raw_names(&folder.join("model.safetensors"));
        assert_eq!(names(&saved), names(&folder), "{family}");
        let again = CausalLm::open(&saved, Device::Cpu, Dtype::F32).unwrap();
        let prompts = expected(family, "prompts");
        assert_eq!(
            logits(&again, &prompts),
            logits(&model, &prompts),
            "{family}"
        );
        assert_eq!(
            DecoderConfig::open(&saved).unwrap(),
            DecoderConfig::open(&folder).unwrap()
        );
    }
}

/// The names of a safetensors file as they are written there, sorted.
fn raw_names(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let names = header.as_object().unwrap().keys();
    names
        .filter(|name| *name != "__metadata__")
        .cloned()
        .collect()
}

#[test]
fn what_is_not_computed_is_refused() {
    let path = references().join("llama/config.json");
    let config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (field, value, expected) in [
        (
            "partial_rotary_factor",
            "0.5",
            "partial_rotary_factor is 0.5, expected 1",
        ),
        (
            "use_sliding_window",
            "true",
            "use_sliding_window is true, expected false",
        ),
    ] {
        let mut config = config.clone();
        config[field] = serde_json::from_str(value).unwrap();
        let error = DecoderConfig::from_json(config.to_string().as_bytes(), "c.json".as_ref());
        assert_eq!(
            error.unwrap_err().to_string(),
            format!("c.json: {expected}")
        );
    }
}

#[test]
fn prompts_that_were_refused_leave_no_sequences_to_go_on_with() {
    let mut model = open("llama");
    let unknown = [u32::MAX];
    let prompts = [&[1][..], &[2], &[3], &unknown];
    assert!(model.prefill(&prompts).is_err());
    // Whatever the answers are, none is a panic.
    let _ = model.reorder(&[3, 3]);
    let _ = model.step(&[1, 2]);
    let rows = model.prefill(&[&[1, 2]]).unwrap();
    let whole = logits(&model, &[vec![1, 2]]);
    close(rows.row(0), &whole[whole.len() - 61..], "after");
}

#[test]
fn every_fault_of_a_checkpoint_is_in_one_error() {
    let dir = tempfile::tempdir().unwrap();
    let llama = references().join("llama");
    std::fs::copy(llama.join("config.json"), dir.path().join("config.json")).unwrap();
    let weights = Weights::open(&llama.join("model.safetensors")).unwrap();
    let kept = weights.names().filter(|name| *name != "norm.weight");
    let mut tensors: Vec<_> = kept
        .map(|name| (name.to_owned(), weights.raw(name).unwrap()))
        .collect();
    let narrow = RawTensor::from_f32(&[2], &[1.0, 2.0]);
    let head = tensors
        .iter_mut()
        .find(|(name, _)| name == "lm_head.weight");
    head.unwrap().1 = narrow.clone();
    tensors.push(("layers.2.extra".to_owned(), narrow));
    let path = dir.path().join("model.safetensors");
    write_safetensors(&path, tensors, &Default::default()).unwrap();
    let error = CausalLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap_err();
    let text = error.to_string();
    for fault in [
        "norm.weight [16] is missing",
        "lm_head.weight is F32 [2], expected F32, F16 or BF16 [61, 16]",
        "layers.2.extra is unknown",
    ] {
        assert!(text.contains(fault), "{text}");
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let llama = references().join("llama");
    std::fs::copy(llama.join("config.json"), dir.path().join("config.json")).unwrap();
    let mut bytes = std::fs::read(llama.join("model.safetensors")).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
    let error = CausalLm::open(dir.path(), Device::Cpu, Dtype::F32).unwrap_err();
    assert!(error.to_string().contains("finite"), "{error}");
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    let config = std::fs::read(references().join("llama/config.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    for (key, value, reason) in [
        (
            "rope_parameters",
            r#"{"rope_type": "longrope"}"#,
            "unknown variant `longrope`",
        ),
        (
            "rope_parameters",
            r#"{"rope_type": "linear"}"#,
            "rope_parameters.factor is missing",
        ),
        (
            "rope_parameters",
            r#"{"partial_rotary_factor": 0.5}"#,
            "partial_rotary_factor is 0.5",
        ),
        (
            "use_sliding_window",
            "true",
            "use_sliding_window is true, expected false",
        ),
        (
            "layer_types",
            r#"["sliding_attention"]"#,
            "layer_types is \"sliding_attention\"",
        ),
        (
            "num_key_value_heads",
            "3",
            "num_key_value_heads is 3, expected a divisor of",
        ),
        ("head_dim", "5", "head_dim is 5, expected an even number"),
        (
            "model_type",
            "\"mistral\"",
            "model_type is \"mistral\", expected \"gpt2\"",
        ),
    ] {
        let mut config = config.clone();
        config[key] = serde_json::from_str(value).unwrap();
        let json = config.to_string();
        let error = DecoderConfig::from_json(json.as_bytes(), "c".as_ref()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_prompt_beyond_the_positions_or_the_vocabulary_is_refused_and_the_model_goes_on() {
    let mut model = open("llama");
    let error = model.prefill(&[&[3; 49]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "positions[48] is 48, expected less than 48"
    );
    assert!(model.prefill(&[&[61]]).is_err());
    let alone = model.prefill(&[&[3, 4]]).unwrap();
    assert!(model.step(&[1, 2]).is_err()); // one sequence, two tokens
    assert_eq!(model.prefill(&[]).unwrap().rows, 0);
    assert_eq!(model.prefill(&[&[3, 4]]).unwrap(), alone);
}

#[test]
fn prompts_read_on_from_what_is_held_give_the_logits_of_reading_all() {
    let long: Vec<u32> = (0..46).map(|i| i * 7 % 61).collect();
    // Begins as `long` does, and goes on otherwise.
    let turned = |at: usize, length: usize| {
        let others = (at..length).map(|i| (long[i] + 1) % 61);
        long[..at].iter().copied().chain(others).collect::<Vec<_>>()
    };
    for family in FAMILIES {
        let mut model = open(family);
        for prompts in [
            vec![turned(20, 20)],
            // More of it, the same again, less of it, something else.
            vec![turned(46, 46)],
            vec![turned(46, 46)],
            vec![turned(33, 33)],
            vec![turned(0, 5)],
            // Two of one, and one of nothing; they part, and the first is left.
            vec![turned(0, 9), turned(3, 40), turned(0, 1)],
            vec![turned(0, 9), turned(3, 44), turned(4, 30), turned(3, 44)],
            vec![turned(3, 45), vec![60, 1, 2]],
            vec![turned(30, 31), turned(31, 33)],
        ] {
            let slices: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
            let mut rows = model.prefill(&slices).unwrap();
            let mut texts = prompts.clone();
            for next in 0..2 {
                for (i, text) in texts.iter_mut().enumerate() {
                    let whole = logits(&model, std::slice::from_ref(text));
                    let differ = rows.row(i).iter().zip(&whole[whole.len() - 61..]);
                    let most = differ.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                    assert!(most < 1e-5, "{family} {text:?}: {most}");
                    text.push(next);
                }
                if next == 0 {
                    rows = model.step(&vec![next; texts.len()]).unwrap();
                }
            }
            // What cannot be read leaves what is held.
            assert!(model.prefill(&[&long[..3], &[99]]).is_err());
            assert_eq!(model.step(&vec![5; texts.len()]).unwrap().rows, texts.len());
        }
        assert_eq!(model.prefill(&[]).unwrap().rows, 0);
        assert!(model.prefill_likeliest(&[]).unwrap().is_empty());
        assert!(model.step(&[1]).is_err());
    }
}
