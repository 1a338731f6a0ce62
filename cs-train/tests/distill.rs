//! Distillation on tiny models; reference values of scipy, `reference/distill.py`.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::sync::{Mutex, MutexGuard, PoisonError};

use cs_data::{Span, Tokenizer, Utterance};
use cs_model::{BiLstmConfig, Calibration, Device, EncoderConfig, Model, Tasks};
use cs_train::{
    Distill, DistillConfig, Error, EvaluateOptions, FineTune, Objective, Prepared, Silent,
    StepBatch, Teacher, TrainConfig, Trainer, evaluate, examples, predict, soft_divergence,
    tasks_of,
};
use serde_json::Value;
use tch::Tensor;

/// Dropout draws from one generator a process: runs take turns.
static GENERATOR: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    tch::set_num_threads(1);
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Orders and cities, with intent, an entity and a sentiment.
fn rows() -> Vec<Utterance> {
    let cities = ["Paris", "Oslo", "Lima", "Bern", "Rome", "Bonn"];
    let row = |i: usize| {
        let (before, intent, sentiment) = [
            ("where is my parcel to ", "status", 0.5),
            ("I hate the office in ", "complaint", 0.0),
        ][i % 2];
        let city = cities[i / 2 % 6];
        let text = format!("{before}{city}{}", ["", " please", " today"][i % 3]);
        let span = Span::new(before.len(), before.len() + city.len(), "city");
        Utterance::new(format!("row-{i}"), text)
            .with_intent(intent)
            .with_spans(vec![span])
            .with_sentiment(sentiment)
    };
    (0..24).map(row).collect()
}

fn light(tokenizer: &Tokenizer, size: usize) -> EncoderConfig {
    EncoderConfig::from(BiLstmConfig {
        vocab_size: tokenizer.vocab_size(),
        embedding_size: size,
        hidden_size: size,
        dropout: 0.0,
        ..BiLstmConfig::default()
    })
}

fn config(epochs: usize) -> TrainConfig {
    TrainConfig {
        epochs,
        lr: 0.02,
        batch_size: 8,
        patience: epochs,
        checkpoint_every: 0,
        ..TrainConfig::default()
    }
}

fn run(objective: &dyn Objective, config: TrainConfig) {
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(config, folder.path()).unwrap();
    trainer.run(objective, &mut Silent).unwrap();
}

/// A teacher after some epochs, the pupil's tokenizer, which splits words that the teacher's does not,
/// and the rows as the pupil sees them.
fn setting(tasks: &Tasks, epochs: usize) -> (Teacher, Tokenizer, Prepared) {
    let texts: Vec<String> = rows().into_iter().map(|row| row.text).collect();
    let tokenizer = |size| Tokenizer::train(texts.iter().map(String::as_str), size).unwrap();
    let (own, pupils) = (tokenizer(200), tokenizer(60));
    assert!(own.vocab_size() > pupils.vocab_size());
    let data = examples(rows(), &own, tasks, 32).unwrap();
    let mut model = Model::new(&light(&own, 16), tasks, Device::Cpu, 7).unwrap();
    if epochs > 0 {
        let objective = FineTune::new(&mut model, &data, None, &config(epochs)).unwrap();
        run(&objective, config(epochs));
    }
    let data = examples(rows(), &pupils, tasks, 32).unwrap();
    (Teacher::new(model, own, 32).unwrap(), pupils, data)
}

#[test]
fn divergences_are_scipys() {
    let all: Value = serde_json::from_str(include_str!("reference/distill.json")).unwrap();
    let logits = |name: &str| -> Tensor {
        let rows: Vec<Vec<f32>> = serde_json::from_value(all[name].clone()).unwrap();
        Tensor::from_slice2(&rows)
    };
    for (temperature, expected) in all["divergence"].as_object().unwrap() {
        let temperature = temperature.parse().unwrap();
        let found = soft_divergence(&logits("pupil"), &logits("teacher"), temperature).unwrap();
        let (found, expected) = (found.double_value(&[]), expected.as_f64().unwrap());
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{temperature}: {found} {expected}"
        );
    }
}

