//! The learning rate against transformers, the loss scale against PyTorch.

use cs_train::schedule::{Decay, LossScaler, Schedule};

use crate::common::{floats, training_reference};

#[test]
fn schedules_are_those_of_transformers() {
    let stored = training_reference("schedules");
    for (name, factors) in stored.as_object().unwrap() {
        let (decay, warmup) = name.split_once(' ').unwrap();
        let decay: Decay = decay.parse().unwrap();
        let schedule = Schedule::new(decay, warmup.parse().unwrap(), 40);
        for (step, expected) in floats(factors).into_iter().enumerate() {
            let got = schedule.factor(step);
            assert!(
                (got - expected).abs() < 1e-9,
                "{name}, step {step}: {got}, {expected}"
            );
        }
    }
}

#[test]
fn the_loss_scale_follows_grad_scaler() {
    let mut scaler = LossScaler::default();
    for entry in training_reference("scaler").as_array().unwrap() {
        for _ in 0..entry[1].as_u64().unwrap() {
            scaler.update(entry[0].as_bool().unwrap());
        }
        assert_eq!(scaler.scale(), entry[2].as_f64().unwrap());
    }
}
