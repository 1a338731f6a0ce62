//! Figures against scikit-learn, seqeval and the calibration code of Guo et al.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod common;

use common::{assert_close, list, number, reference};
use cs_data::{Offsets, Span, Utterance, iob};
use cs_model::{Entity, Intent, Tasks, Understanding};
use cs_train::metrics::{SpanCounts, accuracy, expected_calibration_error, macro_f1, scored_tags};
use cs_train::{EvaluateOptions, Evaluation, entity_spans, evaluate};
use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn accuracy_and_macro_f1_are_scikit_learns() {
    let labels = reference("labels");
    let (gold, predicted) = (
        list(&labels["gold"], text),
        list(&labels["predicted"], text),
    );
    let pairs = || gold.iter().copied().zip(predicted.iter().map(|&p| Some(p)));
    assert_close(
        accuracy(pairs()).unwrap(),
        number(&labels["accuracy"]),
        1e-12,
    );
    assert_close(
        macro_f1(pairs()).unwrap(),
        number(&labels["macro_f1"]),
        1e-12,
    );
    assert_eq!((accuracy([]), macro_f1([])), (None, None));
}

/// A span in bytes from one in characters.
fn span(text: &str, value: &Value) -> Span {
    let offsets = Offsets::new(text);
    let at = |i: usize| offsets.byte(value[i].as_u64().unwrap() as usize).unwrap();
    Span {
        start: at(0),
        end: at(1),
        label: value[2].as_str().unwrap().to_owned(),
    }
}

#[test]
fn span_f1_is_seqevals_and_scored_tags_hold_the_same_spans() {
    let spans = reference("spans");
    let (mut counts, mut of_tags) = (SpanCounts::default(), SpanCounts::default());
    for row in spans["rows"].as_array().unwrap() {
        let text = row["text"].as_str().unwrap();
        let gold = list(&row["gold"], |s| span(text, s));
        let predicted = list(&row["predicted"], |s| span(text, s));
        counts.add(&gold, &predicted);

        let tags = scored_tags(text, &gold, &predicted);
        // Token numbers instead of bytes, as a scorer of tags sees them.
        let tokens: Vec<_> = (0..tags.tokens.len()).map(|i| i..i + 1).collect();
        let gold_of_tags = iob::decode(&tokens, &tags.gold).unwrap();
        assert_eq!(gold_of_tags.len(), gold.len(), "{text:?}");
        of_tags.add(
            &gold_of_tags,
            &iob::decode(&tokens, &tags.predicted).unwrap(),
        );
    }
    assert_close(counts.f1(), number(&spans["f1"]), 1e-12);
    assert_eq!(counts, of_tags);
}

#[test]
fn span_f1_of_leniently_read_tags_is_seqevals() {
    let lenient = reference("lenient");
    let mut counts = SpanCounts::default();
    let read = |row: &Value| -> Vec<Span> {
        let tags = list(row, text);
        let tokens: Vec<_> = (0..tags.len()).map(|i| i..i + 1).collect();
        iob::decode_lenient(&tokens, &tags)
    };
    let (gold, predicted) = (
        list(&lenient["gold"], read),
        list(&lenient["predicted"], read),
    );
    for (gold, predicted) in gold.iter().zip(&predicted) {
        counts.add(gold, predicted);
    }
    assert_close(counts.f1(), number(&lenient["f1"]), 1e-12);
}

#[test]
fn calibration_error_is_that_of_guo_et_al() {
    let stored = reference("calibration");
    let confidence = list(&stored["confidence"], number);
    let right = list(&stored["right"], |r| r.as_bool().unwrap());
    let ece = expected_calibration_error(confidence.into_iter().zip(right)).unwrap();
    assert_close(ece, number(&stored["ece"]), 1e-12);
    assert_eq!(expected_calibration_error([]), None);
    // Both ends have a bin.
    assert_eq!(
        expected_calibration_error([(0.0, false), (1.0, true)]),
        Some(0.0)
    );
}

