//! Programs to run, and a small model for them that was never trained.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use cs_data::{Scheme, TagSet, Tokenizer};
use cs_model::{
    BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, RawTensor, Tasks,
    write_safetensors,
};

/// An example, as a user runs it. `cargo test` without `--test` builds the examples.
pub(crate) fn program(name: &str) -> Command {
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    Command::new(program.join("examples").join(name))
}

pub(crate) fn tasks() -> Tasks {
    Tasks {
        intent: Some(vec!["order".into(), "refund".into()]),
        slots: Some(TagSet::of_labels(["id"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

/// A bundle with small weights, or a plain folder if there are no heads.
fn write_model(dir: &Path, tasks: &Tasks) {
    let words = ["where is my order 12345 ? {", "refund me"];
    let tokenizer = Tokenizer::train(words.into_iter(), 100).unwrap();
    let config = EncoderConfig::from(BiLstmConfig {
        vocab_size: tokenizer.vocab_size(),
        embedding_size: 8,
        hidden_size: 8,
        ..BiLstmConfig::default()
    });
    let mut shapes = config.tensors();
    shapes.extend(tasks.tensors(config.hidden_size()));
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 24) as f32 - 0.5
    };
    let values: Vec<Vec<f32>> = shapes
        .iter()
        .map(|(_, shape)| (0..shape.iter().product()).map(|_| next()).collect())
        .collect();
    let tensors = shapes.iter().zip(&values);
    let tensors = tensors.map(|((name, shape), data)| (name, RawTensor::from_f32(shape, data)));
    let (config, json) = (config.to_json().unwrap(), tokenizer.to_json().unwrap());
    if tasks.is_empty() {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("config.json"), config).unwrap();
        std::fs::write(dir.join("tokenizer.json"), json).unwrap();
        write_safetensors(&dir.join(Bundle::WEIGHTS), tensors, &BTreeMap::new()).unwrap();
        return;
    }
    let mut writer = BundleWriter::new(dir).unwrap();
    writer.write("config.json", &config).unwrap();
    writer.write("tokenizer.json", &json).unwrap();
    writer
        .write_with(Bundle::WEIGHTS, |path| {
            write_safetensors(path, tensors, &BTreeMap::new())
        })
        .unwrap();
    writer.finish(Manifest::new(tasks.clone(), 16)).unwrap();
}

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> String {
        std::fs::write(self.0.path().join(name), content).unwrap();
        self.path(name)
    }

    pub(crate) fn model(&self, tasks: &Tasks) -> String {
        write_model(&self.0.path().join("model"), tasks);
        self.path("model")
    }
}
