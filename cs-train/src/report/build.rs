//! Fills the parts of a report.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use cs_data::{Offsets, Span, Utterance};

use super::sections::{
    ClassScores, ConfusedPair, EntityMistake, EntityReport, IntentMistake, IntentReport, OosReport,
    SentimentReport, SpanMistake, SpanText,
};
use crate::evaluation::{EvaluateOptions, Evaluation, TalliedIntent, Tally};
use crate::metrics::{
    ConfusionMatrix, LabelCounts, Reliability, RocPoint, SpanMismatch, coverage_curve,
    mean_absolute_error, mean_squared_error, roc_curve, span_mismatches,
};

/// Steps of the threshold in the coverage curve.
const THRESHOLDS: usize = 100;
/// Points of the ROC curve, at most.
const ROC_POINTS: usize = 201;

pub(super) fn intents(
    scored: &Tally<'_>,
    gold: &[Utterance],
    examples: usize,
) -> Option<IntentReport> {
    let name = |index: usize| scored.labels[index];
    let rows = || scored.rows.iter().filter_map(|row| row.intent);
    let pairs = || rows().map(|intent| (name(intent.gold), intent.decided.map(name)));
    let counts = LabelCounts::of_labels(pairs());
    let confident = || rows().filter_map(|intent| intent.confidence());
    let confusion = ConfusionMatrix::of(pairs());
    let wrong = confusion.most_confused().into_iter();
    Some(IntentReport {
        rows: rows().count(),
        macro_average: counts.macro_average()?,
        weighted_average: counts.weighted_average().unwrap_or_default(),
        micro: counts.micro().scores(),
        classes: classes(&counts),
        confusion: wrong
            .map(|pair| ConfusedPair {
                gold: pair.gold.to_owned(),
                predicted: pair.predicted.map(str::to_owned),
                rows: pair.rows,
            })
            .collect(),
        calibration: Reliability::of(confident()),
        coverage: coverage_curve(confident(), THRESHOLDS).unwrap_or_default(),
        mistakes: intent_mistakes(scored, gold, examples),
    })
}

/// The worst F1 first; of equal ones, those with more rows.
fn classes(counts: &LabelCounts) -> Vec<ClassScores> {
    let classes = counts.iter();
    let mut classes: Vec<_> = classes
        .map(|(l, counts)| ClassScores::of(l, counts))
        .collect();
    classes.sort_by(|a, b| a.f1.total_cmp(&b.f1).then(b.support.cmp(&a.support)));
    classes
}

fn intent_mistakes(scored: &Tally<'_>, gold: &[Utterance], examples: usize) -> Vec<IntentMistake> {
    let name = |index: usize| scored.labels[index].to_owned();
    let rows = scored.rows.iter().zip(gold);
    let mut wrong: Vec<(TalliedIntent, &Utterance)> = rows
        .filter_map(|(row, gold)| Some((row.intent.filter(|intent| !intent.right())?, gold)))
        .collect();
    wrong.sort_by(|(a, _), (b, _)| sureness(b).total_cmp(&sureness(a)));
    wrong.truncate(examples);
    let wrong = wrong.into_iter();
    wrong
        .map(|(intent, row)| IntentMistake {
            id: row.id.clone(),
            text: row.text.clone(),
            gold: name(intent.gold),
            predicted: intent.decided.map(name),
            confidence: confidence(&intent),
        })
        .collect()
}

fn confidence(intent: &TalliedIntent) -> Option<f64> {
    intent.likeliest.map(|(_, confidence)| confidence)
}

fn sureness(intent: &TalliedIntent) -> f64 {
    confidence(intent).unwrap_or(0.0)
}

