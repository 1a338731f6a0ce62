//! Spans of a text onto the subwords of its encoding.

use std::ops::Range;

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
pub fn align(encoding: &Encoding, spans: &[Span], convention: Convention) -> Alignment {
    let units: Vec<Word> = match convention {
        Convention::FirstSubword => encoding.word_list(),
        Convention::AllSubwords => {
            let pieces = encoding.offsets.iter().zip(&encoding.words).enumerate();
            pieces
                .filter(|(_, (_, word))| word.is_some())
                .map(|(first, (range, _))| Word {
                    first,
                    range: range.clone(),
                })
                .collect()
        }
    };
    let mut tags = vec![None; encoding.ids.len()];
    for unit in &units {
        tags[unit.first] = Some("O".to_owned());
    }
    let mut misaligned = Vec::new();
    let mut next = 0;
    for span in spans {
        match covered(&units, span, encoding.truncated, &mut next) {
            Some(inside) => {
                for (index, unit) in inside.iter().enumerate() {
                    let prefix = if index == 0 { 'B' } else { 'I' };
                    tags[unit.first] = Some(format!("{prefix}-{}", span.label));
                }
            }
            None => misaligned.push(span.clone()),
        }
    }
    Alignment { tags, misaligned }
}

/// The units in `span`, from the `next` free one on; `None` if it cannot be tagged.
fn covered<'a>(
    units: &'a [Word],
    span: &Span,
    truncated: bool,
    next: &mut usize,
) -> Option<&'a [Word]> {
    let from = units.iter().position(|unit| unit.range.end > span.start)?;
    let inside = units[from..]
        .iter()
        .take_while(|unit| unit.range.start < span.end)
        .count();
    let found = &units[from..from + inside];
    let whole = found
        .iter()
        .all(|u| span.start <= u.range.start && u.range.end <= span.end);
    let lost = truncated && units.last().is_none_or(|last| span.end > last.range.end);
    if found.is_empty() || !whole || lost || from < *next {
        return None;
    }
    *next = from + inside;
    Some(found)
}
