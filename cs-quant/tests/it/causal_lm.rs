//! The native decoders against what Hugging Face transformers computed and generated
//! (cs-model's `tests/reference/make_decoders.py`), and what holds for them whatever their weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cs_model::generate::{Decoder, EarlyStopping, GenerateConfig, Generator, Prompt};
use cs_model::gguf::Gguf;
use cs_model::names::Role;
use cs_model::{DecoderConfig, Matrix, RawTensor, Weights, write_safetensors};
use cs_quant::{Int4, Kernel, NativeCausalLm, Precision, QuantConfig, quantize_decoder};
use serde_json::Value;

use crate::common::{config, cosine, kernels};

pub(crate) const FAMILIES: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];
/// The number of new tokens of the references.
const NEW: usize = 15;

pub(crate) fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cs-model/tests/reference/decoders")
}

pub(crate) fn open(family: &str, precision: Precision, threads: usize) -> NativeCausalLm {
    open_on(family, precision, threads, None)
}

fn open_on(
    family: &str,
    precision: Precision,
    threads: usize,
    kernel: Option<Kernel>,
) -> NativeCausalLm {
    let config = config(precision, threads, kernel);
    NativeCausalLm::open(&references().join(family), &config).unwrap()
}

/// A list of the family's `expected.json`.
pub(crate) fn expected(family: &str, key: &str) -> Vec<Vec<u32>> {
    let json = std::fs::read(references().join(family).join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&json).unwrap();
    serde_json::from_value(all[key].clone()).unwrap()
}

pub(crate) fn expected_logits(family: &str, model: &NativeCausalLm) -> Vec<f32> {
    let tokens = expected(family, "prompts").iter().map(Vec::len).sum();
    let path = references().join(family).join("expected.safetensors");
    let expected = Weights::open(&path).unwrap();
    let shape = [tokens, model.config().vocab_size()];
    expected.f32("logits", &shape).unwrap()
}

fn slices(texts: &[Vec<u32>]) -> Vec<&[u32]> {
    texts.iter().map(Vec::as_slice).collect()
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        // A number that is not one must fail as well.
        assert!((x - y).abs() < 1e-4, "{what}: {x} at {i}, expected {y}");
    }
}

/// What is generated for all prompts at once.
fn generate(
    model: &mut NativeCausalLm,
    prompts: &[Vec<u32>],
    config: GenerateConfig,
) -> Vec<Vec<u32>> {
    let generator = Generator::new(config, model.config().vocab_size()).unwrap();
    let prompts: Vec<_> = prompts.iter().map(|prompt| Prompt::new(prompt)).collect();
    let found = generator.run(model, &prompts, &mut |_| ()).unwrap();
    found.into_iter().map(|found| found.tokens).collect()
}