pub(super) fn entities(
    scored: &Tally<'_>,
    gold: &[Utterance],
    examples: usize,
) -> Option<EntityReport> {
    let mut counts = LabelCounts::default();
    let mut errors = BTreeMap::new();
    let mut wrong: Vec<(&Utterance, Vec<SpanMismatch<'_>>)> = Vec::new();
    for (row, gold) in scored.rows.iter().zip(gold) {
        let Some(spans) = &row.spans else { continue };
        if counts.add_spans(spans.gold, &spans.predicted) {
            continue;
        }
        let of_row = span_mismatches(spans.gold, &spans.predicted);
        for error in &of_row {
            *errors.entry(error.kind).or_insert(0) += 1;
        }
        wrong.push((gold, of_row));
    }
    wrong.sort_by_key(|(_, errors)| Reverse(errors.len()));
    wrong.truncate(examples);
    Some(EntityReport {
        macro_average: counts.macro_average()?,
        weighted_average: counts.weighted_average().unwrap_or_default(),
        micro: counts.micro().scores(),
        labels: classes(&counts),
        errors,
        mistakes: wrong
            .iter()
            .map(|(row, of_row)| entity_mistake(row, of_row))
            .collect(),
    })
}

fn entity_mistake(row: &Utterance, errors: &[SpanMismatch<'_>]) -> EntityMistake {
    let offsets = Offsets::new(&row.text);
    let quote = |span| span_text(span, &row.text, &offsets);
    let errors = errors.iter().map(|error| SpanMistake {
        kind: error.kind,
        gold: error.gold.and_then(quote),
        predicted: error.predicted.and_then(quote),
    });
    EntityMistake {
        errors: errors.collect(),
        id: row.id.clone(),
        text: row.text.clone(),
    }
}

fn span_text(span: &Span, text: &str, offsets: &Offsets) -> Option<SpanText> {
    Some(SpanText {
        start: offsets.char(span.start)?,
        end: offsets.char(span.end)?,
        label: span.label.clone(),
        text: text.get(span.start..span.end)?.to_owned(),
    })
}

pub(super) fn sentiment(scored: &Tally<'_>) -> Option<SentimentReport> {
    let sentiments = scored.rows.iter().filter_map(|row| row.sentiment);
    let pairs = || sentiments.clone().map(|both| (both.gold, both.predicted));
    Some(SentimentReport {
        rows: pairs().count(),
        mse: mean_squared_error(pairs())?,
        mae: mean_absolute_error(pairs())?,
        agreement: scored.agreement(&vec![1; scored.rows.len()]),
    })
}

pub(super) fn out_of_scope(
    scored: &Tally<'_>,
    evaluation: &Evaluation,
    options: &EvaluateOptions<'_>,
) -> Option<OosReport> {
    let label = options.oos_label?;
    let ranked: Vec<(f64, bool)> = scored
        .oos_scores()?
        .map(|scored| (scored.score, scored.is_oos))
        .collect();
    let rows = ranked.iter().filter(|(_, oos)| *oos).count();
    let intents = scored.rows.iter().filter_map(|row| row.intent);
    let in_scope: Vec<bool> = intents
        .filter(|intent| scored.labels[intent.gold] != label)
        .map(|intent| intent.right())
        .collect();
    let right = in_scope.iter().filter(|right| **right).count();
    Some(OosReport {
        label: label.to_owned(),
        rows,
        in_scope: in_scope.len(),
        recall: evaluation.oos_recall,
        precision: evaluation.oos_precision,
        in_scope_accuracy: (!in_scope.is_empty()).then(|| right as f64 / in_scope.len() as f64),
        auroc: evaluation.oos_auroc,
        roc: thinned(roc_curve(ranked).unwrap_or_default()),
    })
}

/// At most [`ROC_POINTS`] of a curve, both ends among them.
fn thinned(curve: Vec<RocPoint>) -> Vec<RocPoint> {
    if curve.len() <= ROC_POINTS {
        return curve;
    }
    let last = curve.len() - 1;
    let at = |point: usize| curve[point * last / (ROC_POINTS - 1)];
    (0..ROC_POINTS).map(at).collect()
}
