//! Words replaced by others of the same meaning.

use std::ops::Range;
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use crate::augment::augmenter::check_rate;
use crate::augment::{Augmenter, Row};
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::text::Edits;

use super::dictionary;
use super::dictionary::Entry;
use super::tokens::cuts_word;

/// Larger dictionaries get the smaller and slower automaton.
const MAX_DFA_BYTES: usize = 1 << 18;

/// Synonym replacement from a dictionary.
///
/// The longest entry that stands at a position is replaced; what was put in is not looked at again.
/// Words with letters or digits at their ends match whole words only, in any ASCII case, which is
/// carried over (`Refund` gives `Money back`, `REFUND` gives `MONEY BACK`). Chinese words match
/// wherever they stand. No match reaches over an entity's edge.
///
/// A dictionary has an entry a line: `word<TAB>candidate[:weight]<TAB>candidate…`; candidates are
/// drawn by weight (1 if left out). Empty lines and lines that start with `#` are skipped.
///
/// ```
/// use cs_data::Edits;
/// use cs_data::augment::{Augmenter, Row, Synonyms};
/// use cs_data::SplitMix;
/// let synonyms = Synonyms::new([
///     ("退款", vec![("退钱", 1.0)]),
///     ("refund", vec![("money back", 1.0)]),
/// ])?;
/// let mut edits = Edits::default();
/// let text = "我要退款, Refund please, refunded";
/// synonyms.edits(Row { text, entities: &[] }, &mut SplitMix::new(1), &mut edits);
/// let edits: Vec<_> = edits.iter().collect();
/// assert_eq!(edits, [(6..12, "退钱"), (14..20, "Money back")]);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Synonyms {
    pub(crate) entries: Vec<Entry>,
    /// Sums of the weights up to each candidate, an entry a row.
    sums: Vec<Vec<f64>>,
    matcher: AhoCorasick,
    rate: f64,
    in_entities: bool,
}

impl Synonyms {
    /// Makes an operator of these words with their weighted candidates.
    ///
    /// # Errors
    ///
    /// No entries; an empty word or candidate list; a word among its own candidates; a weight that
    /// is not above 0.
    pub fn new<W: Into<String>, C: Into<String>>(
        entries: impl IntoIterator<Item = (W, Vec<(C, f64)>)>,
    ) -> Result<Self> {
        let own = |(word, candidates): (W, Vec<(C, f64)>)| Entry {
            word: word.into(),
            candidates: candidates.into_iter().map(|(c, w)| (c.into(), w)).collect(),
        };
        let entries: Vec<Entry> = entries.into_iter().map(own).collect();
        let fits = |entry: &Entry| {
            let fits = |(c, w): &(String, f64)| *c != entry.word && *w > 0.0 && w.is_finite();
            !entry.word.is_empty()
                && !entry.candidates.is_empty()
                && entry.candidates.iter().all(fits)
        };
        if let Some(bad) = entries.iter().find(|entry| !fits(entry)) {
            return Err(Error::argument(
                "entries",
                format!("{:?} with {:?}", bad.word, bad.candidates),
                "a word and other words with weights above 0",
            ));
        }
        Self::of(entries)
    }