pub(crate) fn greedy() -> GenerateConfig {
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
fn logits_equal_hugging_face_on_every_kernel() {
    for family in FAMILIES {
        for kernel in kernels() {
            let mut model = open_on(family, Precision::Fp32, 2, Some(kernel));
            let found = model.logits(&slices(&expected(family, "prompts"))).unwrap();
            close(&found.data, &expected_logits(family, &model), family);
        }
    }
}

#[test]
fn generated_tokens_equal_hugging_face() {
    for family in FAMILIES {
        let mut model = open(family, Precision::Fp32, 1);
        let prompts = expected(family, "prompts");
        for (settings, key) in [(greedy(), "greedy"), (beams(), "beams")] {
            let found = generate(&mut model, &prompts, settings);
            assert_eq!(found, expected(family, key), "{family}, {key}");
        }
    }
}

#[test]
fn scaled_positions_equal_hugging_face() {
    let scaled = Weights::open(&references().join("scaled.safetensors")).unwrap();
    let (dir, llama) = (tempfile::tempdir().unwrap(), references().join("llama"));
    let weights = "model.safetensors";
    std::fs::copy(llama.join(weights), dir.path().join(weights)).unwrap();
    let json = std::fs::read(llama.join("config.json")).unwrap();
    let mut json: Value = serde_json::from_slice(&json).unwrap();
    let prompt = expected("llama", "prompts").pop().unwrap();
    for name in ["linear", "dynamic", "llama3", "yarn", "yarn_weighted"] {
        let rope = std::fs::read(references().join(format!("rope_{name}.json"))).unwrap();
        json["rope_parameters"] = serde_json::from_slice(&rope).unwrap();
        std::fs::write(dir.path().join("config.json"), json.to_string()).unwrap();
        let config = config(Precision::Fp32, 1, None);
        let mut model = NativeCausalLm::open(dir.path(), &config).unwrap();
        let shape = [prompt.len(), model.config().vocab_size()];
        let expected = scaled.f32(name, &shape).unwrap();
        close(&model.logits(&[&prompt]).unwrap().data, &expected, name);
    }
}

#[test]
fn quantised_logits_are_near_hugging_face() {
    let int4 = QuantConfig {
        int4: Int4::ALL,
        ..QuantConfig::default()
    };
    for (family, bounds) in [
        ("gpt2", [0.99, 0.9]),
        ("llama", [0.99, 0.9]),
        ("qwen2", [0.99, 0.9]),
        ("qwen3", [0.99, 0.9]),
    ] {
        for (quantise, bound) in [QuantConfig::default(), int4.clone()].iter().zip(bounds) {
            let config = config(Precision::Auto, 2, None);
            let mut model =
                NativeCausalLm::open_quantised(&references().join(family), quantise, &config)
                    .unwrap();
            let found = model.logits(&slices(&expected(family, "prompts"))).unwrap();
            let cosine = cosine(&found.data, &expected_logits(family, &model));
            assert!(cosine > bound, "{family}: {cosine}");
        }
    }
}

#[test]
fn an_artefact_answers_as_the_weights_quantised_when_they_are_read() {
    for family in FAMILIES {
        for int4 in [Int4::default(), Int4::ALL] {
            let quantise = QuantConfig {
                int4,
                ..QuantConfig::default()
            };
            let (dir, out) = (references().join(family), tempfile::tempdir().unwrap());
            let report = quantize_decoder(&dir, out.path(), &quantise).unwrap();
            assert!(report.bytes_after > 0 && !report.layers.is_empty());
            assert!(out.path().join("generation_config.json").is_file());
            let config = config(Precision::Auto, 1, None);
            let mut found = NativeCausalLm::open(out.path(), &config).unwrap();
            assert_eq!(found.precision(), Precision::Int8);
            let mut expected = NativeCausalLm::open_quantised(&dir, &quantise, &config).unwrap();
            let text: Vec<u32> = (0..20).map(|i| i * 3 % 61).collect();
            assert_eq!(
                found.logits(&[&text]).unwrap(),
                expected.logits(&[&text]).unwrap(),
                "{family}"
            );
        }
    }
}

#[test]
fn factors_that_make_columns_alike_cancel() {
    for family in FAMILIES {
        let decoder = DecoderConfig::open(&references().join(family)).unwrap();
        let quantise = QuantConfig {
            keep_fp32: decoder
                .tensors()
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            ..QuantConfig::default()
        };
        let out = tempfile::tempdir().unwrap();
        quantize_decoder(&references().join(family), out.path(), &quantise).unwrap();
        let config = config(Precision::Auto, 1, None);
        let mut model = NativeCausalLm::open(out.path(), &config).unwrap();
        let prompts = expected(family, "prompts");
        let found = model.logits(&slices(&prompts)).unwrap();
        // An artefact's keys and values are kept in f16.
        let cosine = cosine(&found.data, &expected_logits(family, &model));
        assert!(cosine > 0.99999, "{family}: {cosine}");
        let own = Weights::open_folder(&references().join(family)).unwrap();
        let made = Weights::open(&out.path().join("model.int8.safetensors")).unwrap();
        let norm = decoder.names().layer(0).weight(Role::AttentionNorm);
        let shape = [decoder.stack().hidden_size];
        assert_ne!(
            own.f32(&norm, &shape).unwrap(),
            made.f32(&norm, &shape).unwrap()
        );
    }
}

#[test]
fn weights_take_a_seventh_or_a_quarter_of_fp32() {
    let dir = tempfile::tempdir().unwrap();
    let json = r#"{"model_type": "llama", "vocab_size": 640, "hidden_size": 320,
        "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 5,
        "num_key_value_heads": 1, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "tie_word_embeddings": true}"#;
    std::fs::write(dir.path().join("config.json"), json).unwrap();
    let decoder = DecoderConfig::open(dir.path()).unwrap();
    let shapes = decoder.tensors();
    let tensors = shapes.iter().map(|(name, shape)| {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| (i * 37 % 101) as f32 * 0.01).collect();
        (name, RawTensor::from_f32(shape, &values))
    });
    let weights = dir.path().join("model.safetensors");
    write_safetensors(&weights, tensors, &BTreeMap::new()).unwrap();
    for (int4, least) in [(Int4::default(), 3.9), (Int4::ALL, 7.0)] {
        let quantise = QuantConfig {
            int4,
            ..QuantConfig::default()
        };
        let out = tempfile::tempdir().unwrap();
        let report = quantize_decoder(dir.path(), out.path(), &quantise).unwrap();
        assert!(report.ratio() > least, "{}", report.ratio());
        let config = config(Precision::Auto, 1, None);
        let model = NativeCausalLm::open(out.path(), &config).unwrap();
        // In memory each output has the sum of its weights and a bias as well.
        let times = report.bytes_before as f64 / model.weight_bytes() as f64;
        assert!(times > 0.95 * least, "{times} in memory");
    }
}

