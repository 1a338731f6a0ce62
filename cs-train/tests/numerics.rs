//! Loss and optimiser against PyTorch.

#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::{assert_close, list, number, reference};
use cs_model::ModelOutput;
use cs_train::Error;
use cs_train::objective::{CombinedLoss, Targets};
use cs_train::optim::{AdamW, Gradients};
use cs_train::schedule::TrainConfig;
use serde_json::Value;
use tch::{Kind, Reduction, Tensor};

fn vector(value: &Value) -> Tensor {
    Tensor::from_slice(&list(value, |v| number(v) as f32)).set_requires_grad(true)
}

fn matrix(value: &Value) -> Tensor {
    let rows = list(value, |row| list(row, |v| number(v) as f32));
    Tensor::from_slice2(&rows).set_requires_grad(true)
}

#[track_caller]
fn assert_tensor(got: &Tensor, expected: &Tensor, tolerance: f64) {
    let difference = (got - expected).abs().max().double_value(&[]);
    assert!(difference <= tolerance, "off by {difference}");
}

fn index(value: &Value) -> Option<usize> {
    usize::try_from(value.as_i64().unwrap()).ok()
}

#[test]
fn combined_loss_is_pytorchs() {
    let stored = reference("loss");
    let (intent, tags) = (matrix(&stored["intent"]), matrix(&stored["tags"]));
    let sentiment = vector(&stored["sentiment"]);
    let output = ModelOutput {
        intent: Some(intent.shallow_clone()),
        slots: Some(tags.shallow_clone()),
        sentiment: Some(sentiment.shallow_clone()),
        ..ModelOutput::default()
    };
    let targets = Targets {
        intents: list(&stored["intents"], index),
        tags: list(&stored["targets"], index),
        sentiments: list(&stored["sentiments"], |s| s.as_f64().map(|s| s as f32)),
    };
    let loss = CombinedLoss::default().forward(&output, &targets).unwrap();
    for (i, name) in ["intent", "slots", "sentiment"].into_iter().enumerate() {
        assert_eq!(loss.parts[i].name, name);
        assert_close(
            loss.parts[i].value.double_value(&[]),
            number(&stored["parts"][i]),
            1e-6,
        );
    }
    assert_close(loss.total.double_value(&[]), number(&stored["total"]), 1e-6);
    loss.total.backward();
    let gradients = &stored["gradients"];
    assert_tensor(&intent.grad(), &matrix(&gradients["intent"]), 1e-6);
    assert_tensor(&tags.grad(), &matrix(&gradients["tags"]), 1e-6);
    assert_tensor(&sentiment.grad(), &vector(&gradients["sentiment"]), 1e-6);
}

#[test]
fn a_part_without_targets_is_left_out() {
    let output = ModelOutput {
        intent: Some(Tensor::zeros([2, 3], (Kind::Float, tch::Device::Cpu))),
        sentiment: Some(Tensor::from_slice(&[0.5f32, 0.5])),
        ..ModelOutput::default()
    };
    let mut targets = Targets {
        intents: vec![None, None],
        tags: vec![None; 7],
        sentiments: vec![None, Some(0.0)],
    };
    let loss = CombinedLoss::default();
    let only_sentiment = loss.forward(&output, &targets).unwrap();
    assert_eq!(only_sentiment.parts.len(), 1);
    assert_close(only_sentiment.total.double_value(&[]), 0.3 * 0.25, 1e-7);
    targets.sentiments = vec![None, None];
    assert!(matches!(
        loss.forward(&output, &targets),
        Err(Error::NoLabels { .. })
    ));
    targets.intents = vec![Some(0)];
    assert!(matches!(
        loss.forward(&output, &targets),
        Err(Error::Shape { .. })
    ));
}

/// The problem of `make.py`, with moments for all rows of the embedding or only those used.
fn adamw_trajectory(restricted: bool, fused: bool) {
    let stored = reference("adamw");
    let start = &stored["start"];
    let (embedding, weight) = (matrix(&start["embedding"]), matrix(&start["weight"]));
    let bias = vector(&start["bias"]);
    let parameters = [
        ("embedding", &embedding),
        ("weight", &weight),
        ("bias", &bias),
    ]
    .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
    let weight_decay = number(&stored["weight_decay"]);
    let config = TrainConfig {
        weight_decay,
        ..TrainConfig::default()
    };
    let mut optimizer = AdamW::new(parameters.into(), &config).fused(fused);
    if restricted {
        let rows = list(&stored["rows"], |row| row.as_i64().unwrap());
        optimizer.restrict_rows("embedding", &rows).unwrap();
    }
    for (i, step) in stored["steps"].as_array().unwrap().iter().enumerate() {
        let indices = |key: &str| Tensor::from_slice(&list(&step[key], |v| v.as_i64().unwrap()));
        let logits = embedding
            .index_select(0, &indices("ids"))
            .matmul(&weight.tr())
            + &bias;
        let targets = indices("targets");
        let loss = logits.cross_entropy_loss(&targets, None::<Tensor>, Reduction::Mean, -100, 0.0);
        let gradients = optimizer.gradients(&loss).unwrap();
        let norm = gradients.norm().unwrap().double_value(&[]);
        assert_close(norm, number(&stored["norms"][i]), 1e-4);
        let scale = Gradients::clip_scale(norm, number(&stored["max_norm"]));
        optimizer
            .step(&gradients, number(&step["lr"]), scale)
            .unwrap();
    }
    let end = &stored["end"];
    assert_tensor(&embedding, &matrix(&end["embedding"]), 1e-5);
    assert_tensor(&weight, &matrix(&end["weight"]), 1e-5);
    assert_tensor(&bias, &vector(&end["bias"]), 1e-5);
}

#[test]
fn adamw_follows_pytorchs_trajectory() {
    adamw_trajectory(false, false);
    adamw_trajectory(false, true);
}

#[test]
fn adamw_with_moments_for_reached_rows_only_follows_the_same_trajectory() {
    adamw_trajectory(true, false);
    adamw_trajectory(true, true);
}

#[test]
fn unused_parameters_and_a_rate_of_zero_leave_weights_alone() {
    let used = Tensor::from_slice(&[1.0f32, 2.0]).set_requires_grad(true);
    let unused = Tensor::from_slice2(&[[3.0f32], [4.0]]).set_requires_grad(true);
    let parameters = [("used", &used), ("unused", &unused)]
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
    let mut optimizer = AdamW::new(parameters.into(), &TrainConfig::default());
    let gradients = optimizer.gradients(&used.sum(Kind::Float)).unwrap();
    optimizer.step(&gradients, 0.0, 1.0).unwrap();
    assert_eq!(Vec::<f32>::try_from(&used).unwrap(), [1.0, 2.0]);
    optimizer.step(&gradients, 0.1, 1.0).unwrap();
    assert_eq!(unused.double_value(&[1, 0]), 4.0);
    assert!(used.double_value(&[0]) < 1.0);
}

#[test]
fn rows_that_do_not_exist_are_refused() {
    let tensor = Tensor::zeros([4, 2], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
    let mut optimizer = AdamW::new(vec![("m".into(), tensor)], &TrainConfig::default());
    assert!(matches!(
        optimizer.restrict_rows("m", &[4]),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        optimizer.restrict_rows("m", &[-1]),
        Err(Error::Shape { .. })
    ));
    assert!(optimizer.restrict_rows("other", &[4]).is_ok());
}
