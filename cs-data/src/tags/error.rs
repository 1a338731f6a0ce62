//! What can be wrong with tags.

use std::ops::Range;

use crate::text::Span;

use super::scheme::Scheme;

/// Tags and spans that do not fit each other; `index` counts tags from 0.
///
/// ```
/// use cs_data::{IobError, Scheme};
/// let error = Scheme::Iob2.validate(&["O", "I-city"]).unwrap_err();
/// assert_eq!(
///     error,
///     IobError::StartsInside { index: 1, tag: "I-city".into(), previous: Some("O".into()) }
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IobError {
    /// The number of tags is not the number of tokens.
    #[error("{tags} tags for {tokens} tokens, expected as many")]
    Length {
        /// Number of tokens.
        tokens: usize,
        /// Number of tags.
        tags: usize,
    },
    /// A tag that the scheme does not have, such as none of `O`, `B-label`, `I-label` in IOB2.
    #[error("tag {index} is {tag:?}, expected {}", scheme.tag_forms())]
    Malformed {
        /// Number of the tag.
        index: usize,
        /// The tag itself.
        tag: String,
        /// The scheme that the tag should be of.
        scheme: Scheme,
    },
    /// An `I-` tag that continues nothing.
    #[error(
        "tag {index} is {tag:?} after {}, expected the same label before it",
        previous.as_deref().unwrap_or("the start")
    )]
    StartsInside {
        /// Number of the tag.
        index: usize,
        /// The tag itself.
        tag: String,
        /// The tag before it; `None` at the start.
        previous: Option<String>,
    },
    /// A tag that the scheme does not allow after the one before it.
    #[error(
        "tag {index} is {tag:?} after {}, expected {expected}",
        previous.as_deref().unwrap_or("the start")
    )]
    Follows {
        /// Number of the tag.
        index: usize,
        /// The tag itself.
        tag: String,
        /// The tag before it; `None` at the start.
        previous: Option<String>,
        /// What may stand after the tag before it.
        expected: String,
    },
    /// The last tag leaves a span open in a scheme that marks ends.
    #[error("tag {index} is {tag:?} at the end, expected {expected} after it")]
    Unclosed {
        /// Number of the tag.
        index: usize,
        /// The tag itself.
        tag: String,
        /// The tags that should follow.
        expected: String,
    },
    /// A span's edge lies inside a token.
    #[error("span {}..{} {:?} cuts the token {}..{}", span.start, span.end, span.label, token.start, token.end)]
    CutsToken {
        /// The span at fault.
        span: Span,
        /// Bytes of the token that the span cuts.
        token: Range<usize>,
    },
    /// A span contains no token, so no tag can stand for it.
    #[error("span {}..{} {:?} contains no token", span.start, span.end, span.label)]
    NoToken {
        /// The span at fault.
        span: Span,
    },
    /// Two spans claim the same token.
    #[error("span {}..{} {:?} overlaps the one before it", span.start, span.end, span.label)]
    Overlap {
        /// The later of the two spans.
        span: Span,
    },
    /// A label is empty or has white space, so it cannot stand in a tag.
    #[error("label {label:?}, expected a word without white space")]
    Label {
        /// The label itself.
        label: String,
    },
}

impl IobError {
    /// Number of the tag at fault; `None` if no single tag is.
    ///
    /// ```
    /// use cs_data::Scheme;
    /// assert_eq!(Scheme::Iob2.validate(&["O", "X"]).unwrap_err().index(), Some(1));
    /// ```
    pub fn index(&self) -> Option<usize> {
        match self {
            IobError::Malformed { index, .. }
            | IobError::StartsInside { index, .. }
            | IobError::Follows { index, .. }
            | IobError::Unclosed { index, .. } => Some(*index),
            _ => None,
        }
    }
}

/// Tag sequences that no one scheme explains.
///
/// ```
/// use cs_data::{MixedSchemes, Scheme};
/// let error: MixedSchemes = Scheme::detect([["B-a", "I-a"], ["O", "U-a"]]).unwrap_err();
/// assert_eq!((error.scheme, error.sequence, error.source.index()), (Scheme::Iob2, 1, Some(1)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sequence {sequence} is not {scheme} as most are: {source}")]
pub struct MixedSchemes {
    /// The scheme in which most sequences are well-formed.
    pub scheme: Scheme,
    /// The first sequence that is not, from 0.
    pub sequence: usize,
    /// The first tag of that sequence that contradicts the scheme, and why.
    pub source: IobError,
}
