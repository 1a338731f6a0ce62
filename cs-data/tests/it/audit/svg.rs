//! The report as a chart.

use super::{dataset, intent, report};

#[test]
fn the_chart_is_written_whole_with_every_intent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.svg");
    let data = dataset([
        intent("退款", "退款 & <b>\"x\"</b>"),
        intent("a", "bell\u{7}"),
        intent("b", &"很长的意图名称".repeat(20)),
    ]);
    let report = report(&data);
    report.write_svg(&path).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert_eq!(svg, report.svg());
    assert!(svg.contains("退款 &amp; &lt;b&gt;&quot;x&quot;&lt;/b&gt;"));
    assert!(svg.contains("bell\u{fffd}") && !svg.contains("<b>"));
    assert!(svg.contains("很长的") && svg.contains('…'));
    assert!(
        report
            .write_svg(&folder.path().join("none/chart.svg"))
            .is_err()
    );
}

#[test]
fn many_intents_are_cut_in_the_middle() {
    let rows = (0..1000).map(|at| intent(&format!("text {at}"), &format!("intent_{at:04}")));
    let svg = report(&dataset(rows)).svg();
    assert!(
        svg.contains("… 800 more") && svg.contains("intent_0000") && svg.contains("intent_0999")
    );
    assert!(!svg.contains("intent_0500"));
}
