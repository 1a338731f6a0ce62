//! What a log has of a turn.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::safety::personal::{Found, Mask, Masked, Masker, Masking};

/// A turn: what the customer said, what was replied, and how that came about.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Row {
    /// When the turn began, in milliseconds since 1970.
    pub time: u64,
    /// The conversation; its tag, once masked.
    pub conversation: String,
    /// The customer, if known; their tag, once masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The number of the turn in its conversation, from 1.
    pub turn: u32,
    /// What the customer said.
    pub text: String,
    /// What was replied.
    pub reply: String,
    /// The model that understood the text, by name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What understood it: `cache`, `light` or `full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What the reply is from, as `template` or `generated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How satisfied the customer was, from 0 to 1, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfied: Option<f32>,
    /// What a filter did with the text, as `pass` or `block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered_input: Option<String>,
    /// What a filter did with the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered_reply: Option<String>,
    /// What a candidate makes of the turn otherwise than the model that answered it. None says nothing: few turns are
    /// compared, and of these some are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<Disagreement>,
}

/// What a candidate makes of a turn otherwise than the model that answered it, in labels of the models and names of sources,
/// not in what anybody has said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Disagreement {
    /// The candidate, by name and version.
    pub model: String,
    /// What it has otherwise.
    pub differences: Vec<Difference>,
}

/// One thing that a candidate has otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// What it is, as `intent` or `reply`.
    pub aspect: String,
    /// What the model has that answered.
    pub stable: String,
    /// What the candidate has instead.
    pub candidate: String,
}

/// How a customer rates a turn, after it: a later one counts instead of an earlier one.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rating {
    /// When it was rated, in milliseconds since 1970.
    pub time: u64,
    /// The conversation; its tag, once masked.
    pub conversation: String,
    /// The number of the turn in its conversation, from 1.
    pub turn: u32,
    /// How satisfied the customer is, from 0 to 1.
    pub satisfied: f32,
}

/// What a candidate makes of a turn otherwise, told after it.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// When the turn began, as its row says, in milliseconds since 1970.
    pub time: u64,
    /// The conversation; its tag, once masked.
    pub conversation: String,
    /// The number of the turn in its conversation, from 1.
    pub turn: u32,
    /// What the candidate has otherwise.
    pub disagreement: Disagreement,
}

/// Without names and texts, which may not have been masked.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("time", &self.time)
            .field("turn", &self.turn)
            .field("text_bytes", &self.text.len())
            .field("reply_bytes", &self.reply.len())
            .field("satisfied", &self.satisfied)
            .finish_non_exhaustive()
    }
}

/// Without the conversation's name, which may not have been masked.
impl fmt::Debug for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rating")
            .field("time", &self.time)
            .field("turn", &self.turn)
            .field("satisfied", &self.satisfied)
            .finish_non_exhaustive()
    }
}

/// Without the conversation's name, which may not have been masked.
impl fmt::Debug for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Comparison")
            .field("time", &self.time)
            .field("turn", &self.turn)
            .field("disagreement", &self.disagreement)
            .finish_non_exhaustive()
    }
}

impl Row {
    /// Masks text and reply, and puts tags in the place of conversation and customer.
    #[must_use]
    pub fn masked(self, masker: &Masker) -> Masked<Self> {
        self.masked_with(masker, &[], &[])
    }

    /// Masks text and reply, and in them what another one has found besides, as [`Masker::text_with`] does.
    #[must_use]
    pub fn masked_with(
        self,
        masker: &Masker,
        in_text: &[Found],
        in_reply: &[Found],
    ) -> Masked<Self> {
        let conversation = self.conversation.clone();
        masker.mask_by(&conversation, |masking| Self {
            conversation: masking.conversation(&self.conversation),
            customer: self.customer.map(|it| masking.customer(&it)),
            text: masking.text_with(&self.text, in_text),
            reply: masking.text_with(&self.reply, in_reply),
            ..self
        })
    }
}

impl Rating {
    /// Puts a tag in the place of the conversation.
    #[must_use]
    pub fn masked(self, masker: &Masker) -> Masked<Self> {
        let conversation = self.conversation.clone();
        masker.mask(&conversation, self)
    }
}

impl Mask for Rating {
    fn mask(self, masking: &Masking<'_>) -> Self {
        Self {
            conversation: masking.conversation(&self.conversation),
            ..self
        }
    }
}

impl Comparison {
    /// Puts a tag in the place of the conversation.
    #[must_use]
    pub fn masked(self, masker: &Masker) -> Masked<Self> {
        let conversation = self.conversation.clone();
        masker.mask(&conversation, self)
    }
}

impl Mask for Comparison {
    fn mask(self, masking: &Masking<'_>) -> Self {
        Self {
            conversation: masking.conversation(&self.conversation),
            ..self
        }
    }
}

/// What a frame holds, as JSON: `{"row": {…}}`, `{"rating": {…}}` or `{"comparison": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Record<R = Row, S = Rating, C = Comparison> {
    Row(R),
    Rating(S),
    Comparison(C),
}

/// What is put into a frame.
pub(super) type Given<'a> = Record<&'a Row, &'a Rating, &'a Comparison>;
