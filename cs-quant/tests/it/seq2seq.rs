//! The native encoder-decoders against what Hugging Face transformers computed and generated
//! (cs-model's `tests/reference/make_seq2seq.py`), and what holds for them whatever their weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cs_data::TokenBatch;
use cs_model::generate::{Continuation, Decoder, GenerateConfig, Generator, Prompt};
use cs_model::names::{Part, TensorRole};
use cs_model::{Matrix, RawTensor, Seq2SeqConfig, Translator, Weights, write_safetensors};
use cs_quant::{
    Int4, Kernel, NativeSeq2SeqDecoder, NativeSeq2SeqLm, Precision, QuantConfig, RuntimeConfig,
    quantize_seq2seq,
};
use serde::Deserialize;

use crate::common::{config, cosine, kernels};

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
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cs-model/tests/reference/seq2seq");
    folders.join(name)
}

fn inputs(name: &str) -> Inputs {
    serde_json::from_slice(&std::fs::read(folder(name).join("inputs.json")).unwrap()).unwrap()
}

fn open(name: &str, precision: Precision, threads: usize) -> NativeSeq2SeqLm {
    open_on(name, precision, threads, None)
}

fn open_on(
    name: &str,
    precision: Precision,
    threads: usize,
    kernel: Option<Kernel>,
) -> NativeSeq2SeqLm {
    let config = config(precision, threads, kernel);
    NativeSeq2SeqLm::open(&folder(name), &config).unwrap()
}

fn pack(sequences: &[Vec<u32>]) -> TokenBatch {
    TokenBatch::pack(sequences.iter().map(Vec::as_slice))
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

fn logits(model: &NativeSeq2SeqLm, sources: &[Vec<u32>], targets: &[Vec<u32>]) -> Matrix {
    model.logits(&pack(sources), &slices(targets)).unwrap()
}

fn expected(name: &str, model: &NativeSeq2SeqLm, targets: &[Vec<u32>]) -> Vec<f32> {
    let tokens = targets.iter().map(Vec::len).sum();
    let stored = Weights::open(&folder(name).join("expected.safetensors")).unwrap();
    stored
        .f32("logits", &[tokens, model.config().vocab_size()])
        .unwrap()
}

#[test]
fn logits_are_those_of_transformers_on_every_kernel() {
    for name in FOLDERS {
        let Inputs {
            sources, targets, ..
        } = inputs(name);
        for kernel in kernels() {
            let model = open_on(name, Precision::Fp32, 2, Some(kernel));
            let found = logits(&model, &sources, &targets);
            close(&found.data, &expected(name, &model, &targets), name);
        }
    }
}

fn generate(
    model: &NativeSeq2SeqLm,
    config: GenerateConfig,
    sources: &[Vec<u32>],
) -> Vec<Continuation> {
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
        let (model, inputs) = (open(name, Precision::Fp32, 2), inputs(name));
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
fn int8_logits_are_near_those_of_transformers() {
    // With weights as large as these, rounding them changes what is attended to: by the same
    // rounding in PyTorch, that of BlenderbotSmall is 0.87.
    for (name, bound) in [
        ("bart", 0.985),
        ("blenderbot", 0.999),
        ("blenderbot_small", 0.94),
        ("marian", 0.997),
        ("marian_separate", 0.998),
    ] {
        let Inputs {
            sources, targets, ..
        } = inputs(name);
        let model = open(name, Precision::Int8, 2);
        assert_eq!(model.precision(), Precision::Int8);
        let found = logits(&model, &sources, &targets);
        let cosine = cosine(&found.data, &expected(name, &model, &targets));
        assert!(cosine > bound, "{name}: {cosine}");
    }
}

/// Writes a Marian with random weights, of widths that int4 has groups for.
fn write_wide(dir: &Path) {
    let json = r#"{"model_type": "marian", "vocab_size": 96, "d_model": 64, "encoder_layers": 2,
        "encoder_attention_heads": 4, "encoder_ffn_dim": 96, "decoder_layers": 2,
        "decoder_attention_heads": 4, "decoder_ffn_dim": 96, "max_position_embeddings": 80,
        "activation_function": "swish", "scale_embedding": true, "pad_token_id": 95,
        "decoder_start_token_id": 95}"#;
    std::fs::write(dir.join("config.json"), json).unwrap();
    let mut seed = 7_u32;
    let shapes = Seq2SeqConfig::open(dir).unwrap().tensors();
    let tensors = shapes.iter().map(|(name, shape)| {
        let tensor = TensorRole::parse(name).unwrap();
        let is_factor = tensor.role.is_norm() && tensor.part == Part::Weight;
        let base = if is_factor { 1.0 } else { 0.0 };
        let numbers = (0..shape.iter().product()).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            base + ((seed >> 8) as f32 / (1u32 << 23) as f32 - 1.0) * 0.2
        });
        let numbers: Vec<f32> = numbers.collect();
        (name, RawTensor::from_f32(shape, &numbers))
    });
    let path = dir.join("model.safetensors");
    write_safetensors(&path, tensors, &BTreeMap::new()).unwrap();
}