    /// Reads a dictionary from a file.
    ///
    /// # Errors
    ///
    /// With line and column: what is no entry, a word given twice, a word mapped to itself, words
    /// that map to each other in a cycle (they would swap instead of vary), a weight that is not
    /// above 0; a file without entries.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of(dictionary::read(path, None)?)
    }

    /// Reads a dictionary and leaves out what [`Synonyms::open`] would refuse: that comes back as
    /// errors with line and column. Of a cycle the candidate that closes it goes.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or of which nothing is left.
    pub fn open_lenient(path: &Path) -> Result<(Self, Vec<Error>)> {
        let mut skipped = Vec::new();
        let entries = dictionary::read(path, Some(&mut skipped))?;
        Ok((Self::of(entries)?, skipped))
    }

    fn of(entries: Vec<Entry>) -> Result<Self> {
        let matcher = matcher(entries.iter().map(|entry| entry.word.as_str()))?;
        let sums = entries.iter().map(|entry| {
            let mut sum = 0.0;
            let weights = entry.candidates.iter();
            weights
                .map(|(_, weight)| {
                    sum += weight;
                    sum
                })
                .collect()
        });
        Ok(Synonyms {
            sums: sums.collect(),
            entries,
            matcher,
            rate: 1.0,
            in_entities: false,
        })
    }

    /// Replaces each match with this probability (1 if never set).
    ///
    /// # Errors
    ///
    /// A rate outside 0 to 1.
    pub fn with_rate(mut self, rate: f64) -> Result<Self> {
        check_rate("rate", rate)?;
        self.rate = rate;
        Ok(self)
    }

    /// Sets whether words within entities are replaced, too.
    #[must_use]
    pub fn in_entities(mut self, in_entities: bool) -> Self {
        self.in_entities = in_entities;
        self
    }

    /// Leaves out these pairs of a word and a candidate; a word without candidates goes.
    pub(crate) fn without(self, refused: &[(String, String)]) -> Result<Self> {
        let (rate, in_entities) = (self.rate, self.in_entities);
        let mut entries = self.entries;
        for entry in &mut entries {
            let word = &entry.word;
            let is_refused = |c: &String| refused.iter().any(|(w, r)| w == word && r == c);
            entry
                .candidates
                .retain(|(candidate, _)| !is_refused(candidate));
        }
        entries.retain(|entry| !entry.candidates.is_empty());
        Ok(Synonyms {
            rate,
            in_entities,
            ..Self::of(entries)?
        })
    }

    fn candidate(&self, entry: usize, random: &mut SplitMix) -> &str {
        let sums = &self.sums[entry];
        let at = match sums.last() {
            Some(total) if sums.len() > 1 => {
                let drawn = random.unit() * total;
                sums.partition_point(|&sum| sum <= drawn)
                    .min(sums.len() - 1)
            }
            _ => 0,
        };
        &self.entries[entry].candidates[at].0
    }
}

impl Augmenter for Synonyms {
    fn name(&self) -> &str {
        "synonyms"
    }

    fn edits(&self, row: Row<'_>, random: &mut SplitMix, edits: &mut Edits) {
        for segment in row.segments(self.in_entities) {
            each_match(&self.matcher, row.text, segment, |entry, range| {
                if self.rate >= 1.0 || random.chance(self.rate) {
                    let candidate = self.candidate(entry, random);
                    replace(edits, row.text, range, candidate);
                }
            });
        }
    }
}

/// An automaton of whole dictionaries: leftmost, longest, ASCII case ignored.
pub(crate) fn matcher<'a>(words: impl Iterator<Item = &'a str>) -> Result<AhoCorasick> {
    let words: Vec<&str> = words.collect();
    let bytes: usize = words.iter().map(|word| word.len()).sum();
    // About three times as fast, but of about a kilobyte for each byte of the dictionary.
    let kind = match bytes <= MAX_DFA_BYTES {
        true => AhoCorasickKind::DFA,
        false => AhoCorasickKind::ContiguousNFA,
    };
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(kind))
        .ascii_case_insensitive(true)
        .build(words)
        .map_err(|fault| Error::argument("words", fault.to_string(), "a smaller dictionary"))
}

/// Calls `found` with the number and the range of each word in `segment` that stands alone there.
pub(crate) fn each_match(
    matcher: &AhoCorasick,
    text: &str,
    segment: Range<usize>,
    mut found: impl FnMut(usize, Range<usize>),
) {
    let find = |range: Range<usize>| matcher.find(Input::new(text).range(range));
    let mut from = segment.start;
    while let Some(longest) = find(from..segment.end) {
        // A longest match that ends inside a word may hide a shorter one that does not.
        let mut end = longest.end();
        let mut best = Some(longest);
        while let Some(word) = best.filter(|word| cuts_word(text, &word.range())) {
            end = (word.end() - 1).min(end - 1);
            best = find(longest.start()..end).filter(|word| word.start() == longest.start());
        }
        from = match best {
            Some(word) => {
                found(word.pattern().as_usize(), word.range());
                word.end()
            }
            None => crate::text::ceil(text, longest.start() + 1),
        };
    }
}

/// Puts `candidate` where `range` was, in its letters' case.
fn replace(edits: &mut Edits, text: &str, range: Range<usize>, candidate: &str) {
    let old = &text[range.clone()];
    if !old.as_bytes()[0].is_ascii_uppercase() {
        return edits.replace(range, candidate);
    }
    let letters = || old.chars().filter(|char| char.is_alphabetic());
    if letters().count() > 1 && letters().all(char::is_uppercase) {
        return edits.replace(range, &candidate.to_uppercase());
    }
    let mut chars = candidate.chars();
    let first: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    edits.replace(range, &first);
    edits.append(chars.as_str());
}
