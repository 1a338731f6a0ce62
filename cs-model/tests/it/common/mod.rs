//! A small bundle with hand-made weights, for the tests of reading and writing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cs_data::{Scheme, TagSet, Tokenizer};
use cs_model::{
    BiLstmConfig, Bundle, BundleWriter, Calibration, EncoderConfig, Manifest, RawTensor, Result,
    Tasks, write_safetensors,
};

pub(crate) fn config() -> EncoderConfig {
    BiLstmConfig {
        vocab_size: 60,
        embedding_size: 2,
        hidden_size: 3,
        ..Default::default()
    }
    .into()
}

pub(crate) fn tasks() -> Tasks {
    Tasks {
        intent: Some(vec!["refund".into(), "退款".into()]),
        slots: Some(TagSet::of_labels(["order_id"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

pub(crate) fn tokenizer(words: &str) -> Vec<u8> {
    Tokenizer::train([words].into_iter(), 60)
        .unwrap()
        .to_json()
        .unwrap()
}

pub(crate) fn tensors() -> Vec<(String, Vec<usize>)> {
    let heads = tasks().tensors(config().hidden_size());
    config().tensors().into_iter().chain(heads).collect()
}

pub(crate) fn write_weights(
    path: &Path,
    edit: impl Fn(&str, &mut Vec<usize>, &mut Vec<f32>) -> bool,
) {
    let mut numbers: Vec<_> = tensors()
        .into_iter()
        .map(|(name, shape)| {
            let values = (0..shape.iter().product())
                .map(|i| i as f32 / 64.0)
                .collect();
            (name, shape, values)
        })
        .collect();
    numbers.retain_mut(|(name, shape, values)| edit(name, shape, values));
    let tensors = numbers
        .iter()
        .map(|(name, shape, values)| (name, RawTensor::from_f32(shape, values)));
    write_safetensors(path, tensors, &BTreeMap::new()).unwrap();
}

/// A bundle whose files are as they should be.
pub(crate) fn write_bundle(dir: &Path) {
    let mut writer = BundleWriter::new(dir).unwrap();
    writer
        .write("config.json", &config().to_json().unwrap())
        .unwrap();
    writer
        .write("tokenizer.json", &tokenizer("where is my order"))
        .unwrap();
    let weights = |path: &Path| -> Result<()> {
        write_weights(path, |_, _, _| true);
        Ok(())
    };
    writer.write_with(Bundle::WEIGHTS, weights).unwrap();
    writer.finish(manifest()).unwrap();
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        metrics: BTreeMap::from([("intent_accuracy".to_owned(), 0.5)]),
        licence: Some("MIT".into()),
        settings: serde_json::json!({"seed": 7}),
        calibration: Calibration {
            intent_temperature: 1.5,
            slot_temperature: 0.8,
            abstain_below: Some(0.2),
        },
        ..Manifest::new(tasks(), 32)
    }
}

/// Everything a model does with a bundle.
pub(crate) fn load(dir: &Path) -> Result<Bundle> {
    let bundle = Bundle::open(dir)?;
    bundle.tokenizer()?;
    let weights = bundle.weights()?;
    for (name, shape) in tensors() {
        weights.f32(&name, &shape)?;
    }
    Ok(bundle)
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
