//! Spans of a text onto the subwords of its encoding, and back.

use std::ops::Range;

use crate::scheme::Scheme;
use crate::tokenizer::Encoding;
use crate::utterance::Span;

/// A word of the pre-tokenizer.
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

/// Which subwords carry a word's tag.
///
/// ```
/// use cs_data::Convention;
/// assert_eq!(Convention::default(), Convention::FirstSubword);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Convention {
    /// The first subword of each word; the others are not scored. Entities end at word edges.
    #[default]
    FirstSubword,
    /// Every subword. Entities may end inside a word.
    AllSubwords,
}

/// Tags of the subwords of one encoding.
///
/// ```
/// use cs_data::{Alignment, Convention, Encoding, Span, align};
/// let encoding = Encoding {
///     ids: vec![2, 9, 10, 11, 3],
///     offsets: vec![0..0, 0..3, 3..6, 7..9, 0..0],
///     words: vec![None, Some(0), Some(0), Some(1), None],
///     truncated: false,
/// };
/// let Alignment { tags, misaligned } =
///     align(&encoding, &[Span::new(0, 6, "item"), Span::new(7, 8, "size")], Convention::FirstSubword);
/// assert_eq!(tags, [None, Some("B-item".into()), None, Some("O".into()), None]);
/// assert_eq!(misaligned, [Span::new(7, 8, "size")]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alignment {
    /// An IOB2 tag for each subword; `None` is not scored (specials, later subwords under
    /// [`Convention::FirstSubword`]).
    pub tags: Vec<Option<String>>,
    /// The spans that could not be tagged: they cut a unit, contain none, overlap an earlier span
    /// or reach into the part that was truncated. Their units are tagged `O`.
    pub misaligned: Vec<Span>,
}

/// Tags each word (or subword) that lies in a span. Bytes that belong to no unit, such as white
/// space or characters the normaliser drops, may lie on either side of a span's edge.
///
/// O(tokens + spans) for spans in order. [`TagSet::align`](crate::TagSet::align) gives numbers
/// instead of strings, in any scheme.
pub fn align(encoding: &Encoding, spans: &[Span], convention: Convention) -> Alignment {
    let units = units(encoding, convention);
    let mut tags = vec![None; encoding.ids.len()];
    for unit in &units {
        tags[unit.first] = Some("O".to_owned());
    }
    let mut misaligned = Vec::new();
    let mut cover = Cover::new(&units, encoding.truncated);
    for span in spans {
        match cover.find(span) {
            Some(inside) => {
                for (index, unit) in units[inside].iter().enumerate() {
                    let prefix = if index == 0 { 'B' } else { 'I' };
                    tags[unit.first] = Some(format!("{prefix}-{}", span.label));
                }
            }
            None => misaligned.push(span.clone()),
        }
    }
    Alignment { tags, misaligned }
}

/// The way back from [`align`]: the spans that IOB2 tags of an encoding's subwords say, leniently
/// ([`Scheme::decode_lenient`]). Under [`Convention::FirstSubword`] only the tags of first subwords
/// count, and a span ends where its last word does.
///
/// Pieces of one character share its bytes; of two spans that claim pieces of the same one, the
/// first gets it, and a span left without bytes is dropped. O(tokens).
///
/// ```
/// use cs_data::{Convention, Encoding, Span, align::spans_of};
/// let encoding = Encoding {
///     ids: vec![2, 9, 10, 11, 3],
///     offsets: vec![0..0, 0..3, 3..6, 7..9, 0..0],
///     words: vec![None, Some(0), Some(0), Some(1), None],
///     truncated: false,
/// };
/// let tags = ["O", "B-a", "O", "I-a", "B-a"];
/// assert_eq!(spans_of(&encoding, &tags, Convention::FirstSubword), [Span::new(0, 9, "a")]);
/// let pieces = spans_of(&encoding, &tags, Convention::AllSubwords);
/// assert_eq!(pieces, [Span::new(0, 3, "a"), Span::new(7, 9, "a")]);
/// ```
pub fn spans_of<S: AsRef<str>>(
    encoding: &Encoding,
    tags: &[S],
    convention: Convention,
) -> Vec<Span> {
    decode(encoding, convention, Scheme::Iob2, |token| {
        tags.get(token).map_or("O", |tag| tag.as_ref())
    })
}

/// The spans of the tags that `tag` gives for tokens.
pub(crate) fn decode<'a>(
    encoding: &Encoding,
    convention: Convention,
    scheme: Scheme,
    tag: impl Fn(usize) -> &'a str,
) -> Vec<Span> {
    let units = units(encoding, convention);
    let (ranges, tags): (Vec<Range<usize>>, Vec<&str>) = units
        .into_iter()
        .map(|unit| (unit.range, tag(unit.first)))
        .unzip();
    let mut spans = scheme.decode_lenient(&ranges, &tags);
    let mut free = 0;
    spans.retain_mut(|span| {
        span.start = span.start.max(free);
        free = free.max(span.end);
        span.start < span.end
    });
    spans
}

/// What carries a tag.
pub(crate) fn units(encoding: &Encoding, convention: Convention) -> Vec<Word> {
    if convention == Convention::FirstSubword {
        return encoding.word_list();
    }
    let pieces = encoding.offsets.iter().zip(&encoding.words).enumerate();
    let pieces = pieces.filter(|(_, (_, word))| word.is_some());
    let unit = |(first, (range, _)): (usize, (&Range<usize>, _))| Word {
        first,
        range: range.clone(),
    };
    pieces.map(unit).collect()
}

/// Finds the units of one span after the other.
pub(crate) struct Cover<'a> {
    units: &'a [Word],
    truncated: bool,
    /// Start of the last span asked for, and the first unit that ends behind it.
    last: (usize, usize),
    /// The first unit behind the spans found.
    free: usize,
}

impl<'a> Cover<'a> {
    pub(crate) fn new(units: &'a [Word], truncated: bool) -> Self {
        Cover {
            units,
            truncated,
            last: (0, 0),
            free: 0,
        }
    }

    /// The units in `span`; `None` if it cannot be tagged.
    pub(crate) fn find(&mut self, span: &Span) -> Option<Range<usize>> {
        let known = if span.start >= self.last.0 {
            self.last.1
        } else {
            0
        };
        let behind = |unit: &Word| unit.range.end > span.start;
        let first = known
            + self.units[known..]
                .iter()
                .take_while(|unit| !behind(unit))
                .count();
        self.last = (span.start, first);
        let found = self.units[first..]
            .iter()
            .take_while(|unit| unit.range.start < span.end);
        let end = first + found.count();
        let whole = |unit: &Word| span.start <= unit.range.start && unit.range.end <= span.end;
        let lost = self.truncated && self.units.last().is_none_or(|u| span.end > u.range.end);
        if first == end || first < self.free || lost || !self.units[first..end].iter().all(whole) {
            return None;
        }
        self.free = end;
        Some(first..end)
    }
}
