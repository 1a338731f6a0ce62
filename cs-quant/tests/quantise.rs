//! What the quantiser's options do, the sensitivity report and the gate.
#![allow(clippy::unwrap_used, reason = "a panic is the failure report")]

mod common;

use std::path::Path;

use common::{config, cosine, open, tasks, write_bundle};
use cs_data::TokenBatch;
use cs_model::{Bundle, Dtype, Weights};
use cs_quant::{
    Clip, Error, Figures, Gate, Int4, NativeModel, Precision, Probe, QuantConfig, RuntimeConfig,
    quantize, sensitivity,
};

fn texts() -> Vec<TokenBatch> {
    let text = |n: u32| {
        (0..3 + n % 5)
            .map(|i| (i * 7 + n * 11) % 50)
            .collect::<Vec<_>>()
    };
    (0..6).map(|n| TokenBatch::pack([&text(n)[..]])).collect()
}

fn bundle(dir: &Path) -> Bundle {
    write_bundle(dir, "bert_gelu", tasks());
    Bundle::open(dir).unwrap()
}

fn int4(group: usize) -> QuantConfig {
    let int4 = Int4 {
        embeddings: true,
        feed_forward: true,
        group,
    };
    QuantConfig {
        int4,
        ..QuantConfig::default()
    }
}

#[test]
fn four_bits_are_stored_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, out) = (dir.path().join("a"), dir.path().join("b"));
    let bundle = bundle(&fp32);
    let report = quantize(&bundle, &out, &int4(32)).unwrap();
    let plain = quantize(&bundle, &dir.path().join("c"), &QuantConfig::default()).unwrap();
    assert!(report.bytes_after < plain.bytes_after);
    let weights = Weights::open(&out.join(Bundle::INT8_WEIGHTS)).unwrap();
    for (name, dtype, shape) in [
        ("embeddings.word_embeddings.weight", Dtype::U8, vec![50, 16]),
        (
            "embeddings.word_embeddings.weight.scale",
            Dtype::BF16,
            vec![50, 1],
        ),
        (
            "encoder.layer.1.output.dense.weight",
            Dtype::U8,
            vec![32, 32],
        ),
        (
            "encoder.layer.1.output.dense.weight.scale",
            Dtype::BF16,
            vec![32, 2],
        ),
        (
            "encoder.layer.1.attention.output.dense.weight",
            Dtype::I8,
            vec![32, 32],
        ),
    ] {
        let tensor = weights.raw(name).unwrap();
        assert_eq!(
            (tensor.dtype, &tensor.shape[..]),
            (dtype, &shape[..]),
            "{name}"
        );
    }
    let artefact = open(&out, &config(Precision::Auto, 1, None));
    let memory =
        NativeModel::open_quantised(&bundle, &int4(32), &RuntimeConfig::default()).unwrap();
    let exact = open(&fp32, &config(Precision::Fp32, 1, None));
    for batch in texts() {
        let hidden = artefact.hidden(&batch).unwrap();
        assert_eq!(hidden, memory.hidden(&batch).unwrap());
        assert!(cosine(&hidden.data, &exact.hidden(&batch).unwrap().data) > 0.97);
    }
    // The memory holds 4-bit embeddings too.
    let eight = open(&dir.path().join("c"), &config(Precision::Auto, 1, None));
    assert!(artefact.weight_bytes() < eight.weight_bytes());
}

#[test]
fn rows_that_no_group_divides_take_eight_bits() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("b");
    quantize(&bundle(&dir.path().join("a")), &out, &int4(64)).unwrap();
    let weights = Weights::open(&out.join(Bundle::INT8_WEIGHTS)).unwrap();
    let dtype = |name: &str| weights.raw(name).unwrap().dtype;
    assert_eq!(dtype("embeddings.word_embeddings.weight"), Dtype::I8);
    assert_eq!(dtype("encoder.layer.0.output.dense.weight"), Dtype::U8);
}

#[test]
fn clipping_lowers_the_error_of_every_layer() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(&dir.path().join("a"));
    let report = |clip| {
        let config = QuantConfig { clip, ..int4(32) };
        quantize(&bundle, &dir.path().join("b"), &config).unwrap()
    };
    let (widest, best) = (report(Clip::None), report(Clip::Mse));
    for (a, b) in widest.layers.iter().zip(&best.layers) {
        assert!(
            b.relative <= a.relative * 1.001,
            "{}: {} {}",
            a.name,
            a.relative,
            b.relative
        );
    }
    assert_eq!(report(Clip::Percentile(1.0)), widest);
}

