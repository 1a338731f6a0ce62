//! Evaluation of answers against gold rows.

use cs_data::{Span, Utterance};
use cs_model::{Entity, Intent, Tasks, Understanding};
use cs_train::evaluation::{EvaluateOptions, Evaluation, entity_spans, evaluate, intervals};
use cs_train::metrics::Bootstrap;

use crate::common::assert_close;

pub(crate) fn answer(
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
        ..Understanding::default()
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
            .with_spans(vec![])
            .with_sentiment(1.0),
        Utterance::new("3", "今天天气")
            .with_intent("oos")
            .with_spans(vec![]),
        Utterance::new("4", "退款")
            .with_intent("never_trained")
            .with_spans(vec![]),
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
        ..EvaluateOptions::default()
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
        tasks: Some(&tasks),
        ..EvaluateOptions::default()
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
    assert_eq!(json.as_object().unwrap().len(), Evaluation::FIGURES.len());
    for key in Evaluation::FIGURES {
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

#[test]
fn abstaining_below_a_threshold_here_or_in_decoding_gives_the_same_decisions() {
    let sure = |confidence| answer("x", Some(("a", confidence)), &[]);
    let gold: Vec<Utterance> = ["a", "a", "oos", "oos", "b"]
        .iter()
        .map(|intent| Utterance::new("1", "x").with_intent(*intent))
        .collect();
    let raw = [0.9, 0.4, 0.3, 0.6, 0.8].map(sure);
    let decoded = raw.clone().map(|mut answer| {
        answer.intent = answer.intent.filter(|intent| intent.confidence >= 0.5);
        answer
    });
    let there = EvaluateOptions {
        oos_label: Some("oos"),
        ..EvaluateOptions::default()
    };
    let here = EvaluateOptions {
        abstain_below: Some(0.5),
        ..there
    };
    let (raw, decoded) = (
        evaluate(&gold, &raw, &here).unwrap(),
        evaluate(&gold, &decoded, &there).unwrap(),
    );
    assert_eq!(raw.intent_accuracy, Some(0.4));
    assert_eq!(raw.intent_accuracy, decoded.intent_accuracy);
    assert_eq!(raw.intent_macro_f1, decoded.intent_macro_f1);
    assert_eq!((raw.oos_recall, decoded.oos_recall), (Some(0.5), Some(0.5)));
    assert_eq!(
        (raw.oos_precision, decoded.oos_precision),
        (Some(0.5), Some(0.5))
    );
    // Out of scope 0.3 and 0.6, in scope 0.9, 0.4 and 0.8: one pair of six stands the wrong way
    // round.
    assert_close(raw.oos_auroc.unwrap(), 5.0 / 6.0, 1e-12);
    // Abstentions tie where the confidence is unknown.
    assert_close(decoded.oos_auroc.unwrap(), 4.5 / 6.0, 1e-12);
}

#[test]
fn answers_that_say_out_of_scope_rank_before_any_other() {
    let gold: Vec<Utterance> = ["oos", "a", "a"]
        .iter()
        .map(|intent| Utterance::new("1", "x").with_intent(*intent))
        .collect();
    let answers =
        [("oos", 0.2), ("a", 0.1), ("a", 0.9)].map(|intent| answer("x", Some(intent), &[]));
    let options = EvaluateOptions {
        oos_label: Some("oos"),
        ..EvaluateOptions::default()
    };
    assert_eq!(
        evaluate(&gold, &answers, &options).unwrap().oos_auroc,
        Some(1.0)
    );
}

#[test]
fn numbers_that_cannot_be_scored_name_the_row() {
    for (confidence, sentiment) in [(f32::NAN, 0.5), (1.5, 0.5), (0.5, f32::NAN), (0.5, -0.1)] {
        let mut bad = answer("退款", Some(("status", confidence)), &[]);
        bad.sentiment = Some(sentiment);
        let mut answers = answers();
        answers[3] = bad;
        let error = evaluate(&gold(), &answers, &EvaluateOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("row \"4\": the "), "{error}");
    }
}

#[test]
fn sentiments_are_compared_with_their_intents() {
    let row = |intent: &str, sentiment| {
        Utterance::new("1", "x")
            .with_intent(intent)
            .with_sentiment(sentiment)
    };
    // Complaints are at 0.2 on average, praise at 0.9, questions near neutral.
    let gold = [
        row("complaint", 0.1),
        row("complaint", 0.3),
        row("praise", 0.9),
        row("question", 0.55),
    ];
    let said = |intent, sentiment| {
        let mut answer = answer("x", Some((intent, 0.9)), &[]);
        answer.sentiment = Some(sentiment);
        answer
    };
    let answers = [
        said("complaint", 0.2),
        said("praise", 0.2),
        said("praise", 0.7),
        said("question", 0.0),
    ];
    let evaluation = evaluate(&gold, &answers, &EvaluateOptions::default()).unwrap();
    assert_close(evaluation.sentiment_fits_intent.unwrap(), 2.0 / 3.0, 1e-12);
    // Of the three with a side, all are answered on it, the second by its gold sentiment too.
    assert_close(evaluation.sentiment_accuracy.unwrap(), 1.0, 1e-12);
}

#[test]
fn sentiments_on_the_right_side_are_counted_by_their_gold_ones() {
    // Every answer fits its intent, and half of them are on the wrong side.
    let row = |intent: &str, sentiment| {
        Utterance::new("1", "x")
            .with_intent(intent)
            .with_sentiment(sentiment)
    };
    let gold = [
        row("complaint", 0.1),
        row("complaint", 0.1),
        row("complaint", 0.1),
        row("complaint", 0.9),
        row("complaint", 0.5),
    ];
    let mut said = answer("x", Some(("complaint", 0.9)), &[]);
    let mut answers = vec![];
    for sentiment in [0.2, 0.5, 0.1, 0.3, 0.2] {
        said.sentiment = Some(sentiment);
        answers.push(said.clone());
    }
    let evaluation = evaluate(&gold, &answers, &EvaluateOptions::default()).unwrap();
    assert_close(evaluation.sentiment_accuracy.unwrap(), 0.5, 1e-12);
    assert_close(evaluation.sentiment_fits_intent.unwrap(), 0.8, 1e-12);
}

pub(crate) fn many() -> (Vec<Utterance>, Vec<Understanding>) {
    (0..200)
        .map(|i| {
            let row = &gold()[i % 4];
            (row.clone(), answers()[(i * 7 / 5) % 4].clone())
        })
        .map(|(row, mut answer)| {
            answer.text.clone_from(&row.text);
            (row, answer)
        })
        .unzip()
}

#[test]
fn intervals_hold_the_figure_and_depend_on_the_seed_alone() {
    let (gold, answers) = many();
    let options = EvaluateOptions {
        oos_label: Some("oos"),
        ..EvaluateOptions::default()
    };
    let bootstrap = |seed| Bootstrap {
        resamples: 300,
        seed,
        ..Bootstrap::default()
    };
    let of = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| intervals(&gold, &answers, &options, &bootstrap(seed)).unwrap())
    };
    let one = of(1, 1);
    assert_eq!(one, of(1, 3));
    assert_ne!(one, of(2, 1));
    let evaluation = evaluate(&gold, &answers, &options).unwrap();
    for (name, value) in Evaluation::FIGURES.iter().zip(evaluation.values()) {
        let Some(value) = value else { continue };
        let interval = one[*name];
        assert!(
            interval.low <= value && value <= interval.high,
            "{name}: {value} not in {interval:?}"
        );
        assert!(interval.high - interval.low < 0.35, "{name}: {interval:?}");
    }
    // The normal approximation of a share, p ± 1.96 sqrt(p (1 - p) / n).
    let p = evaluation.intent_accuracy.unwrap();
    let half = 1.96 * (p * (1.0 - p) / 200.0).sqrt();
    assert_close(one["intent_accuracy"].low, p - half, 0.025);
    assert_close(one["intent_accuracy"].high, p + half, 0.025);
}

#[test]
fn bad_bootstraps_are_refused_and_no_rows_have_no_intervals() {
    let of = |bootstrap: Bootstrap| intervals(&[], &[], &EvaluateOptions::default(), &bootstrap);
    assert!(of(Bootstrap::default()).unwrap().is_empty());
    for confidence in [0.0, 1.0, f64::NAN, -1.0] {
        assert!(
            of(Bootstrap {
                confidence,
                ..Bootstrap::default()
            })
            .is_err()
        );
    }
    let error = of(Bootstrap {
        resamples: 0,
        ..Bootstrap::default()
    })
    .unwrap_err();
    assert_eq!(error.to_string(), "resamples is 0; expected at least 1");
}