/// The rows of logits of a prompt alone and of three steps after it.
fn alone(model: &mut NativeCausalLm, text: &[u32], next: &[u32]) -> Vec<f32> {
    let mut rows = model.prefill(&[text]).unwrap().data;
    for &token in next {
        rows.extend(model.step(&[token]).unwrap().data);
    }
    rows
}

#[test]
fn results_depend_neither_on_threads_nor_on_company() {
    for family in FAMILIES {
        for precision in [Precision::Fp32, Precision::Int8] {
            let mut texts = expected(family, "prompts");
            // One is longer than a page of the cache.
            texts.push((0..40).map(|i| i * 7 % 61).collect());
            let next = [5, 9, 30];
            let mut one = open(family, precision, 1);
            let expected: Vec<_> = texts
                .iter()
                .map(|text| alone(&mut one, text, &next))
                .collect();
            for threads in [1, 2, 3] {
                let mut model = open(family, precision, threads);
                let mut rows = vec![model.prefill(&slices(&texts)).unwrap()];
                for token in next {
                    rows.push(model.step(&vec![token; texts.len()]).unwrap());
                }
                for (i, expected) in expected.iter().enumerate() {
                    let found: Vec<f32> = rows.iter().flat_map(|m| m.row(i).to_vec()).collect();
                    assert!(
                        found == *expected,
                        "{family} {precision} {threads}: text {i}"
                    );
                }
            }
        }
    }
}

#[test]
fn steps_equal_the_whole_forward() {
    for family in FAMILIES {
        for precision in [Precision::Fp32, Precision::Int8] {
            let mut model = open(family, precision, 2);
            let mut texts = expected(family, "prompts");
            let mut rows = model.prefill(&slices(&texts)).unwrap();
            for step in 0..4_u32 {
                for (i, text) in texts.iter().enumerate() {
                    let whole = model.logits(&[text]).unwrap();
                    assert_eq!(
                        rows.row(i),
                        whole.row(whole.rows - 1),
                        "{family} {precision}"
                    );
                }
                // In turn another sequence is dropped, and another goes on twice.
                let sources: Vec<usize> = match step {
                    1 => vec![6, 1, 1, 3, 0, 1],
                    2 => vec![5, 4, 0],
                    _ => (0..texts.len()).collect(),
                };
                model.reorder(&sources).unwrap();
                texts = sources.iter().map(|&i| texts[i].clone()).collect();
                let next: Vec<u32> = (0..texts.len() as u32).map(|i| 7 * i + step).collect();
                for (text, &token) in texts.iter_mut().zip(&next) {
                    text.push(token);
                }
                rows = model.step(&next).unwrap();
            }
        }
    }
}

/// The decoders of a family in each precision.
fn in_all_precisions(family: &str) -> [NativeCausalLm; 3] {
    let int4 = QuantConfig {
        int4: Int4::ALL,
        ..QuantConfig::default()
    };
    let config = config(Precision::Auto, 2, None);
    let int4 = NativeCausalLm::open_quantised(&references().join(family), &int4, &config);
    [
        open(family, Precision::Fp32, 2),
        open(family, Precision::Int8, 2),
        int4.unwrap(),
    ]
}

/// Reads prompts by a model that holds something and by one that does not, and takes a step, which
/// has to be the same.
fn check_resumed(model: &mut NativeCausalLm, prompts: &[Vec<u32>]) {
    let prompts = slices(prompts);
    let mut fresh = model.clone();
    assert_eq!(fresh.prefill(&[]).unwrap().rows, 0);
    assert!(fresh.step(&[1]).is_err());
    // One by one, so that they have nothing in common either.
    for (i, prompt) in prompts.iter().enumerate() {
        fresh.prefill(&[]).unwrap();
        let expected = alone(&mut fresh, prompt, &[7]);
        let mut model = model.clone();
        let mut found = model.prefill(&prompts).unwrap().row(i).to_vec();
        found.extend(model.step(&vec![7; prompts.len()]).unwrap().row(i));
        assert!(found == expected, "prompt {i} of {prompts:?}");
    }
    model.prefill(&prompts).unwrap();
}

