//! Temperatures and thresholds against scipy and scikit-learn; `reference/calibration.py`.

use cs_data::{Encoding, Utterance};
use cs_model::{HeadOutput, Matrix};
use cs_train::Error;
use cs_train::data::Example;
use cs_train::evaluation::{
    Abstention, Calibrator, ConfidenceRow, abstention_threshold, fit_temperature,
};
use cs_train::metrics::Reliability;
use serde_json::Value;

fn reference(section: &str) -> Value {
    let text = include_str!("../reference/calibration.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    all[section].take()
}

fn rows_of(case: &Value) -> Vec<(Vec<f32>, usize)> {
    let logits: Vec<Vec<f32>> = serde_json::from_value(case["logits"].clone()).unwrap();
    let targets: Vec<usize> = serde_json::from_value(case["targets"].clone()).unwrap();
    logits.into_iter().zip(targets).collect()
}

fn example(id: usize, tags: Option<Vec<Option<u32>>>, intent: Option<usize>) -> Example {
    Example {
        id: id.to_string(),
        encoding: Encoding {
            ids: vec![2, 9, 3],
            ..Encoding::default()
        },
        intent,
        tags,
        sentiment: None,
    }
}

#[test]
fn temperatures_are_scipys() {
    for case in reference("temperatures").as_array().unwrap() {
        let rows = rows_of(case);
        let found = fit_temperature(rows.iter().map(|(logits, target)| (&logits[..], *target)));
        let expected = case["temperature"].as_f64().unwrap();
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn the_temperature_brings_confidence_and_accuracy_together() {
    let case = &reference("temperatures")[1];
    let rows = rows_of(case);
    let mut calibrator = Calibrator::new(None);
    let data: Vec<f32> = rows.iter().flat_map(|(logits, _)| logits.clone()).collect();
    let output = HeadOutput {
        intent: Some(Matrix::new(rows.len(), 5, data).unwrap()),
        ..HeadOutput::default()
    };
    let utterance = Utterance::new("", "x");
    let examples: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(i, (_, target))| example(i, None, Some(*target)))
        .collect();
    let pairs = || examples.iter().map(|example| (&utterance, example));
    calibrator.add(&output, pairs()).unwrap();
    let temperature = f64::from(calibrator.fit(None).unwrap().intent_temperature);
    let error = |temperature| {
        let scored = calibrator.scored(temperature).into_iter();
        Reliability::of(scored.map(|s| (s.confidence, s.right)))
            .unwrap()
            .ece
    };
    assert!(
        error(temperature) < 0.6 * error(1.0),
        "{} {}",
        error(temperature),
        error(1.0)
    );

    let short = HeadOutput {
        intent: Some(Matrix::zeros(3, 5)),
        ..HeadOutput::default()
    };
    let refused = calibrator.add(&short, pairs());
    assert!(matches!(refused, Err(Error::Shape { .. })));
}

#[test]
fn data_that_cannot_tell_leaves_the_temperature() {
    assert_eq!(fit_temperature([]), 1.0);
    // Always right: the surer the better.
    assert_eq!(fit_temperature([(&[1.0f32, 0.0][..], 0)]), 1.0);
    // No better than chance: as unsure as can be.
    assert_eq!(
        fit_temperature([(&[1.0f32, 0.0][..], 0), (&[1.0, 0.0], 1)]),
        20.0
    );
    // Equal logits say nothing.
    assert_eq!(fit_temperature([(&[1.0f32, 1.0][..], 0)]), 1.0);
}

#[test]
fn thresholds_are_the_best_of_all() {
    let case = reference("threshold");
    let rows: Vec<(f64, bool, bool)> = serde_json::from_value(case["rows"].clone()).unwrap();
    let rows: Vec<ConfidenceRow> = rows
        .into_iter()
        .map(|(confidence, in_scope, right)| ConfidenceRow {
            confidence,
            in_scope,
            right,
        })
        .collect();
    for (name, target) in [
        ("accuracy", Abstention::Accuracy),
        ("balanced", Abstention::Balanced),
        ("out_of_scope_f1", Abstention::OutOfScopeF1),
        ("coverage", Abstention::Coverage(0.9)),
        ("precision", Abstention::Precision(0.85)),
    ] {
        let found = abstention_threshold(&rows, target).unwrap();
        let expected = case["best"][name].as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{name}: {found} {expected}"
        );
    }
    let wrong = rows.iter().map(|row| ConfidenceRow {
        right: false,
        ..*row
    });
    let wrong: Vec<_> = wrong.collect();
    let error = abstention_threshold(&wrong, Abstention::Precision(0.5)).unwrap_err();
    let expected = "the precision of answered rows of 0.5 cannot be reached; the best is 0.0000";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn thresholds_that_make_no_sense_are_refused() {
    let row = |in_scope| ConfidenceRow {
        confidence: 0.5,
        in_scope,
        right: in_scope,
    };
    let threshold = abstention_threshold;
    for rows in [&[][..], &[row(false)], &[row(true)]] {
        let refused = threshold(rows, Abstention::Accuracy);
        assert!(matches!(refused, Err(Error::Empty { .. })));
    }
    assert!(matches!(
        threshold(&[row(true)], Abstention::Coverage(f64::NAN)),
        Err(Error::Config {
            field: "abstention",
            ..
        })
    ));
    assert_eq!(
        threshold(&[row(true), row(false)], Abstention::Coverage(0.5)).unwrap(),
        0.0
    );
}

#[test]
fn tags_and_rows_out_of_scope_have_their_own_part() {
    let mut calibrator = Calibrator::new(Some("oos"));
    let known = Utterance::new("1", "x").with_intent("a");
    let foreign = Utterance::new("2", "x").with_intent("oos");
    let bare = Utterance::new("3", "x");
    let tags = Some(vec![None, Some(1), None]);
    let examples = [
        example(1, tags, Some(0)),
        example(2, None, None),
        example(3, None, None),
    ];
    let output = HeadOutput {
        intent: Some(Matrix::new(3, 2, vec![3.0, 0.0, 0.5, 0.0, 9.0, 0.0]).unwrap()),
        slots: Some(Matrix::new(9, 2, vec![1.0; 18]).unwrap()),
        ..HeadOutput::default()
    };
    let rows = [&known, &foreign, &bare];
    calibrator
        .add(&output, rows.into_iter().zip(&examples))
        .unwrap();
    let scored = calibrator.scored(1.0);
    assert_eq!(
        scored
            .iter()
            .map(|s| (s.in_scope, s.right))
            .collect::<Vec<_>>(),
        [(true, true), (false, false)]
    );
    let calibration = calibrator.fit(Some(Abstention::Accuracy)).unwrap();
    let threshold = calibration.abstain_below.unwrap();
    assert!(
        f64::from(threshold) > scored[1].confidence && f64::from(threshold) < scored[0].confidence
    );

    let mut broken = output;
    broken.slots.as_mut().unwrap().row_mut(1)[0] = f32::NAN;
    let error = calibrator
        .add(&broken, rows.into_iter().zip(&examples))
        .unwrap_err();
    assert_eq!(error.to_string(), "row \"1\": a logit is NaN");
}
