//! The optimiser against PyTorch.

use cs_train::Error;
use cs_train::optim::{AdamW, Gradients};
use cs_train::schedule::TrainConfig;
use tch::{Kind, Reduction, Tensor};

use crate::common::tiny::{assert_tensor, matrix, vector};
use crate::common::{assert_close, list, number, reference};

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
