//! What each head of a model can be judged by, and how well it does: what decides about a smaller
//! model.

use std::collections::BTreeMap;

use cs_data::Utterance;
use cs_model::{Tasks, Understanding};

use super::evaluate::evaluate;
use super::figures::EvaluateOptions;
use crate::error::Result;

/// A row with those of its labels that the model has: others are wrong whatever it answers.
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::Tasks;
/// use cs_train::evaluation::with_known_labels;
///
/// let tasks = Tasks { intent: Some(vec!["greeting".into()]), ..Tasks::default() };
/// let row = |intent| with_known_labels(&Utterance::new("1", "hi").with_intent(intent), &tasks);
/// assert_eq!(row("greeting").intent.as_deref(), Some("greeting"));
/// assert_eq!(row("small_talk").intent, None);
/// ```
#[must_use]
pub fn with_known_labels(row: &Utterance, tasks: &Tasks) -> Utterance {
    let mut row = row.clone();
    let intents = tasks.intent.as_deref().unwrap_or_default();
    row.intent = row.intent.filter(|intent| intents.contains(intent));
    let tags = tasks.slot_tags();
    let is_tag = |label: &str| tags.iter().any(|tag| tag.strip_prefix("B-") == Some(label));
    row.spans.retain(|span| is_tag(&span.label));
    row
}

/// The heads of the model that no row has a label for, among the labels the model knows: `intent`,
/// `slots`, `sentiment`.
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::Tasks;
/// use cs_train::evaluation::unlabelled_heads;
///
/// let tasks = Tasks { intent: Some(vec!["greeting".into()]), sentiment: true, ..Tasks::default() };
/// let rows = [Utterance::new("1", "hi").with_intent("greeting")];
/// assert_eq!(unlabelled_heads(&rows, &tasks), ["sentiment"]);
/// ```
#[must_use]
pub fn unlabelled_heads(rows: &[Utterance], tasks: &Tasks) -> Vec<&'static str> {
    let rows = rows.iter().map(|row| with_known_labels(row, tasks));
    let rows: Vec<Utterance> = rows.collect();
    let mut heads = tasks.heads();
    heads.retain(|head| !rows.iter().any(|row| is_labelled(row, head)));
    heads
}

fn is_labelled(row: &Utterance, head: &str) -> bool {
    match head {
        "intent" => row.intent.is_some(),
        "slots" => !row.spans.is_empty(),
        _ => row.sentiment.is_some(),
    }
}

/// A figure a head, the larger the better: intent accuracy, span F1, and 1 − the mean squared error
/// of the sentiment, of those the model and the rows have.
///
/// # Errors
///
/// As [`evaluate()`].
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::{Intent, Tasks, Understanding};
/// use cs_train::evaluation::head_figures;
///
/// let gold = [Utterance::new("1", "hi").with_intent("greeting")];
/// let answer = Understanding {
///     intent: Some(Intent { label: "greeting".into(), confidence: 0.9 }),
///     ..Understanding::default()
/// };
/// let tasks = Tasks { intent: Some(vec!["greeting".into()]), ..Tasks::default() };
/// assert_eq!(head_figures(&gold, &[answer], &tasks)?, [("intent".to_owned(), 1.0)].into());
/// # Ok::<(), cs_train::Error>(())
/// ```
pub fn head_figures(
    rows: &[Utterance],
    answers: &[Understanding],
    tasks: &Tasks,
) -> Result<BTreeMap<String, f64>> {
    let options = EvaluateOptions {
        tasks: Some(tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(rows, answers, &options)?;
    let all = [
        ("intent", evaluation.intent_accuracy),
        ("slots", evaluation.slot_f1),
        ("sentiment", evaluation.sentiment_mse.map(|mse| 1.0 - mse)),
    ];
    let there = all.into_iter();
    Ok(there
        .filter_map(|(head, figure)| Some((head.to_owned(), figure?)))
        .collect())
}
