//! IOB2, the scheme that models speak: [`Scheme::Iob2`] by its own names, and tokens for it.

use std::ops::Range;

use crate::text::Span;

use super::error::IobError;
use super::scheme::Scheme;

/// [`Scheme::encode`] of IOB2: one tag for each token (byte ranges in order).
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
    Scheme::Iob2.encode(tokens, spans)
}

/// [`Scheme::decode`] of IOB2: the spans of well-formed tags.
///
/// # Errors
///
/// As [`validate`], or a number of tags other than the number of tokens.
pub fn decode<S: AsRef<str>>(tokens: &[Range<usize>], tags: &[S]) -> Result<Vec<Span>, IobError> {
    Scheme::Iob2.decode(tokens, tags)
}

/// [`Scheme::decode_lenient`] of IOB2: the spans of any tags, where an `I-x` that continues
/// nothing opens a span.
///
/// ```
/// use cs_data::{Span, iob};
/// let tokens = iob::whitespace_tokens("to New York");
/// let spans = iob::decode_lenient(&tokens, &["O", "I-city", "I-state"]);
/// assert_eq!(spans, [Span::new(3, 6, "city"), Span::new(7, 11, "state")]);
/// ```
pub fn decode_lenient<S: AsRef<str>>(tokens: &[Range<usize>], tags: &[S]) -> Vec<Span> {
    Scheme::Iob2.decode_lenient(tokens, tags)
}

/// [`Scheme::validate`] of IOB2: every tag is `O`, `B-label` or `I-label`, and an `I-label`
/// follows a `B-label` or `I-label` of the same label.
///
/// # Errors
///
/// The first tag that breaks the rule.
pub fn validate<S: AsRef<str>>(tags: &[S]) -> Result<(), IobError> {
    Scheme::Iob2.validate(tags)
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
