//! Pruned models against whole ones.

use std::path::Path;

use cs_model::{Bundle, EncoderConfig, Importance, TransformerConfig, Weights, write_safetensors};
use cs_quant::{
    Int4, Precision, PruneConfig, PrunePlan, QuantConfig, RuntimeConfig, magnitude, prune,
    prune_to_latency, quantize,
};

use crate::common::{bundle, config, cosine, open, tasks, texts, write_bundle};

fn encoder(bundle: &Bundle) -> TransformerConfig {
    match bundle.config() {
        EncoderConfig::Transformer(config) => config.clone(),
        EncoderConfig::BiLstm(_) => panic!("not a transformer"),
    }
}

/// Two heads of four, and half of the neurons, are left of layer 0; one head of layer 1.
fn plan(config: &TransformerConfig) -> PrunePlan {
    let mut plan = PrunePlan::whole(config);
    plan.heads = vec![vec![0, 2], vec![3]];
    plan.neurons[0] = (0..64).step_by(2).collect();
    plan
}

/// Zeroes the outputs' columns of what `plan` leaves out.
fn mask(from: &Path, plan: &PrunePlan, config: &TransformerConfig) {
    let path = from.join(Bundle::WEIGHTS);
    let weights = Weights::open(&path).unwrap();
    let mut tensors = Vec::new();
    for name in weights.names() {
        let raw = weights.raw(name).unwrap();
        let shape = raw.shape.to_vec();
        let mut values = weights.f32(name, &shape).unwrap();
        for layer in 0..config.num_hidden_layers {
            let gone = |column: usize| {
                let block = format!("encoder.layer.{layer}");
                if name == format!("{block}.attention.output.dense.weight") {
                    !plan.heads[layer].contains(&(column / config.head_size()))
                } else {
                    name == format!("{block}.output.dense.weight")
                        && !plan.neurons[layer].contains(&column)
                }
            };
            let width = shape[shape.len() - 1];
            for (_, value) in values
                .iter_mut()
                .enumerate()
                .filter(|(i, _)| gone(i % width))
            {
                *value = 0.0;
            }
        }
        tensors.push((name.to_owned(), shape, values));
    }
    let raw = tensors
        .iter()
        .map(|(name, shape, values)| (name, cs_model::RawTensor::from_f32(shape, values)));
    write_safetensors(&path, raw, &Default::default()).unwrap();
    std::fs::remove_file(from.join("bundle.json")).unwrap();
}

#[test]
fn pruned_equals_masked() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, out, masked) = (
        dir.path().join("a"),
        dir.path().join("b"),
        dir.path().join("c"),
    );
    let bundle = bundle(&whole);
    let encoder = encoder(&bundle);
    let plan = plan(&encoder);
    prune(&bundle, &out, &plan).unwrap();
    write_bundle(&masked, "bert_gelu", tasks());
    mask(&masked, &plan, &encoder);
    for kernel in crate::common::kernels() {
        let pruned = open(&out, &config(Precision::Fp32, 2, Some(kernel)));
        let masked = open(&masked, &config(Precision::Fp32, 2, Some(kernel)));
        assert!(pruned.weight_bytes() < masked.weight_bytes());
        for batch in texts() {
            assert_eq!(
                pruned.hidden(&batch).unwrap(),
                masked.hidden(&batch).unwrap(),
                "{kernel}"
            );
        }
    }
    let written = Bundle::open(&out).unwrap();
    assert_eq!(written.tasks(), bundle.tasks());
    let EncoderConfig::Transformer(config) = written.config() else {
        panic!()
    };
    assert_eq!(config.layer_num_attention_heads, Some(vec![2, 1]));
    assert_eq!(config.layer_intermediate_size, Some(vec![32, 64]));
    assert_eq!(
        written
            .weights()
            .unwrap()
            .raw("encoder.layer.0.output.dense.weight")
            .unwrap()
            .shape[..],
        [32, 32]
    );
}

