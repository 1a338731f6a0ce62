//! The parts of a [`EvaluationReport`](super::EvaluationReport): one a task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::{
    Counts, CoveragePoint, MismatchKind, Reliability, RocPoint, Scores, SentimentAgreement,
};

/// A label's scores.
///
/// ```
/// use cs_train::report::ClassScores;
/// use cs_train::metrics::Counts;
/// let class = ClassScores::of("refund", Counts { right: 1, gold: 2, predicted: 1 });
/// assert_eq!((class.precision, class.recall, class.support), (1.0, 0.5, 2));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The label.
    pub label: String,
    /// Share of its predictions that are right.
    pub precision: f64,
    /// The share of the label's occurrences that were found.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// The label's occurrences in the gold data.
    pub support: usize,
    /// Predictions.
    pub predicted: usize,
    /// Predictions that are right.
    pub right: usize,
}

impl ClassScores {
    /// The scores that follow from counts.
    #[must_use]
    pub fn of(label: &str, counts: Counts) -> Self {
        Self {
            label: label.to_owned(),
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            support: counts.gold,
            predicted: counts.predicted,
            right: counts.right,
        }
    }
}

/// A gold intent and what it was taken for.
///
/// ```
/// let pair = cs_train::report::ConfusedPair { gold: "a".into(), predicted: None, rows: 2 };
/// assert!(serde_json::to_string(&pair).unwrap().contains("null"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusedPair {
    /// The intent of the gold data.
    pub gold: String,
    /// The intent that was answered; `None`: the model abstained.
    pub predicted: Option<String>,
    /// The number of rows that this happened to.
    pub rows: usize,
}

/// A row whose intent is wrong.
///
/// ```
/// let mistake = cs_train::report::IntentMistake {
///     id: "7".into(), text: "hi".into(), gold: "hello".into(), predicted: None, confidence: Some(0.3),
/// };
/// assert_eq!(mistake.confidence, Some(0.3));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntentMistake {
    /// The row's id.
    pub id: String,
    /// The row's text.
    pub text: String,
    /// The row's intent.
    pub gold: String,
    /// The intent that was answered; `None`: the model abstained.
    pub predicted: Option<String>,
    /// How sure the model was of its most likely intent.
    pub confidence: Option<f64>,
}

/// How intents were recognised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IntentReport {
    /// Rows with an intent.
    pub rows: usize,
    /// Every intent that occurs, as gold or as answer, the worst F1 first.
    pub classes: Vec<ClassScores>,
    /// The scores over all rows.
    pub micro: Scores,
    /// The mean over intents.
    pub macro_average: Scores,
    /// The mean over intents, weighted by support.
    pub weighted_average: Scores,
    /// Every wrong pair, the most frequent first.
    pub confusion: Vec<ConfusedPair>,
    /// How true confidences are.
    pub calibration: Option<Reliability>,
    /// What a threshold on the confidence would leave, in steps of 0.01.
    pub coverage: Vec<CoveragePoint>,
    /// Wrong rows, the surest answer first.
    pub mistakes: Vec<IntentMistake>,
}

/// A span in characters (Unicode scalar values) of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanText {
    /// The first character's number.
    pub start: usize,
    /// The number after the last character's.
    pub end: usize,
    /// The span's label.
    pub label: String,
    /// The characters themselves.
    pub text: String,
}

/// A wrong span.
///
/// ```
/// use cs_train::metrics::MismatchKind;
/// let mistake = cs_train::report::SpanMistake { kind: MismatchKind::Missed, gold: None, predicted: None };
/// assert_eq!(serde_json::to_value(mistake).unwrap()["kind"], "missed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanMistake {
    /// In which way the span is wrong.
    pub kind: MismatchKind,
    /// The gold span; `None` of a spurious one.
    pub gold: Option<SpanText>,
    /// The predicted span; `None` of a missed one.
    pub predicted: Option<SpanText>,
}

/// A row with wrong spans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityMistake {
    /// The row's id.
    pub id: String,
    /// The row's text.
    pub text: String,
    /// The row's wrong spans.
    pub errors: Vec<SpanMistake>,
}

/// How entities were found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EntityReport {
    /// Every label that occurs, as gold or as prediction, the worst F1 first.
    pub labels: Vec<ClassScores>,
    /// Over all spans: seqeval's default figures.
    pub micro: Scores,
    /// The mean over labels.
    pub macro_average: Scores,
    /// The mean over labels, weighted by support.
    pub weighted_average: Scores,
    /// Wrong spans by kind.
    pub errors: BTreeMap<MismatchKind, usize>,
    /// Rows with wrong spans, those with the most first.
    pub mistakes: Vec<EntityMistake>,
}

/// How well the sentiment was guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentimentReport {
    /// Rows with a sentiment.
    pub rows: usize,
    /// Mean squared error.
    pub mse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Whether sentiments fit intents.
    pub agreement: Option<SentimentAgreement>,
}

/// How rows out of scope were recognised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OosReport {
    /// The label of rows out of scope.
    pub label: String,
    /// Rows out of scope.
    pub rows: usize,
    /// Other rows with an intent.
    pub in_scope: usize,
    /// Share of the rows out of scope that were recognised.
    pub recall: Option<f64>,
    /// Share of the rows taken for out of scope that are.
    pub precision: Option<f64>,
    /// The share of the rows in scope whose intent is right.
    pub in_scope_accuracy: Option<f64>,
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// The curve, of at most 201 points; empty if one kind of rows is missing.
    pub roc: Vec<RocPoint>,
}
