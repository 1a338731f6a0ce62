//! The words of an encoding, and which of them a span covers.

use std::ops::Range;

use crate::text::Span;
use crate::tokenizer::Encoding;

/// A word of an encoding: what carries one tag, at its first token.
///
/// ```
/// use cs_data::{Encoding, Word};
/// let encoding = Encoding {
///     ids: vec![2, 9, 10, 11, 3],
///     offsets: vec![0..0, 0..3, 3..6, 7..9, 0..0],
///     words: vec![None, Some(0), Some(0), Some(1), None],
///     truncated: false,
/// };
/// assert_eq!(
///     encoding.word_list(),
///     [Word { first: 1, range: 0..6 }, Word { first: 3, range: 7..9 }]
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Index of its first subword in the encoding.
    pub first: usize,
    /// Its bytes in the text.
    pub range: Range<usize>,
}

impl Encoding {
    /// Its words in order. A word that truncation cut ends with its last subword kept.
    pub fn word_list(&self) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        let mut last = None;
        for (index, (word, range)) in self.words.iter().zip(&self.offsets).enumerate() {
            if word.is_some() && *word != last {
                words.push(Word {
                    first: index,
                    range: range.clone(),
                });
            } else if word.is_some()
                && let Some(open) = words.last_mut()
            {
                open.range.start = open.range.start.min(range.start);
                open.range.end = open.range.end.max(range.end);
            }
            last = *word;
        }
        words
    }
}

/// Finds the words of one span after the other.
pub(crate) struct Cover<'a> {
    words: &'a [Word],
    truncated: bool,
    /// Start of the last span asked for, and the first word that ends behind it.
    last: (usize, usize),
    /// The first word behind the spans found.
    free: usize,
}

impl<'a> Cover<'a> {
    pub(crate) fn new(words: &'a [Word], truncated: bool) -> Self {
        Cover {
            words,
            truncated,
            last: (0, 0),
            free: 0,
        }
    }

    /// The words in `span`; `None` if it cannot be tagged.
    pub(crate) fn find(&mut self, span: &Span) -> Option<Range<usize>> {
        let known = if span.start >= self.last.0 {
            self.last.1
        } else {
            0
        };
        let behind = |word: &Word| word.range.end > span.start;
        let first = known
            + self.words[known..]
                .iter()
                .take_while(|word| !behind(word))
                .count();
        self.last = (span.start, first);
        let found = self.words[first..]
            .iter()
            .take_while(|word| word.range.start < span.end);
        let end = first + found.count();
        let whole = |word: &Word| span.start <= word.range.start && word.range.end <= span.end;
        let lost = self.truncated && self.words.last().is_none_or(|u| span.end > u.range.end);
        if first == end || first < self.free || lost || !self.words[first..end].iter().all(whole) {
            return None;
        }
        self.free = end;
        Some(first..end)
    }
}
