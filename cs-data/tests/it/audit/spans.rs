//! Spans that cannot be meant.

use cs_data::audit::SpanFaultKind;

use super::{dataset, entity, report};

#[test]
fn spans_that_cannot_be_meant_are_iob_errors() {
    use SpanFaultKind::*;
    let cases = [
        ("fly to Boston now", " Boston", Some(WhiteSpace)),
        ("fly to Boston now", "Boston ", Some(WhiteSpace)),
        ("去 北京", " 北京", Some(WhiteSpace)),
        ("really -- yes", "--", Some(Blank)),
        ("好，的", "，", Some(Blank)),
        ("fly to Boston", "Bost", Some(CutsWord)),
        ("fly to Boston", "oston", Some(CutsWord)),
        ("订单12345", "2345", Some(CutsWord)),
        ("à la carte", "rte", Some(CutsWord)),
        ("fly to Boston, please", "Boston,", Some(Punctuation)),
        ("去北京。", "北京。", Some(Punctuation)),
        ("fly to Boston", "Boston", None),
        ("订单12345状态", "12345", None), // Chinese has no word edges to cut
        ("我的iPhone坏了", "iPhone", None),
        ("run 10km", "10", None),
        ("Bob's phone", "Bob", None),
        ("去北京", "北", None),
    ];
    for (text, surface, expected) in cases {
        let report = report(&dataset([entity(text, surface, "thing")]));
        let found = report.examples.span_faults.first().map(|fault| fault.kind);
        assert_eq!(found, expected, "{surface:?} in {text:?}");
        let errors = usize::from(expected.is_some_and(SpanFaultKind::is_error));
        assert_eq!(report.iob_errors, errors, "{surface:?} in {text:?}");
        assert_eq!(report.passed, errors == 0);
        assert_eq!(
            report.punctuation_edges,
            usize::from(expected == Some(Punctuation))
        );
    }
}