fn answer(
    text: &str,
    intent: Option<(&str, f32)>,
    entities: &[(usize, usize, &str)],
) -> Understanding {
    Understanding {
        text: text.to_owned(),
        intent: intent.map(|(label, confidence)| Intent {
            label: label.to_owned(),
            confidence,
        }),
        entities: entities
            .iter()
            .map(|&(start, end, label)| Entity {
                label: label.to_owned(),
                start,
                end,
                text: text.chars().skip(start).take(end - start).collect(),
                confidence: 1.0,
            })
            .collect(),
        sentiment: Some(0.5),
        truncated: false,
    }
}

fn gold() -> Vec<Utterance> {
    let span = Span {
        start: 6,
        end: 11,
        label: "order".to_owned(),
    };
    vec![
        Utterance::new("1", "订单12345")
            .with_intent("status")
            .with_spans(vec![span]),
        Utterance::new("2", "你好")
            .with_intent("hello")
            .with_sentiment(1.0),
        Utterance::new("3", "今天天气").with_intent("oos"),
        Utterance::new("4", "退款").with_intent("never_trained"),
    ]
}

fn answers() -> Vec<Understanding> {
    vec![
        answer("订单12345", Some(("status", 0.9)), &[(2, 7, "order")]),
        answer("你好", Some(("hello", 0.8)), &[(0, 2, "order")]),
        answer("今天天气", None, &[]),
        answer("退款", Some(("status", 0.7)), &[]),
    ]
}

#[test]
fn evaluation_counts_by_row() {
    let options = EvaluateOptions {
        oos_label: Some("oos"),
        tasks: None,
    };
    let evaluation = evaluate(&gold(), &answers(), &options).unwrap();
    // An abstention is an answer "out of scope"; a label never trained is a miss.
    assert_eq!(evaluation.intent_accuracy, Some(0.75));
    assert_eq!(evaluation.oos_recall, Some(1.0));
    // F1 of status 2/3, hello 1, oos 1, never_trained 0.
    assert_close(
        evaluation.intent_macro_f1.unwrap(),
        (2.0 / 3.0 + 2.0) / 4.0,
        1e-12,
    );
    // One span right, one invented.
    assert_close(evaluation.slot_f1.unwrap(), 2.0 / 3.0, 1e-12);
    assert_eq!(evaluation.sentence_accuracy, Some(0.5));
    assert_eq!(evaluation.sentiment_mse, Some(0.25));
    assert_close(evaluation.ece.unwrap(), (0.1 + 0.2 + 0.7) / 3.0, 1e-6);

    let without = evaluate(&gold(), &answers(), &EvaluateOptions::default()).unwrap();
    assert_eq!(
        (without.intent_accuracy, without.oos_recall),
        (Some(0.5), None)
    );
}

#[test]
fn a_task_without_a_head_has_no_figure() {
    let tasks = Tasks {
        intent: Some(vec!["status".into(), "hello".into()]),
        ..Tasks::default()
    };
    let options = EvaluateOptions {
        oos_label: None,
        tasks: Some(&tasks),
    };
    let evaluation = evaluate(&gold(), &answers(), &options).unwrap();
    assert_eq!(evaluation.slot_f1, None);
    assert_eq!(evaluation.sentence_accuracy, evaluation.intent_accuracy);
    assert_eq!(evaluation.selection_metric(), evaluation.intent_macro_f1);
}

#[test]
fn missing_figures_are_null_and_lengths_must_match() {
    let none = evaluate(&[], &[], &EvaluateOptions::default()).unwrap();
    assert_eq!(none, Evaluation::default());
    let json = serde_json::to_value(none).unwrap();
    let keys = [
        "intent_accuracy",
        "intent_macro_f1",
        "slot_f1",
        "sentence_accuracy",
        "sentiment_mse",
        "ece",
        "oos_recall",
    ];
    assert_eq!(json.as_object().unwrap().len(), keys.len());
    for key in keys {
        assert!(json[key].is_null(), "{key}");
    }
    assert!(evaluate(&gold(), &[], &EvaluateOptions::default()).is_err());
}

#[test]
fn entities_outside_the_text_are_left_out() {
    let spans = entity_spans(
        "订单",
        &answer("订单", None, &[(0, 9, "a"), (1, 2, "b"), (2, 2, "c")]),
    );
    assert_eq!(
        spans,
        [Span {
            start: 3,
            end: 6,
            label: "b".into()
        }]
    );
}
