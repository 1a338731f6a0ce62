//! Pruned models against whole ones.

use std::path::Path;

use cs_model::names::Role;
use cs_model::{Bundle, EncoderConfig, Importance, Stack, Weights, write_safetensors};
use cs_quant::{
    Int4, Precision, PruneConfig, PrunePlan, QuantConfig, RuntimeConfig, magnitude, prune,
    prune_to_latency, quantize,
};

use crate::common::{bundle, config, cosine, open, tasks, texts, write_bundle};

fn stack(bundle: &Bundle) -> Stack {
    bundle.config().stack().unwrap()
}

/// Two heads of four, and half of the neurons, are left of layer 0; one head of layer 1, if there
/// is one.
fn plan(stack: &Stack) -> PrunePlan {
    let mut plan = PrunePlan::whole(stack);
    plan.heads = vec![vec![0, 2], vec![3]];
    plan.heads.truncate(stack.blocks.len());
    plan.neurons[0] = (0..64).step_by(2).collect();
    plan
}

/// Zeroes the outputs' columns of what `plan` leaves out.
fn mask(from: &Path, plan: &PrunePlan, stack: &Stack) {
    let names = EncoderConfig::open(from).unwrap().names();
    let path = from.join(Bundle::WEIGHTS);
    let weights = Weights::open(&path).unwrap();
    let mut tensors = Vec::new();
    for name in weights.names() {
        let raw = weights.raw(name).unwrap();
        let shape = raw.shape.to_vec();
        let mut values = weights.f32(name, &shape).unwrap();
        for layer in 0..stack.blocks.len() {
            let gone = |column: usize| {
                let block = names.layer(layer);
                if name == block.weight(Role::AttentionOutput) {
                    !plan.heads[layer].contains(&(column / stack.head_size))
                } else {
                    name == block.weight(Role::FeedForwardOut)
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
    for model in ["bert_gelu", "roberta", "distilbert", "albert"] {
        check_pruned(model);
    }
}

fn check_pruned(model: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (whole, out, masked) = (
        dir.path().join("a"),
        dir.path().join("b"),
        dir.path().join("c"),
    );
    write_bundle(&whole, model, tasks());
    let bundle = Bundle::open(&whole).unwrap();
    let whole = stack(&bundle);
    let plan = plan(&whole);
    prune(&bundle, &out, &plan).unwrap();
    write_bundle(&masked, model, tasks());
    mask(&masked, &plan, &whole);
    for kernel in crate::common::kernels() {
        let pruned = open(&out, &config(Precision::Fp32, 2, Some(kernel)));
        let masked = open(&masked, &config(Precision::Fp32, 2, Some(kernel)));
        assert!(pruned.weight_bytes() < masked.weight_bytes());
        for batch in texts() {
            assert_eq!(
                pruned.hidden(&batch).unwrap(),
                masked.hidden(&batch).unwrap(),
                "{model} {kernel}"
            );
        }
    }
    let written = Bundle::open(&out).unwrap();
    assert_eq!(written.tasks(), bundle.tasks());
    let sizes = stack(&written).blocks;
    let sizes: Vec<_> = sizes.iter().map(|b| (b.heads, b.inner_size)).collect();
    assert_eq!(sizes, [(2, 32), (1, 64)][..sizes.len()]);
    let output = written.config().names().layer(0);
    let output = output.weight(Role::FeedForwardOut);
    let weights = written.weights().unwrap();
    assert_eq!(weights.shape(&output).unwrap(), [32, 32]);
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
    let mut last = plan(&stack(&bundle));
    prune(&bundle, &once, &last).unwrap();
    let pruned = Bundle::open(&once).unwrap();
    let mut second = PrunePlan::whole(&stack(&pruned));
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
        attention: false,
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
    let whole = stack(&bundle);
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
            ..PrunePlan::whole(&whole)
        };
        let error = prune(&bundle, &out, &plan).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let own = prune(&bundle, bundle.dir(), &PrunePlan::whole(&whole));
    assert!(
        own.unwrap_err()
            .to_string()
            .ends_with("expected another folder")
    );
    write_bundle(&dir.path().join("albert"), "albert", tasks());
    let albert = Bundle::open(&dir.path().join("albert")).unwrap();
    let error = prune(&albert, &out, &PrunePlan::whole(&whole)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "heads: 2 layers, expected one list, as all layers have one's weights"
    );
    write_bundle(&dir.path().join("lstm"), "lstm", tasks());
    let lstm = Bundle::open(&dir.path().join("lstm")).unwrap();
    let error = prune(&lstm, &out, &PrunePlan::whole(&whole))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("model_type: bilstm, expected bert"),
        "{error}"
    );
    assert!(!out.exists());
}

#[test]
fn a_shared_layer_is_pruned_to_a_latency_once_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, out) = (dir.path().join("a"), dir.path().join("out"));
    write_bundle(&whole, "albert", tasks());
    let bundle = Bundle::open(&whole).unwrap();
    let importance = magnitude(&bundle).unwrap();
    assert_eq!((importance.heads.len(), importance.neurons.len()), (1, 1));
    let settings = PruneConfig {
        target_latency: 0.999,
        neuron_step: 16,
        runtime: config(Precision::Fp32, 1, None),
    };
    // Whether a model this small gets faster is up to the clock.
    if let Ok(report) = prune_to_latency(&bundle, &out, &importance, &texts(), &settings) {
        assert_eq!((report.heads.len(), report.neurons.len()), (1, 1));
        let stack = stack(&Bundle::open(&out).unwrap());
        assert_eq!((stack.passes, stack.blocks[0].heads), (3, report.heads[0]));
    }
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
        let blocks = stack(&Bundle::open(&out).unwrap()).blocks;
        for (layer, block) in blocks.iter().enumerate() {
            assert_eq!(report.heads[layer], block.heads);
            assert_eq!(report.neurons[layer], block.inner_size);
            assert!(block.inner_size.is_multiple_of(16));
        }
    }
}
