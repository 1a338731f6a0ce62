//! Small models with random weights, and what holds of every answer.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::{Scheme, TagSet, Tokenizer};
use cs_model::{
    BertConfig, BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, RawTensor, Tasks,
    write_safetensors,
};
use cs_serve::{Assistant, Entity, Intent, Understanding};
use tempfile::TempDir;

pub(crate) const TEXTS: [&str; 8] = [
    "我要退款",
    "where is my order 12345, please?",
    "",
    "退",
    " \t\u{3000}\n",
    "nul \0 and \u{1} control",
    "😀 emoji and 订单",
    "hello",
];
pub(crate) const MAX_LENGTH: usize = 24;

pub(crate) fn tasks() -> Tasks {
    Tasks {
        intent: Some(["refund", "order_status", "hello"].map(String::from).into()),
        slots: Some(TagSet::of_labels(["order_id", "city"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

pub(crate) fn tokenizer() -> Tokenizer {
    Tokenizer::train(TEXTS.into_iter().chain(["12345"]), 200).unwrap()
}

pub(crate) fn light() -> EncoderConfig {
    let vocab_size = tokenizer().vocab_size();
    BiLstmConfig {
        vocab_size,
        embedding_size: 16,
        hidden_size: 24,
        ..Default::default()
    }
    .into()
}

pub(crate) fn bert() -> EncoderConfig {
    BertConfig {
        vocab_size: tokenizer().vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..Default::default()
    }
    .into()
}

/// Weights from a linear congruential generator, as a trained model's might be: norms near one,
/// the rest small.
pub(crate) fn write_weights(
    path: &Path,
    config: &EncoderConfig,
    tasks: &Tasks,
) -> cs_model::Result<()> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let heads = tasks.tensors(config.hidden_size());
    let tensors: Vec<_> = config
        .tensors()
        .into_iter()
        .chain(heads)
        .map(|(name, shape)| {
            let centre = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            let size = shape.iter().product();
            let values: Vec<f32> = (0..size).map(|_| centre + next()).collect();
            (name, shape, values)
        })
        .collect();
    let tensors = tensors
        .iter()
        .map(|(name, shape, values)| (name, RawTensor::from_f32(shape, values)));
    write_safetensors(path, tensors, &BTreeMap::new())
}

pub(crate) fn bundle(config: &EncoderConfig) -> TempDir {
    bundle_for(config, tasks())
}

pub(crate) fn bundle_for(config: &EncoderConfig, tasks: Tasks) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::new(dir.path()).unwrap();
    writer
        .write("config.json", &config.to_json().unwrap())
        .unwrap();
    writer
        .write("tokenizer.json", &tokenizer().to_json().unwrap())
        .unwrap();
    writer
        .write_with(Bundle::WEIGHTS, |path| write_weights(path, config, &tasks))
        .unwrap();
    writer.finish(Manifest::new(tasks, MAX_LENGTH)).unwrap();
    dir
}

const NEAR: f32 = 1e-4;

pub(crate) fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < NEAR
}

/// The same intents in the same order, but for those that are about as likely.
fn same_ranking(a: &[Intent], b: &[Intent]) -> bool {
    let confidence = |ranking: &[Intent], label: &str| {
        let found = ranking.iter().find(|intent| intent.label == label);
        found.map_or(f32::NAN, |intent| intent.confidence)
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| near(a.confidence, b.confidence))
        && a.iter()
            .all(|intent| near(intent.confidence, confidence(b, &intent.label)))
}

fn same_entities(a: &[Entity], b: &[Entity]) -> bool {
    let same = |(a, b): (&Entity, &Entity)| {
        (&a.label, a.start, a.end, &a.text) == (&b.label, b.start, b.end, &b.text)
            && near(a.confidence, b.confidence)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The same answer, but for what rounding does to numbers.
pub(crate) fn close(a: &Understanding, b: &Understanding) -> bool {
    let label = |turn: &Understanding| turn.intent.as_ref().map(|intent| intent.label.clone());
    (&a.text, a.truncated, &a.model) == (&b.text, b.truncated, &b.model)
        && label(a) == label(b)
        && same_ranking(&a.intents, &b.intents)
        && same_entities(&a.entities, &b.entities)
        && match (a.sentiment, b.sentiment) {
            (Some(a), Some(b)) => near(a, b),
            (a, b) => a == b,
        }
}

/// A text of [`TEXTS`] in which there is nothing to read.
pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Singly or together, in whatever order, each text has its own answer.
pub(crate) fn answers_every_text(assistant: &Assistant) -> Vec<Understanding> {
    let alone: Vec<_> = TEXTS
        .iter()
        .map(|text| assistant.understand(text).unwrap())
        .collect();
    let together = assistant.understand_batch(&TEXTS).unwrap();
    let mut backwards = TEXTS;
    backwards.reverse();
    let mut reversed = assistant.understand_batch(&backwards).unwrap();
    reversed.reverse();
    for ((one, two), three) in alone.iter().zip(&together).zip(&reversed) {
        assert!(
            close(one, two) && close(one, three),
            "{one:?}\n{two:?}\n{three:?}"
        );
    }
    for (text, turn) in TEXTS.iter().zip(&alone) {
        assert_eq!(&turn.text, text);
        assert!(!turn.truncated);
        let told = !is_blank(text);
        assert_eq!(
            (turn.intent.is_some(), turn.sentiment.is_some()),
            (told, told)
        );
        assert_eq!(turn.intents.len(), if told { 3 } else { 0 });
        assert_eq!(turn.intents.first(), turn.intent.as_ref());
        assert!(told || turn.entities.is_empty());
        let characters: Vec<char> = text.chars().collect();
        for entity in &turn.entities {
            let inside: String = characters[entity.start..entity.end].iter().collect();
            assert_eq!(inside, entity.text);
        }
    }
    alone
}
