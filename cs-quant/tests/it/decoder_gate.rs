//! Quantising decoders with a condition: what is accepted, what is kept in fp32, what is refused.

use std::path::{Path, PathBuf};

use cs_quant::{
    DecoderGate, Error, NativeCausalLm, Precision, QuantConfig, block_sensitivity, perplexity,
};

use crate::causal_lm::{FAMILIES, expected, expected_logits, open, references};
use crate::common::config;

/// A family's reference folder and its prompts.
fn model(family: &str) -> (PathBuf, Vec<Vec<u32>>) {
    (references().join(family), expected(family, "prompts"))
}

fn logits(dir: &Path, quantise: &QuantConfig, text: &[u32]) -> Vec<f32> {
    let config = config(Precision::Int8, 1, None);
    let mut model = NativeCausalLm::open_quantised(dir, quantise, &config).unwrap();
    model.logits(&[text]).unwrap().data
}

#[test]
fn perplexity_is_that_of_hugging_face_logits() {
    for family in FAMILIES {
        let (mut model, texts) = (
            open(family, Precision::Fp32, 1),
            expected(family, "prompts"),
        );
        let rows = expected_logits(family, &model);
        let mut rows = rows.chunks_exact(model.config().vocab_size());
        let mut surprises = Vec::new();
        for text in &texts {
            for next in text[1..].iter().map(Some).chain([None]) {
                let row = rows.next().unwrap();
                let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
                surprises.extend(next.map(|&id| sum.ln() - f64::from(row[id as usize])));
            }
        }
        let expected = (surprises.iter().sum::<f64>() / surprises.len() as f64).exp();
        let found = perplexity(&mut model, &texts).unwrap();
        assert!(
            (found - expected).abs() < 1e-3,
            "{family}: {found}, expected {expected}"
        );
    }
}

#[test]
fn an_accepted_artefact_is_the_one_that_was_judged() {
    for family in FAMILIES {
        let ((dir, texts), out) = (model(family), tempfile::tempdir().unwrap());
        let (gate, quantise) = (
            DecoderGate {
                max_rise: 0.5,
                ..DecoderGate::default()
            },
            QuantConfig::default(),
        );
        let metric = |model: &mut NativeCausalLm| perplexity(model, &texts);
        let report = gate.quantize(&dir, out.path(), &quantise, metric).unwrap();
        assert!(report.accepted && report.keep_fp32.is_empty(), "{family}");
        assert!(report.ratio > 1.0 && report.speedup > 0.0);
        let config = config(Precision::Auto, 1, None);
        let mut written = NativeCausalLm::open(out.path(), &config).unwrap();
        assert_eq!(
            perplexity(&mut written, &texts).unwrap(),
            report.metric_after
        );
    }
}

/// A figure that only the first block's quantising worsens.
fn suffers_by_the_first<'a>(
    dir: &'a Path,
    text: &'a [u32],
    blocks: &'a [String],
) -> impl FnMut(&mut NativeCausalLm) -> Result<f64, Error> + 'a {
    let fine: Vec<Vec<f32>> = [&blocks[..1], blocks]
        .map(|keep_fp32| QuantConfig {
            keep_fp32: keep_fp32.to_vec(),
            ..QuantConfig::default()
        })
        .iter()
        .map(|quantise| logits(dir, quantise, text))
        .collect();
    move |model| {
        let found = model.logits(&[text])?.data;
        let fp32 = model.precision() == Precision::Fp32;
        Ok(if fp32 || fine.contains(&found) {
            2.0
        } else {
            3.0
        })
    }
}

#[test]
fn as_few_blocks_as_will_do_stay_in_fp32() {
    let (dir, texts) = model("llama");
    let quantise = QuantConfig {
        keep_fp32: Vec::new(),
        ..QuantConfig::default()
    };
    let order = block_sensitivity(&dir, &quantise, |model| perplexity(model, &texts)).unwrap();
    let mut blocks: Vec<String> = order.into_iter().map(|block| block.block).collect();
    blocks.sort();
    assert_eq!(blocks, ["layers.0", "layers.1"]);
    for auto in [false, true] {
        let out = tempfile::tempdir().unwrap();
        let gate = DecoderGate {
            auto,
            ..DecoderGate::default()
        };
        let metric = suffers_by_the_first(&dir, &texts[0], &blocks);
        let report = gate.quantize(&dir, out.path(), &quantise, metric).unwrap();
        assert_eq!(report.keep_fp32, blocks[..1]);
        assert_eq!((report.metric_before, report.accepted), (2.0, auto));
        assert_eq!(out.path().join("model.int8.safetensors").exists(), auto);
    }
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let ((dir, texts), out) = (model("gpt2"), tempfile::tempdir().unwrap());
    let quantise = QuantConfig::default();
    let gate = |gate: DecoderGate, figure: f64| {
        gate.quantize(&dir, out.path(), &quantise, |_| Ok::<_, Error>(figure))
    };
    for (found, expected) in [
        (
            gate(
                DecoderGate {
                    max_rise: f64::NAN,
                    ..DecoderGate::default()
                },
                1.0,
            ),
            "max_rise",
        ),
        (gate(DecoderGate::default(), f64::NAN), "metric"),
        (gate(DecoderGate::default(), 0.0), "metric"),
    ] {
        let error = found.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut short = open("gpt2", Precision::Fp32, 1);
    assert!(perplexity(&mut short, &[vec![1]]).is_err());
    let slow = DecoderGate {
        min_speedup: Some(1e9),
        max_rise: 9.0,
        auto: false,
    };
    let metric = |model: &mut NativeCausalLm| perplexity(model, &texts);
    let report = slow.quantize(&dir, out.path(), &quantise, metric).unwrap();
    assert!(!report.accepted && report.keep_fp32.is_empty());
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}
