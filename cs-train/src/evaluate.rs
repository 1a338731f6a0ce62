//! [`evaluate`]: a model's answers against labelled utterances.

use cs_data::{Offsets, Span, Utterance};
use cs_model::{Tasks, Understanding};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::metrics::{
    SpanCounts, accuracy, expected_calibration_error, macro_f1, mean_squared_error,
};

/// How well a model does; `None` (JSON `null`) where the data has no such label or the model no
/// such head.
///
/// ```
/// let evaluation = cs_train::Evaluation { intent_macro_f1: Some(0.8), slot_f1: Some(0.6), ..Default::default() };
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
    /// Share of the rows out of scope that were recognised; only with
    /// [`EvaluateOptions::oos_label`].
    pub oos_recall: Option<f64>,
}

impl Evaluation {
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
    /// use cs_train::Evaluation;
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
///
/// ```
/// let options = cs_train::EvaluateOptions { oos_label: Some("oos"), ..Default::default() };
/// assert!(options.tasks.is_none());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct EvaluateOptions<'a> {
    /// The intent of rows out of scope. An answer without intent (the model abstained) is read
    /// as this one.
    pub oos_label: Option<&'a str>,
    /// The model's heads: a task it has no head for gets no figure. Without it, every task that
    /// the gold data or the answers have is scored.
    pub tasks: Option<&'a Tasks>,
}

/// Scores `predicted` against `gold`, row by row.
///
/// Rows without an intent or sentiment are left out of that figure. Labels that the model does
/// not have count as wrong, simply because it cannot answer them. O(rows + spans).
///
/// # Errors
///
/// [`Error::Shape`] if there are not as many answers as rows.
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::{Intent, Understanding};
/// use cs_train::{EvaluateOptions, evaluate};
///
/// let gold = [Utterance::new("1", "hi").with_intent("hello")];
/// let answer = Understanding {
///     text: "hi".into(),
///     intent: Some(Intent { label: "hello".into(), confidence: 0.9 }),
///     entities: vec![],
///     sentiment: None,
///     truncated: false,
/// };
/// let evaluation = evaluate(&gold, &[answer], &EvaluateOptions::default())?;
/// assert_eq!(evaluation.intent_accuracy, Some(1.0));
/// assert_eq!(evaluation.slot_f1, None);
/// # Ok::<(), cs_train::Error>(())
/// ```
pub fn evaluate(
    gold: &[Utterance],
    predicted: &[Understanding],
    options: &EvaluateOptions<'_>,
) -> Result<Evaluation> {
    if gold.len() != predicted.len() {
        return Err(Error::Shape {
            what: "answers".to_owned(),
            expected: gold.len().to_string(),
            got: predicted.len().to_string(),
        });
    }
    let pairs = Pairs {
        gold,
        predicted,
        options,
    };
    let (slot_f1, spans_right) = pairs.slots();
    let intents = || pairs.intents().into_iter().flatten();
    let confident = intents().filter_map(|i| Some((i.confidence?, i.right())));
    let in_oos = |intent: &IntentPair<'_>| Some(intent.gold) == options.oos_label;
    Ok(Evaluation {
        intent_accuracy: accuracy(intents().map(|i| (i.gold, i.predicted))),
        intent_macro_f1: macro_f1(intents().map(|i| (i.gold, i.predicted))),
        slot_f1,
        sentence_accuracy: pairs.sentence_accuracy(&spans_right),
        sentiment_mse: mean_squared_error(pairs.sentiments()),
        ece: expected_calibration_error(confident),
        oos_recall: accuracy(intents().filter(in_oos).map(|i| (i.gold, i.predicted))),
    })
}

/// The entities of `answer` as spans in bytes of `text`, the text it is about. Entities that do
/// not lie in the text are left out.
///
/// ```
/// use cs_model::{Entity, Understanding};
///
/// let entity = Entity { label: "id".into(), start: 2, end: 4, text: "12".into(), confidence: 1.0 };
/// let answer = Understanding { text: "订单12".into(), intent: None, entities: vec![entity], sentiment: None, truncated: false };
/// let spans = cs_train::entity_spans("订单12", &answer);
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

struct Pairs<'a> {
    gold: &'a [Utterance],
    predicted: &'a [Understanding],
    options: &'a EvaluateOptions<'a>,
}

struct IntentPair<'a> {
    gold: &'a str,
    predicted: Option<&'a str>,
    confidence: Option<f64>,
}

impl IntentPair<'_> {
    fn right(&self) -> bool {
        self.predicted == Some(self.gold)
    }
}

impl<'a> Pairs<'a> {
    fn rows(&self) -> impl Iterator<Item = (&'a Utterance, &'a Understanding)> {
        self.gold.iter().zip(self.predicted)
    }

    /// One entry a row; `None` where no intent is to be scored.
    fn intents(&self) -> Vec<Option<IntentPair<'a>>> {
        let scored = self
            .options
            .tasks
            .is_none_or(|tasks| tasks.intent.is_some());
        let pair = |(gold, predicted): (&'a Utterance, &'a Understanding)| {
            let intent = predicted.intent.as_ref();
            Some(IntentPair {
                gold: gold.intent.as_deref().filter(|_| scored)?,
                predicted: intent
                    .map(|intent| intent.label.as_str())
                    .or(self.options.oos_label),
                confidence: intent.map(|intent| f64::from(intent.confidence)),
            })
        };
        self.rows().map(pair).collect()
    }

    /// The span F1, and whether each row's spans are right; both `None` if there is nothing to
    /// score.
    fn slots(&self) -> (Option<f64>, Option<Vec<bool>>) {
        let mut counts = SpanCounts::default();
        let right = self
            .rows()
            .map(|(gold, predicted)| counts.add(&gold.spans, &entity_spans(&gold.text, predicted)))
            .collect();
        let has_head = self.options.tasks.is_none_or(|tasks| tasks.slots.is_some());
        if has_head && counts.gold + counts.predicted > 0 {
            (Some(counts.f1()), Some(right))
        } else {
            (None, None)
        }
    }

    fn sentence_accuracy(&self, spans_right: &Option<Vec<bool>>) -> Option<f64> {
        let intents = self.intents();
        if spans_right.is_none() && intents.iter().all(Option::is_none) {
            return None;
        }
        let scored = |row: &usize| spans_right.is_some() || intents[*row].is_some();
        let right = |row: usize| {
            intents[row].as_ref().is_none_or(IntentPair::right)
                && spans_right.as_ref().is_none_or(|spans| spans[row])
        };
        let rows: Vec<usize> = (0..intents.len()).filter(scored).collect();
        let count = rows.iter().filter(|&&row| right(row)).count();
        (!rows.is_empty()).then(|| count as f64 / rows.len() as f64)
    }

    fn sentiments(&self) -> impl Iterator<Item = (f64, f64)> {
        self.rows().filter_map(|(gold, predicted)| {
            Some((f64::from(gold.sentiment?), f64::from(predicted.sentiment?)))
        })
    }
}
