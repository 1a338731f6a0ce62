//! Metrics against scikit-learn, seqeval, sacrebleu and the calibration code of Guo et al.

use cs_data::{Offsets, Scheme, Span};
use cs_train::metrics::{
    BleuConfig, BleuCounts, BleuSmoothing, BleuTokenizer, ConfusionMatrix, LabelCounts,
    Reliability, Scores, TagMode, accuracy, auroc, bleu, mean_absolute_error, perplexity,
    roc_curve, scored_tags, sentence_bleu,
};
use serde_json::Value;

use crate::common::{assert_close, list, metrics_reference, number, reference};

const EXACT: f64 = 1e-12;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn truth(value: &Value) -> bool {
    value.as_bool().unwrap()
}

#[track_caller]
fn assert_scores(got: Scores, expected: &Value) {
    let expected = list(expected, number);
    for (got, expected) in [got.precision, got.recall, got.f1].iter().zip(&expected) {
        assert_close(*got, *expected, EXACT);
    }
}

/// Micro, macro, weighted and each label's scores and support.
#[track_caller]
fn assert_counts(counts: &LabelCounts, expected: &Value, each: &str) {
    assert_scores(counts.micro().scores(), &expected["micro"]);
    assert_scores(counts.macro_average().unwrap(), &expected["macro"]);
    assert_scores(counts.weighted_average().unwrap(), &expected["weighted"]);
    let rows = expected[each].as_array().unwrap();
    assert_eq!(counts.iter().count(), rows.len());
    for ((_, counts), row) in counts.iter().zip(rows) {
        assert_scores(counts.scores(), row);
        assert_close(counts.gold as f64, number(&row[3]), 0.0);
    }
}

#[test]
fn accuracy_and_macro_f1_are_scikit_learns() {
    let labels = reference("labels");
    let (gold, predicted) = (
        list(&labels["gold"], text),
        list(&labels["predicted"], text),
    );
    let pairs = || gold.iter().copied().zip(predicted.iter().map(|&p| Some(p)));
    let macro_f1 = LabelCounts::of_labels(pairs()).macro_average().unwrap().f1;
    assert_close(
        accuracy(pairs()).unwrap(),
        number(&labels["accuracy"]),
        EXACT,
    );
    assert_close(macro_f1, number(&labels["macro_f1"]), EXACT);
    assert_eq!(accuracy([]), None);
    assert_eq!(LabelCounts::default().macro_average(), None);
}

#[test]
fn scores_and_confusion_of_labels_are_scikit_learns() {
    let stored = metrics_reference("labels");
    let gold = list(&stored["gold"], text);
    let predicted = list(&stored["predicted"], |p| {
        Some(text(p)).filter(|p| !p.is_empty())
    });
    let pairs = || gold.iter().copied().zip(predicted.iter().copied());
    assert_counts(&LabelCounts::of_labels(pairs()), &stored, "per_class");

    let matrix = ConfusionMatrix::of(pairs());
    let labels = list(&stored["labels"], text);
    assert_eq!(matrix.labels(), labels);
    for (row, expected) in labels.iter().zip(stored["confusion"].as_array().unwrap()) {
        for (column, expected) in labels.iter().zip(expected.as_array().unwrap()) {
            let got = matrix.count(row, Some(column)) as u64;
            assert_eq!(Some(got), expected.as_u64(), "{row} as {column}");
        }
    }
    let all: usize = matrix.cells().map(|cell| cell.rows).sum();
    assert_eq!(all, gold.len());
    let confused = matrix.most_confused();
    assert!(confused.is_sorted_by_key(|cell| std::cmp::Reverse(cell.rows)));
    assert_eq!(matrix.count("a", Some("unheard of")), 0);
}

/// A span in bytes from one in characters.
fn span(text: &str, value: &Value) -> Span {
    let offsets = Offsets::new(text);
    let at = |i: usize| offsets.byte(value[i].as_u64().unwrap() as usize).unwrap();
    Span {
        start: at(0),
        end: at(1),
        label: value[2].as_str().unwrap().to_owned(),
    }
}

