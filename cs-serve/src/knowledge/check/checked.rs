//! What came of a check.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the facts say of a reply, or of one claim of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A claim is known to be true, and none of the others to be false.
    Supported,
    /// A claim is known to be false.
    Contradicted,
    /// Nothing is known that would tell.
    Unknown,
    /// Nothing is claimed.
    NoClaim,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Contradicted => "contradicted",
            Self::Unknown => "unknown",
            Self::NoClaim => "no-claim",
        })
    }
}

/// A claim of a reply beside what is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct CheckedFact {
    /// What it is about, by name; null if that is not clear.
    pub subject: Option<String>,
    /// Which of its properties, by name.
    pub predicate: String,
    /// The value, as the reply has it.
    pub claimed: String,
    /// The value that is known; null if none is, or if the claim cannot be held against it.
    pub known: Option<String>,
    /// The first character of the claimed value, counted in Unicode scalar values.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
    /// What the known value says of the claimed one.
    #[serde(skip, default = "untold")]
    pub verdict: Verdict,
}

/// The verdict of a claim that was read from a file.
fn untold() -> Verdict {
    Verdict::Unknown
}

/// A reply, held against the facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Checked {
    /// What they say of all of it.
    pub verdict: Verdict,
    /// Its claims, from left to right.
    pub facts: Vec<CheckedFact>,
    /// The reply with what is known in place of what is false; null if nothing is, or if there is
    /// nothing to put in its place.
    pub corrected: Option<String>,
}

impl Verdict {
    /// Gives the verdict of a reply from those of its claims.
    pub(super) fn of_all(mut claims: impl Iterator<Item = Self> + Clone) -> Self {
        let has = |wanted| claims.clone().any(|it| it == wanted);
        if has(Self::Contradicted) {
            Self::Contradicted
        } else if has(Self::Supported) {
            Self::Supported
        } else if claims.next().is_some() {
            Self::Unknown
        } else {
            Self::NoClaim
        }
    }
}
