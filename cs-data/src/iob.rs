//! IOB2 tags: `B-label` opens a span, `I-label` continues it, `O` is outside.

use std::ops::Range;

use crate::error::IobError;
use crate::utterance::{Span, is_label};

/// A tag taken apart.
#[derive(Clone, Copy, PartialEq)]
enum Tag<'a> {
    Outside,
    Begin(&'a str),
    Inside(&'a str),
}

impl<'a> Tag<'a> {
    fn parse(tag: &'a str) -> Option<Self> {
        if tag == "O" {
            return Some(Tag::Outside);
        }
        let (prefix, label) = tag.split_once('-')?;
        match prefix {
            "B" if is_label(label) => Some(Tag::Begin(label)),
            "I" if is_label(label) => Some(Tag::Inside(label)),
            _ => None,
        }
    }
}

/// One tag for each token (byte ranges in order).
///
/// A span takes the tokens that lie in it. White space at its ends does no harm, but
/// [`decode`] gives the span back without it.
///
/// # Errors
///
/// A span that cuts a token, contains none, overlaps or precedes the one before it, or whose
/// label is not one word.
///
/// ```
/// use cs_data::{Span, iob};
/// let tokens = iob::whitespace_tokens("to New York");
/// let tags = iob::encode(&tokens, &[Span::new(3, 11, "city")])?;
/// assert_eq!(tags, ["O", "B-city", "I-city"]);
/// assert_eq!(iob::decode(&tokens, &tags)?, [Span::new(3, 11, "city")]);
/// assert!(iob::encode(&tokens, &[Span::new(3, 5, "city")]).is_err());
/// # Ok::<(), cs_data::IobError>(())
/// ```
pub fn encode(tokens: &[Range<usize>], spans: &[Span]) -> Result<Vec<String>, IobError> {
    let mut tags = vec!["O".to_owned(); tokens.len()];
    let mut next = 0;
    let mut last_end = 0;
    for span in spans {
        if !is_label(&span.label) {
            return Err(IobError::Label {
                label: span.label.clone(),
            });
        }
        if span.start < last_end {
            return Err(IobError::Overlap { span: span.clone() });
        }
        next += tokens[next..]
            .iter()
            .take_while(|token| token.end <= span.start)
            .count();
        let inside = tokens[next..]
            .iter()
            .take_while(|token| token.start < span.end)
            .count();
        let covered = &tokens[next..next + inside];
        if let Some(token) = covered
            .iter()
            .find(|t| t.start < span.start || t.end > span.end)
        {
            return Err(IobError::CutsToken {
                span: span.clone(),
                token: token.clone(),
            });
        }
        if covered.is_empty() {
            return Err(IobError::NoToken { span: span.clone() });
        }
        for (index, tag) in tags[next..next + inside].iter_mut().enumerate() {
            *tag = format!("{}-{}", if index == 0 { 'B' } else { 'I' }, span.label);
        }
        next += inside;
        last_end = span.end;
    }
    Ok(tags)
}

/// The spans of well-formed tags: from the first byte of a span's first token to the last byte
/// of its last.
///
/// # Errors
///
/// As [`validate`], or a number of tags other than the number of tokens.
pub fn decode<S: AsRef<str>>(tokens: &[Range<usize>], tags: &[S]) -> Result<Vec<Span>, IobError> {
    if tokens.len() != tags.len() {
        return Err(IobError::Length {
            tokens: tokens.len(),
            tags: tags.len(),
        });
    }
    validate(tags)?;
    Ok(decode_lenient(tokens, tags))
}

/// The spans of any tags, as conlleval and seqeval's default mode see them: an `I-x` that
/// continues nothing opens a span. What is no IOB2 tag counts as `O`; tags or tokens beyond the
/// shorter of both are ignored.
///
/// ```
/// use cs_data::{Span, iob};
/// let tokens = iob::whitespace_tokens("to New York");
/// let spans = iob::decode_lenient(&tokens, &["O", "I-city", "I-state"]);
/// assert_eq!(spans, [Span::new(3, 6, "city"), Span::new(7, 11, "state")]);
/// ```
pub fn decode_lenient<S: AsRef<str>>(tokens: &[Range<usize>], tags: &[S]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut open = false;
    for (token, tag) in tokens.iter().zip(tags) {
        match Tag::parse(tag.as_ref()).unwrap_or(Tag::Outside) {
            Tag::Outside => open = false,
            Tag::Inside(label) if open && spans.last().is_some_and(|s| s.label == label) => {
                if let Some(span) = spans.last_mut() {
                    span.end = token.end;
                }
            }
            Tag::Begin(label) | Tag::Inside(label) => {
                spans.push(Span::new(token.start, token.end, label));
                open = true;
            }
        }
    }
    spans
}

/// Checks that every tag is `O`, `B-label` or `I-label`, and that an `I-label` follows a
/// `B-label` or `I-label` of the same label.
///
/// # Errors
///
/// The first tag that breaks the rule.
pub fn validate<S: AsRef<str>>(tags: &[S]) -> Result<(), IobError> {
    let mut before = Tag::Outside;
    for (index, tag) in tags.iter().enumerate() {
        let tag = tag.as_ref();
        let Some(parsed) = Tag::parse(tag) else {
            return Err(IobError::Malformed {
                index,
                tag: tag.into(),
            });
        };
        if let Tag::Inside(label) = parsed
            && before != Tag::Begin(label)
            && before != Tag::Inside(label)
        {
            let previous = index
                .checked_sub(1)
                .map(|index| tags[index].as_ref().to_owned());
            return Err(IobError::StartsInside {
                index,
                tag: tag.into(),
                previous,
            });
        }
        before = parsed;
    }
    Ok(())
}

/// The byte ranges of the runs between (Unicode) white space.
///
/// ```
/// use cs_data::iob::whitespace_tokens;
/// assert_eq!(whitespace_tokens(" 查询 order "), [1..7, 8..13]);
/// ```
pub fn whitespace_tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (byte, char) in text.char_indices() {
        match (char.is_whitespace(), start) {
            (false, None) => start = Some(byte),
            (true, Some(from)) => {
                tokens.push(from..byte);
                start = None;
            }
            _ => {}
        }
    }
    tokens.extend(start.map(|from| from..text.len()));
    tokens
}
