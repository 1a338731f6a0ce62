//! Metrics against their definitions, by brute force on random rows.

use cs_data::Span;
use cs_train::metrics::{
    BleuConfig, BleuTokenizer, LabelCounts, MismatchKind, TagMode, auroc, coverage_curve,
    roc_curve, scored_tags, sentence_bleu, span_mismatches,
};
use proptest::prelude::*;

fn spans(length: usize) -> impl Strategy<Value = Vec<Span>> {
    let piece = (
        0..length,
        1..5usize,
        prop::sample::select(vec!["a", "b", "c"]),
    );
    prop::collection::vec(piece, 0..6).prop_map(move |pieces| {
        let mut spans: Vec<Span> = Vec::new();
        for (start, long, label) in pieces {
            let span = Span::new(start, (start + long).min(length), label);
            if spans
                .iter()
                .all(|other| span.end <= other.start || other.end <= span.start)
            {
                spans.push(span);
            }
        }
        spans.sort_by_key(|span| span.start);
        spans
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_area_is_the_share_of_pairs_in_order(
        rows in prop::collection::vec((0u8..8, any::<bool>()), 0..40)
    ) {
        let scored: Vec<(f64, bool)> = rows.iter().map(|&(s, p)| (f64::from(s), p)).collect();
        let (mut won, mut pairs) = (0.0, 0.0);
        for (high, _) in scored.iter().filter(|row| row.1) {
            for (low, _) in scored.iter().filter(|row| !row.1) {
                pairs += 1.0;
                won += if high > low { 1.0 } else if high == low { 0.5 } else { 0.0 };
            }
        }
        let area = auroc(scored.iter().copied());
        prop_assert_eq!(area.is_some(), pairs > 0.0);
        if let Some(area) = area {
            prop_assert!((area - won / pairs).abs() < 1e-12);
            let curve = roc_curve(scored.iter().copied()).unwrap();
            let trapezes: f64 = curve.windows(2).map(|pair| {
                let width = pair[1].false_positives - pair[0].false_positives;
                width * (pair[0].true_positives + pair[1].true_positives) / 2.0
            }).sum();
            prop_assert!((area - trapezes).abs() < 1e-12);
            let flipped = auroc(scored.iter().map(|&(score, positive)| (-score, positive))).unwrap();
            prop_assert!((area + flipped - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_label_is_scored_by_its_rows_alone(
        rows in prop::collection::vec((0u8..5, prop::option::of(0u8..6)), 1..60)
    ) {
        let name = |label: u8| ["a", "b", "c", "d", "e", "f"][label as usize];
        let counts = LabelCounts::of_labels(rows.iter().map(|&(g, p)| (name(g), p.map(name))));
        let mut f1s = Vec::new();
        for label in 0..6 {
            let count = |gold: bool, predicted: bool| {
                rows.iter().filter(|row| (row.0 == label) == gold && (row.1 == Some(label)) == predicted).count() as f64
            };
            let (hit, missed, invented) = (count(true, true), count(true, false), count(false, true));
            if hit + missed + invented == 0.0 {
                prop_assert_eq!(counts.get(name(label)), None);
                continue;
            }
            let f1 = hit / (hit + (missed + invented) / 2.0);
            f1s.push(f1);
            prop_assert!((counts.get(name(label)).unwrap().f1() - f1).abs() < 1e-12);
        }
        let mean = f1s.iter().sum::<f64>() / f1s.len() as f64;
        prop_assert!((counts.macro_average().unwrap().f1 - mean).abs() < 1e-12);
    }

    #[test]
    fn spans_and_their_tags_score_the_same_in_both_modes(
        gold in spans(16), predicted in spans(16)
    ) {
        let text = "abcdefgh ijklmno";
        let tags = scored_tags(text, &gold, &predicted);
        let mut of_spans = LabelCounts::default();
        let right = of_spans.add_spans(&gold, &predicted);
        prop_assert_eq!(right, gold == predicted);
        for mode in [TagMode::Default, TagMode::Strict] {
            let mut of_tags = LabelCounts::default();
            of_tags.add_spans(&mode.spans(&tags.gold), &mode.spans(&tags.predicted));
            prop_assert_eq!(&of_tags, &of_spans);
        }
    }

    #[test]
    fn every_wrong_span_is_one_error(gold in spans(16), predicted in spans(16)) {
        let errors = span_mismatches(&gold, &predicted);
        let unmatched = |spans: &[Span], others: &[Span]| {
            spans.iter().filter(|span| !others.contains(span)).count()
        };
        let with = |side: fn(&cs_train::metrics::SpanMismatch<'_>) -> bool| errors.iter().filter(|e| side(e)).count();
        prop_assert_eq!(with(|e| e.gold.is_some()), unmatched(&gold, &predicted));
        prop_assert_eq!(with(|e| e.predicted.is_some()), unmatched(&predicted, &gold));
        for error in &errors {
            let (Some(a), Some(b)) = (error.gold, error.predicted) else {
                prop_assert!(matches!(error.kind, MismatchKind::Missed | MismatchKind::Spurious));
                continue;
            };
            prop_assert!(a.start < b.end && b.start < a.end);
            let kind = match (a.range() == b.range(), a.label == b.label) {
                (true, _) => MismatchKind::WrongLabel,
                (false, true) => MismatchKind::WrongBoundary,
                (false, false) => MismatchKind::WrongBoth,
            };
            prop_assert_eq!(error.kind, kind);
        }
    }

    #[test]
    fn the_coverage_curve_counts_what_is_above_the_threshold(
        rows in prop::collection::vec((0u8..=20, any::<bool>()), 1..40)
    ) {
        let answers: Vec<(f64, bool)> = rows.iter().map(|&(c, r)| (f64::from(c) / 20.0, r)).collect();
        for point in coverage_curve(answers.iter().copied(), 20).unwrap() {
            let given: Vec<bool> = answers.iter().filter(|a| a.0 >= point.threshold).map(|a| a.1).collect();
            prop_assert!((point.coverage - given.len() as f64 / answers.len() as f64).abs() < 1e-12);
            let right = given.iter().filter(|right| **right).count() as f64;
            let expected = (!given.is_empty()).then(|| right / given.len() as f64);
            prop_assert_eq!(point.accuracy, expected);
        }
    }

    #[test]
    fn bleu_is_between_0_and_100_whatever_the_texts(a in ".{0,40}", b in ".{0,40}") {
        for tokenizer in [BleuTokenizer::V13a, BleuTokenizer::Zh] {
            let config = BleuConfig { tokenizer, ..BleuConfig::default() };
            let score = sentence_bleu(&a, &[&b], &config).score;
            prop_assert!((0.0..=100.0 + 1e-9).contains(&score));
            let same = sentence_bleu(&a, &[&b, &a], &config).score;
            prop_assert!(tokenizer.tokens(&a).is_empty() || (same - 100.0).abs() < 1e-9);
        }
    }
}
