//! [`evaluate`]: a model's answers against labelled utterances.

use std::collections::BTreeMap;

use cs_data::Utterance;
use cs_model::Understanding;

use super::figures::{EvaluateOptions, Evaluation};
use super::tally::Tally;
use crate::error::Result;
use crate::metrics::{Bootstrap, Interval};

/// Scores `predicted` against `gold`, row by row.
///
/// Rows without an intent or sentiment are left out of that figure, rows that are not tagged
/// ([`Utterance::is_tagged`]) of the entities'. Labels that the model does
/// not have count as wrong, simply because it cannot answer them. O(rows + spans).
///
/// # Errors
///
/// [`Error::Shape`](crate::Error::Shape) if there are not as many answers as rows;
/// [`Error::Answer`](crate::Error::Answer) if a confidence or sentiment is not in 0..=1.
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::{Intent, Understanding};
/// use cs_train::evaluation::{EvaluateOptions, evaluate};
///
/// let gold = [Utterance::new("1", "hi").with_intent("hello")];
/// let answer = Understanding {
///     text: "hi".into(),
///     intent: Some(Intent { label: "hello".into(), confidence: 0.9 }),
///     ..Understanding::default()
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
    Ok(Tally::new(gold, predicted, options)?.evaluation())
}

/// Intervals of the figures of [`evaluate()`] that are defined, by name, from resampled rows.
/// O(resamples · rows).
///
/// # Errors
///
/// As [`evaluate()`] and [`Bootstrap::validate`].
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::Understanding;
/// use cs_train::metrics::Bootstrap;
/// use cs_train::evaluation::{EvaluateOptions, intervals};
///
/// let answer: Understanding = serde_json::from_str(
///     r#"{"text": "hi", "intent": {"label": "hello", "confidence": 0.9}, "entities": [], "sentiment": null}"#,
/// )?;
/// let intents = ["hello", "refund", "hello", "hello"];
/// let gold = intents.map(|intent| Utterance::new("1", "hi").with_intent(intent));
/// let answers = vec![answer; 4];
/// let intervals = intervals(&gold, &answers, &EvaluateOptions::default(), &Bootstrap::default())?;
/// let accuracy = intervals["intent_accuracy"];
/// assert!(accuracy.low < 0.75 && 0.75 < accuracy.high);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn intervals(
    gold: &[Utterance],
    predicted: &[Understanding],
    options: &EvaluateOptions<'_>,
    bootstrap: &Bootstrap,
) -> Result<BTreeMap<String, Interval>> {
    intervals_of(&Tally::new(gold, predicted, options)?, bootstrap)
}

pub(crate) fn intervals_of(
    scored: &Tally<'_>,
    bootstrap: &Bootstrap,
) -> Result<BTreeMap<String, Interval>> {
    let figures = |weights: &[u32]| scored.resampled(weights).values();
    let intervals = bootstrap.intervals(scored.rows.len(), figures)?;
    let named = Evaluation::FIGURES.iter().zip(intervals);
    Ok(named
        .filter_map(|(name, interval)| Some(((*name).to_owned(), interval?)))
        .collect())
}
