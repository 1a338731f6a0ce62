//! Whether a word stands where it may, and how it is disguised there.

use std::ops::Range;

use super::alphabet::{Kind, Letter, narrow, sound};
use super::plausible::{Ends, Likeness};
use super::relation::{filler, has_clause_end, initial, is_letter, may_be_next, relation};
use super::tables::is_ordinary_word;
use super::trick::{Trick, Tricks};
use super::view::Unit;

/// The most times that a letter is repeated.
const MAX_REPEATED: usize = 64;

/// The most characters between two of a word.
pub(super) const MAX_GAP: usize = 16;

/// What says nothing about which letter it is.
const PLAIN: Tricks = Tricks::NONE.with(Trick::Case).with(Trick::Width);

/// A word in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// Its first byte.
    pub(super) start: usize,
    /// The byte after it.
    pub(super) end: usize,
    pub(super) tricks: Tricks,
}

/// What comes after a letter of a word.
#[derive(Clone, Copy)]
enum Next {
    /// Another one.
    Beside(char),
    /// Another one, after a gap.
    Apart(char),
    End,
}

impl Next {
    /// Of the letter at one place of a word the next one, which is at another.
    fn of(word: &[char], letter: usize, next: usize) -> Self {
        match word.get(next) {
            Some(&char) if next == letter + 1 => Self::Beside(char),
            Some(&char) => Self::Apart(char),
            None => Self::End,
        }
    }
}

