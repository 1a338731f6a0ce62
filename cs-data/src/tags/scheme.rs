//! Tagging schemes: how tags, one a token, say where spans begin and end.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::Error;
use crate::text::is_label;

/// How tags say where spans begin and end. A tag is `O` or a prefix, `-` and a label; the label is
/// one word and may contain `-`.
///
/// | scheme | a span of one, two, three tokens | |
/// | --- | --- | --- |
/// | [`Iob1`](Scheme::Iob1) | `I`, `I I`, `I I I` | `B` first only right after one of its label |
/// | [`Iob2`](Scheme::Iob2) | `B`, `B I`, `B I I` | also called BIO |
/// | [`Iobes`](Scheme::Iobes) | `S`, `B E`, `B I E` | also called BIOES |
/// | [`Bilou`](Scheme::Bilou) | `U`, `B L`, `B I L` | |
/// | [`Bmes`](Scheme::Bmes) | `S`, `B E`, `B M E` | |
///
/// IOB1 and IOB2 are those of Tjong Kim Sang and Veenstra, "Representing Text Chunks" (EACL 1999),
/// BILOU that of Ratinov and Roth, "Design Challenges and Misconceptions in Named Entity
/// Recognition" (CoNLL 2009).
///
/// ```
/// use cs_data::{Scheme, Span, whitespace_tokens};
/// let tokens = whitespace_tokens("to New York today");
/// let spans = [Span::new(3, 11, "city"), Span::new(12, 17, "date")];
/// let tags = Scheme::Bilou.encode(&tokens, &spans)?;
/// assert_eq!(tags, ["O", "B-city", "L-city", "U-date"]);
/// assert_eq!(Scheme::Bilou.decode(&tokens, &tags)?, spans);
///
/// assert_eq!(Scheme::Bilou.convert(&tags, Scheme::Iob1)?, ["O", "I-city", "I-city", "I-date"]);
/// assert_eq!(Scheme::detect([&tags])?, Some(Scheme::Bilou));
/// assert_eq!("bioes".parse::<Scheme>()?, Scheme::Iobes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// `I` inside, `B` at the beginning of a span right after one of the same label.
    Iob1,
    /// `B` at the beginning, `I` inside.
    Iob2,
    /// `B` at the beginning, `I` inside, `E` at the end, `S` for a span of one token.
    Iobes,
    /// `B` at the beginning, `I` inside, `L` at the end, `U` for a span of one token.
    Bilou,
    /// `B` at the beginning, `M` inside, `E` at the end, `S` for a span of one token.
    Bmes,
}

/// What a prefix means, whatever letter a scheme writes it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Begin,
    Inside,
    End,
    Single,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [Role::Begin, Role::Inside, Role::End, Role::Single];
}

/// A tag taken apart; `None` is `O`.
pub(crate) type Tag<'a> = Option<(Role, &'a str)>;

impl Scheme {
    /// Every scheme, the one that [`detect`](Self::detect) prefers first.
    pub const ALL: [Scheme; 5] = [
        Scheme::Iob2,
        Scheme::Iobes,
        Scheme::Bilou,
        Scheme::Bmes,
        Scheme::Iob1,
    ];

