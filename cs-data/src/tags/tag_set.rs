//! Tags as numbers, as a model counts them.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::text::{Span, Utterance, is_label};
use crate::tokenizer::{Encoding, Tokenizer, each};

use super::align::Cover;
use super::scheme::{Role, Scheme};

/// The tags of a scheme that a model knows, numbered from 0.
///
/// ```
/// use cs_data::{Encoding, Scheme, Span, TagSet};
/// let tags = TagSet::of_labels(["item", "size"], Scheme::Iob2)?;
/// assert_eq!(tags.tags(), ["O", "B-item", "I-item", "B-size", "I-size"]);
/// assert_eq!(tags, TagSet::new(tags.tags().to_vec(), Scheme::Iob2)?);
///
/// let encoding = Encoding {
///     ids: vec![2, 9, 10, 11, 3],
///     offsets: vec![0..0, 0..3, 3..6, 7..9, 0..0],
///     words: vec![None, Some(0), Some(0), Some(1), None],
///     truncated: false,
/// };
/// let spans = [Span::new(0, 6, "item"), Span::new(7, 9, "size")];
/// let aligned = tags.align(&encoding, &spans);
/// assert_eq!(aligned.ids, [None, Some(1), None, Some(3), None]);
/// assert_eq!(tags.spans_of(&encoding, &[0, 1, 0, 3, 0]), spans);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    scheme: Scheme,
    tags: Vec<String>,
    /// Number of `O`.
    outside: u32,
    /// Numbers of each label's tags, in the order of [`Role::ALL`].
    of_label: HashMap<String, [Option<u32>; 4]>,
}

/// The tags of one encoding's words as numbers of a [`TagSet`].
///
/// ```
/// use cs_data::{Encoding, Scheme, Span, TagIds, TagSet};
/// let tags = TagSet::of_labels(["item"], Scheme::Iob2)?;
/// let encoding = Encoding {
///     ids: vec![9],
///     offsets: vec![0..3],
///     words: vec![Some(0)],
///     truncated: false,
/// };
/// let spans = [Span::new(0, 1, "item"), Span::new(0, 3, "colour")];
/// let aligned = tags.align(&encoding, &spans);
/// assert_eq!(aligned, TagIds { ids: vec![None], misaligned: vec![0] }); // not scored: a colour
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagIds {
    /// Number of the word's tag at each word's first token. `None` is not scored: it stands at all
    /// other tokens, and at words in a span whose tag is not in the set.
    pub ids: Vec<Option<u32>>,
    /// Numbers of the spans that could not be tagged: they cut a word, contain none, overlap an
    /// earlier span or reach into the part that was truncated. Their words are tagged `O`.
    pub misaligned: Vec<usize>,
}

impl TagSet {
    /// Makes the set of these tags, which stand in the order of their numbers.
    ///
    /// # Errors
    ///
    /// No `O`, a tag that the scheme does not have, a tag twice.
    pub fn new(tags: Vec<String>, scheme: Scheme) -> Result<Self> {
        let mut outside = None;
        let mut of_label: HashMap<String, [Option<u32>; 4]> = HashMap::new();
        for (tag, number) in tags.iter().zip(0..) {
            let place = match scheme.parse(tag) {
                None => {
                    let found = format!("{tag:?}");
                    return Err(Error::argument("tags", found, scheme.tag_forms()));
                }
                Some(None) => &mut outside,
                Some(Some((role, label))) => {
                    &mut of_label.entry(label.to_owned()).or_default()[role as usize]
                }
            };
            if place.replace(number).is_some() {
                return Err(Error::argument(
                    "tags",
                    format!("{tag:?} twice"),
                    "each tag once",
                ));
            }
        }
        let outside =
            outside.ok_or_else(|| Error::argument("tags", "a set without O", "O among them"))?;
        Ok(TagSet {
            scheme,
            tags,
            outside,
            of_label,
        })
    }

    /// Makes the set of `O`, then the tags of each label.
    ///
    /// # Errors
    ///
    /// A label twice, or one that is not one word.
    pub fn of_labels<S: AsRef<str>>(
        labels: impl IntoIterator<Item = S>,
        scheme: Scheme,
    ) -> Result<Self> {
        let mut tags = vec!["O".to_owned()];
        for label in labels {
            let label = label.as_ref();
            if !is_label(label) {
                return Err(Error::argument(
                    "labels",
                    format!("{label:?}"),
                    "words without white space",
                ));
            }
            let prefixes = Role::ALL.map(|role| scheme.prefix(role)).into_iter();
            let prefixes = prefixes.filter(|prefix| !prefix.is_empty());
            tags.extend(prefixes.map(|prefix| format!("{prefix}-{label}")));
        }
        Self::new(tags, scheme)
    }

