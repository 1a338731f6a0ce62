//! Labels that the other rows contradict, and those of scikit-learn.

use serde_json::Value;

use super::{dataset, intent, noisy, report};

#[test]
fn a_label_that_the_others_contradict_is_suspect() {
    let report = report(&noisy());
    assert_eq!(
        report.noise_suspects, 1,
        "{:?}",
        report.examples.noise_suspects
    );
    let suspect = &report.examples.noise_suspects[0];
    assert_eq!(
        (
            suspect.label.as_str(),
            suspect.suggested.as_str(),
            suspect.row.row
        ),
        ("refund", "invoice", 15)
    );
    assert!(suspect.margin > 0.0);
}

/// Margins of a naive Bayes of scikit-learn, fitted anew without each row
/// (tests/reference/audit_noise.py).
#[test]
fn suspects_are_those_of_scikit_learn() {
    let reference: Value =
        serde_json::from_str(include_str!("../../reference/audit_noise.json")).unwrap();
    let field = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = reference["rows"].as_array().unwrap();
    let data = dataset(
        rows.iter()
            .map(|row| intent(&field(row, "text"), &field(row, "intent"))),
    );
    let report = report(&data);
    let expected = reference["suspects"].as_array().unwrap();
    assert!(!expected.is_empty());
    assert_eq!(report.noise_suspects, expected.len());
    for (found, expected) in report.examples.noise_suspects.iter().zip(expected) {
        assert_eq!(found.row.row as u64, expected["row"]);
        assert_eq!(found.suggested, expected["suggested"]);
        let margin = expected["margin"].as_f64().unwrap();
        assert!(
            (found.margin - margin).abs() < 1e-9,
            "{} {margin}",
            found.margin
        );
    }
}

#[test]
fn one_class_or_one_row_a_class_gives_no_suspects() {
    assert_eq!(
        report(&dataset([intent("a b", "x"), intent("c d", "x")])).noise_suspects,
        0
    );
    assert_eq!(
        report(&dataset([intent("a b", "x"), intent("a b", "y")])).noise_suspects,
        0
    );
    assert_eq!(
        report(&dataset([
            intent("", "x"),
            intent("", "y"),
            intent("", "y")
        ]))
        .noise_suspects,
        0
    );
}
