//! The report as data.

use cs_data::audit::{Audit, Rules};

use super::{dataset, noisy, report, texts};

#[test]
fn an_empty_data_set_has_no_findings_and_does_not_pass() {
    let report = report(&dataset([]));
    assert_eq!(
        (report.rows, report.coverage, report.passed),
        (0, None, false)
    );
    assert!(report.svg().ends_with("</svg>\n"));
}

#[test]
fn json_has_the_documented_keys() {
    let json = serde_json::to_value(report(&noisy())).unwrap();
    for key in ["rows", "iob_errors", "duplicates", "coverage", "imbalance"] {
        assert!(json[key].is_number(), "{key}");
    }
    assert!(json["leaks"].is_null() && json["passed"].is_boolean());
    assert_eq!(json["rules"][1]["rule"], "imbalance");
    assert_eq!(json["rules"][1]["at_most"], 3.0);
}

#[test]
fn examples_are_listed_up_to_a_limit_and_all_counted() {
    let data = texts(&["a"; 9]);
    let rules = Rules {
        examples: 2,
        ..Rules::default()
    };
    let report = Audit::new(&data).run(&rules).unwrap();
    assert_eq!(
        (report.duplicates, report.examples.duplicates.len()),
        (8, 2)
    );
}