#[test]
fn a_model_in_int4_answers_as_its_artefact_and_near_fp32_and_each_source_as_if_alone() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_wide(dir.path());
    let runtime = |precision| config(precision, 2, None);
    let fp32 = NativeSeq2SeqLm::open(dir.path(), &runtime(Precision::Fp32)).unwrap();
    let text = |length: u32, n: u32| (0..length).map(|i| (i * n + 5) % 94).collect();
    // Some are longer than a page of the cache, or than two.
    let sources: Vec<Vec<u32>> = vec![text(3, 7), text(40, 11), text(80, 3), text(32, 5)];
    let targets: Vec<Vec<u32>> = vec![text(33, 9), text(2, 4), text(31, 13), text(70, 6)];
    let whole = logits(&fp32, &sources, &targets);
    for (int4, bound) in [(Int4::default(), 0.999), (Int4::ALL, 0.95)] {
        let quantise = QuantConfig {
            int4,
            ..QuantConfig::default()
        };
        quantize_seq2seq(dir.path(), out.path(), &quantise).unwrap();
        let model = NativeSeq2SeqLm::open(out.path(), &runtime(Precision::Auto)).unwrap();
        let found = logits(&model, &sources, &targets);
        let same = runtime(Precision::Auto);
        let same = NativeSeq2SeqLm::open_quantised(dir.path(), &quantise, &same).unwrap();
        assert_eq!(found, logits(&same, &sources, &targets));
        let cosine = cosine(&found.data, &whole.data);
        assert!(cosine > bound, "{cosine}");
        assert!(model.weight_bytes() * 2 < fp32.weight_bytes());
        let mut rows = found.data.as_slice();
        for (source, target) in sources.chunks(1).zip(targets.chunks(1)) {
            let alone = logits(&model, source, target);
            let (own, others) = rows.split_at(alone.data.len());
            assert_eq!(own, alone.data);
            rows = others;
        }
    }
}

#[test]
fn an_artefact_answers_as_the_weights_quantised_when_they_are_read() {
    for name in FOLDERS {
        let out = tempfile::tempdir().unwrap();
        let report = quantize_seq2seq(&folder(name), out.path(), &QuantConfig::default()).unwrap();
        assert!(report.bytes_after > 0);
        let mut layers = report.layers.iter();
        assert!(layers.all(|layer| layer.name != "final_logits_bias"));
        for file in [
            "generation_config.json",
            "source.spm",
            "target.spm",
            "vocab.json",
        ] {
            let there = folder(name).join(file).is_file();
            assert_eq!(out.path().join(file).is_file(), there, "{name}: {file}");
        }
        let config = config(Precision::Auto, 1, None);
        let found = NativeSeq2SeqLm::open(out.path(), &config).unwrap();
        assert_eq!(found.precision(), Precision::Int8);
        let expected = open(name, Precision::Int8, 1);
        let Inputs {
            sources, targets, ..
        } = inputs(name);
        let [found, expected] = [found, expected].map(|model| logits(&model, &sources, &targets));
        assert_eq!(found, expected, "{name}");
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
    let config = "config.json";
    std::fs::copy(folder(name).join(config), dir.path().join(config)).unwrap();
    dir
}

#[test]
fn a_shared_table_is_found_under_any_name_and_a_bias_of_zero_may_be_left_out() {
    let Inputs {
        sources, targets, ..
    } = inputs("bart");
    let expected = logits(&open("bart", Precision::Fp32, 1), &sources, &targets);
    let config = config(Precision::Fp32, 1, None);
    for stored in ["encoder.embed_tokens.weight", "lm_head.weight"] {
        let dir = edited("bart", |name| (name == "shared.weight").then_some(stored));
        let model = NativeSeq2SeqLm::open(dir.path(), &config).unwrap();
        assert_eq!(logits(&model, &sources, &targets), expected, "{stored}");
    }
    let dir = edited("bart", |name| (name == "final_logits_bias").then_some(""));
    let stored = Weights::open(&folder("bart").join("model.safetensors")).unwrap();
    let bias = stored.f32("final_logits_bias", &[1, 96]).unwrap();
    let found = logits(
        &NativeSeq2SeqLm::open(dir.path(), &config).unwrap(),
        &sources,
        &targets,
    );
    let found = found.data.iter().zip(bias.iter().cycle());
    let found: Vec<f32> = found.map(|(x, y)| x + y).collect();
    close(&found, &expected.data, "without a bias");
    let out = tempfile::tempdir().unwrap();
    quantize_seq2seq(dir.path(), out.path(), &QuantConfig::default()).unwrap();
    assert!(NativeSeq2SeqLm::open(out.path(), &RuntimeConfig::default()).is_ok());
}

/// Sources and the beginnings of their targets, of which some are longer than a page of the cache
/// holds tokens where the model has positions for them.
fn texts(name: &str, model: &NativeSeq2SeqLm) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let Inputs {
        mut sources,
        mut targets,
        ..
    } = inputs(name);
    let most = model.config().max_positions().unwrap() as u32;
    sources.push((0..most).map(|i| 3 + i * 7 % 50).collect());
    targets.push((0..most - 4).map(|i| 3 + i * 5 % 50).collect());
    (sources, targets)
}

