//! Spans as tags, one a token, and back.

use std::ops::Range;

use crate::text::{Span, is_label};

use super::error::IobError;
use super::scheme::{Role, Scheme, Tag, is_open};

/// What is wrong with the tag at an index. Cheap, because detection makes many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed,
    Follows,
    Unclosed,
}

impl Scheme {
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
    let first = *next + count_while(&tokens[*next..], |token| token.end <= span.start);
    let end = first + count_while(&tokens[first..], |token| token.start < span.end);
    let mut inside = tokens[first..end].iter();
    if let Some(token) = inside.find(|token| token.start < span.start || token.end > span.end) {
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

/// How many of the first tokens are so.
fn count_while(tokens: &[Range<usize>], is_so: impl Fn(&Range<usize>) -> bool) -> usize {
    tokens.iter().take_while(|token| is_so(token)).count()
}
