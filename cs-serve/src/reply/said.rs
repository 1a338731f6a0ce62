//! A reply, its source and its evidence.

use serde::{Deserialize, Serialize};

use crate::knowledge::check::Checked;

/// Where a reply comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A text that somebody wrote for this place: a flow's, or a reply to an intent.
    Template,
    /// A question that somebody answered before.
    Faq,
    /// Facts.
    Knowledge,
    /// A language model, held against the facts.
    Generated,
    /// Nothing that is known: a person goes on.
    Handover,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 5] = [
        Self::Template,
        Self::Faq,
        Self::Knowledge,
        Self::Generated,
        Self::Handover,
    ];

    /// Gives the name in answers and figures, as `template`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Faq => "faq",
            Self::Knowledge => "knowledge",
            Self::Generated => "generated",
            Self::Handover => "handover",
        }
    }
}

/// What a reply rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// What kind of thing it is.
    pub source: Source,
    /// The name by which it is found again: a flow's step, a reply's id, a fact's subject and predicate.
    pub id: String,
    /// It, or what it says, in words.
    pub text: String,
}

/// What is said to a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub source: Source,
    /// What it rests on, what matters most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What facts say of it; none if there are none, or nothing had to be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}
