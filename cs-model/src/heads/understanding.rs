//! [`Understanding`]: what a model answers to a text.

use serde::{Deserialize, Serialize};

/// What a customer's turn means. Its JSON is the line that `predict` prints.
///
/// ```
/// use cs_model::Understanding;
///
/// let json = r#"{"text": "退订单7", "intent": {"label": "refund", "confidence": 0.9},
///     "entities": [{"label": "order_id", "start": 3, "end": 4, "text": "7", "confidence": 0.8}],
///     "sentiment": null}"#;
/// let turn: Understanding = serde_json::from_str(json)?;
/// assert_eq!(turn.entities[0].start, 3); // characters, not bytes
/// assert!(!turn.truncated);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    /// The text as given.
    pub text: String,
    /// The most likely intent; `None` without an intent head, below the
    /// [threshold](crate::Calibration::abstain_below), and where there is nothing to answer
    /// ([`Encoding::is_blank`](cs_data::Encoding::is_blank)).
    pub intent: Option<Intent>,
    /// The likeliest intents, at most [`RANKED`], the likeliest first, whatever the threshold; empty
    /// without an intent head and where there is nothing to answer.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// Entities in the order of the text; they do not overlap.
    pub entities: Vec<Entity>,
    /// From 0 (negative) to 1 (positive); `None` without a sentiment head, and where there is nothing
    /// to answer.
    pub sentiment: Option<f32>,
    /// Whether the text was longer than the model reads, so that only its beginning counted.
    #[serde(default)]
    pub truncated: bool,
    /// Which model answered: its [version](crate::Bundle::version).
    #[serde(default)]
    pub model: Option<String>,
}

/// Intents in an [`Understanding`]'s ranking, at most.
pub const RANKED: usize = 10;

/// A label and how sure the model is of it.
///
/// ```
/// let intent = cs_model::Intent { label: "refund".into(), confidence: 0.9 };
/// assert_eq!(serde_json::to_value(intent).unwrap()["label"], "refund");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// One of [`Tasks::intent`](crate::Tasks::intent).
    pub label: String,
    /// Softmax probability at the calibration's temperature; 0 if the logits are not finite.
    pub confidence: f32,
}

/// A labelled piece of the text.
///
/// ```
/// use cs_model::Entity;
/// let entity = Entity { label: "city".into(), start: 2, end: 4, text: "上海".into(), confidence: 1.0 };
/// assert_eq!(entity.text.chars().count(), entity.end - entity.start);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// The slot label.
    pub label: String,
    /// First character, counted in Unicode scalar values.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The characters themselves.
    pub text: String,
    /// Mean probability of the tags of its words: each by itself, or, with a conditional random field,
    /// given the whole text.
    pub confidence: f32,
}
