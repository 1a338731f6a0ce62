//! What the quantiser's options do.

use cs_model::names::{BERT, Role};
use cs_model::{Bundle, Dtype, Weights};
use cs_quant::{Clip, Int4, NativeModel, Precision, QuantConfig, RuntimeConfig, quantize};

use crate::common::{bundle, config, cosine, open, texts};

fn int4(group: usize) -> QuantConfig {
    let int4 = Int4 {
        embeddings: true,
        feed_forward: true,
        attention: false,
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
    let words = BERT.weight(Role::WordEmbeddings);
    let inner = BERT.layer(1).weight(Role::FeedForwardOut);
    let attention = BERT.layer(1).weight(Role::AttentionOutput);
    for (name, dtype, shape) in [
        (format!("{words}.scale"), Dtype::F16, [50, 1]),
        (words, Dtype::U8, [50, 16]),
        (format!("{inner}.scale"), Dtype::F16, [32, 2]),
        (inner, Dtype::U8, [32, 32]),
        (attention, Dtype::I8, [32, 32]),
    ] {
        let tensor = weights.raw(&name).unwrap();
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
    let dtype = |name: String| weights.dtype(&name).unwrap();
    assert_eq!(dtype(BERT.weight(Role::WordEmbeddings)), Dtype::I8);
    assert_eq!(dtype(BERT.layer(0).weight(Role::FeedForwardOut)), Dtype::U8);
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
