//! How words are disguised.

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

use super::super::error::ListError;

/// A way of writing a word so that those who look for it as it is do not find it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Trick {
    /// None: the word as the list has it.
    Exact,
    /// Capital letters, or small ones.
    Case,
    /// Full-width letters and what else Unicode holds compatible (NFKC, UAX #15): `ｆ`, `ⓕ`, `𝐟`.
    Width,
    /// Traditional characters for simplified ones, or the other way round.
    Traditional,
    /// Symbols, combining marks or unrelated emoji between the characters.
    Symbols,
    /// Spaces or line breaks between the characters, or none where the list has some.
    Spaces,
    /// Characters repeated.
    Repeat,
    /// Pinyin for Chinese characters, for all of them or some.
    Pinyin,
    /// The first letters of the pinyin for a word of three characters or more.
    Initials,
    /// Other Chinese characters that sound the same, tones aside.
    Homophone,
    /// Characters that look alike: Cyrillic or Greek letters, accents, 己 for 已.
    Shape,
    /// A Chinese character's parts side by side for the character.
    Split,
    /// Digits and symbols for the letters that they resemble.
    Leet,
    /// Emoji for what they show.
    Emoji,
    /// Characters between the others that are not seen.
    Invisible,
}

impl Trick {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Exact,
        Self::Case,
        Self::Width,
        Self::Traditional,
        Self::Symbols,
        Self::Spaces,
        Self::Repeat,
        Self::Pinyin,
        Self::Initials,
        Self::Homophone,
        Self::Shape,
        Self::Split,
        Self::Leet,
        Self::Emoji,
        Self::Invisible,
    ];

    /// Gives its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Case => "case",
            Self::Width => "width",
            Self::Traditional => "traditional",
            Self::Symbols => "symbols",
            Self::Spaces => "spaces",
            Self::Repeat => "repeat",
            Self::Pinyin => "pinyin",
            Self::Initials => "initials",
            Self::Homophone => "homophone",
            Self::Shape => "shape",
            Self::Split => "split",
            Self::Leet => "leet",
            Self::Emoji => "emoji",
            Self::Invisible => "invisible",
        }
    }
}

impl fmt::Display for Trick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Trick {
    type Err = ListError;

    fn from_str(name: &str) -> Result<Self, ListError> {
        let found = Self::ALL.into_iter().find(|trick| trick.name() == name);
        found.ok_or_else(|| ListError::Trick {
            found: name.chars().take(40).collect(),
        })
    }
}

/// A set of tricks.
///
/// ```
/// use cs_serve::safety::words::{Trick, Tricks};
///
/// let tricks: Tricks = [Trick::Exact, Trick::Case].into_iter().collect();
/// assert!(tricks.has(Trick::Case) && !tricks.has(Trick::Leet));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tricks(u16);

impl Tricks {
    /// No trick.
    pub const NONE: Self = Self(0);
    /// Every trick.
    pub const ALL: Self = Self((1 << Trick::ALL.len()) - 1);

    /// Whether a trick is in the set.
    #[must_use]
    pub const fn has(self, trick: Trick) -> bool {
        self.0 & (1 << trick as u16) != 0
    }

    /// Whether all tricks of this set are in the other one.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Gives the tricks in it.
    pub fn iter(self) -> impl Iterator<Item = Trick> {
        Trick::ALL.into_iter().filter(move |&trick| self.has(trick))
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, trick: Trick) -> Self {
        Self(self.0 | 1 << trick as u16)
    }

    /// The set without one.
    #[must_use]
    pub const fn without(self, trick: Trick) -> Self {
        Self(self.0 & !(1 << trick as u16))
    }

    pub(super) const fn len(self) -> u32 {
        self.0.count_ones()
    }
}

impl From<Trick> for Tricks {
    fn from(trick: Trick) -> Self {
        Self(1 << trick as u16)
    }
}

impl BitOr for Tricks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Trick> for Tricks {
    fn from_iter<I: IntoIterator<Item = Trick>>(tricks: I) -> Self {
        tricks
            .into_iter()
            .fold(Self::NONE, |set, trick| set | trick.into())
    }
}

impl fmt::Debug for Tricks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