#[test]
fn results_depend_neither_on_threads_nor_on_company() {
    let next = [5, 9, 30];
    for name in FOLDERS {
        for precision in [Precision::Fp32, Precision::Int8] {
            let one = open(name, precision, 1);
            let (sources, targets) = texts(name, &one);
            let pairs = sources.chunks(1).zip(&targets);
            let alone: Vec<Vec<f32>> = pairs
                .map(|(source, target)| {
                    let mut decoder = one.encode(&pack(source)).unwrap();
                    let mut rows = decoder.prefill(&[target]).unwrap().data;
                    for token in next {
                        rows.extend(decoder.step(&[token]).unwrap().data);
                    }
                    rows
                })
                .collect();
            for threads in [1, 2, 3] {
                let model = open(name, precision, threads);
                let mut decoder = model.encode(&pack(&sources)).unwrap();
                let mut rows = vec![decoder.prefill(&slices(&targets)).unwrap()];
                for token in next {
                    rows.push(decoder.step(&vec![token; targets.len()]).unwrap());
                }
                for (i, alone) in alone.iter().enumerate() {
                    let found: Vec<f32> = rows.iter().flat_map(|m| m.row(i).to_vec()).collect();
                    assert!(found == *alone, "{name} {precision} {threads}: source {i}");
                }
            }
        }
    }
}

#[test]
fn each_row_is_visited_once_whatever_the_threads() {
    for threads in [1, 2, 3] {
        let model = open("marian", Precision::Fp32, threads);
        let decoder = model.encode(&pack(&inputs("marian").sources)).unwrap();
        for (rows, cols) in [(130, 1000), (1, 70_000), (2, 3), (3, 0), (0, 5)] {
            let mut found = Matrix::zeros(rows, cols);
            decoder.for_rows(&mut found, &|row, numbers| {
                numbers.iter_mut().for_each(|number| *number += row as f32);
            });
            let expected = (0..rows).flat_map(|row| vec![row as f32; cols]);
            assert!(found.data.into_iter().eq(expected), "{threads}: {rows}");
        }
    }
}

/// The sequences of a decoder, each with the index of its source.
type Sequences = Vec<(usize, Vec<u32>)>;

fn check_rows(model: &NativeSeq2SeqLm, sources: &[Vec<u32>], sequences: &Sequences, rows: &Matrix) {
    let own: Vec<Vec<u32>> = sequences
        .iter()
        .map(|(source, _)| sources[*source].clone())
        .collect();
    let so_far: Vec<Vec<u32>> = sequences.iter().map(|(_, tokens)| tokens.clone()).collect();
    let whole = logits(model, &own, &so_far);
    let mut end = 0;
    for (row, tokens) in so_far.iter().enumerate() {
        end += tokens.len();
        assert_eq!(rows.row(row), whole.row(end - 1));
    }
}

