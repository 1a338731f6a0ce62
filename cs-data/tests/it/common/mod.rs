//! What tests of several rooms share.

#[cfg(feature = "arrow")]
mod files;
mod pieces;
mod warnings;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

#[cfg(feature = "arrow")]
pub(crate) use files::{
    failure, lenient, message, open, opened, place_of, plain, read_as, rows_of, rows_of_classes,
    saved, write,
};
pub(crate) use pieces::{row, rows_and_choices, values};
pub(crate) use warnings::warnings_of;

/// Texts in several scripts, to train tokenizers on.
pub(crate) const TEXTS: [&str; 8] = [
    "查询订单12345的状态",
    "Where is my ORDER 1234? where is it",
    "我的订单在哪，想退款",
    "my refund is late, 退款 refund",
    "café naïve e\u{301}clair order orders",
    "订单12345 order12345 😀😀 order",
    "한국어 ＡＢＣ where are my orders",
    "refund my order now now now",
];

/// The same cases in every run.
pub(crate) fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The path of a file that another program wrote.
pub(crate) fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

/// The list in such a file.
pub(crate) fn cases(name: &str) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(reference(name)).unwrap()).unwrap()
}