#[test]
fn span_f1_is_seqevals_and_scored_tags_hold_the_same_spans() {
    let spans = reference("spans");
    let (mut counts, mut of_tags) = (LabelCounts::default(), LabelCounts::default());
    for row in spans["rows"].as_array().unwrap() {
        let text = row["text"].as_str().unwrap();
        let gold = list(&row["gold"], |s| span(text, s));
        let predicted = list(&row["predicted"], |s| span(text, s));
        counts.add_spans(&gold, &predicted);

        let tags = scored_tags(text, &gold, &predicted);
        // Token numbers instead of bytes, as a scorer of tags sees them.
        let tokens: Vec<_> = (0..tags.tokens.len()).map(|i| i..i + 1).collect();
        let gold_of_tags = Scheme::Iob2.decode(&tokens, &tags.gold).unwrap();
        assert_eq!(gold_of_tags.len(), gold.len(), "{text:?}");
        of_tags.add_spans(
            &gold_of_tags,
            &Scheme::Iob2.decode(&tokens, &tags.predicted).unwrap(),
        );
    }
    assert_close(counts.micro().f1(), number(&spans["f1"]), 1e-12);
    assert_eq!(counts, of_tags);
}

#[test]
fn spans_of_broken_tags_are_seqevals_in_both_modes() {
    let stored = metrics_reference("tags");
    let sequences = |side: &str| list(&stored[side], |row| list(row, |t| text(t).to_owned()));
    let (gold, predicted) = (sequences("gold"), sequences("predicted"));
    for (mode, name) in [(TagMode::Default, "default"), (TagMode::Strict, "strict")] {
        let mut counts = LabelCounts::default();
        for (gold, predicted) in gold.iter().zip(&predicted) {
            counts.add_spans(&mode.spans(gold), &mode.spans(predicted));
        }
        assert_counts(&counts, &stored[name], "per_label");
    }
}

#[test]
fn calibration_is_that_of_guo_et_al_and_scikit_learn() {
    for stored in [reference("calibration"), metrics_reference("calibration")] {
        let confidence = list(&stored["confidence"], number);
        let right = list(&stored["right"], truth);
        let reliability = Reliability::of(confidence.into_iter().zip(right)).unwrap();
        assert_close(reliability.ece, number(&stored["ece"]), EXACT);
        if let Some(mce) = stored["mce"].as_f64() {
            assert_close(reliability.mce, mce, EXACT);
            assert_close(reliability.brier, number(&stored["brier"]), EXACT);
        }
        assert_eq!(reliability.bins.len(), 15);
    }
    // Both ends have a bin.
    let ends = Reliability::of([(0.0, false), (1.0, true)]).unwrap();
    assert_eq!(
        (ends.ece, ends.bins[0].rows, ends.bins[14].rows),
        (0.0, 1, 1)
    );
    for nonsense in [f64::NAN, -0.1, 1.5, f64::INFINITY] {
        assert_eq!(Reliability::of([(0.5, true), (nonsense, true)]), None);
    }
    assert_eq!(Reliability::of([]), None);
}

#[test]
fn the_roc_curve_and_its_area_are_scikit_learns() {
    let stored = metrics_reference("roc");
    let scores = list(&stored["scores"], number);
    let positive = list(&stored["positive"], truth);
    let pairs = || scores.iter().copied().zip(positive.iter().copied());
    assert_close(auroc(pairs()).unwrap(), number(&stored["auroc"]), EXACT);
    let curve = roc_curve(pairs()).unwrap();
    let expected = stored["curve"].as_array().unwrap();
    assert_eq!(curve.len(), expected.len());
    for (point, expected) in curve.iter().zip(expected) {
        assert_close(point.false_positives, number(&expected[0]), EXACT);
        assert_close(point.true_positives, number(&expected[1]), EXACT);
    }
    for one_kind in [
        vec![],
        vec![(0.5, true)],
        vec![(0.5, false)],
        vec![(f64::NAN, true), (0.1, false)],
    ] {
        assert_eq!((auroc(one_kind.clone()), roc_curve(one_kind)), (None, None));
    }
}

