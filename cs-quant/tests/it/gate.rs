//! What the gate accepts, refuses and keeps in fp32.

use std::path::Path;

use cs_data::TokenBatch;
use cs_model::Bundle;
use cs_quant::{Error, Figures, Gate, NativeModel, Precision, Probe, QuantConfig};

use crate::common::{bundle, config, figures, open, texts};

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

fn named(figures: &[(&str, f64)]) -> Figures {
    let named = figures.iter();
    named
        .map(|(head, figure)| ((*head).to_owned(), *figure))
        .collect()
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