#[test]
fn each_layer_is_reported_once_and_the_worst_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path());
    let texts = texts();
    let mut models = 0;
    let mut metric = |_: &NativeModel| {
        models += 1;
        Ok::<_, Error>(figures(f64::from(models)))
    };
    let mut probe = Probe {
        texts: &texts,
        metric: Some(&mut metric),
    };
    let found = sensitivity(&bundle, &QuantConfig::default(), &mut probe).unwrap();
    // Words and positions, and two blocks of four.
    assert_eq!(found.len(), 2 + 2 * 4);
    assert!(found.is_sorted_by(|a, b| a.cosine <= b.cosine));
    assert!(
        found
            .iter()
            .all(|layer| layer.least_cosine <= layer.cosine && layer.cosine < 1.0)
    );
    assert!(
        found
            .iter()
            .all(|layer| layer.drops.len() == 3 && layer.worst_drop().unwrap().1 < 0.0)
    );
    assert_eq!(models, 1 + found.len() as i32);
    let names: std::collections::BTreeSet<_> = found.iter().map(|layer| &layer.layer[..]).collect();
    assert!(names.contains("encoder.layer.1.attention.self") && names.len() == found.len());
    // What is kept is not quantised: nothing is left to report.
    let keep_fp32 = names.into_iter().map(str::to_owned).collect();
    let kept = QuantConfig {
        keep_fp32,
        ..QuantConfig::default()
    };
    let left = sensitivity(
        &bundle,
        &kept,
        &mut Probe::<Error> {
            texts: &texts,
            metric: None,
        },
    );
    assert!(
        left.unwrap()
            .iter()
            .all(|layer| layer.layer.starts_with("heads"))
    );
}

/// The same figure for each head of [`tasks`].
fn figures(figure: f64) -> Figures {
    let heads = tasks().heads().into_iter();
    heads.map(|head| (head.to_owned(), figure)).collect()
}

/// Closeness to fp32: minus the largest difference of a pooled vector.
fn closeness<'a>(
    exact: &'a NativeModel,
    texts: &'a [TokenBatch],
) -> impl FnMut(&NativeModel) -> Result<Figures, Error> + 'a {
    move |model| {
        let mut worst = 0.0f32;
        for batch in texts {
            let pair = exact
                .embed(batch)?
                .data
                .into_iter()
                .zip(model.embed(batch)?.data);
            worst = pair.fold(worst, |worst, (a, b)| worst.max((a - b).abs()));
        }
        Ok(figures(-f64::from(worst)))
    }
}

#[test]
fn a_refused_model_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, out) = (dir.path().join("a"), dir.path().join("new/out"));
    let bundle = bundle(&fp32);
    let (exact, texts) = (open(&fp32, &config(Precision::Fp32, 1, None)), texts());
    let run = |gate: Gate| {
        let mut metric = closeness(&exact, &texts);
        let probe = Probe {
            texts: &texts,
            metric: Some(&mut metric),
        };
        gate.quantize(&bundle, &out, &QuantConfig::default(), probe)
            .unwrap()
    };
    let strict = Gate {
        max_drop: 0.0,
        ..Gate::default()
    };
    let refused = run(strict);
    assert!(!refused.accepted && !out.exists() && refused.bytes_after > 0);
    // No drop at all: every layer has to stay.
    assert_eq!(refused.keep_fp32.len(), 10);
    let slow = run(Gate {
        max_drop: 10.0,
        min_speedup: Some(1e6),
        ..Gate::default()
    });
    assert!(!slow.accepted && slow.keep_fp32.is_empty() && slow.speedup > 0.0 && !out.exists());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let fine = run(Gate {
        max_drop: 10.0,
        ..Gate::default()
    });
    assert!(fine.accepted && fine.ratio > 1.5);
    let written = Bundle::open(&out).unwrap();
    assert!(written.int8_weights().unwrap().is_some());
    let metrics = &written.manifest().unwrap().metrics;
    assert_eq!(metrics["int8.slots"], fine.heads["slots"].after);
    assert!(metrics.contains_key("fp32.sentiment"));
}

