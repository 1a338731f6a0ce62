//! Tagging schemes: how tags, one a token, say where spans begin and end.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::Error;
use crate::text::{Span, is_label};

use super::error::IobError;

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

/// What is wrong with the tag at an index. Cheap, because detection makes many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed,
    Follows,
    Unclosed,
}

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
    fn marks_ends(self) -> bool {
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

    /// Gives one tag for each token (byte ranges in order).
    ///
    /// A span takes the tokens that lie in it. White space at its ends does no harm, but
    /// [`decode`](Self::decode) gives the span back without it. O(tokens + spans).
    ///
    /// # Errors
    ///
    /// A span that cuts a token, contains none, overlaps or precedes the one before it, or whose
    /// label is not one word.
    pub fn encode(self, tokens: &[Range<usize>], spans: &[Span]) -> Result<Vec<String>, IobError> {
        let mut tags = vec!["O".to_owned(); tokens.len()];
        let mut next = 0;
        let mut last: Option<&Span> = None;
        for span in spans {
            let from = next;
            let covered = covered(tokens, span, last, &mut next)?;
            let touches = covered.start == from && from > 0;
            let before = last.filter(|_| touches).map(|last| last.label.as_str());
            for at in covered.clone() {
                let prefix = self.prefix(self.role(at, &covered, before == Some(&span.label)));
                tags[at] = format!("{prefix}-{}", span.label);
            }
            last = Some(span);
        }
        Ok(tags)
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

    /// Gives the spans of well-formed tags: from the first byte of a span's first token to the last
    /// byte of its last.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate), or a number of tags other than the number of tokens.
    pub fn decode<S: AsRef<str>>(
        self,
        tokens: &[Range<usize>],
        tags: &[S],
    ) -> Result<Vec<Span>, IobError> {
        if tokens.len() != tags.len() {
            return Err(IobError::Length {
                tokens: tokens.len(),
                tags: tags.len(),
            });
        }
        self.validate(tags)?;
        Ok(self.decode_lenient(tokens, tags))
    }

    /// Gives the spans of any tags, as seqeval's default mode (and, for IOB, conlleval) sees them:
    /// whatever continues nothing opens a span, whatever is not closed ends before the next tag
    /// that does not continue it. What is no tag of this scheme counts as `O`; tags or tokens
    /// beyond the shorter of both are ignored.
    ///
    /// seqeval's default mode knows the letters of IOB and IOBES only; the other schemes' are
    /// read as their counterparts there (`L` as `E`, `U` as `S`, `M` as `I`).
    ///
    /// ```
    /// use cs_data::{Scheme, Span, whitespace_tokens};
    /// let tokens = whitespace_tokens("to New York today");
    /// let spans = Scheme::Iobes.decode_lenient(&tokens, &["O", "I-city", "I-city", "E-date"]);
    /// assert_eq!(spans, [Span::new(3, 11, "city"), Span::new(12, 17, "date")]);
    /// ```
    pub fn decode_lenient<S: AsRef<str>>(self, tokens: &[Range<usize>], tags: &[S]) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut open = false;
        for (token, tag) in tokens.iter().zip(tags) {
            let Some((role, label)) = self.parse(tag.as_ref()).flatten() else {
                open = false;
                continue;
            };
            let continues = open && matches!(role, Role::Inside | Role::End);
            match spans
                .last_mut()
                .filter(|span| continues && span.label == label)
            {
                Some(span) => span.end = token.end,
                None => spans.push(Span::new(token.start, token.end, label)),
            }
            open = matches!(role, Role::Begin | Role::Inside);
        }
        spans
    }

    /// Checks that tags are well-formed: each is `O` or one of the scheme's prefixes with a label,
    /// continues only a span of its own label and, where ends are marked, no span stays open. In
    /// IOB1, `B` stands only right after a span of the same label.
    ///
    /// # Errors
    ///
    /// The first tag that breaks the rule.
    ///
    /// ```
    /// use cs_data::Scheme;
    /// let error = Scheme::Iobes.validate(&["B-city", "O"]).unwrap_err();
    /// assert_eq!(error.to_string(), "tag 1 is \"O\" after B-city, expected I-city or E-city");
    /// ```
    pub fn validate<S: AsRef<str>>(self, tags: &[S]) -> Result<(), IobError> {
        self.check(tags)
            .map_or(Ok(()), |(index, fault)| Err(self.error(tags, index, fault)))
    }

    /// The first broken rule.
    pub(crate) fn check<S: AsRef<str>>(self, tags: &[S]) -> Option<(usize, Fault)> {
        let mut before: Tag<'_> = None;
        for (index, tag) in tags.iter().enumerate() {
            let Some(tag) = self.parse(tag.as_ref()) else {
                return Some((index, Fault::Malformed));
            };
            if !self.may_follow(before, tag) {
                return Some((index, Fault::Follows));
            }
            before = tag;
        }
        (self.marks_ends() && is_open(before)).then(|| (tags.len() - 1, Fault::Unclosed))
    }

    fn may_follow(self, before: Tag<'_>, tag: Tag<'_>) -> bool {
        let label = |(_, label)| label;
        let same = tag.is_some() && tag.map(label) == before.map(label);
        let role = tag.map(|(role, _)| role);
        match self {
            Scheme::Iob1 => role != Some(Role::Begin) || same,
            Scheme::Iob2 => role != Some(Role::Inside) || same,
            _ => {
                let continues = matches!(role, Some(Role::Inside | Role::End));
                continues == is_open(before) && (!continues || same)
            }
        }
    }

    pub(crate) fn error<S: AsRef<str>>(self, tags: &[S], index: usize, fault: Fault) -> IobError {
        let tag = tags[index].as_ref().to_owned();
        let previous = index.checked_sub(1).map(|index| tags[index].as_ref());
        let previous = previous.map(str::to_owned);
        let scheme = self;
        match fault {
            Fault::Malformed => IobError::Malformed { index, tag, scheme },
            Fault::Unclosed => IobError::Unclosed {
                index,
                expected: self.continuation(&tag),
                tag,
            },
            Fault::Follows if self == Scheme::Iob2 => IobError::StartsInside {
                index,
                tag,
                previous,
            },
            Fault::Follows => IobError::Follows {
                index,
                expected: self.continuation(previous.as_deref().unwrap_or("O")),
                tag,
                previous,
            },
        }
    }

    /// What may stand after a tag, in words.
    fn continuation(self, tag: &str) -> String {
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

    /// Gives the same spans as tags of another scheme.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate) of this scheme.
    pub fn convert<S: AsRef<str>>(self, tags: &[S], to: Scheme) -> Result<Vec<String>, IobError> {
        let tokens: Vec<Range<usize>> = (0..tags.len()).map(|at| at..at + 1).collect();
        to.encode(&tokens, &self.decode(&tokens, tags)?)
    }
}

/// Whether a span that contains this tag goes on where ends are marked.
fn is_open(tag: Tag<'_>) -> bool {
    matches!(tag, Some((Role::Begin | Role::Inside, _)))
}

/// The tokens in `span`, from the `next` free one on.
fn covered(
    tokens: &[Range<usize>],
    span: &Span,
    last: Option<&Span>,
    next: &mut usize,
) -> Result<Range<usize>, IobError> {
    if !is_label(&span.label) {
        let label = span.label.clone();
        return Err(IobError::Label { label });
    }
    if last.is_some_and(|last| span.start < last.end) {
        return Err(IobError::Overlap { span: span.clone() });
    }
    let count = |from: usize, is_before: &dyn Fn(&Range<usize>) -> bool| {
        let rest = tokens[from..].iter();
        from + rest.take_while(|token| is_before(token)).count()
    };
    let first = count(*next, &|token| token.end <= span.start);
    let end = count(first, &|token| token.start < span.end);
    let cuts = |token: &&Range<usize>| token.start < span.start || token.end > span.end;
    if let Some(token) = tokens[first..end].iter().find(cuts) {
        return Err(IobError::CutsToken {
            span: span.clone(),
            token: token.clone(),
        });
    }
    if first == end {
        return Err(IobError::NoToken { span: span.clone() });
    }
    *next = end;
    Ok(first..end)
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
            _ => Err(Error::Argument {
                name: "scheme",
                found: name.into(),
                expected: "iob1, iob2, iobes, bilou or bmes".into(),
            }),
        }
    }
}
