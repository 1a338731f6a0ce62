//! What a word on a list means for the text that it is in.

use std::fmt;

use serde::Serialize;

/// What is to be done with a text that has a word, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing: the word is told, and no more.
    #[default]
    Pass,
    /// A person looks at the text.
    Review,
    /// The word is covered.
    Mask,
    /// The text goes no further.
    Block,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Review => "review",
            Self::Mask => "mask",
            Self::Block => "block",
        })
    }
}

impl Action {
    pub(super) const EXPECTED: &str = "pass, review, mask, block or allow";

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "pass" => Some(Self::Pass),
            "review" => Some(Self::Review),
            "mask" => Some(Self::Mask),
            "block" => Some(Self::Block),
            _ => None,
        }
    }
}

/// How bad a word is, from 1, the least, to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Severity(u8);

impl Severity {
    pub(super) const EXPECTED: &str = "1 to 10, or low, medium or high for 1, 2 or 3";

    /// The severity of a word whose list does not say.
    pub const DEFAULT: Self = Self(1);

    /// Gives it as a number from 1 to 10.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let number = match name {
            "low" => 1,
            "medium" => 2,
            "high" => 3,
            _ => name.parse().ok()?,
        };
        (1..=10).contains(&number).then_some(Self(number))
    }
}
