//! Training end to end, on generated rows and tiny models.

#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cs_data::{Span, Tokenizer, Utterance};
use cs_model::{BiLstmConfig, Calibration, Device, EncoderConfig, Model, Tasks, TransformerConfig};
use cs_train::{
    Error, EvaluateOptions, Event, Flow, Prepared, Silent, TrainConfig, TrainReport, Trainer,
    evaluate, examples, predict, tasks_of,
};

/// Dropout draws from one generator a process: runs that compare weights take turns.
static GENERATOR: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    // On models this small a second thread only waits, for long if the machine is busy.
    tch::set_num_threads(1);
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 40 rows in two languages: four intents, two entity labels, sentiment by intent.
fn rows() -> Vec<Utterance> {
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

fn fill(template: &str, order: &str, city: &str) -> (String, Vec<Span>) {
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

struct Setting {
    tokenizer: Tokenizer,
    tasks: Tasks,
    data: Prepared,
}

fn setting() -> Setting {
    let rows = rows();
    let tasks = tasks_of(&rows);
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
    fn bilstm(&self) -> EncoderConfig {
        EncoderConfig::from(BiLstmConfig {
            vocab_size: self.tokenizer.vocab_size(),
            embedding_size: 24,
            hidden_size: 24,
            dropout: 0.1,
            ..BiLstmConfig::default()
        })
    }

    fn transformer(&self) -> EncoderConfig {
        EncoderConfig::from(TransformerConfig {
            vocab_size: self.tokenizer.vocab_size(),
            hidden_size: 32,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            intermediate_size: 64,
            max_position_embeddings: 64,
            ..TransformerConfig::default()
        })
    }

    fn model(&self, encoder: &EncoderConfig) -> Model {
        Model::new(encoder, &self.tasks, Device::Cpu, 7).unwrap()
    }
}

fn config(epochs: usize, lr: f64) -> TrainConfig {
    TrainConfig {
        epochs,
        lr,
        batch_size: 8,
        patience: epochs,
        ..TrainConfig::default()
    }
}

fn fit(model: &mut Model, config: TrainConfig, data: &Prepared) -> TrainReport {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(model, config, folder.path()).unwrap();
    trainer.fit(data, data, &mut Silent).unwrap()
}

/// Every weight's bits.
fn bits(model: &Model) -> Vec<u32> {
    let read =
        |tensor: &tch::Tensor| Vec::<f32>::try_from(&tensor.detach().flatten(0, -1)).unwrap();
    let parameters = model.parameters();
    let numbers = parameters.iter().flat_map(|(_, tensor)| read(tensor));
    numbers.map(f32::to_bits).collect()
}

fn overfits(encoder: fn(&Setting) -> EncoderConfig, config: TrainConfig) {
    let _alone = alone();
    let setting = setting();
    let mut model = setting.model(&encoder(&setting));
    let report = fit(&mut model, config, &setting.data);
    let answers = predict(&model, &setting.data, 8192, &Calibration::default()).unwrap();
    let options = EvaluateOptions {
        tasks: Some(&setting.tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(&setting.data.rows, &answers, &options).unwrap();
    assert_eq!(
        Some(evaluation),
        report.best,
        "the best weights are put back"
    );
    assert_eq!(evaluation.intent_accuracy, Some(1.0));
    assert!(evaluation.slot_f1.unwrap() > 0.95, "{evaluation:?}");
    assert!(evaluation.sentiment_mse.unwrap() < 0.02, "{evaluation:?}");
    assert!(report.tokens_per_second > report.examples_per_second);
}

#[test]
fn bilstm_learns_intents_entities_and_sentiment() {
    overfits(Setting::bilstm, config(25, 0.01));
}

#[test]
fn transformer_learns_intents_entities_and_sentiment() {
    overfits(Setting::transformer, config(25, 0.005));
}

#[test]
fn equal_seeds_give_equal_weights_to_the_bit() {
    let _alone = alone();
    let setting = setting();
    let trained = |seed| {
        let mut model = setting.model(&setting.transformer());
        fit(
            &mut model,
            TrainConfig {
                seed,
                ..config(2, 0.005)
            },
            &setting.data,
        );
        bits(&model)
    };
    let first = trained(1);
    assert!(first == trained(1));
    assert!(first != trained(2));
}

#[test]
fn early_stopping_ends_the_run_and_keeps_the_best() {
    let _alone = alone();
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    // A rate too small to change any answer: the first epoch stays the best.
    let config = TrainConfig {
        patience: 2,
        ..config(20, 1e-12)
    };
    let report = fit(&mut model, config, &setting.data);
    assert!(report.stopped_early && !report.interrupted);
    assert_eq!(report.steps, 15);
}

#[test]
fn divergence_names_step_and_rows_and_keeps_the_weights() {
    let _alone = alone();
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    for (name, mut tensor) in model.parameters() {
        if name == "heads.intent.bias" {
            let _ = tch::no_grad(|| tensor.fill_(f64::NAN));
        }
    }
    let before = bits(&model);
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(&mut model, config(2, 0.01), folder.path()).unwrap();
    let error = trainer
        .fit(&setting.data, &setting.data, &mut Silent)
        .unwrap_err();
    let Error::NonFinite {
        step: 1,
        what: "loss",
        rows,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|id| id.starts_with("row-")));
    assert!(bits(&model) == before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Runs until `stop` says so and returns the report and what happened.
fn run_until(
    stop: impl Fn(&Event<'_>) -> bool,
    folder: &Path,
) -> (TrainReport, Vec<String>, Vec<u32>) {
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    let mut seen = Vec::new();
    let mut observer = |event: &Event<'_>| {
        seen.push(match event {
            Event::Start(shape) => {
                assert_eq!((shape.steps, shape.warmup_steps), (20, 2));
                assert_eq!(shape.warmup_shortened_from, Some(500));
                "start".to_owned()
            }
            Event::Step(step) => format!("step {}", step.step),
            Event::Epoch { epoch, .. } => format!("epoch {epoch}"),
            Event::Checkpoint { step, .. } => format!("checkpoint {step}"),
            Event::End(_) => "end".to_owned(),
            _ => "?".to_owned(),
        });
        if stop(event) {
            Flow::Stop
        } else {
            Flow::Continue
        }
    };
    let mut trainer = Trainer::new(&mut model, config(4, 0.01), folder).unwrap();
    let report = trainer
        .fit(&setting.data, &setting.data, &mut observer)
        .unwrap();
    (report, seen, bits(&model))
}

#[test]
fn the_observer_stops_the_run_and_the_best_weights_stay() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let stop = |event: &Event<'_>| matches!(event, Event::Step(step) if step.step == 8);
    let (report, seen, weights) = run_until(stop, folder.path());
    assert!(report.interrupted);
    assert_eq!((report.steps, report.best_step), (8, 5));
    assert_eq!(&seen[..2], ["start", "step 1"]);
    assert_eq!(&seen[5..9], ["step 5", "epoch 1", "checkpoint 5", "step 6"]);
    assert_eq!(&seen[10..], ["step 8", "end"]);

    let setting = setting();
    let mut kept = setting.model(&setting.bilstm());
    kept.load_weights(&folder.path().join(Trainer::BEST))
        .unwrap();
    assert!(bits(&kept) == weights);
}

#[test]
fn stopping_before_the_first_validation_keeps_the_latest_weights() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("never made");
    let (report, ..) = run_until(
        |event| matches!(event, Event::Step(s) if s.step == 2),
        &path,
    );
    assert_eq!(
        (report.steps, report.best_step, report.best_metric),
        (2, 2, None)
    );
    assert!(!path.exists());
}

#[test]
fn sets_of_no_use_are_refused() {
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    let mut trainer = Trainer::new(&mut model, config(1, 0.01), "unused").unwrap();
    let empty = Prepared::default();
    let mut fit = |train: &Prepared, eval: &Prepared| trainer.fit(train, eval, &mut Silent);
    assert!(matches!(
        fit(&empty, &setting.data),
        Err(Error::Empty { what: "training" })
    ));
    assert!(matches!(
        fit(&setting.data, &empty),
        Err(Error::Empty { what: "validation" })
    ));
    let bare = vec![Utterance::new("1", "hi")];
    let bare = examples(bare, &setting.tokenizer, &setting.tasks, 64).unwrap();
    assert!(matches!(
        fit(&setting.data, &bare),
        Err(Error::NoLabels { what: "validation" })
    ));
    let mut foreign = setting.data.clone();
    foreign.examples[3].encoding.ids[1] = 1_000_000;
    let error = fit(&foreign, &setting.data).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("row \"row-3\": token id 1000000"),
        "{error}"
    );
}

#[test]
fn unseen_labels_and_misaligned_spans_are_collected() {
    let setting = setting();
    let span = |start, end, label: &str| Span {
        start,
        end,
        label: label.to_owned(),
    };
    let rows = vec![
        Utterance::new("new", "parcel 12345 to Oslo")
            .with_intent("never_seen")
            .with_spans(vec![span(7, 12, "order"), span(16, 20, "town")]),
        Utterance::new("cut", "parcel 12345").with_spans(vec![span(7, 9, "order")]),
    ];
    let data = examples(rows, &setting.tokenizer, &setting.tasks, 64).unwrap();
    assert_eq!(data.unseen_labels.intents["never_seen"], 1);
    assert_eq!(data.unseen_labels.slots["town"], 1);
    assert_eq!(data.misaligned.len(), 1);
    assert_eq!(
        (data.misaligned[0].id.as_str(), data.misaligned[0].span.end),
        ("cut", 9)
    );
    let example = &data.examples[0];
    assert_eq!(example.intent, None);
    let tags = setting.tasks.slots.as_ref().unwrap();
    let scored: Vec<&str> = example
        .tags
        .as_ref()
        .unwrap()
        .iter()
        .flatten()
        .map(|&t| tags[t].as_str())
        .collect();
    assert_eq!(
        scored,
        ["O", "B-order", "O"],
        "the word of the unknown label is not scored"
    );

    let invalid = vec![Utterance::new("7", "hi").with_spans(vec![span(0, 9, "order")])];
    let error = examples(invalid, &setting.tokenizer, &setting.tasks, 64).unwrap_err();
    assert!(error.to_string().starts_with("row \"7\": "), "{error}");
}
