//! How rows spread over intents and sentiments.

use std::collections::BTreeMap;

use serde::Serialize;

use super::row::Row;

/// An intent and the number of its rows.
///
/// ```
/// use cs_data::audit::Class;
/// let class = Class { intent: "refund".into(), rows: 12, core: true };
/// assert_eq!(serde_json::to_value(&class).unwrap()["rows"], 12);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Name of the intent.
    pub intent: String,
    /// Number of its rows; 0 for a core intent that does not occur.
    pub rows: usize,
    /// Whether the intent is a core intent, which coverage counts.
    pub core: bool,
}

/// The intents that occur and the core intents, largest first, then by name.
pub(super) fn classes(rows: &[Row], core: Option<&[String]>) -> Vec<Class> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        if let Some(intent) = &row.utterance.intent {
            *counts.entry(intent).or_default() += 1;
        }
    }
    for intent in core.unwrap_or_default() {
        counts.entry(intent).or_default();
    }
    let is_core = |intent: &str| core.is_none_or(|core| core.iter().any(|known| known == intent));
    let mut classes: Vec<Class> = counts
        .into_iter()
        .map(|(intent, rows)| Class {
            intent: intent.to_owned(),
            rows,
            core: is_core(intent),
        })
        .collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.rows));
    classes
}

/// Share of the core intents with at least `min_examples` rows; `None` without any.
pub(super) fn coverage(classes: &[Class], min_examples: usize) -> Option<f64> {
    let core = classes.iter().filter(|class| class.core);
    let covered = core
        .clone()
        .filter(|class| class.rows >= min_examples)
        .count();
    let all = core.count();
    (all > 0).then(|| covered as f64 / all as f64)
}

/// Rows of the largest intent to those of the smallest that occurs; `None` without two.
pub(super) fn imbalance(classes: &[Class]) -> Option<f64> {
    let sizes = classes
        .iter()
        .map(|class| class.rows)
        .filter(|&rows| rows > 0);
    if sizes.clone().count() < 2 {
        return None;
    }
    let (largest, smallest) = (sizes.clone().max()?, sizes.min()?);
    Some(largest as f64 / smallest as f64)
}

/// Numbers of rows by sentiment.
///
/// ```
/// use cs_data::audit::Sentiments;
/// let balance = Sentiments { positive: 30, negative: 10, neutral: 5 };
/// assert_eq!(balance.imbalance(), Some(3.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sentiments {
    /// Number of rows above 0.5.
    pub positive: usize,
    /// Number of rows below 0.5.
    pub negative: usize,
    /// Number of rows at exactly 0.5.
    pub neutral: usize,
}

impl Sentiments {
    pub(super) fn of(rows: &[Row]) -> Self {
        let mut out = Sentiments::default();
        for sentiment in rows.iter().filter_map(|row| row.utterance.sentiment) {
            match side(sentiment) {
                Some("positive") => out.positive += 1,
                Some(_) => out.negative += 1,
                None => out.neutral += 1,
            }
        }
        out
    }

    /// Ratio of the larger to the smaller of positive and negative, infinite if one is missing;
    /// `None` without either.
    pub fn imbalance(&self) -> Option<f64> {
        let (large, small) = (
            self.positive.max(self.negative),
            self.positive.min(self.negative),
        );
        (large > 0).then(|| large as f64 / small as f64)
    }
}

/// The side of a sentiment; none in the middle.
pub(super) fn side(sentiment: f32) -> Option<&'static str> {
    match sentiment {
        s if s > 0.5 => Some("positive"),
        s if s < 0.5 => Some("negative"),
        _ => None,
    }
}
