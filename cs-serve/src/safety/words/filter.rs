//! Texts in, words that they have out.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use super::super::action::{Action, Severity};
use super::super::error::ListError;
use super::super::line::Rule;
use super::alphabet::{Kind, Letter, parts};
use super::expressions::{self, Folded};
use super::found::{Found, masked, resolved};
use super::index::{Builder, Index};
use super::list::WordList;
use super::matching::{Match, Matcher};
use super::patterns::{PatternBuilder, Patterns};
use super::plausible::{Ends, is_second_of_two};
use super::splits::Splits;
use super::trick::{Trick, Tricks};
use super::view::{Reading, View};

/// Bytes of a text that are read at a time.
const PART: usize = 1 << 14;

/// The most bytes that a text may take for a byte of what a word is read as.
const STRETCH: usize = 24;

/// How words are looked for.
#[derive(Debug, Clone)]
pub struct FilterConfig {
    tricks: Tricks,
    pub(super) splits: Splits,
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self {
            tricks: Tricks::ALL,
            splits: Splits::new(),
        }
    }
}

impl FilterConfig {
    /// Has these tricks seen through and no others. All of them if not said.
    #[must_use]
    pub fn with_tricks(mut self, tricks: Tricks) -> Self {
        self.tricks = tricks;
        self
    }

    /// Adds Chinese characters with their two parts to those of a small table: a line each, as `法⇥氵去`. `#` begins
    /// a comment.
    ///
    /// # Errors
    /// [`ListError::List`] for bytes that are no UTF-8, or a line with more or fewer characters.
    pub fn with_splits(mut self, lines: &[u8], path: &Path) -> Result<Self, ListError> {
        self.splits.add(lines, path)?;
        Ok(self)
    }
}

/// A word that a text has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The word as its list has it.
    pub word: String,
    /// Its first character in the text, the first one of which is 0, in Unicode scalar values.
    pub start: usize,
    /// The character after it.
    pub end: usize,
    /// Its category, if the list has one for it.
    pub category: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// How it is disguised; of several tricks the least obvious one.
    pub trick: Trick,
    /// What is to be done about it.
    #[serde(skip)]
    pub action: Action,
}

/// What a filter finds in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filtered {
    /// The words, in the text's order.
    pub hits: Vec<Hit>,
    /// What is to be done with the text: the most severe of what its words demand.
    pub action: Action,
    /// The text with `*` for each character of words that are masked or block.
    pub masked: String,
}

/// Finds words of a list in texts. It takes time in proportion to the text, whatever its words are: with 10,000 of them and
/// all tricks some 50 MB/s, and a few microseconds for a turn of 50 characters; for words as they are, several times less. It
/// holds about 100 bytes a word, and is made of a million words in one to two seconds.
///
/// ```
/// use cs_serve::safety::Action;
/// use cs_serve::safety::words::{Filter, FilterConfig, Trick, WordList};
///
/// let mut words = WordList::new();
/// words.add("rascal\tinsult\t2\tmask\n大坏蛋\tinsult\t3\tblock".as_bytes(), "words.tsv".as_ref())?;
/// let filter = Filter::new(words, FilterConfig::default());
///
/// let found = filter.filter("You r-a-s-c-a-l!");
/// assert_eq!(found.masked, "You ***********!");
/// assert_eq!((found.hits[0].start, found.hits[0].end, found.hits[0].trick), (4, 15, Trick::Symbols));
///
/// assert_eq!(filter.filter("你这个大huai蛋").action, Action::Block);
/// assert!(filter.filter("rascally").hits.is_empty());
/// # Ok::<(), cs_serve::safety::ListError>(())
/// ```
pub struct Filter {
    words: WordList,
    pub(super) config: FilterConfig,
    pub(super) patterns: Patterns,
    /// Words that are looked for as they are.
    pub(super) exact: Index,
    /// The most symbols that a word begins with.
    pub(super) lead: usize,
    /// The most characters that a regular expression matches.
    pub(super) expression_reach: usize,
    /// Of each regular expression whether it is looked for: another line may have it more strictly.
    is_kept: Vec<bool>,
    duplicates: usize,
    /// The most bytes that a word takes up in a text.
    pub(super) reach: usize,
}

