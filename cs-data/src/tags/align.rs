//! Which words of an encoding a span covers.

use std::ops::Range;

use crate::text::Span;
use crate::tokenizer::Word;

/// Finds the words of one span after the other.
pub(crate) struct Cover<'a> {
    words: &'a [Word],
    truncated: bool,
    /// Start of the last span asked for, and the first word that ends after it.
    last: (usize, usize),
    /// The first word after the spans found.
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
