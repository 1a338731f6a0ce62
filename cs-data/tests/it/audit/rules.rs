//! Which rules apply, what passes, and rules out of their range.

use cs_data::Utterance;
use cs_data::audit::{Audit, Rules};

use super::{dataset, entity, intent, refused, report, texts, verdict};

#[test]
fn rules_do_not_apply_to_what_is_not_there() {
    let report = report(&texts(&["你好", "hello"]));
    assert_eq!(
        (
            report.coverage,
            report.imbalance,
            report.leaks,
            report.near_leaks
        ),
        (None, None, None, None)
    );
    for rule in ["coverage", "imbalance", "sentiment_imbalance", "leaks"] {
        assert_eq!(verdict(&report, rule), None, "{rule}");
    }
    assert!(report.to_string().contains("does not apply"));
}

#[test]
fn what_nothing_was_judged_of_does_not_pass() {
    let judged = |rows: Vec<Utterance>| {
        let report = report(&dataset(rows));
        assert_eq!(
            verdict(&report, "judged_rows"),
            Some(report.judged_rows > 0)
        );
        (report.judged_rows, report.passed)
    };
    let plain = || Utterance::new("", "你好");
    assert_eq!(judged(vec![plain()]), (0, false), "no label");
    assert_eq!(
        judged(vec![intent("a", "x"), intent("b", "x")]),
        (0, false),
        "one intent"
    );
    assert_eq!(
        judged(vec![plain().with_sentiment(0.5)]),
        (0, false),
        "no side"
    );
    assert_eq!(
        judged(vec![intent("a", "x"), intent("b", "y"), plain()]),
        (2, true)
    );
    assert_eq!(
        judged(vec![entity("to Ulm", "Ulm", "city"), plain()]),
        (1, true)
    );
    let one = dataset([intent("a", "x")]);
    let core = Audit::new(&one)
        .core(vec!["x".into()])
        .run(&Rules::default());
    assert!(
        core.unwrap().passed,
        "the core intents are what was asked about"
    );
    // Nothing of the other set can be found here.
    let two = dataset([intent("a", "x"), intent("b", "y")]);
    let blank = texts(&["…", "?"]);
    let report = Audit::new(&two)
        .against(&blank)
        .run(&Rules::default())
        .unwrap();
    assert_eq!(
        (report.leaks, verdict(&report, "leaks"), report.passed),
        (None, Some(false), false)
    );
}

#[test]
fn rules_out_of_range_are_refused() {
    let data = texts(&["a"]);
    let run = |rules: Rules| refused(Audit::new(&data).run(&rules));
    let default = Rules::default;
    for bad in [0.99, -1.0, f64::NAN, f64::INFINITY] {
        let line = run(Rules {
            max_imbalance: bad,
            ..default()
        });
        assert!(
            line.starts_with(&format!("max_imbalance is {bad}")),
            "{line}"
        );
    }
    for bad in [-0.01, 1.01, f64::NAN] {
        let line = run(Rules {
            min_coverage: bad,
            ..default()
        });
        assert_eq!(
            line,
            format!("min_coverage is {bad}, expected a number from 0 to 1")
        );
    }
    assert_eq!(
        run(Rules {
            min_examples: 0,
            ..default()
        }),
        "min_examples is 0, expected 1 or more"
    );
    assert!(
        run(Rules {
            similarity: 0.2,
            ..default()
        })
        .starts_with("similarity is 0.2")
    );
    for fine in [1.0, 1e9] {
        assert!(
            Audit::new(&data)
                .run(&Rules {
                    max_imbalance: fine,
                    ..default()
                })
                .is_ok()
        );
    }
}