#[test]
fn absolute_error_and_perplexity_are_scikit_learns_and_pytorchs() {
    let stored = metrics_reference("errors");
    let pairs = list(&stored["gold"], number)
        .into_iter()
        .zip(list(&stored["predicted"], number));
    assert_close(
        mean_absolute_error(pairs).unwrap(),
        number(&stored["mae"]),
        EXACT,
    );
    assert_eq!(mean_absolute_error([(0.5, f64::NAN)]), None);

    let stored = metrics_reference("perplexity");
    let tokens = stored["tokens"].as_u64().unwrap() as usize;
    let got = perplexity(number(&stored["nll"]), tokens).unwrap();
    assert_close(got, number(&stored["perplexity"]), 1e-10);
    assert_eq!((perplexity(f64::NAN, 3), perplexity(1.0, 0)), (None, None));
}

#[test]
fn bleus_tokens_are_sacrebleus() {
    let stored = metrics_reference("bleu");
    for tokenizer in [BleuTokenizer::V13a, BleuTokenizer::Zh] {
        let rows = stored["tokens"][tokenizer.name()].as_array().unwrap();
        for (sentence, expected) in stored["sentences"].as_array().unwrap().iter().zip(rows) {
            let references = sentence[1].as_array().unwrap();
            for (sentence, expected) in std::iter::once(&sentence[0])
                .chain(references)
                .zip(expected.as_array().unwrap())
            {
                assert_eq!(
                    tokenizer.tokens(text(sentence)),
                    list(expected, text),
                    "{sentence}"
                );
            }
        }
    }
}

#[test]
fn bleu_is_sacrebleus() {
    let stored = metrics_reference("bleu");
    let sentences = stored["sentences"].as_array().unwrap();
    for case in stored["scores"].as_array().unwrap() {
        let config = BleuConfig {
            tokenizer: serde_json::from_value(case["tokenizer"].clone()).unwrap(),
            smoothing: serde_json::from_value::<BleuSmoothing>(case["smoothing"].clone()).unwrap(),
            effective_order: truth(&case["effective_order"]),
        };
        let count = case["references"].as_u64().unwrap() as usize;
        assert_eq!(config.signature(count), text(&case["signature"]));
        let pairs: Vec<(&str, Vec<&str>)> = sentences
            .iter()
            .map(|s| (text(&s[0]), list(&s[1], text)[..count].to_vec()))
            .collect();
        let corpus = bleu(pairs.iter().map(|(h, r)| (*h, &r[..])), &config);
        assert_close(corpus.score, number(&case["corpus"]), 1e-9);
        assert_close(
            corpus.brevity_penalty,
            number(&case["brevity_penalty"]),
            EXACT,
        );
        let expected = list(&case["precisions"], number);
        for (got, expected) in corpus.precisions.iter().zip(expected) {
            assert_close(*got, expected, 1e-9);
        }
        let mut sum = BleuCounts::default();
        for ((hypothesis, references), expected) in
            pairs.iter().zip(case["by_sentence"].as_array().unwrap())
        {
            let score = sentence_bleu(hypothesis, references, &config).score;
            assert_close(score, number(expected), 1e-9);
            sum += BleuCounts::of(hypothesis, references, &config);
        }
        let lengths = (sum.hypothesis_tokens as u64, sum.reference_tokens as u64);
        assert_eq!(Some(lengths.0), case["hypothesis_tokens"].as_u64());
        assert_eq!(Some(lengths.1), case["reference_tokens"].as_u64());
        assert_eq!(sum.score(&config), corpus);
    }
    let nothing = bleu([], &BleuConfig::default());
    assert_eq!(
        (
            nothing.score,
            sentence_bleu("a", &[], &BleuConfig::default()).score
        ),
        (0.0, 0.0)
    );
}