/// Compares words with a text from one of its letters on.
pub(super) struct Matcher<'a> {
    text: &'a str,
    units: &'a [Unit],
    word: &'a [char],
    /// The letter that is next.
    at: usize,
    /// The first one.
    first: usize,
    tricks: Tricks,
    /// The first letter since the last gap.
    fragment: usize,
    /// Gaps that a list does not have, and those among them in which a clause ends.
    gaps: usize,
    clauses: usize,
    /// Runs of Latin letters between gaps, and those among them that are ordinary words.
    runs: usize,
    ordinary: usize,
    /// Letters of the word.
    letters: usize,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(text: &'a str, units: &'a [Unit], word: &'a [char], first: usize) -> Self {
        Self {
            text,
            units,
            word,
            at: first,
            first,
            tricks: Tricks::NONE,
            fragment: first,
            gaps: 0,
            clauses: 0,
            runs: 0,
            ordinary: 0,
            letters: 0,
        }
    }

    /// Gives where the word ends if it stands here.
    pub(super) fn whole(mut self) -> Option<Match> {
        let lead = self.next_letter(0);
        let mut letter = lead;
        while let Some(&char) = self.word.get(letter) {
            let next = self.next_letter(letter + 1);
            self.letter(char, Next::of(self.word, letter, next))?;
            self.letters += 1;
            if next < self.word.len() {
                self.gap(letter + 1..next)?;
            }
            letter = next;
        }
        let last = self.word.iter().rposition(|&char| is_letter(char))?;
        if self.gaps > 0 || self.tricks.has(Trick::Pinyin) {
            self.close();
        }
        let start = self.units[self.first].start as usize;
        let end = self.units[self.at - 1].end as usize;
        let start = start - self.symbols_before(start, &self.word[..lead])?;
        let end = end + self.symbols_after(end, &self.word[last + 1..])?;
        let likeness = Likeness {
            text: self.text,
            start,
            end,
            word: self.word,
            units: &self.units[self.first..self.at],
            tricks: self.tricks,
            letters: self.letters,
            gaps: self.gaps,
            clauses: self.clauses,
            runs: self.runs,
            ordinary: self.ordinary,
        };
        (self.has_borders(start, end) && likeness.is_plausible()).then_some(Match {
            start,
            end,
            tricks: self.tricks,
        })
    }

    /// Gives where the first letters of the word's pinyin end if they stand here, without gaps.
    pub(super) fn initials(mut self) -> Option<Match> {
        for &char in self.word {
            let unit = self.unit()?;
            let like = relation(initial(char)?, unit.char).filter(|like| like.is_within(PLAIN))?;
            self.tricks = self.tricks | like | self.reading(&unit);
            self.at += 1;
        }
        self.tricks = self.tricks.with(Trick::Initials);
        let units = &self.units[self.first..self.at];
        let is_joined = units.windows(2).all(|pair| pair[0].end == pair[1].start);
        let (start, end) = (units[0].start as usize, units[units.len() - 1].end as usize);
        (is_joined && self.has_borders(start, end)).then_some(Match {
            start,
            end,
            tricks: self.tricks,
        })
    }

    fn unit(&self) -> Option<Unit> {
        self.units.get(self.at).copied()
    }

    /// The next place of the word, from one on, where a letter is.
    fn next_letter(&self, from: usize) -> usize {
        let letters = self
            .word
            .iter()
            .skip(from)
            .position(|&char| is_letter(char));
        letters.map_or(self.word.len(), |after| from + after)
    }

    /// Takes what stands for a letter of the word, and what repeats it.
    fn letter(&mut self, char: char, next: Next) -> Option<()> {
        let unit = self.unit()?;
        let letter = Letter::of(char);
        if let Some(like) = relation(char, unit.char) {
            self.tricks = self.tricks | like | self.reading(&unit);
            self.at += 1;
            let is_like = |next| may_be_next(next, unit.char);
            match next {
                // What is left of a Chinese character's repetitions at a word's end is not its own.
                Next::End if letter.kind == Kind::Han => {}
                Next::Beside(next) if is_like(next) => {}
                Next::Apart(next) => self.repeated(&unit, is_like(next)),
                _ => self.repeated(&unit, false),
            }
            return Some(());
        }
        if letter.kind != Kind::Han || !Letter::of(unit.char).kind.is_latin() {
            return None;
        }
        let beside = match next {
            Next::Beside(next) => initial(next),
            _ => None,
        };
        self.sound(sound(letter.base)?, beside)?;
        self.tricks = self.tricks | Trick::Pinyin.into();
        Some(())
    }

    /// Takes the letters of a character's pinyin, given the first one of the next character's.
    fn sound(&mut self, sound: &str, beside: Option<char>) -> Option<()> {
        let mut letters = sound.chars().peekable();
        let mut is_first = true;
        while let Some(char) = letters.next() {
            if !std::mem::take(&mut is_first) {
                self.gap(0..0)?;
            }
            let unit = self.unit()?;
            let like = match (char, unit.char) {
                ('v', 'u' | 'U' | 'ü' | 'Ü') => Tricks::NONE,
                (char, found) => relation(char, found)?,
            };
            self.tricks = self.tricks | like | self.reading(&unit);
            self.at += 1;
            if letters.peek().copied().or(beside) != Some(char) {
                self.repeated(&unit, false);
            }
        }
        Some(())
    }

    /// Takes further letters that are the same, without a gap, but for the last one if that may be `next` to come: if
    /// a letter follows it.
    fn repeated(&mut self, like: &Unit, next: bool) {
        let base = Letter::of(like.char).base;
        let before = self.at;
        let mut end = like.end;
        while let Some(unit) = self.unit().filter(|_| self.at - before < MAX_REPEATED) {
            if unit.start != end || Letter::of(unit.char).base != base {
                break;
            }
            end = unit.end;
            self.at += 1;
        }
        if next && self.at > before && self.unit().is_some_and(|unit| unit.start == end) {
            self.at -= 1;
        }
        if self.at > before {
            self.tricks = self.tricks | Trick::Repeat.into();
        }
    }

    /// How what stands in the text came to be a letter.
    fn reading(&self, unit: &Unit) -> Tricks {
        let mut chars = self.text[unit.range()].chars();
        let Some(found) = chars.next() else {
            return Tricks::NONE;
        };
        if found == unit.char {
            return Tricks::NONE;
        }
        if chars.next().is_some() {
            return Trick::Split.into();
        }
        match Letter::of(found).kind {
            Kind::Emoji => Trick::Emoji.into(),
            Kind::Leet => Trick::Leet.into(),
            _ => Trick::Width.into(),
        }
    }

    /// Goes over what stands between the last letter and the next one, where the word has a gap too.
    fn gap(&mut self, word: Range<usize>) -> Option<()> {
        let (last, next) = (self.units[self.at - 1], self.unit()?);
        if next.start < last.end {
            return Some(()); // letters that were one
        }
        let gap = &self.text[last.end as usize..next.start as usize];
        let word = &self.word[word];
        if gap.is_empty() && word.is_empty() || gap.chars().eq(word.iter().copied()) {
            return Some(());
        }
        if gap.chars().nth(MAX_GAP).is_some() {
            return None;
        }
        let has_symbols = |char: &char| Letter::of(*char).kind != Kind::Space;
        if word.iter().any(has_symbols) {
            let bare = gap
                .chars()
                .filter(|&char| !matches!(Letter::of(char).kind, Kind::Space | Kind::Invisible));
            let same = bare
                .map(narrow)
                .eq(word.iter().copied().filter(has_symbols).map(narrow));
            self.tricks = self.tricks | Trick::Spaces.into();
            return same.then_some(());
        }
        let tricks = match gap.is_empty() {
            true => Trick::Spaces.into(),
            false => gap
                .chars()
                .map(filler)
                .filter(|&trick| word.is_empty() || trick != Trick::Spaces)
                .collect(),
        };
        self.tricks = self.tricks | tricks;
        if !word.is_empty() {
            self.fragment = self.at;
        } else if tricks != Trick::Invisible.into() {
            self.gaps += 1;
            self.clauses += usize::from(has_clause_end(gap));
            self.close();
        }
        Some(())
    }

    /// Ends a fragment between two gaps.
    fn close(&mut self) {
        let units = &self.units[self.fragment..self.at];
        self.fragment = self.at;
        let mut word = String::new();
        for unit in units {
            let letter = Letter::of(unit.char);
            if !letter.kind.is_latin() {
                return;
            }
            word.push(letter.shape);
        }
        self.runs += 1;
        self.ordinary += usize::from(units.len() > 1 && is_ordinary_word(&word));
    }

    fn symbols_before(&self, start: usize, word: &[char]) -> Option<usize> {
        let found = self.text[..start].chars().rev();
        let is_same = word.iter().rev().copied().eq(found.take(word.len()));
        is_same.then(|| word.iter().map(|char| char.len_utf8()).sum())
    }

    fn symbols_after(&self, end: usize, word: &[char]) -> Option<usize> {
        let found = self.text[end..].chars();
        let is_same = word.iter().copied().eq(found.take(word.len()));
        is_same.then(|| word.iter().map(|char| char.len_utf8()).sum())
    }

    fn has_borders(&self, start: usize, end: usize) -> bool {
        let kind = |at: usize| Letter::of(self.units[at].char).kind;
        let ends = Ends {
            first: kind(self.first),
            last: kind(self.at - 1),
            letters: self.at - self.first,
        };
        ends.have_borders(self.text, start, end)
    }
}
