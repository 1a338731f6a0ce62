//! The loss against PyTorch.

use cs_model::ModelOutput;
use cs_train::Error;
use cs_train::objective::{CombinedLoss, Targets};
use serde_json::Value;
use tch::{Kind, Tensor};

use crate::common::tiny::{assert_tensor, matrix, tensor, vector};
use crate::common::{assert_close, floats, list, number, reference, training_reference};

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

#[test]
fn smoothing_weights_and_focal_loss_are_pytorchs() {
    let stored = training_reference("entropies");
    let weights: Vec<f32> = floats(&stored["weights"])
        .iter()
        .map(|&x| x as f32)
        .collect();
    let targets = Targets {
        intents: floats(&stored["targets"])
            .iter()
            .map(|&t| (t >= 0.0).then_some(t as usize))
            .collect(),
        ..Targets::default()
    };
    let plain = CombinedLoss {
        ce_weight: 1.0,
        ..CombinedLoss::default()
    };
    let cases = [
        ("smoothing", 0.1, None, 0.0),
        ("weighted", 0.0, Some(&weights), 0.0),
        ("both", 0.1, Some(&weights), 0.0),
        ("focal", 0.0, Some(&weights), 2.0),
    ];
    for (name, label_smoothing, weights, focal_gamma) in cases {
        let loss = CombinedLoss {
            label_smoothing,
            focal_gamma,
            intent_weights: weights.cloned(),
            ..plain.clone()
        };
        let logits = tensor(&stored["logits"]).set_requires_grad(true);
        let output = ModelOutput {
            intent: Some(logits.shallow_clone()),
            ..ModelOutput::default()
        };
        let total = loss.forward(&output, &targets).unwrap().total;
        let expected = stored[name]["loss"].as_f64().unwrap();
        assert!((total.double_value(&[]) - expected).abs() < 1e-6, "{name}");
        total.backward();
        assert_tensor(&logits.grad(), &tensor(&stored[name]["gradient"]), 1e-6);
    }
}
