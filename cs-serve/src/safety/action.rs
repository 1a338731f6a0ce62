//! What is done with a text in which something on a list is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is to be done with a text in which something on a list is, the mildest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing: it is told, and no more.
    #[default]
    Pass,
    /// A person looks at the text.
    Review,
    /// It is covered.
    Mask,
    /// The text goes no further.
    Block,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Action {
    /// All of them, the mildest first.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Review, Self::Mask, Self::Block];

    /// Gives its name, as in lists and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Review => "review",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }

    pub(super) const EXPECTED: &str = "pass, review, mask, block or allow";

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// How bad something on a list is, from 1, the least, to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Severity(u8);

impl Severity {
    pub(super) const EXPECTED: &str = "1 to 10, or low, medium or high for 1, 2 or 3";

    /// The severity of what a list does not say it of.
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
