//! Training end to end, on generated rows and tiny models.

use std::path::Path;

use cs_data::{Span, Utterance};
use cs_model::names::{HEADS, Role};
use cs_model::{Calibration, EncoderConfig};
use cs_train::Error;
use cs_train::data::{Prepared, examples};
use cs_train::evaluation::{EvaluateOptions, evaluate};
use cs_train::inference::predict;
use cs_train::objective::FineTune;
use cs_train::run::{Event, Flow, Silent, TrainReport};
use cs_train::schedule::TrainConfig;

use crate::common::tiny::{Setting, alone, bits, config, fit, setting, try_fit};

fn overfits(encoder: fn(&Setting) -> EncoderConfig, config: TrainConfig) {
    let _alone = alone();
    let setting = setting();
    let mut model = setting.model(&encoder(&setting));
    let report = fit(&mut model, config, &setting.data);
    let answers = predict(&model, &setting.data, 8192, &Calibration::default()).unwrap();
    let options = EvaluateOptions {
        tasks: Some(&setting.tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(&setting.data.rows, &answers, &options).unwrap();
    let metric = report.best.unwrap().metric;
    assert_eq!(
        evaluation.selection_metric(),
        Some(metric),
        "the best weights are put back"
    );
    assert_eq!(evaluation.intent_accuracy, Some(1.0));
    assert!(evaluation.slot_f1.unwrap() > 0.95, "{evaluation:?}");
    assert!(evaluation.sentiment_mse.unwrap() < 0.02, "{evaluation:?}");
    assert!(report.tokens_per_second > report.examples_per_second);
}

#[test]
fn bilstm_learns_intents_entities_and_sentiment() {
    overfits(Setting::bilstm, config(25, 0.01));
}

#[test]
fn transformer_learns_intents_entities_and_sentiment() {
    overfits(Setting::transformer, config(25, 0.005));
}

#[test]
fn equal_seeds_give_equal_weights_to_the_bit() {
    let _alone = alone();
    let setting = setting();
    let trained = |seed| {
        let mut model = setting.model(&setting.transformer());
        fit(
            &mut model,
            TrainConfig {
                seed,
                ..config(2, 0.005)
            },
            &setting.data,
        );
        bits(&model)
    };
    let first = trained(1);
    assert!(first == trained(1));
    assert!(first != trained(2));
}

#[test]
fn early_stopping_ends_the_run_and_keeps_the_best() {
    let _alone = alone();
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    // A rate too small to change any answer: the first epoch stays the best.
    let config = TrainConfig {
        patience: 2,
        ..config(20, 1e-12)
    };
    let report = fit(&mut model, config, &setting.data);
    assert!(report.stopped_early && !report.interrupted);
    assert_eq!(report.steps, 15);
}

#[test]
fn divergence_names_step_and_rows_and_keeps_the_weights() {
    let _alone = alone();
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    for (name, mut tensor) in model.parameters() {
        if name == HEADS.bias(Role::Intent) {
            let _ = tch::no_grad(|| tensor.fill_(f64::NAN));
        }
    }
    let before = bits(&model);
    let folder = tempfile::tempdir().unwrap();
    let data = (&setting.data, Some(&setting.data));
    let error = try_fit(
        &mut model,
        data,
        config(2, 0.01),
        folder.path(),
        &mut Silent,
    )
    .unwrap_err();
    let Error::NonFinite {
        step: 1,
        what: "loss",
        rows,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|id| id.starts_with("row-")));
    assert!(bits(&model) == before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Runs until `stop` says so and returns the report and what happened.
fn run_until(
    stop: impl Fn(&Event<'_>) -> bool,
    folder: &Path,
) -> (TrainReport, Vec<String>, Vec<u32>) {
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    let mut seen = Vec::new();
    let mut observer = |event: &Event<'_>| {
        seen.push(match event {
            Event::Start(shape) => {
                assert_eq!((shape.steps, shape.warmup_steps), (20, 2));
                assert_eq!(shape.warmup_shortened_from, Some(500));
                "start".to_owned()
            }
            Event::Step(step) => format!("step {}", step.step),
            Event::Evaluation(evaluation) => format!("epoch {}", evaluation.epoch),
            Event::Checkpoint { step, .. } => format!("checkpoint {step}"),
            Event::End(_) => "end".to_owned(),
            _ => "?".to_owned(),
        });
        if stop(event) {
            Flow::Stop
        } else {
            Flow::Continue
        }
    };
    let data = (&setting.data, Some(&setting.data));
    let report = try_fit(&mut model, data, config(4, 0.01), folder, &mut observer).unwrap();
    (report, seen, bits(&model))
}

#[test]
fn the_observer_stops_the_run_and_the_best_weights_stay() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let stop = |event: &Event<'_>| matches!(event, Event::Step(step) if step.step == 8);
    let (report, seen, weights) = run_until(stop, folder.path());
    assert!(report.interrupted);
    assert_eq!((report.steps, report.best_step), (8, 5));
    assert_eq!(&seen[..2], ["start", "step 1"]);
    assert_eq!(&seen[5..9], ["step 5", "epoch 1", "checkpoint 5", "step 6"]);
    assert_eq!(&seen[10..], ["step 8", "checkpoint 8", "end"]);

    let setting = setting();
    let mut kept = setting.model(&setting.bilstm());
    kept.load_weights(&folder.path().join("best-00000005.safetensors"))
        .unwrap();
    assert!(bits(&kept) == weights);
}

#[test]
fn stopping_before_the_first_validation_keeps_the_latest_weights() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("never made");
    let (report, ..) = run_until(
        |event| matches!(event, Event::Step(s) if s.step == 2),
        &path,
    );
    assert_eq!((report.steps, report.best_step, report.best), (2, 2, None));
    assert!(path.join("step-00000002").is_dir());
}

#[test]
fn sets_of_no_use_are_refused() {
    let setting = setting();
    let mut model = setting.model(&setting.bilstm());
    let empty = Prepared::default();
    let mut fit = |train: &Prepared, eval: &Prepared| {
        FineTune::new(&mut model, train, Some(eval), &config(1, 0.01)).map(drop)
    };
    assert!(matches!(
        fit(&empty, &setting.data),
        Err(Error::Empty { what: "training" })
    ));
    assert!(matches!(
        fit(&setting.data, &empty),
        Err(Error::Empty { what: "validation" })
    ));
    let bare = vec![Utterance::new("1", "hi")];
    let bare = examples(bare, &setting.tokenizer, &setting.tasks, 64).unwrap();
    assert!(matches!(
        fit(&setting.data, &bare),
        Err(Error::NoLabels { what: "validation" })
    ));
    let mut foreign = setting.data.clone();
    foreign.examples[3].encoding.ids[1] = 1_000_000;
    let error = fit(&foreign, &setting.data).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("row \"row-3\": token id 1000000"),
        "{error}"
    );
}

