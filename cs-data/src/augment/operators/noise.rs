//! Words that say nothing put in, words left out, words swapped.

use std::ops::Range;
use std::path::Path;

use crate::augment::augmenter::check_rate;
use crate::augment::{Augmenter, Row};
use crate::error::{Error, Result};
use crate::file::TextFile;
use crate::random::SplitMix;
use crate::text::Edits;

use super::lexicon;
use super::tokens::{Kind, Token, kind, tokens};

/// How often [`Noise`] does what, as a probability of each token; a token is a Chinese character or
/// a run of other letters and digits.
///
/// ```
/// use cs_data::augment::NoiseConfig;
/// let config = NoiseConfig::default();
/// assert_eq!((config.insert, config.delete, config.swap), (0.1, 0.0, 0.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseConfig {
    /// Probability that an irrelevant word is put in after the token.
    pub insert: f64,
    /// Probability that the token is left out. The last that is left of a text stays.
    pub delete: f64,
    /// Probability that the token and the next one are swapped.
    pub swap: f64,
    /// Whether tokens within entities are changed, too.
    pub in_entities: bool,
}

impl Default for NoiseConfig {
    fn default() -> Self {
        NoiseConfig {
            insert: 0.1,
            delete: 0.0,
            swap: 0.0,
            in_entities: false,
        }
    }
}

/// Noise on tokens: insertion of fillers, deletion, swap.
///
/// Fillers of Chinese characters go next to Chinese characters and without spaces, others between
/// words of other scripts and with them.
///
/// ```
/// use cs_data::Edits;
/// use cs_data::augment::{Augmenter, Noise, NoiseConfig, Row};
/// use cs_data::SplitMix;
/// let config = NoiseConfig { insert: 1.0, ..NoiseConfig::default() };
/// let noise = Noise::new(config)?.with_fillers(["嗯", "well"])?;
/// let mut edits = Edits::default();
/// noise.edits(Row { text: "查order id", entities: &[] }, &mut SplitMix::new(1), &mut edits);
/// let edits: Vec<_> = edits.iter().collect();
/// assert_eq!(edits, [(3..3, "嗯"), (8..8, " well"), (11..11, "嗯")]);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Noise {
    config: NoiseConfig,
    chinese: Vec<String>,
    /// The fillers of other scripts, each with a space before it.
    spaced: Vec<String>,
}

impl Noise {
    /// Makes noise with the shipped fillers.
    ///
    /// # Errors
    ///
    /// A rate outside 0 to 1; deletion and swap above 1 together.
    pub fn new(config: NoiseConfig) -> Result<Self> {
        check_rate("insert", config.insert)?;
        check_rate("delete", config.delete)?;
        check_rate("swap", config.swap)?;
        check_rate("delete + swap", config.delete + config.swap)?;
        let noise = Noise {
            config,
            chinese: Vec::new(),
            spaced: Vec::new(),
        };
        noise.with_fillers(lexicon::entries(lexicon::FILLERS))
    }