#[test]
fn steps_equal_the_whole_forward() {
    for name in FOLDERS {
        for precision in [Precision::Fp32, Precision::Int8] {
            let model = open(name, precision, 2);
            let inputs = inputs(name);
            // Sequences come twice, go and change places while they grow.
            let (sources, targets) = (&inputs.sources[2..5], &inputs.targets[4..7]);
            let mut decoder: NativeSeq2SeqDecoder = model.encode(&pack(sources)).unwrap();
            let prompts: Vec<&[u32]> = targets.iter().map(|target| &target[..2]).collect();
            let mut rows = decoder.prefill(&prompts).unwrap();
            let own = prompts.iter().map(|prompt| prompt.to_vec());
            let mut sequences: Sequences = own.enumerate().collect();
            for (step, order) in [vec![2, 0, 0, 1], vec![3, 1, 2], vec![0, 0, 2, 1], vec![1]]
                .iter()
                .enumerate()
            {
                check_rows(&model, sources, &sequences, &rows);
                decoder.reorder(order).unwrap();
                let moved = order.iter().map(|&place| sequences[place].clone());
                sequences = moved.collect();
                let next = (5..).step_by(step + 1).take(order.len());
                let next: Vec<u32> = next.collect();
                rows = decoder.step(&next).unwrap();
                let grown = sequences.iter_mut().zip(next);
                grown.for_each(|(own, token)| own.1.push(token));
            }
        }
    }
}

#[test]
fn texts_are_translated_as_by_transformers() {
    let model = open("marian", Precision::Fp32, 2);
    let translator = Translator::new(model, &folder("marian")).unwrap();
    let inputs = inputs("marian");
    let own = inputs.translations.iter();
    let mut texts: Vec<&str> = own.map(|own| own.text.as_str()).collect();
    texts.insert(1, "  ");
    let mut found = translator.translate(&texts).unwrap();
    let blank = found.remove(1);
    assert_eq!((blank.text.as_str(), blank.truncated), ("", false));
    for (found, expected) in found.iter().zip(&inputs.translations) {
        assert_eq!(found.text, expected.translation, "{}", expected.text);
        let long = expected.text.chars().count() > 40;
        assert_eq!(found.truncated, long, "{}", expected.text);
    }
    assert!(translator.translate(&[]).unwrap().is_empty());
}

#[test]
fn what_does_not_fit_is_refused_and_the_targets_stay() {
    let model = open("marian_separate", Precision::Fp32, 1);
    let short = [5, 0];
    let read = |source: &[u32]| model.encode(&TokenBatch::pack([source]));
    let message = |source: &[u32]| read(source).unwrap_err().to_string();
    assert_eq!(
        message(&[5; 33]),
        "sequence 0: position 32, expected less than 32"
    );
    assert_eq!(
        message(&[70]),
        "sequence 0: token id 70, expected less than 70"
    );
    let mut decoder = read(&short).unwrap();
    let problem = |found: cs_model::Result<Matrix>| found.unwrap_err().to_string();
    assert_eq!(
        problem(decoder.prefill(&[&short, &short])),
        "malformed batch: 2 targets, expected 1, one for each source"
    );
    assert_eq!(
        problem(decoder.prefill(&[&[60]])),
        "sequence 0: token id 60, expected less than 60"
    );
    assert_eq!(
        problem(decoder.prefill(&[&[5; 33]])),
        "sequence 0: 33 tokens, expected at most 32"
    );
    decoder.prefill(&[&short]).unwrap();
    assert_eq!(
        problem(decoder.step(&[1, 2])),
        "malformed batch: 2 tokens, expected 1, one for each target"
    );
    assert_eq!(
        decoder.reorder(&[1]).unwrap_err().to_string(),
        "malformed batch: target 1, expected less than 1"
    );
    decoder.reorder(&[0, 0]).unwrap();
    assert!(decoder.step(&[3, 60]).is_err());
    let rows = decoder.step(&[3, 4]).unwrap();
    let texts = [vec![5, 0, 3], vec![5, 0, 4]];
    let whole = logits(&model, &[short.to_vec(), short.to_vec()], &texts);
    assert_eq!([rows.row(0), rows.row(1)], [whole.row(2), whole.row(5)]);
    let mut none = model.encode(&TokenBatch::pack([])).unwrap();
    assert_eq!(none.prefill(&[]).unwrap().rows, 0);
}
