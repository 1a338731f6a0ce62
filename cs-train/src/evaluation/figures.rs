//! [`Evaluation`]: the figures that an answer to gold rows comes to.

use cs_data::{Offsets, Span};
use cs_model::{Tasks, Understanding};
use serde::{Deserialize, Serialize};

/// How well a model does; `None` (JSON `null`) where the data has no such label or the model no
/// such head.
///
/// ```
/// let evaluation = cs_train::evaluation::Evaluation { intent_macro_f1: Some(0.8), slot_f1: Some(0.6), ..Default::default() };
/// assert!((evaluation.selection_metric().unwrap() - 0.7).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Share of rows whose intent is right.
    pub intent_accuracy: Option<f64>,
    /// Macro-averaged F1 of intents, as scikit-learn's.
    pub intent_macro_f1: Option<f64>,
    /// Micro-averaged F1 of entities, as seqeval's.
    pub slot_f1: Option<f64>,
    /// Share of rows with the intent and every entity right.
    pub sentence_accuracy: Option<f64>,
    /// Mean squared error of the sentiment in 0..=1.
    pub sentiment_mse: Option<f64>,
    /// Expected calibration error of the intents' confidence, 15 bins.
    pub ece: Option<f64>,
    /// Share of rows whose sentiment is on the right side of neutral, of those whose gold sentiment
    /// takes a side, see [`takes_side`](crate::metrics::takes_side).
    pub sentiment_accuracy: Option<f64>,
    /// Share of rows whose sentiment fits the intent that it is answered with, be both right or
    /// wrong, see [`sentiment_agreement`](crate::metrics::sentiment_agreement).
    pub sentiment_fits_intent: Option<f64>,
    /// Share of the rows out of scope that were recognised; only with
    /// [`EvaluateOptions::oos_label`], like the next two.
    pub oos_recall: Option<f64>,
    /// Share of the rows taken for out of scope that are.
    pub oos_precision: Option<f64>,
    /// How well the confidence tells rows out of scope from the others: the probability that one of
    /// them looks less in scope than one of the others (area under the ROC curve).
    pub oos_auroc: Option<f64>,
}

impl Evaluation {
    /// The names of the figures, as in its JSON.
    pub const FIGURES: [&str; 11] = [
        "intent_accuracy",
        "intent_macro_f1",
        "slot_f1",
        "sentence_accuracy",
        "sentiment_mse",
        "ece",
        "sentiment_accuracy",
        "sentiment_fits_intent",
        "oos_recall",
        "oos_precision",
        "oos_auroc",
    ];

    /// The figures in the order of [`Evaluation::FIGURES`].
    #[must_use]
    pub fn values(&self) -> [Option<f64>; 11] {
        [
            self.intent_accuracy,
            self.intent_macro_f1,
            self.slot_f1,
            self.sentence_accuracy,
            self.sentiment_mse,
            self.ece,
            self.sentiment_accuracy,
            self.sentiment_fits_intent,
            self.oos_recall,
            self.oos_precision,
            self.oos_auroc,
        ]
    }

    /// The figure that early stopping watches and that picks the best weights: the macro-F1 of
    /// intents, the span F1 of entities, the mean of both if there are both, minus the error if
    /// there is only sentiment.
    #[must_use]
    pub fn selection_metric(&self) -> Option<f64> {
        match (self.intent_macro_f1, self.slot_f1) {
            (Some(intent), Some(slots)) => Some((intent + slots) / 2.0),
            (Some(f1), None) | (None, Some(f1)) => Some(f1),
            (None, None) => self.sentiment_mse.map(|mse| -mse),
        }
    }

    /// Whether these weights are better than the `other`'s: by [`Evaluation::selection_metric`];
    /// where that is equal, as on a set so easy that every epoch is perfect, by the error of the
    /// sentiment, then by calibration.
    ///
    /// ```
    /// use cs_train::evaluation::Evaluation;
    ///
    /// let early = Evaluation { slot_f1: Some(1.0), sentiment_mse: Some(0.2), ..Default::default() };
    /// let late = Evaluation { sentiment_mse: Some(0.1), ..early };
    /// assert!(late.is_better_than(&early) && !early.is_better_than(&late));
    /// assert!(!late.is_better_than(&late));
    /// ```
    #[must_use]
    pub fn is_better_than(&self, other: &Self) -> bool {
        let rank = |e: &Self| {
            let lowest = f64::NEG_INFINITY;
            let small = |error: Option<f64>| error.map_or(lowest, |error| -error);
            let metric = e.selection_metric().unwrap_or(lowest);
            [metric, small(e.sentiment_mse), small(e.ece)]
        };
        rank(self) > rank(other)
    }
}

/// What an evaluation should know besides gold data and answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct EvaluateOptions<'a> {
    /// The intent of rows out of scope. An answer without intent (the model abstained) is read
    /// as this one, so that such rows count as right if the model abstains or says so.
    pub oos_label: Option<&'a str>,
    /// The model's heads: a task it has no head for gets no figure. Without it, every task that
    /// the gold data or the answers have is scored.
    pub tasks: Option<&'a Tasks>,
    /// Answers less sure of their intent than this count as abstentions. Answers decoded without a
    /// threshold, and the threshold here, are better than a threshold there: then the figures about
    /// confidence (calibration, AUROC) see every row.
    pub abstain_below: Option<f32>,
}

/// The entities of `answer` as spans in bytes of `text`, the text it is about. Entities that do
/// not lie in the text are left out.
///
/// ```
/// use cs_model::{Entity, Understanding};
///
/// let entity = Entity { label: "id".into(), start: 2, end: 4, text: "12".into(), confidence: 1.0 };
/// let answer = Understanding { entities: vec![entity], ..Understanding::default() };
/// let spans = cs_train::evaluation::entity_spans("订单12", &answer);
/// assert_eq!((spans[0].start, spans[0].end), (6, 8));
/// ```
#[must_use]
pub fn entity_spans(text: &str, answer: &Understanding) -> Vec<Span> {
    let offsets = Offsets::new(text);
    let entities = answer.entities.iter();
    entities
        .filter_map(|entity| {
            let (start, end) = (offsets.byte(entity.start)?, offsets.byte(entity.end)?);
            (start < end).then(|| Span {
                start,
                end,
                label: entity.label.clone(),
            })
        })
        .collect()
}