#[test]
fn auto_keeps_the_fewest_layers_that_pass() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, out) = (dir.path().join("a"), dir.path().join("out"));
    let bundle = bundle(&fp32);
    let (exact, texts) = (open(&fp32, &config(Precision::Fp32, 1, None)), texts());
    let run = |gate: Gate, quantise: &QuantConfig| {
        let mut metric = closeness(&exact, &texts);
        let probe = Probe {
            texts: &texts,
            metric: Some(&mut metric),
        };
        gate.quantize(&bundle, &out, quantise, probe).unwrap()
    };
    let all = run(
        Gate {
            max_drop: 0.0,
            ..Gate::default()
        },
        &QuantConfig::default(),
    );
    let half = Gate {
        max_drop: -all.metric_after.unwrap() * 0.7,
        auto: true,
        ..Gate::default()
    };
    let kept = run(half, &QuantConfig::default());
    assert!(kept.accepted && !kept.keep_fp32.is_empty() && kept.keep_fp32.len() < 10);
    let model = open(&out, &config(Precision::Auto, 1, None));
    assert_eq!(
        closeness(&exact, &texts)(&model).unwrap()["slots"],
        kept.metric_after.unwrap()
    );
    // One layer fewer does not pass.
    let mut fewer = QuantConfig::default();
    fewer
        .keep_fp32
        .extend(kept.keep_fp32[..kept.keep_fp32.len() - 1].iter().cloned());
    let one_less = run(
        Gate {
            auto: false,
            ..half
        },
        &fewer,
    );
    assert!(!one_less.accepted);
}

#[test]
fn each_head_is_judged_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(&dir.path().join("a"));
    let out = dir.path().join("out");
    let judge = |after: [(&str, f64); 3], heads: usize| {
        let mut models = 0;
        let mut metric = |_: &NativeModel| {
            models += 1;
            let figures = if models == 1 {
                figures(0.9)
            } else {
                named(&after)
            };
            Ok::<_, Error>(figures.into_iter().take(heads).collect())
        };
        let probe = Probe {
            texts: &[],
            metric: Some(&mut metric),
        };
        Gate::default().quantize(&bundle, &out, &QuantConfig::default(), probe)
    };
    // The mean rises, but one head loses.
    for head in ["intent", "slots", "sentiment"] {
        let after = ["intent", "slots", "sentiment"].map(|name| match name == head {
            true => (name, 0.88),
            false => (name, 0.95),
        });
        let verdict = judge(after, 3).unwrap();
        assert!(verdict.metric_after > verdict.metric_before);
        assert!(!verdict.accepted && !out.exists(), "{verdict:?}");
    }
    let nothing = [("intent", 0.9), ("slots", f64::NAN), ("sentiment", 0.9)];
    assert!(!judge(nothing, 3).unwrap().accepted);
    let error = judge([("intent", 0.9), ("slots", 0.9), ("sentiment", 0.9)], 1);
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("a: the slots head was not judged, expected a figure for each head"),
        "{error}"
    );
    assert!(!out.exists());
}

fn named(figures: &[(&str, f64)]) -> Figures {
    let named = figures.iter();
    named
        .map(|(head, figure)| ((*head).to_owned(), *figure))
        .collect()
}

#[test]
fn what_the_gate_cannot_do_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path());
    let run = |gate: Gate, out: &Path| {
        let probe = Probe::<Error> {
            texts: &[],
            metric: None,
        };
        gate.quantize(&bundle, out, &QuantConfig::default(), probe)
            .unwrap_err()
            .to_string()
    };
    let other = dir.path().join("out");
    let mut metric = |_: &NativeModel| Ok::<_, Error>(figures(1.0));
    let probe = Probe {
        texts: &[],
        metric: Some(&mut metric),
    };
    let config = QuantConfig::default();
    let own = Gate::default().quantize(&bundle, dir.path(), &config, probe);
    assert!(
        own.unwrap_err()
            .to_string()
            .ends_with("expected another folder")
    );
    let timed = Gate {
        min_speedup: Some(1.0),
        ..Gate::default()
    };
    assert_eq!(
        run(timed, &other),
        "min_speedup: no texts, expected texts to time"
    );
    let nothing = Gate {
        max_drop: f64::NAN,
        ..Gate::default()
    };
    assert_eq!(run(nothing, &other), "max_drop: NaN, expected a number");
    assert_eq!(
        run(Gate::default(), &other),
        "metric: none, expected a figure for each head to judge by"
    );
    assert!(!other.exists());
}
