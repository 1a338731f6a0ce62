//! The report of an evaluation, as JSON and as a page.

use cs_data::{Span, Utterance};
use cs_model::Understanding;
use cs_train::evaluation::{EvaluateOptions, Evaluation, evaluate};
use cs_train::metrics::Bootstrap;
use cs_train::report::{EvaluationReport, ReportConfig};

use crate::common::assert_close;
use crate::evaluation::{answer, many};

/// Labels and texts that would like to be markup.
const HOSTILE: &str = "</td><script>alert(1)</script>\"'<!--&\u{202e}\u{0}\u{1b}[31m";

#[test]
fn a_hostile_text_stays_text() {
    let span = |label: &str| Span::new(0, 2, label);
    let gold = [
        Utterance::new(HOSTILE, HOSTILE)
            .with_intent(HOSTILE)
            .with_spans(vec![span(HOSTILE)]),
        Utterance::new("2", "x".repeat(60_000)).with_intent("y".repeat(5000)),
    ];
    let answers = [
        answer(
            HOSTILE,
            Some(("]]>{}%s", 0.9)),
            &[(0, 3, "-->"), (4, 9, HOSTILE)],
        ),
        answer("x", None, &[(0, 50_000, HOSTILE)]),
    ];
    let options = EvaluateOptions {
        oos_label: Some(HOSTILE),
        ..EvaluateOptions::default()
    };
    let config = ReportConfig {
        about: [(HOSTILE.to_owned(), HOSTILE.to_owned())].into(),
        ..ReportConfig::default()
    };
    let page = EvaluationReport::of(&gold, &answers, &options, &config)
        .unwrap()
        .html();
    assert!(!page.contains("<script") && !page.contains("<!--") && !page.contains("-->"));
    assert!(!page.contains(['\u{0}', '\u{1b}']) && page.len() < 200_000);
    for tag in ["table", "tr", "td", "svg", "div", "bdi", "figure", "span"] {
        let (open, shut) = (format!("<{tag}"), format!("</{tag}>"));
        let opened =
            page.matches(&format!("{open}>")).count() + page.matches(&format!("{open} ")).count();
        assert_eq!(opened, page.matches(&shut).count(), "{tag}");
    }
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "nothing is fetched"
    );
}

#[test]
fn a_report_is_written_whole_and_read_again() {
    let (gold, answers) = many();
    let options = EvaluateOptions {
        oos_label: Some("oos"),
        abstain_below: Some(0.75),
        ..EvaluateOptions::default()
    };
    let config = ReportConfig {
        examples: 3,
        bootstrap: Some(Bootstrap {
            resamples: 20,
            ..Bootstrap::default()
        }),
        ..ReportConfig::default()
    };
    let report = EvaluationReport::of(&gold, &answers, &options, &config).unwrap();
    let intents = report.intents.as_ref().unwrap();
    assert!(intents.classes.is_sorted_by(|a, b| a.f1 <= b.f1));
    assert_eq!(
        (intents.rows, intents.mistakes.len(), intents.coverage.len()),
        (200, 3, 101)
    );
    let wrong: usize = intents.confusion.iter().map(|pair| pair.rows).sum();
    let accuracy = report.evaluation.intent_accuracy.unwrap();
    assert_close(1.0 - wrong as f64 / 200.0, accuracy, 1e-12);
    let entities = report.entities.as_ref().unwrap();
    assert_close(entities.micro.f1, report.evaluation.slot_f1.unwrap(), 1e-12);
    assert!(entities.mistakes[0].errors.len() >= entities.mistakes[2].errors.len());
    assert_eq!(
        report.evaluation,
        evaluate(&gold, &answers, &options).unwrap()
    );

    let dir = tempfile::tempdir().unwrap();
    let (folder, page, json) = (
        dir.path().join("new/folder"),
        dir.path().join("a.html"),
        dir.path().join("a.json"),
    );
    report.write(&folder).unwrap();
    report.write(&page).unwrap();
    report.write(&json).unwrap();
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&page), read(&folder.join("report.html")));
    assert_eq!(read(&json), read(&folder.join("report.json")));
    let again = EvaluationReport::open(&json).unwrap();
    assert_eq!(again.entities.as_ref().unwrap().mistakes, entities.mistakes);
    assert_eq!(again.html(), report.html());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);

    let newer = read(&json).replacen("\"format_version\": 1", "\"format_version\": 2", 1);
    for (text, reason) in [
        (newer.as_str(), "a.json: format_version is 2, expected 1"),
        ("{}", "a.json: format_version is none, expected 1"),
        ("[1", "a.json: EOF while parsing"),
    ] {
        std::fs::write(&json, text).unwrap();
        let error = EvaluationReport::open(&json).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(report.write(&page.join("below a file")).is_err());
}

#[test]
fn a_report_of_nothing_says_so() {
    let rows = [Utterance::new("1", "no label"), Utterance::new("2", "")];
    let mute = |text: &str| Understanding {
        sentiment: None,
        ..answer(text, None, &[])
    };
    for (gold, answers) in [(&rows[..], vec![mute("no label"), mute("")]), (&[], vec![])] {
        let options = EvaluateOptions {
            oos_label: Some("oos"),
            ..EvaluateOptions::default()
        };
        let report =
            EvaluationReport::of(gold, &answers, &options, &ReportConfig::default()).unwrap();
        assert_eq!(report.evaluation, Evaluation::default());
        assert!(report.intervals.is_empty() && report.intents.is_none());
        assert!(report.html().contains("nothing to score"));
    }
}