#[test]
fn a_pupil_with_another_tokenizer_learns_without_labels() {
    let _alone = alone();
    let tasks = tasks_of(rows());
    let (teacher, tokenizer, data) = setting(&tasks, 20);
    let mut pupil = Model::new(&light(&tokenizer, 12), &tasks, Device::Cpu, 3).unwrap();
    let base = FineTune::new(&mut pupil, &data, None, &config(30)).unwrap();
    let lessons = teacher.teach_rows(&data).unwrap();
    let unlabelled = DistillConfig {
        hard: 0.0,
        ..DistillConfig::default()
    };
    let distill = Distill::new(base, unlabelled)
        .unwrap()
        .with_corpus(&data, lessons)
        .unwrap();
    run(&distill, config(30));
    let answers = predict(&pupil, &data, 4096, &Calibration::default()).unwrap();
    let options = EvaluateOptions {
        tasks: Some(&tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(&data.rows, &answers, &options).unwrap();
    assert_eq!(evaluation.intent_accuracy, Some(1.0));
    assert!(evaluation.slot_f1.unwrap() > 0.9, "{evaluation:?}");
    assert!(evaluation.sentiment_mse.unwrap() < 0.03, "{evaluation:?}");
}

#[test]
fn the_parts_of_a_step_add_up() {
    let _alone = alone();
    let tasks = tasks_of(rows());
    let (teacher, tokenizer, data) = setting(&tasks, 0);
    let corpus = examples([Utterance::new("c", "hate Oslo")], &tokenizer, &tasks, 32).unwrap();
    let mut pupil = Model::new(&light(&tokenizer, 12), &tasks, Device::Cpu, 3).unwrap();
    let base = FineTune::new(&mut pupil, &data, None, &config(1)).unwrap();
    let distill = Distill::new(base, DistillConfig::default())
        .unwrap()
        .with_rows(&data, teacher.teach_rows(&data).unwrap())
        .unwrap()
        .with_corpus(&corpus, teacher.teach_rows(&corpus).unwrap())
        .unwrap();
    assert_eq!(
        (distill.lengths().len(), distill.row_id(24)),
        (25, "c".into())
    );
    let step = [3, 24, 7, 0, 11];
    let loss = |rows: &[usize]| {
        let batch = StepBatch {
            rows,
            step_rows: &step,
            seed: 1,
        };
        distill.loss(&batch).unwrap().total.double_value(&[])
    };
    let (whole, parts) = (loss(&step), loss(&step[..2]) + loss(&step[2..]));
    assert!((whole - parts).abs() < 1e-5, "{whole} {parts}");
}

#[test]
fn a_light_pupil_starts_from_the_teachers_words() {
    let _alone = alone();
    let tasks = tasks_of(rows());
    let (teacher, tokenizer, _) = setting(&tasks, 0);
    let (ids, words) = teacher.words(&tokenizer, 4, 0.3).unwrap().unwrap();
    assert_eq!(words.size(), [ids.len() as i64, 4]);
    assert!((words.std(true).double_value(&[]) - 0.3).abs() < 1e-6);
    // Uncorrelated, the first component varying most.
    let covariance = words.tr().matmul(&words);
    let at = |i, j| covariance.double_value(&[i, j]);
    assert!(at(0, 0) >= at(1, 1) && at(1, 1) >= at(3, 3));
    assert!(at(0, 1).abs() < 1e-4 * at(0, 0));
    let wide = teacher.words(&tokenizer, 20, 0.3).unwrap().unwrap().1;
    assert_eq!(wide.size()[1], 20);
}

#[test]
fn what_cannot_teach_is_refused() {
    let _alone = alone();
    let tasks = tasks_of(rows());
    let (teacher, tokenizer, data) = setting(&tasks, 0);
    let with = |tasks: &Tasks, data: &Prepared, config| {
        let own = examples(rows(), &tokenizer, tasks, 32).unwrap();
        let mut pupil = Model::new(&light(&tokenizer, 12), tasks, Device::Cpu, 3).unwrap();
        let base = FineTune::new(&mut pupil, &own, None, &TrainConfig::default()).unwrap();
        let distill = Distill::new(base, config)?;
        distill
            .with_corpus(data, teacher.teach_rows(data)?)
            .map(drop)
    };
    let mut reversed = tasks.clone();
    reversed.intent.as_mut().unwrap().reverse();
    let error = with(&reversed, &data, DistillConfig::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "teacher and pupil differ in their intents: at 0, \"complaint\" against the pupil's \"status\""
    );
    let empty = with(&tasks, &Prepared::default(), DistillConfig::default());
    assert!(matches!(empty, Err(Error::Empty { what: "corpus" })));
    let frozen = DistillConfig {
        temperature: 0.0,
        ..DistillConfig::default()
    };
    let error = with(&tasks, &data, frozen).unwrap_err();
    assert_eq!(
        error.to_string(),
        "temperature is 0; expected a number above 0"
    );
    let idle = DistillConfig {
        soft: 0.0,
        hard: 0.0,
        ..DistillConfig::default()
    };
    assert!(matches!(
        with(&tasks, &data, idle),
        Err(Error::Config {
            field: "soft + hard",
            ..
        })
    ));

    let mismatch = teacher.teach(&["a", "b"], &[]);
    assert!(matches!(mismatch, Err(Error::Shape { .. })));
    let bare = Model::new(&light(&tokenizer, 4), &Tasks::default(), Device::Cpu, 1).unwrap();
    let silent = Teacher::new(bare, tokenizer, 8).unwrap_err().to_string();
    assert_eq!(
        silent,
        "teacher is an encoder without heads; expected a model trained for a task"
    );
}