    /// The tags in the order of their numbers.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The scheme of the tags.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The labels of its tags, in no order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.of_label.keys().map(String::as_str)
    }

    /// Whether the set has tags of `label`.
    pub fn has_label(&self, label: &str) -> bool {
        self.of_label.contains_key(label)
    }

    /// Tags each word that lies in a span. Bytes that belong to no word, such as white space or
    /// characters the normaliser drops, may lie on either side of a span's edge. O(tokens + spans)
    /// for spans in order.
    pub fn align(&self, encoding: &Encoding, spans: &[Span]) -> TagIds {
        let words = encoding.word_list();
        let mut out = TagIds {
            ids: vec![None; encoding.ids.len()],
            misaligned: Vec::new(),
        };
        for word in &words {
            out.ids[word.first] = Some(self.outside);
        }
        let mut cover = Cover::new(&words, encoding.truncated);
        let mut last: Option<(usize, &str)> = None;
        for (number, span) in spans.iter().enumerate() {
            let Some(inside) = cover.find(span) else {
                out.misaligned.push(number);
                continue;
            };
            let behind = last == Some((inside.start, &span.label));
            let numbers = self.of_label.get(&span.label).copied().unwrap_or_default();
            for at in inside.clone() {
                let role = self.scheme.role(at, &inside, behind);
                out.ids[words[at].first] = numbers[role as usize];
            }
            last = Some((inside.end, &span.label));
        }
        out
    }

    /// Gives the spans that the tags of an encoding's tokens say, the way back from
    /// [`align`](Self::align). It is lenient as [`Scheme::decode_lenient`]: only the tags of words'
    /// first tokens count, and a span ends where its last word does. A number that the set does not
    /// have counts as `O`.
    ///
    /// Words that share bytes (pieces of one character, in encodings from elsewhere) are not shared
    /// out: of two spans that claim the same ones the first gets them, and a span left without
    /// bytes is dropped. O(tokens).
    pub fn spans_of(&self, encoding: &Encoding, ids: &[u32]) -> Vec<Span> {
        let tag = |token: usize| {
            let tag = ids.get(token).and_then(|&id| self.tags.get(id as usize));
            tag.map_or("O", String::as_str)
        };
        let words = encoding.word_list().into_iter();
        let (ranges, tags): (Vec<_>, Vec<_>) =
            words.map(|word| (word.range, tag(word.first))).unzip();
        let mut spans = self.scheme.decode_lenient(&ranges, &tags);
        let mut free = 0;
        spans.retain_mut(|span| {
            span.start = span.start.max(free);
            free = free.max(span.end);
            span.start < span.end
        });
        spans
    }
}

impl Tokenizer {
    /// Encodes the texts of `rows` and aligns their spans; 64 rows or more on all cores. It gives
    /// what [`encode`](Self::encode) and [`TagSet::align`] give, in one pass.
    ///
    /// ```
    /// use cs_data::{Scheme, Span, TagSet, Tokenizer, Utterance};
    /// let rows = [Utterance::new("1", "查询订单").with_spans(vec![Span::new(6, 12, "what")])];
    /// let tokenizer = Tokenizer::train(["查询订单"].into_iter(), 50)?;
    /// let tags = TagSet::of_labels(["what"], Scheme::Iob2)?; // O, B-what, I-what
    /// let encoded = tokenizer.encode_rows(&rows, 32, &tags)?;
    /// let (encoding, aligned) = &encoded[0]; // [CLS] 查 询 订 单 [SEP]
    /// assert_eq!(encoding.ids.len(), 6);
    /// assert_eq!(aligned.ids, [None, Some(0), Some(0), Some(1), Some(2), None]);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode), for a text that fails.
    pub fn encode_rows(
        &self,
        rows: &[Utterance],
        max_length: usize,
        tags: &TagSet,
    ) -> Result<Vec<(Encoding, TagIds)>> {
        each(rows, |row| {
            let encoding = self.encode(&row.text, max_length)?;
            let ids = tags.align(&encoding, &row.spans);
            Ok((encoding, ids))
        })
    }
}
