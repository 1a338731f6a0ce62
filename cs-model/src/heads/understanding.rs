//! [`Understanding`]: what a model answers to a text.

use serde::{Deserialize, Serialize};

/// The answer of a model to a customer's turn: intent, entities and sentiment. Its JSON is the line
/// that `predict` prints.
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Understanding {
    /// The text as it was given.
    pub text: String,
    /// The most likely intent. There is none without an intent head, below the calibration's
    /// threshold, and where there is nothing to answer: no text, or none that the model can read.
    pub intent: Option<Intent>,
    /// The likeliest intents, at most 10 of them, the likeliest first, whatever the threshold.
    /// Empty without an intent head and where there is nothing to answer.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// The entities in the order of the text; no two of them overlap.
    pub entities: Vec<Entity>,
    /// The sentiment from 0 (negative) to 1 (positive). There is none without a sentiment head, and
    /// where there is nothing to answer.
    pub sentiment: Option<f32>,
    /// Whether the text was longer than the model reads, so that only its beginning counted.
    #[serde(default)]
    pub truncated: bool,
    /// The version of the model that answered. There is none of a plain Hugging Face folder.
    #[serde(default)]
    pub model: Option<String>,
    /// The text's vector, which intent and sentiment were computed from, of the encoder's width.
    /// There is none unless it was asked for, and it is not part of the JSON.
    #[serde(skip)]
    pub embedding: Option<Vec<f32>>,
}

/// The largest number of intents in the ranking of an [`Understanding`].
pub const RANKED: usize = 10;

/// A label and how sure the model is of it.
///
/// ```
/// let intent = cs_model::Intent { label: "refund".into(), confidence: 0.9 };
/// assert_eq!(serde_json::to_value(intent).unwrap()["label"], "refund");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Intent {
    /// The label, one of the model's.
    pub label: String,
    /// The softmax probability at the calibration's temperature; 0 if the logits are not finite.
    pub confidence: f32,
}

/// A piece of the text with a slot label.
///
/// ```
/// use cs_model::Entity;
/// let (label, text) = ("city".into(), "上海".into());
/// let entity = Entity { label, start: 2, end: 4, text, confidence: 1.0 };
/// assert_eq!(entity.text.chars().count(), entity.end - entity.start);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entity {
    /// The slot label, without the `B-` or `I-` of a tag.
    pub label: String,
    /// The position of the first character, counted in Unicode scalar values.
    pub start: usize,
    /// The position after the last character, counted in Unicode scalar values.
    pub end: usize,
    /// The characters from `start` to `end`.
    pub text: String,
    /// The mean probability of the tags of its words: of each word's tag by itself or, with a
    /// conditional random field, given the whole text.
    pub confidence: f32,
}
