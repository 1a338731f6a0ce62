//! Importance against gradients of explicit masks in PyTorch; `reference/bert.py`.

use std::path::Path;

use cs_data::Encoding;
use cs_model::names::{Part, Role, TensorRole};
use cs_model::{BiLstmConfig, Bundle, Device, Model, Tasks};
use cs_train::Error;
use cs_train::data::{Example, Prepared};
use cs_train::objective::{CombinedLoss, importance};
use serde_json::Value;
use tch::Tensor;

use crate::common::tiny::alone;

fn tasks() -> Tasks {
    Tasks {
        intent: Some(["a", "b", "c"].map(str::to_owned).into()),
        ..Tasks::default()
    }
}

fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn prepared(expected: &Value) -> Prepared {
    let rows: Vec<Vec<u32>> = serde_json::from_value(expected["rows"].clone()).unwrap();
    let intents: Vec<usize> = serde_json::from_value(expected["intents"].clone()).unwrap();
    let example = |(ids, intent)| Example {
        id: String::new(),
        encoding: Encoding {
            ids,
            ..Encoding::default()
        },
        intent: Some(intent),
        tags: None,
        sentiment: None,
    };
    Prepared {
        examples: rows.into_iter().zip(intents).map(example).collect(),
        ..Prepared::default()
    }
}

#[test]
fn scores_are_the_gradients_of_masks() {
    let _alone = alone();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/bert");
    let expected = expected(&folder);
    let bundle = Bundle::open(&folder).unwrap();
    let model = Model::from_pretrained(&bundle, &tasks(), Device::Cpu, 1).unwrap();
    let weight: Vec<Vec<f32>> =
        serde_json::from_value(expected["importance"]["weight"].clone()).unwrap();
    let bias: Vec<f32> = serde_json::from_value(expected["importance"]["bias"].clone()).unwrap();
    for (name, mut tensor) in model.parameters() {
        let head = match TensorRole::parse(&name).map(|tensor| (tensor.role, tensor.part)) {
            Some((Role::Intent, Part::Weight)) => Tensor::from_slice2(&weight),
            Some((Role::Intent, Part::Bias)) => Tensor::from_slice(&bias),
            _ => continue,
        };
        tch::no_grad(|| tensor.copy_(&head));
    }

    let scores = importance(&model, &prepared(&expected), &CombinedLoss::default(), 2).unwrap();
    for (name, found) in [("heads", &scores.heads), ("neurons", &scores.neurons)] {
        let wanted: Vec<Vec<f64>> =
            serde_json::from_value(expected["importance"][name].clone()).unwrap();
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().flatten().zip(wanted.iter().flatten()) {
            assert!(
                (found - wanted).abs() < 1e-5 * wanted.abs().max(0.1),
                "{name}: {found} {wanted}"
            );
        }
    }
    scores.validate(&model.config().stack().unwrap()).unwrap();
}

#[test]
fn what_has_no_heads_or_labels_is_refused() {
    let config = BiLstmConfig {
        vocab_size: 40,
        ..BiLstmConfig::default()
    };
    let light = Model::new(&config.into(), &tasks(), Device::Cpu, 1).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/bert");
    let data = prepared(&expected(&folder));
    let error = importance(&light, &data, &CombinedLoss::default(), 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "importance of heads and neurons: a bilstm model has none"
    );
    let bundle = Bundle::open(&folder).unwrap();
    let model = Model::from_pretrained(&bundle, &tasks(), Device::Cpu, 1).unwrap();
    let nothing = importance(&model, &Prepared::default(), &CombinedLoss::default(), 2);
    assert!(matches!(nothing, Err(Error::NoLabels { .. })));
}
