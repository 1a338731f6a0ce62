//! What a run can be asked for besides the plain loop, against PyTorch.

use std::collections::BTreeMap;

use cs_model::names::{BERT, HEADS, Part, Role};
use cs_train::Result;
use cs_train::objective::{Identity, LossOutput, Objective, Reached, StepBatch, Validation};
use cs_train::run::{Event, Flow, Trainer};
use cs_train::schedule::{TrainConfig, TrainPrecision};
use serde_json::Value;
use tch::{Kind, Reduction, Tensor};

use crate::common::tiny::{alone, assert_tensor, tensor};
use crate::common::{floats, training_reference};

/// What `training.py` calls the word embeddings.
const WORDS: &str = "embeddings.word.weight";

/// What a checkpoint calls a tensor of `training.py`: depth follows from it.
fn checkpoint_name(stored: &str) -> String {
    let part = match stored.ends_with("bias") {
        true => Part::Bias,
        false => Part::Weight,
    };
    match stored.split('.').next() {
        Some("embeddings") => BERT.name(Role::WordEmbeddings, part),
        Some("encoder") => BERT.layer(0).name(Role::FeedForwardIn, part),
        _ => HEADS.name(Role::Intent, part),
    }
}

/// The network of `training.py`: a word, a layer, three classes.
struct Tiny {
    parameters: BTreeMap<String, Tensor>,
    ids: Vec<i64>,
    targets: Vec<i64>,
}

impl Tiny {
    fn new(stored: &Value) -> Self {
        let whole = |value: &Value| floats(value).iter().map(|&x| x as i64).collect();
        let start = stored["start"].as_object().unwrap().iter();
        let parameter = |value: &Value| tensor(value).set_requires_grad(true);
        Self {
            parameters: start
                .map(|(name, value)| (name.clone(), parameter(value)))
                .collect(),
            ids: whole(&stored["ids"]),
            targets: whole(&stored["targets"]),
        }
    }
}

impl Objective for Tiny {
    fn identity(&self) -> Identity {
        Identity::default()
    }

    fn parameters(&self) -> Vec<(String, Tensor)> {
        let all = self.parameters.iter();
        all.map(|(name, tensor)| (checkpoint_name(name), tensor.shallow_clone()))
            .collect()
    }

    fn lengths(&self) -> Vec<usize> {
        vec![1; self.ids.len()]
    }

    fn row_id(&self, row: usize) -> String {
        row.to_string()
    }

    fn reached(&self) -> Option<Reached> {
        Some(Reached {
            parameter: checkpoint_name(WORDS),
            rows: vec![1, 2, 4],
        })
    }

    fn loss(&self, batch: &StepBatch<'_>) -> Result<LossOutput> {
        let pick = |all: &[i64]| {
            Tensor::from_slice(&batch.rows.iter().map(|&row| all[row]).collect::<Vec<_>>())
        };
        let p = |name: &str| &self.parameters[name];
        let words = p(WORDS).index_select(0, &pick(&self.ids));
        let dense = words.linear(
            p("encoder.layer.0.dense.weight"),
            Some(p("encoder.layer.0.dense.bias")),
        );
        let logits = dense
            .tanh()
            .linear(p("heads.x.weight"), Some(p("heads.x.bias")));
        let targets = pick(&self.targets);
        let sum = logits.cross_entropy_loss(&targets, None::<Tensor>, Reduction::Sum, -100, 0.0);
        Ok(LossOutput {
            total: sum / batch.step_rows.len() as f64,
            parts: vec![],
        })
    }

    fn evaluate(&self) -> Result<Validation> {
        Ok(Validation::default())
    }
}

fn follows(case: &str, change: fn(&mut TrainConfig)) {
    let _alone = alone();
    let stored = training_reference("runs");
    let tiny = Tiny::new(&stored);
    let mut config = TrainConfig {
        epochs: 12,
        lr: 0.05,
        weight_decay: 0.1,
        warmup_steps: 0,
        max_grad_norm: 0.3,
        ..TrainConfig::default()
    };
    change(&mut config);
    let mut norms = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Step(step) = event {
            norms.push(step.grad_norm);
        }
        Flow::Continue
    };
    let folder = tempfile::tempdir().unwrap();
    Trainer::new(config, folder.path())
        .unwrap()
        .run(&tiny, &mut observer)
        .unwrap();
    for (got, expected) in norms.iter().zip(floats(&stored[case]["norms"])) {
        assert!(
            (got - expected).abs() < 1e-5,
            "{case}: norm {got}, {expected}"
        );
    }
    for (name, tensor_) in &tiny.parameters {
        assert_tensor(tensor_, &tensor(&stored[case]["end"][name]), 2e-5);
    }
}

#[test]
fn a_run_follows_pytorch() {
    follows("plain", |_| ());
}

#[test]
fn parts_of_a_batch_add_up_to_the_batch() {
    follows("plain", |config| config.accumulate = 3);
    follows("fgm", |config| (config.accumulate, config.fgm) = (2, 0.5));
}

#[test]
fn layer_decay_fgm_and_the_mean_of_weights_follow_pytorch() {
    follows("layer_decay", |config| config.layer_decay = 0.5);
    follows("fgm", |config| config.fgm = 0.5);
    follows("ema", |config| config.ema = 0.7);
}

/// Notes the type of the matrix products it is evaluated with.
struct Watched {
    weight: Tensor,
    kinds: std::cell::RefCell<Vec<Kind>>,
}

impl Objective for Watched {
    fn identity(&self) -> Identity {
        Identity::default()
    }

    fn parameters(&self) -> Vec<(String, Tensor)> {
        vec![("weight".into(), self.weight.shallow_clone())]
    }

    fn lengths(&self) -> Vec<usize> {
        vec![1]
    }

    fn row_id(&self, row: usize) -> String {
        row.to_string()
    }

    fn validation_rows(&self) -> usize {
        1
    }

    fn loss(&self, _: &StepBatch<'_>) -> Result<LossOutput> {
        let product = self.weight.matmul(&self.weight);
        Ok(LossOutput {
            total: product.sum(Kind::Float),
            parts: vec![],
        })
    }

    fn evaluate(&self) -> Result<Validation> {
        let product = self.weight.matmul(&self.weight);
        self.kinds.borrow_mut().push(product.kind());
        Ok(Validation::default())
    }
}

#[test]
fn an_evaluation_has_the_precision_of_training() {
    let _alone = alone();
    for (precision, kind) in [
        (TrainPrecision::Fp32, Kind::Float),
        (TrainPrecision::Bf16, Kind::BFloat16),
    ] {
        let watched = Watched {
            weight: Tensor::ones([2, 2], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true),
            kinds: std::cell::RefCell::default(),
        };
        let config = TrainConfig {
            epochs: 2,
            precision,
            ..TrainConfig::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let trainer = Trainer::new(config, folder.path()).unwrap();
        trainer.run(&watched, &mut cs_train::run::Silent).unwrap();
        assert_eq!(watched.kinds.take(), [kind, kind]);
        let after = watched.weight.matmul(&watched.weight).kind();
        assert_eq!(after, Kind::Float, "and nothing of it stays");
    }
}