    /// Sets the fillers; those of one language serve for both if there are no others.
    ///
    /// # Errors
    ///
    /// No fillers; one that is empty or has a control character.
    pub fn with_fillers<'a>(mut self, fillers: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        self.chinese.clear();
        self.spaced.clear();
        for filler in fillers.into_iter().map(str::trim) {
            if filler.is_empty() || filler.contains(char::is_control) {
                return Err(Error::argument(
                    "fillers",
                    format!("{filler:?}"),
                    "at least one word, none empty",
                ));
            }
            if filler.chars().any(|char| kind(char) == Kind::Cjk) {
                self.chinese.push(filler.to_owned());
            } else {
                self.spaced.push(format!(" {filler}"));
            }
        }
        if self.chinese.is_empty() && self.spaced.is_empty() {
            return Err(Error::argument(
                "fillers",
                "empty",
                "at least one word, none empty",
            ));
        }
        Ok(self)
    }

    /// Sets the fillers from a file, one a line; empty lines and those that start with `#` are
    /// skipped.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or has no fillers; a control character, with its line.
    pub fn open_fillers(self, path: &Path) -> Result<Self> {
        let source = TextFile::open(path)?;
        for (at, line) in source.lines() {
            if let Some((offset, char)) = line.char_indices().find(|(_, char)| char.is_control()) {
                return Err(source.error(at + offset, format!("{char:?}"), "a filler a line"));
            }
        }
        self.with_fillers(lexicon::entries(source.text()))
    }

    fn filler(&self, chinese: bool, random: &mut SplitMix) -> Option<&str> {
        let (first, second) = match chinese {
            true => (&self.chinese, &self.spaced),
            false => (&self.spaced, &self.chinese),
        };
        let list = if first.is_empty() { second } else { first };
        random.pick(list).map(String::as_str)
    }

    /// Inserts only: the most frequent use, in one pass without looking back.
    fn insert(&self, row: Row<'_>, random: &mut SplitMix, edits: &mut Edits) {
        let mut before: Option<(Token, bool)> = None;
        let mut has_chinese = false;
        let mut put = |(token, drawn): (Token, bool), next: bool, random: &mut SplitMix| {
            if drawn && let Some(filler) = self.filler(token.cjk || next, random) {
                edits.insert(token.range.end, filler);
            }
        };
        for segment in row.segments(true) {
            let inside = is_entity(row, segment.start);
            for token in tokens(row.text, segment.clone()) {
                has_chinese |= token.cjk;
                if let Some(before) = before.take() {
                    put(before, token.cjk, random);
                }
                // At the end of an entity is outside of it.
                let free = !inside || self.config.in_entities || token.range.end == segment.end;
                let drawn = free && random.chance(self.config.insert);
                before = Some((token, drawn));
            }
        }
        if let Some(before) = before {
            put(before, has_chinese, random);
        }
    }

    /// Deletes and swaps within `segment`; gives back how many tokens went.
    fn disturb(
        &self,
        row: Row<'_>,
        segment: Range<usize>,
        mut spare: usize,
        random: &mut SplitMix,
        edits: &mut Edits,
    ) -> usize {
        let inside = is_entity(row, segment.start);
        let all: Vec<Token> = tokens(row.text, segment.clone()).collect();
        // An entity does not vanish either.
        let mut room = if inside {
            all.len().saturating_sub(1)
        } else {
            all.len()
        };
        let mut at = 0;
        while let Some(token) = all.get(at) {
            let drawn = random.unit();
            if drawn < self.config.delete && spare > 0 && room > 0 {
                edits.delete(with_space(row.text, &token.range, &segment));
                spare -= 1;
                room -= 1;
            } else if drawn >= self.config.delete
                && drawn < self.config.delete + self.config.swap
                && let Some(next) = all.get(at + 1)
            {
                edits.replace(
                    token.range.start..next.range.end,
                    &row.text[next.range.clone()],
                );
                edits.append(&row.text[token.range.end..next.range.start]);
                edits.append(&row.text[token.range.clone()]);
                at += 1;
            }
            at += 1;
        }
        spare
    }
}

impl Augmenter for Noise {
    fn name(&self) -> &str {
        "noise"
    }

    fn edits(&self, row: Row<'_>, random: &mut SplitMix, edits: &mut Edits) {
        if self.config.delete + self.config.swap == 0.0 {
            return self.insert(row, random, edits);
        }
        let count = |segment| tokens(row.text, segment).count();
        let mut spare = count(0..row.text.len()).saturating_sub(1);
        let mut disturbed = Edits::default();
        for segment in row.segments(self.config.in_entities) {
            spare = self.disturb(row, segment, spare, random, &mut disturbed);
        }
        // What is put in goes where nothing else changes.
        let mut inserted = Edits::default();
        self.insert(row, random, &mut inserted);
        let taken: Vec<Range<usize>> = disturbed.iter().map(|(range, _)| range).collect();
        for (range, text) in inserted.iter() {
            let inside =
                |taken: &Range<usize>| taken.start < range.start && range.start < taken.end;
            if !taken.iter().any(inside) {
                edits.insert(range.start, text);
            }
        }
        disturbed
            .iter()
            .for_each(|(range, text)| edits.replace(range, text));
    }
}

fn is_entity(row: Row<'_>, start: usize) -> bool {
    row.entities
        .iter()
        .any(|entity| entity.range.start == start)
}

/// A token with the space after it, so that none are doubled.
fn with_space(text: &str, token: &Range<usize>, segment: &Range<usize>) -> Range<usize> {
    let space = token.end < segment.end && text.as_bytes()[token.end] == b' ';
    token.start..token.end + usize::from(space)
}
