//! What the tests share: the reference models, and small bundles.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part; a panic is the failure report"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use cs_data::{Scheme, TagSet, TokenBatch, Tokenizer};
use cs_model::names::{Part, TensorRole};
use cs_model::{
    Bundle, BundleWriter, EncoderConfig, Manifest, RawTensor, Tasks, write_safetensors,
};
use cs_quant::{Figures, Kernel, NativeModel, Precision, RuntimeConfig};

pub(crate) fn reference(name: &str) -> PathBuf {
    let crates = match FAMILIES.contains(&name) {
        true => "../cs-model",
        false => ".",
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(crates)
        .join("tests/reference")
        .join(name)
}

/// The families of encoders beside BERT: models that cs-model's tests have too.
pub(crate) const FAMILIES: [&str; 4] = ["roberta", "xlm_roberta", "distilbert", "albert"];

/// The tokenizer of a family, as Hugging Face ships it.
pub(crate) fn family_tokenizer(name: &str) -> Vec<u8> {
    let families =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../cs-data/tests/reference/families");
    std::fs::read(families.join(name).with_extension("json")).unwrap()
}

/// Hidden states of each sequence, by model.
pub(crate) type Expected = BTreeMap<String, Vec<Vec<f32>>>;

/// Sequences, and what another implementation computed for them.
pub(crate) fn expected() -> (Vec<Vec<u32>>, Expected) {
    let text = std::fs::read(reference("expected.json")).unwrap();
    let mut values: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&text).unwrap();
    let sequences = serde_json::from_value(values.remove("sequences").unwrap()).unwrap();
    (sequences, serde_json::from_value(values.into()).unwrap())
}

pub(crate) fn pack(sequences: &[Vec<u32>]) -> TokenBatch {
    TokenBatch::pack(sequences.iter().map(Vec::as_slice))
}

pub(crate) fn config(
    precision: Precision,
    threads: usize,
    kernel: Option<Kernel>,
) -> RuntimeConfig {
    RuntimeConfig {
        threads: NonZeroUsize::new(threads),
        kernel,
        precision,
    }
}

pub(crate) fn open(dir: &Path, config: &RuntimeConfig) -> NativeModel {
    NativeModel::open(&Bundle::open(dir).unwrap(), config).unwrap()
}

pub(crate) fn kernels() -> Vec<Kernel> {
    Kernel::ALL
        .into_iter()
        .filter(|kernel| kernel.is_supported())
        .collect()
}

pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

pub(crate) fn tasks() -> Tasks {
    Tasks {
        intent: Some(vec!["refund".into(), "hello".into(), "order".into()]),
        slots: Some(TagSet::of_labels(["order_id"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

/// Writes a bundle with heads around an encoder; weights are a fixed pseudo-random sequence.
pub(crate) fn write_bundle(dir: &Path, model: &str, tasks: Tasks) -> Tokenizer {
    let words: Vec<String> = (0..30).map(|i| format!("w{i}")).collect();
    let tokenizer = Tokenizer::train(words.iter().map(String::as_str), 50).unwrap();
    let config = EncoderConfig::open(&reference(model)).unwrap();
    let mut tensors = config.tensors();
    tensors.extend(tasks.tensors(config.hidden_size()));
    let mut seed = 1u32;
    let values: Vec<Vec<f32>> = tensors
        .iter()
        .map(|(name, shape)| {
            let tensor = TensorRole::parse(name);
            let norm = tensor.is_some_and(|t| t.role.is_norm() && t.part == Part::Weight);
            let base = if norm { 1.0 } else { 0.0 };
            let mut next = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                base + ((seed >> 8) as f32 / (1u32 << 23) as f32 - 1.0) * 0.3
            };
            (0..shape.iter().product()).map(|_| next()).collect()
        })
        .collect();
    let mut writer = BundleWriter::new(dir).unwrap();
    writer
        .write("config.json", &config.to_json().unwrap())
        .unwrap();
    writer
        .write("tokenizer.json", &tokenizer.to_json().unwrap())
        .unwrap();
    let weights = tensors.iter().zip(&values);
    let weights = weights.map(|((name, shape), v)| (name, RawTensor::from_f32(shape, v)));
    writer
        .write_with("model.safetensors", |path| {
            write_safetensors(path, weights, &BTreeMap::new())
        })
        .unwrap();
    writer.finish(Manifest::new(tasks, 32)).unwrap();
    tokenizer
}

/// Short texts, one a batch.
pub(crate) fn texts() -> Vec<TokenBatch> {
    let text = |n: u32| {
        (0..3 + n % 5)
            .map(|i| (i * 7 + n * 11) % 50)
            .collect::<Vec<_>>()
    };
    (0..6).map(|n| TokenBatch::pack([&text(n)[..]])).collect()
}

/// A transformer with heads, written to `dir`.
pub(crate) fn bundle(dir: &Path) -> Bundle {
    write_bundle(dir, "bert_gelu", tasks());
    Bundle::open(dir).unwrap()
}

/// The same figure for each head of [`tasks`].
pub(crate) fn figures(figure: f64) -> Figures {
    let heads = tasks().heads().into_iter();
    heads.map(|head| (head.to_owned(), figure)).collect()
}