#[test]
fn what_is_pruned_can_be_pruned_and_quantised_again() {
    let dir = tempfile::tempdir().unwrap();
    let (once, twice, at_once) = (
        dir.path().join("b"),
        dir.path().join("c"),
        dir.path().join("d"),
    );
    let bundle = bundle(&dir.path().join("a"));
    let encoder = encoder(&bundle);
    let mut last = plan(&encoder);
    prune(&bundle, &once, &last).unwrap();
    let pruned = Bundle::open(&once).unwrap();
    let EncoderConfig::Transformer(config_once) = pruned.config() else {
        panic!()
    };
    let mut second = PrunePlan::whole(config_once);
    second.heads[0] = vec![1];
    second.neurons[1].truncate(32);
    prune(&pruned, &twice, &second).unwrap();
    // The second head that was left of layer 0 is head 2 of the whole model.
    last.heads[0] = vec![2];
    last.neurons[1].truncate(32);
    prune(&bundle, &at_once, &last).unwrap();
    let weights = |dir: &Path| std::fs::read(dir.join(Bundle::WEIGHTS)).unwrap();
    assert_eq!(weights(&twice), weights(&at_once));
    assert_eq!(
        Bundle::open(&twice).unwrap().config(),
        Bundle::open(&at_once).unwrap().config()
    );

    let small = Bundle::open(&twice).unwrap();
    let int4 = Int4 {
        embeddings: true,
        feed_forward: true,
        group: 32,
    };
    let config8 = QuantConfig {
        int4,
        ..QuantConfig::default()
    };
    quantize(&small, &dir.path().join("e"), &config8).unwrap();
    let exact = open(&twice, &config(Precision::Fp32, 1, None));
    let int8 = open(&dir.path().join("e"), &config(Precision::Int8, 1, None));
    for batch in texts() {
        let pair = [&exact, &int8].map(|model| model.hidden(&batch).unwrap().data);
        assert!(cosine(&pair[0], &pair[1]) > 0.97);
    }
}

#[test]
fn plans_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(&dir.path().join("a"));
    let out = dir.path().join("out");
    let encoder = encoder(&bundle);
    for (heads, message) in [
        (vec![vec![0]], "heads: 1 layers, expected one list a layer"),
        (
            vec![vec![], vec![0]],
            "heads: [] of 4 in layer 0, expected ascending",
        ),
        (
            vec![vec![0, 4], vec![0]],
            "heads: [0, 4] of 4 in layer 0, expected",
        ),
        (
            vec![vec![0], vec![1, 1]],
            "heads: [1, 1] of 4 in layer 1, expected",
        ),
    ] {
        let plan = PrunePlan {
            heads,
            ..PrunePlan::whole(&encoder)
        };
        let error = prune(&bundle, &out, &plan).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let own = prune(&bundle, bundle.dir(), &PrunePlan::whole(&encoder));
    assert!(
        own.unwrap_err()
            .to_string()
            .ends_with("expected another folder")
    );
    write_bundle(&dir.path().join("lstm"), "lstm", tasks());
    let lstm = Bundle::open(&dir.path().join("lstm")).unwrap();
    let error = prune(&lstm, &out, &PrunePlan::whole(&encoder))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("model_type: bilstm, expected bert"),
        "{error}"
    );
    assert!(!out.exists());
}

#[test]
fn a_latency_is_reached_by_removing_what_matters_least() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(&dir.path().join("a"));
    let out = dir.path().join("out");
    let importance = magnitude(&bundle).unwrap();
    let settings = PruneConfig {
        // This is within reach however the clock behaves.
        target_latency: 0.999,
        neuron_step: 16,
        runtime: RuntimeConfig {
            precision: Precision::Fp32,
            ..config(Precision::Fp32, 1, None)
        },
    };
    for impossible in [0.0, 1.0, f64::NAN] {
        let settings = PruneConfig {
            target_latency: impossible,
            ..settings
        };
        let error = prune_to_latency(&bundle, &out, &importance, &texts(), &settings).unwrap_err();
        assert!(error.to_string().starts_with("target_latency: "), "{error}");
    }
    let none = prune_to_latency(&bundle, &out, &Importance::default(), &texts(), &settings);
    assert!(none.unwrap_err().to_string().contains("importance.heads"));
    let untimed = prune_to_latency(&bundle, &out, &importance, &[], &settings);
    assert!(untimed.unwrap_err().to_string().starts_with("texts: none"));
    let tiny = PruneConfig {
        target_latency: 1e-9,
        ..settings
    };
    let error = prune_to_latency(&bundle, &out, &importance, &texts(), &tiny).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("target_latency: 0.000000001, expected a share"),
        "{error}"
    );
    assert!(!out.exists());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    // Whether a model this small gets faster is up to the clock; what comes out must hold together.
    if let Ok(report) = prune_to_latency(&bundle, &out, &importance, &texts(), &settings) {
        // The whole model may itself be found as much faster than the whole model.
        assert!(report.parameters_after <= report.parameters_before);
        assert!(report.latency_ratio < 1.0);
        let EncoderConfig::Transformer(config) = Bundle::open(&out).unwrap().config().clone()
        else {
            panic!()
        };
        for layer in 0..2 {
            assert_eq!(report.heads[layer], config.heads(layer));
            assert_eq!(report.neurons[layer], config.inner_size(layer));
            assert!(config.inner_size(layer).is_multiple_of(16));
        }
    }
}
