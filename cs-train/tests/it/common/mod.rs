//! Stored values of other implementations; the scripts in `reference/` made them.

#[cfg(feature = "torch")]
pub(crate) mod tiny;

use serde_json::Value;

/// One section of the reference file.
pub(crate) fn reference(section: &str) -> Value {
    let text = include_str!("../../reference/reference.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    all[section].take()
}

/// One section of the metrics' reference file.
pub(crate) fn metrics_reference(section: &str) -> Value {
    let text = include_str!("../../reference/metrics.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    all[section].take()
}

/// One section of the reference file of training.
pub(crate) fn training_reference(section: &str) -> Value {
    let text = include_str!("../../reference/training.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    all[section].take()
}

/// A number.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// A list, each entry read by `read`.
pub(crate) fn list<'a, T>(value: &'a Value, read: impl Fn(&'a Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

/// Asserts that two numbers differ by at most `tolerance`.
#[track_caller]
pub(crate) fn assert_close(got: f64, expected: f64, tolerance: f64) {
    assert!(
        (got - expected).abs() <= tolerance,
        "got {got}, expected {expected}"
    );
}

/// A list of numbers.
pub(crate) fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}
