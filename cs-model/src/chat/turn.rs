//! What somebody said.

use serde::{Deserialize, Serialize};

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The service, to the model: how it shall answer.
    System,
    /// The customer.
    User,
    /// The model.
    Assistant,
}

/// A turn of a conversation, as chat templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The one who said it.
    pub role: Role,
    /// The text, in which special tokens are text.
    pub content: String,
}

impl Turn {
    /// Makes a turn.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}
