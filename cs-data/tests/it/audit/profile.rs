//! Lengths and languages.

use super::{report, texts};

#[test]
fn lengths_and_languages_are_profiled() {
    let report = report(&texts(&[
        "查询订单",
        "where is it",
        "order 还没到",
        "12345",
        "これはペン",
        "",
    ]));
    let languages = report.languages;
    assert_eq!(
        (languages.zh, languages.en, languages.mixed, languages.other),
        (1, 1, 1, 3)
    );
    let lengths = report.lengths;
    assert_eq!((lengths.min, lengths.median, lengths.max), (0, 5, 11));
    assert_eq!(
        lengths.histogram.iter().map(|bin| bin.rows).sum::<usize>(),
        6
    );
    assert_eq!(lengths.histogram[4].rows, 1); // 查询订单
}

#[test]
fn one_long_text_does_not_flatten_the_histogram() {
    let mut rows = vec!["短句"; 300];
    let long = "长".repeat(20_000);
    rows.push(&long);
    let lengths = report(&texts(&rows)).lengths;
    assert!(lengths.histogram.len() <= 3, "{:?}", lengths.histogram);
    let last = lengths.histogram.last().unwrap();
    assert!(last.to > 20_000);
    assert_eq!(
        lengths.histogram.iter().map(|bin| bin.rows).sum::<usize>(),
        301
    );
}