#[test]
fn unseen_labels_and_misaligned_spans_are_collected() {
    let setting = setting();
    let span = |start, end, label: &str| Span {
        start,
        end,
        label: label.to_owned(),
    };
    let rows = vec![
        Utterance::new("new", "parcel 12345 to Oslo")
            .with_intent("never_seen")
            .with_spans(vec![span(7, 12, "order"), span(16, 20, "town")]),
        Utterance::new("cut", "parcel 12345").with_spans(vec![span(7, 9, "order")]),
    ];
    let data = examples(rows, &setting.tokenizer, &setting.tasks, 64).unwrap();
    assert_eq!(data.unseen_labels.intents["never_seen"], 1);
    assert_eq!(data.unseen_labels.slots["town"], 1);
    assert_eq!(data.misaligned.len(), 1);
    assert_eq!(
        (data.misaligned[0].id.as_str(), data.misaligned[0].span.end),
        ("cut", 9)
    );
    let example = &data.examples[0];
    assert_eq!(example.intent, None);
    let tags = setting.tasks.slot_tags();
    let scored: Vec<&str> = example
        .tags
        .as_ref()
        .unwrap()
        .iter()
        .flatten()
        .map(|&t| tags[t as usize].as_str())
        .collect();
    assert_eq!(
        scored,
        ["O", "B-order", "O"],
        "the word of the unknown label is not scored"
    );

    let invalid = vec![Utterance::new("7", "hi").with_spans(vec![span(0, 9, "order")])];
    let error = examples(invalid, &setting.tokenizer, &setting.tasks, 64).unwrap_err();
    assert!(error.to_string().starts_with("row \"7\": "), "{error}");
}