impl Filter {
    /// Makes ready to look for the words of a list.
    #[must_use]
    pub fn new(words: WordList, config: FilterConfig) -> Self {
        let mut filter = Self {
            words,
            config,
            patterns: PatternBuilder::new(Tricks::NONE, &Splits::new()).build(),
            exact: Builder::default().build(),
            lead: 0,
            expression_reach: 0,
            is_kept: Vec::new(),
            duplicates: 0,
            reach: 0,
        };
        let kept = filter.words.strictest();
        filter.duplicates = filter.words.len() - kept.len();
        filter.keep_expressions(&kept);
        let is_plain = filter.config.tricks == Trick::Exact.into();
        let mut builder = PatternBuilder::new(filter.config.tricks, &filter.config.splits);
        let mut exact = Builder::default();
        for word in kept {
            let text = filter.words.word(&filter.words.entries[word as usize]);
            if expressions::source(text).is_some() {
                continue;
            }
            let len = match is_plain || text.chars().nth(1).is_none() {
                true => 0,
                false => builder.add(text, word),
            };
            if len == 0 {
                exact.add(text.as_bytes(), word);
            }
            filter.reach = filter.reach.max(len.max(text.len()) * STRETCH);
            let lead = text
                .chars()
                .take_while(|&char| !Letter::of(char).kind.is_letter())
                .count();
            filter.lead = filter.lead.max(lead);
        }
        filter.patterns = builder.build();
        filter.exact = exact.build();
        filter
    }

    /// Notes which regular expressions no other line has more strictly.
    fn keep_expressions(&mut self, kept: &[u32]) {
        if self.words.expressions.is_empty() {
            return;
        }
        let kept: HashSet<u32> = kept.iter().copied().collect();
        let all = self.words.expressions.iter();
        self.is_kept = all.map(|(word, _)| kept.contains(word)).collect();
        let reaches = self.words.expressions.iter().map(|(_, it)| it.reach);
        self.expression_reach = reaches.max().unwrap_or(0);
    }

    /// Gives the number of words that stand on the list more than once.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Gives the number of words that are looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len() - self.duplicates
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Finds the words of a text.
    #[must_use]
    pub fn filter(&self, text: &str) -> Filtered {
        self.told(text, &resolved(self.search(text)))
    }

    /// All that words are in a text, allowed phrases too.
    pub(super) fn search(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let mut views = <[View; 2]>::default();
        let mut start = 0;
        while start < text.len() {
            let end = boundary(text, start + PART);
            self.find(text, start..end, &mut views, &mut found);
            start = end;
        }
        self.find_expressions(text, &mut found);
        found
    }

    /// Finds what matches regular expressions.
    fn find_expressions(&self, text: &str, found: &mut Vec<Found>) {
        if self.words.expressions.is_empty() {
            return;
        }
        let text = Folded::new(text);
        for at in self.words.all_expressions.of_text(&text) {
            let &(word, ref expression) = &self.words.expressions[at];
            if !self.is_kept[at] {
                continue;
            }
            let rule = self.words.entries[word as usize].rule;
            let found = |place| found.push(Found { word, place, rule });
            expression.find(&text, self.config.tricks, found);
        }
    }

    /// Finds the words that begin in a part of a text.
    fn find(&self, text: &str, part: Range<usize>, views: &mut [View; 2], found: &mut Vec<Found>) {
        if !self.exact.is_empty() && self.config.tricks.has(Trick::Exact) {
            self.look_as_is(text, part.clone(), found);
        }
        if self.patterns.whole.is_empty() {
            return;
        }
        let [view, other] = views;
        let end = boundary(text, part.end + self.reach);
        view.read(text, part.start..end, Reading::Plain, &self.config.splits);
        self.look(text, part.end, view, found);
        let tricks = self.config.tricks;
        let mut look = |places: &[usize], reading| {
            for window in self.windows(text, places, &part) {
                let end = boundary(text, window.end + self.reach);
                other.read(text, window.start..end, reading, &self.config.splits);
                self.look(text, window.end, other, found);
            }
        };
        if tricks.has(Trick::Leet) || tricks.has(Trick::Emoji) {
            look(&view.symbols, Reading::Symbols);
        }
        if tricks.has(Trick::Split) {
            look(&view.parts, Reading::Parts);
        }
    }

    /// Where in a part of a text words may begin that reach one of these places, in its order and apart.
    fn windows(&self, text: &str, places: &[usize], part: &Range<usize>) -> Vec<Range<usize>> {
        let mut windows: Vec<Range<usize>> = Vec::new();
        for &place in places {
            let start = boundary(text, place.saturating_sub(self.reach).max(part.start));
            let end = (place + 1).min(part.end);
            match windows.last_mut() {
                Some(last) if last.end >= start => last.end = last.end.max(end),
                _ if start < end => windows.push(start..end),
                _ => {}
            }
        }
        windows
    }

