//! Generated rows and tiny models.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cs_data::{Span, Tokenizer, Utterance};
use cs_model::{BertConfig, BiLstmConfig, Device, EncoderConfig, Model, Tasks};
use cs_train::Result;
use cs_train::data::{Prepared, examples, tasks_of};
use cs_train::objective::FineTune;
use cs_train::run::{Observer, Silent, TrainReport, Trainer};
use cs_train::schedule::TrainConfig;
use serde_json::Value;
use tch::{Kind, Tensor};

use super::{floats, list, number};

/// Dropout draws from one generator a process, and every step of a run seeds it: runs take turns.
static GENERATOR: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    // On models this small a second thread only waits, for long if the machine is busy.
    tch::set_num_threads(1);
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 40 rows in two languages: four intents, two entity labels, sentiment by intent.
pub(crate) fn rows() -> Vec<Utterance> {
    let templates: [(&str, &str, f32); 4] = [
        ("查询订单{o}的状态", "status", 0.5),
        ("订单{o}我要退款,太差了", "refund", 0.0),
        ("send parcel {o} to {c} please", "address", 0.6),
        ("{c} is great, thanks", "praise", 1.0),
    ];
    let cities = ["Paris", "Oslo", "Lima", "Bern", "Rome"];
    (0..40)
        .map(|i| {
            let (template, intent, sentiment) = templates[i % 4];
            let (order, city) = (format!("{}", 10_000 + 37 * i), cities[i / 4 % 5]);
            let (text, spans) = fill(template, &order, city);
            Utterance::new(format!("row-{i}"), text)
                .with_intent(intent)
                .with_spans(spans)
                .with_sentiment(sentiment)
        })
        .collect()
}

pub(crate) fn fill(template: &str, order: &str, city: &str) -> (String, Vec<Span>) {
    let (mut text, mut spans, mut rest) = (String::new(), Vec::new(), template);
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        let (value, label) = match &rest[at..at + 3] {
            "{o}" => (order, "order"),
            _ => (city, "city"),
        };
        spans.push(Span {
            start: text.len(),
            end: text.len() + value.len(),
            label: label.to_owned(),
        });
        text.push_str(value);
        rest = &rest[at + 3..];
    }
    text.push_str(rest);
    (text, spans)
}

pub(crate) struct Setting {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) tasks: Tasks,
    pub(crate) data: Prepared,
}

pub(crate) fn setting() -> Setting {
    let rows = rows();
    let tasks = tasks_of(&rows).unwrap();
    let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 300).unwrap();
    let data = examples(rows, &tokenizer, &tasks, 64).unwrap();
    assert!(data.unseen_labels.is_empty());
    assert!(data.misaligned.is_empty(), "{:?}", data.misaligned);
    Setting {
        tokenizer,
        tasks,
        data,
    }
}

impl Setting {
    pub(crate) fn bilstm(&self) -> EncoderConfig {
        EncoderConfig::from(BiLstmConfig {
            vocab_size: self.tokenizer.vocab_size(),
            embedding_size: 24,
            hidden_size: 24,
            dropout: 0.1,
            ..BiLstmConfig::default()
        })
    }

    pub(crate) fn transformer(&self) -> EncoderConfig {
        EncoderConfig::from(BertConfig {
            vocab_size: self.tokenizer.vocab_size(),
            hidden_size: 32,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            intermediate_size: 64,
            max_position_embeddings: 64,
            ..BertConfig::default()
        })
    }

    pub(crate) fn model(&self, encoder: &EncoderConfig) -> Model {
        Model::new(encoder, &self.tasks, Device::Cpu, 7).unwrap()
    }
}

pub(crate) fn config(epochs: usize, lr: f64) -> TrainConfig {
    TrainConfig {
        epochs,
        lr,
        batch_size: 8,
        patience: epochs,
        ..TrainConfig::default()
    }
}

pub(crate) fn fit(model: &mut Model, config: TrainConfig, data: &Prepared) -> TrainReport {
    let folder = tempfile::tempdir().unwrap();
    try_fit(
        model,
        (data, Some(data)),
        config,
        folder.path(),
        &mut Silent,
    )
    .unwrap()
}

/// Trains with checkpoints in `folder`, and goes on from one that is there.
pub(crate) fn try_fit(
    model: &mut Model,
    (train, eval): (&Prepared, Option<&Prepared>),
    config: TrainConfig,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<TrainReport> {
    let objective = FineTune::new(model, train, eval, &config)?;
    Trainer::new(config, folder)?
        .resume(true)
        .run(&objective, observer)
}

/// Every weight's bits.
pub(crate) fn bits(model: &Model) -> Vec<u32> {
    let read =
        |tensor: &tch::Tensor| Vec::<f32>::try_from(&tensor.detach().flatten(0, -1)).unwrap();
    let parameters = model.parameters();
    let numbers = parameters.iter().flat_map(|(_, tensor)| read(tensor));
    numbers.map(f32::to_bits).collect()
}

/// A vector that gradients are taken of.
pub(crate) fn vector(value: &Value) -> Tensor {
    Tensor::from_slice(&list(value, |v| number(v) as f32)).set_requires_grad(true)
}

/// A matrix that gradients are taken of.
pub(crate) fn matrix(value: &Value) -> Tensor {
    let rows = list(value, |row| list(row, |v| number(v) as f32));
    Tensor::from_slice2(&rows).set_requires_grad(true)
}

/// Asserts that no element differs by more than `tolerance`.
#[track_caller]
pub(crate) fn assert_tensor(got: &Tensor, expected: &Tensor, tolerance: f64) {
    let difference = (got - expected).abs().max().double_value(&[]);
    assert!(difference <= tolerance, "off by {difference}");
}

/// A tensor of any shape.
pub(crate) fn tensor(value: &Value) -> Tensor {
    let rows = value.as_array().unwrap();
    if rows[0].is_number() {
        return Tensor::from_slice(&floats(value)).to_kind(Kind::Float);
    }
    let rows: Vec<Tensor> = rows.iter().map(tensor).collect();
    Tensor::stack(&rows, 0)
}