#[test]
fn prompts_read_on_from_what_is_held_give_the_logits_of_reading_all() {
    let long: Vec<u32> = (0..47).map(|i| i * 7 % 61).collect();
    // Begins as `long` does, and goes on otherwise.
    let turned = |at: usize, length: usize| {
        let others = (at..length).map(|i| (long[i] + 1) % 61);
        long[..at].iter().copied().chain(others).collect::<Vec<_>>()
    };
    for family in FAMILIES {
        for mut model in in_all_precisions(family) {
            // Around the border of a page: what is held, where prompts part from it, where they end.
            for held in [31, 32, 33] {
                for at in [30, 31, 32, 33] {
                    model.prefill(&[&long[..held]]).unwrap();
                    check_resumed(&mut model, &[turned(at, at + 1), turned(at, 40)]);
                }
                model.prefill(&[&long[..held]]).unwrap();
                check_resumed(&mut model, &[long[..held].to_vec()]);
                check_resumed(&mut model, &[long[..held - 1].to_vec(), long.clone()]);
                assert!(model.prefill(&[&long[..40], &[]]).is_err());
                check_resumed(&mut model, &[turned(2, 46), turned(1, 9), turned(0, 1)]);
                check_resumed(&mut model, &[]);
                // What nobody holds yet, but several prompts have in common.
                let shared = [
                    turned(32, 40),
                    turned(0, 35),
                    turned(33, 41),
                    turned(32, 40),
                ];
                check_resumed(&mut model, &shared);
                model.reorder(&[3, 3, 1]).unwrap();
                check_resumed(&mut model, &[turned(0, 36), turned(32, 41)]);
            }
        }
    }
}

#[test]
fn conversations_that_do_not_fit_are_refused_and_the_others_go_on() {
    let mut model = open("llama", Precision::Fp32, 1).with_most_tokens(40);
    let message = |result: cs_model::Result<Matrix>| result.unwrap_err().to_string();
    assert_eq!(
        message(model.prefill(&[&[1], &[]])),
        "sequence 1: no tokens, expected at least one"
    );
    assert_eq!(
        message(model.prefill(&[&[1, 61]])),
        "sequence 0: token id 61, expected less than 61"
    );
    assert_eq!(
        message(model.prefill(&[&[1], &[2], &[3]])),
        "the cache is full: 3 pages of 32 tokens, expected at most 2"
    );
    let long = vec![1; 1 << 20];
    assert!(message(model.prefill(&[&long])).ends_with("tokens, expected at most 48"));
    let first = model.prefill(&[&[1, 2], &[3]]).unwrap();
    assert_eq!(
        message(model.step(&[1])),
        "malformed batch: 1 tokens, expected 2, one for each conversation"
    );
    assert_eq!(
        message(model.reorder(&[0, 2]).map(|()| Matrix::zeros(0, 0))),
        "malformed batch: conversation 2, expected less than 2"
    );
    // What fails leaves the conversations as they were.
    let before = model.clone().step(&[4, 5]).unwrap();
    assert!(model.step(&[4, 99]).is_err());
    assert!(model.prefill(&[&[1, 2, 3], &[61]]).is_err());
    assert!(model.prefill(&[&[1, 2, 3], &[3], &[3]]).is_err());
    assert_eq!(model.step(&[4, 5]).unwrap(), before);
    assert_eq!(model.prefill(&[&[1, 2], &[3]]).unwrap(), first);
}

fn open_gguf(name: &str, precision: Precision) -> NativeCausalLm {
    let path = references().join(format!("../gguf/{name}.gguf"));
    let config = config(precision, 2, None);
    NativeCausalLm::open_gguf(Gguf::open(&path).unwrap(), &config).unwrap()
}

#[test]
fn a_gguf_file_gives_the_logits_of_its_folder() {
    for family in FAMILIES {
        let prompts = expected(family, "prompts");
        let texts = slices(&prompts);
        let mut model = open_gguf(family, Precision::Auto);
        assert_eq!(model.precision(), Precision::Fp32);
        let logits = model.logits(&texts).unwrap();
        close(&logits.data, &expected_logits(family, &model), family);
        assert_eq!(
            generate(&mut model, &prompts, greedy()),
            expected(family, "greedy")
        );
        let int8 = open_gguf(family, Precision::Int8).logits(&texts).unwrap();
        let folder = open(family, Precision::Int8, 2).logits(&texts).unwrap();
        assert_eq!(int8, folder, "{family}");
    }
}

#[test]
fn four_bits_of_a_gguf_file_stay_as_they_are() {
    let prompts: Vec<Vec<u32>> = vec![(0..40).map(|i| i * 37 % 80).collect(), vec![3, 7]];
    let mut wide = open_gguf("llama_q4_0", Precision::Fp32);
    let mut narrow = open_gguf("llama_q4_0", Precision::Auto);
    assert_eq!(narrow.precision(), Precision::Int8);
    // 4.5 bits a weight, with steps and sums of outputs, against 32.
    assert!(narrow.weight_bytes() * 4 < wide.weight_bytes());
    let [wide, narrow] = [&mut wide, &mut narrow].map(|m| m.logits(&slices(&prompts)).unwrap());
    let found = cosine(&wide.data, &narrow.data);
    // Rows that are multiplied by are rounded to 8 bits.
    assert!(found > 0.995, "{found}");
}