    /// The prefixes of the scheme with their roles.
    fn prefixes(self) -> &'static [(&'static str, Role)] {
        use Role::{Begin, End, Inside, Single};
        match self {
            Scheme::Iob1 | Scheme::Iob2 => &[("B", Begin), ("I", Inside)],
            Scheme::Iobes => &[("B", Begin), ("I", Inside), ("E", End), ("S", Single)],
            Scheme::Bilou => &[("B", Begin), ("I", Inside), ("L", End), ("U", Single)],
            Scheme::Bmes => &[("B", Begin), ("M", Inside), ("E", End), ("S", Single)],
        }
    }

    /// Whether a span's last token is marked.
    pub(super) fn marks_ends(self) -> bool {
        !matches!(self, Scheme::Iob1 | Scheme::Iob2)
    }

    /// The prefix of a role; empty if the scheme has none.
    pub(crate) fn prefix(self, role: Role) -> &'static str {
        let found = self.prefixes().iter().find(|(_, known)| *known == role);
        found.map_or("", |(prefix, _)| prefix)
    }

    pub(crate) fn parse(self, tag: &str) -> Option<Tag<'_>> {
        if tag == "O" {
            return Some(None);
        }
        let (prefix, label) = tag.split_once('-')?;
        let (_, role) = self.prefixes().iter().find(|(known, _)| *known == prefix)?;
        is_label(label).then_some(Some((*role, label)))
    }

    /// The role of the token `at` in a span of the tokens `covered`; `behind`: right after a span
    /// of the same label.
    pub(crate) fn role(self, at: usize, covered: &Range<usize>, behind: bool) -> Role {
        let (first, last) = (at == covered.start, at + 1 == covered.end);
        match (first, last && self.marks_ends()) {
            (true, true) => Role::Single,
            (false, true) => Role::End,
            (true, false) if self != Scheme::Iob1 || behind => Role::Begin,
            _ => Role::Inside,
        }
    }

    /// Whether a tag may stand after another.
    pub(super) fn may_follow(self, before: Tag<'_>, tag: Tag<'_>) -> bool {
        let (role, label) = tag.unzip();
        let same = label.is_some() && label == before.map(|(_, label)| label);
        match self {
            Scheme::Iob1 => role != Some(Role::Begin) || same,
            Scheme::Iob2 => role != Some(Role::Inside) || same,
            _ => {
                let continues = matches!(role, Some(Role::Inside | Role::End));
                continues == is_open(before) && (!continues || same)
            }
        }
    }

    /// What may stand after a tag, in words.
    pub(super) fn continuation(self, tag: &str) -> String {
        match self.parse(tag).flatten() {
            Some((Role::Begin | Role::Inside, label)) if self.marks_ends() => {
                let (inside, end) = (self.prefix(Role::Inside), self.prefix(Role::End));
                format!("{inside}-{label} or {end}-{label}")
            }
            _ if self.marks_ends() => format!("O, B-label or {}-label", self.prefix(Role::Single)),
            _ => "O or I-label".into(),
        }
    }

    /// What a tag may look like, in words.
    pub(crate) fn tag_forms(self) -> &'static str {
        match self {
            Scheme::Iob1 | Scheme::Iob2 => "O, B-label or I-label",
            Scheme::Iobes => "O or B-, I-, E- or S- with a label",
            Scheme::Bilou => "O or B-, I-, L- or U- with a label",
            Scheme::Bmes => "O or B-, M-, E- or S- with a label",
        }
    }
}

/// Whether a span that contains this tag goes on where ends are marked.
pub(super) fn is_open(tag: Tag<'_>) -> bool {
    matches!(tag, Some((Role::Begin | Role::Inside, _)))
}

impl fmt::Display for Scheme {
    /// Writes the name in capitals, as `IOB2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Iob1 => "IOB1",
            Scheme::Iob2 => "IOB2",
            Scheme::Iobes => "IOBES",
            Scheme::Bilou => "BILOU",
            Scheme::Bmes => "BMES",
        })
    }
}

impl FromStr for Scheme {
    type Err = Error;

    /// Reads a name, in capitals or not; also `bio` (IOB2) and `bioes` (IOBES).
    fn from_str(name: &str) -> Result<Self, Error> {
        match name.to_ascii_lowercase().as_str() {
            "iob1" => Ok(Scheme::Iob1),
            "iob2" | "bio" => Ok(Scheme::Iob2),
            "iobes" | "bioes" => Ok(Scheme::Iobes),
            "bilou" => Ok(Scheme::Bilou),
            "bmes" => Ok(Scheme::Bmes),
            _ => Err(Error::argument(
                "scheme",
                name,
                "iob1, iob2, iobes, bilou or bmes",
            )),
        }
    }
}
