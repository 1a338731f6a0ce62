//! Texts in other words, by whatever says them.

use std::sync::Mutex;

use cs_data::augment::*;
use cs_data::*;

use crate::common::{row, values};

/// Answers each text as it is told.
struct Says(fn(&RephraseRequest<'_>) -> String);

impl Rephraser for Says {
    fn rephrase(&self, requests: &[RephraseRequest<'_>]) -> Result<Vec<String>> {
        Ok(requests.iter().map(self.0).collect())
    }
}

/// Finds a refund wherever it is mentioned, and keeps what it was asked.
#[derive(Default)]
struct Refunds(std::sync::Arc<Mutex<Vec<String>>>);

impl IntentClassifier for Refunds {
    fn intents(&self, texts: &[&str]) -> Result<Vec<Option<String>>> {
        let mut asked = self.0.lock().unwrap();
        asked.extend(texts.iter().map(|text| (*text).to_owned()));
        let intent = |text: &&str| text.contains("退款").then(|| "refund".to_owned());
        Ok(texts.iter().map(intent).collect())
    }
}

fn data() -> Dataset {
    let rows = [
        row("1", &["帮我给订单", "12345", "和", "12", "办理退款"]).with_intent("refund"),
        row("2", &["请问你们什么时候发货"]).with_intent("shipping"),
    ];
    Dataset::from_utterances(rows).unwrap()
}

fn run(says: fn(&RephraseRequest<'_>) -> String) -> (Dataset, AugmentReport) {
    let operator = Rephrasing::new(Says(says), ParaphraseConfig::default()).unwrap();
    let pipeline = Pipeline::new(PipelineConfig::default());
    let pipeline = pipeline.with_batch(operator.with_classifier(Refunds::default()), 1.0);
    pipeline.unwrap().run(&data()).unwrap()
}

#[test]
fn what_the_labels_say_survives_or_the_copy_is_dropped_with_its_reason() {
    let (made, report) = run(|request| match request.keep[..] {
        [] => " 请问什么时候可以发货呢 ".to_owned(),
        [first, second] => format!("请办理退款，订单是{first}以及{second}"),
        _ => String::new(),
    });
    assert_eq!((report.rows_out, report.asked["rephrasing"]), (2, 2));
    assert!(report.dropped.is_empty());
    let first = made.utterance(0).unwrap();
    assert_eq!(first.text, "请办理退款，订单是12345以及12");
    assert_eq!(values(&first), [("e0", "12345"), ("e1", "12")]);
    assert_eq!(
        (first.origin.as_str(), first.intent.as_deref()),
        ("rephrasing", Some("refund"))
    );
    assert_eq!(made.utterance(1).unwrap().text, "请问什么时候可以发货呢");

    type Case = (fn(&RephraseRequest<'_>) -> String, &'static str);
    let cases: [Case; 8] = [
        (
            |request| request.text.replace("12345", "1234"),
            "entity lost",
        ),
        (
            |request| request.text.replace("12345", "123456"),
            "entity lost",
        ),
        (
            |request| format!("{}，订单12345", request.text),
            "entity doubled",
        ),
        (
            |_| "请给12和12345的订单办退款".to_owned(),
            "entities reordered",
        ),
        (
            |request| request.text.replace("办理退款", "换货") + "吧",
            "intent",
        ),
        (
            |request| request.text.replace("办理", "\n"),
            "control character",
        ),
        (|_| "Refund 12345 and 12".to_owned(), "script"),
        (|request| request.text.to_owned(), "similarity"),
    ];
    for (says, reason) in cases {
        let (made, report) = run(says);
        let kept = made.iter().any(|row| row.parent.as_deref() == Some("1"));
        assert!(!kept, "{reason}");
        let dropped = report.dropped.get(&format!("rephrasing: {reason}"));
        assert!(
            dropped.is_some_and(|&dropped| dropped > 0),
            "{reason}: {:?}",
            report.dropped
        );
        assert_eq!(report.asked["rephrasing"], 2);
    }
}

#[test]
fn copies_ask_by_seeds_of_their_own_and_the_classifier_only_about_what_is_left() {
    let says = Says(|request| match request.keep.is_empty() {
        true => format!("{}{}", request.text, request.seed % 1000),
        false => "?".to_owned(),
    });
    let asked = std::sync::Arc::<Mutex<Vec<String>>>::default();
    let operator = Rephrasing::new(says, ParaphraseConfig::default()).unwrap();
    let operator = operator.with_classifier(Refunds(asked.clone()));
    let pipeline = Pipeline::new(PipelineConfig {
        copies: 3,
        ..PipelineConfig::default()
    });
    let pipeline = pipeline.with_batch(operator, 1.0).unwrap();
    let (made, report) = pipeline.run(&data()).unwrap();
    assert_eq!((made.len(), report.asked["rephrasing"]), (3, 6));
    assert_eq!(report.dropped["rephrasing: entity lost"], 3);
    assert_eq!(pipeline.run(&data()).unwrap().0, made);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 12);
    assert!(
        asked
            .iter()
            .all(|text| text.starts_with("请问你们什么时候发货"))
    );
}

#[test]
fn answers_of_another_number_are_an_error() {
    struct Mute;
    impl Rephraser for Mute {
        fn rephrase(&self, _: &[RephraseRequest<'_>]) -> Result<Vec<String>> {
            Ok(Vec::new())
        }
    }
    impl IntentClassifier for Mute {
        fn intents(&self, _: &[&str]) -> Result<Vec<Option<String>>> {
            Ok(Vec::new())
        }
    }
    let config = ParaphraseConfig::default();
    let line = |operator: Box<dyn BatchAugmenter>| {
        let rows = [Row {
            text: "我要退款",
            entities: &[],
        }];
        let mut random = [SplitMix::new(1)];
        operator.edits(&rows, &mut random).unwrap_err().to_string()
    };
    let mute = Rephrasing::new(Mute, config.clone()).unwrap();
    assert_eq!(line(Box::new(mute)), "rephrasings is 0, expected 1");
    let says = Rephrasing::new(Says(|_| "我想要退款".to_owned()), config.clone()).unwrap();
    assert_eq!(
        line(Box::new(says.with_classifier(Mute))),
        "intents is 0, expected 2"
    );
    let config = ParaphraseConfig {
        length: 2.0..=1.0,
        ..config
    };
    assert!(Rephrasing::new(Mute, config).is_err());
}