    /// Finds the words that begin in a view before a byte of the text.
    fn look(&self, text: &str, end: usize, view: &View, found: &mut Vec<Found>) {
        let mut own = Vec::new();
        for &start in &view.starts {
            let first = start.unit;
            let unit = &view.units[first as usize];
            if unit.start as usize >= end {
                break;
            }
            let bytes = view.padded(unit.at as usize);
            self.patterns.whole.find(bytes, |word| {
                let matcher = self.matcher(text, view, first, word, &mut own);
                found.extend(self.place(text, word, matcher.whole()));
            });
            let run = view.latin_run(start);
            if run.is_empty() {
                continue;
            }
            self.patterns.initials.find_all(run, |word| {
                let matcher = self.matcher(text, view, first, word, &mut own);
                found.extend(self.place(text, word, matcher.initials()));
            });
        }
    }

    fn matcher<'a>(
        &self,
        text: &'a str,
        view: &'a View,
        first: u32,
        word: u32,
        own: &'a mut Vec<char>,
    ) -> Matcher<'a> {
        own.clear();
        for char in self.words.word(&self.words.entries[word as usize]).chars() {
            match Letter::of(char).kind {
                Kind::Joined => own.extend(parts(char)),
                _ => own.push(char),
            }
        }
        Matcher::new(text, &view.units, own, first as usize)
    }

    fn place(&self, text: &str, word: u32, place: Option<Match>) -> Option<Found> {
        let entry = &self.words.entries[word as usize];
        let own = self.words.word(entry);
        let mut place = place?;
        if place.tricks.is_empty() || text[place.start..place.end] == *own {
            place.tricks = Trick::Exact.into();
        }
        let is_near = place.end - place.start <= own.len() * STRETCH;
        (is_near && place.tricks.is_within(self.config.tricks)).then_some(Found {
            word,
            place,
            rule: entry.rule,
        })
    }

    /// Finds the words that are in a part of a text as they are.
    fn look_as_is(&self, text: &str, part: Range<usize>, found: &mut Vec<Found>) {
        let bytes = text.as_bytes();
        let mut was_letter = false;
        for start in part {
            let byte = bytes[start];
            let is_within = was_letter;
            was_letter = byte.is_ascii_alphabetic();
            if is_within && was_letter || !text.is_char_boundary(start) {
                continue;
            }
            self.exact.find(&bytes[start..], |word| {
                let entry = &self.words.entries[word as usize];
                let own = self.words.word(entry);
                let end = start + own.len();
                let is_there = text[start..].starts_with(own)
                    && Ends::of(own).have_borders(text, start, end)
                    && !is_second_of_two(text, start);
                let tricks = Trick::Exact.into();
                found.extend(is_there.then_some(Found {
                    word,
                    place: Match { start, end, tricks },
                    rule: entry.rule,
                }));
            });
        }
    }

    pub(super) fn told(&self, text: &str, found: &[Found]) -> Filtered {
        let mut hits = Vec::with_capacity(found.len());
        let mut action = Action::Pass;
        let (mut byte, mut chars) = (0, 0);
        for found in found {
            let entry = &self.words.entries[found.word as usize];
            let Rule::Act(demanded) = found.rule else {
                continue;
            };
            action = action.max(demanded);
            chars += text[byte..found.place.start].chars().count();
            byte = found.place.start;
            hits.push(Hit {
                word: self.words.word(entry).to_owned(),
                start: chars,
                end: chars + text[found.place.start..found.place.end].chars().count(),
                category: self.words.category(entry).map(str::to_owned),
                severity: entry.severity,
                trick: obscurest(found.place.tricks),
                action: demanded,
            });
        }
        Filtered {
            hits,
            action,
            masked: masked(text, found),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("words", &self.len())
            .field("tricks", &self.config.tricks)
            .finish_non_exhaustive()
    }
}

/// The first byte from one on that a character begins at, or the text's end.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(text.len())
}

/// Of several tricks the one that hides most.
fn obscurest(tricks: Tricks) -> Trick {
    const ORDER: [Trick; 14] = [
        Trick::Initials,
        Trick::Homophone,
        Trick::Pinyin,
        Trick::Split,
        Trick::Emoji,
        Trick::Leet,
        Trick::Shape,
        Trick::Repeat,
        Trick::Invisible,
        Trick::Symbols,
        Trick::Spaces,
        Trick::Traditional,
        Trick::Width,
        Trick::Case,
    ];
    ORDER
        .into_iter()
        .find(|&trick| tricks.has(trick))
        .unwrap_or(Trick::Exact)
}
