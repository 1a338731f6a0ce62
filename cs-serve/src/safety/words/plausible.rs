//! Whether what is like a word is one, and no accident.

use super::alphabet::{Kind, Letter};
use super::relation::is_letter;
use super::tables::{is_common, is_ordinary_pair};
use super::trick::{Trick, Tricks};
use super::view::Unit;

/// All but what only sounds or looks like it.
const EXPLICIT: Tricks = Tricks::ALL.without(Trick::Homophone).without(Trick::Shape);

/// The fewest Latin letters that may be pinyin of a whole word.
const MIN_SPELT: usize = 4;

/// As many Latin letters, with gaps between them, are no accident even if what is between the gaps is ordinary.
const MANY: usize = 6;

/// The most characters that are looked at for the one before or after a word.
const MAX_LOOK: usize = 8;

/// Chinese characters that are said twice.
const SAID_TWICE: &str = "妈爸爷奶哥弟姐妹公婆叔姑姨舅宝看说想试等谢常天人年个件次刚慢好家走听问读写吃喝玩乐笑哈呵嘻嘿啊哦嗯呀";

/// What stands in a text where a word may be.
pub(super) struct Likeness<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) word: &'a [char],
    /// What stands for its letters.
    pub(super) units: &'a [Unit],
    pub(super) tricks: Tricks,
    /// The number of the word's letters.
    pub(super) letters: usize,
    /// Gaps that a list does not have, and those among them in which a clause ends.
    pub(super) gaps: usize,
    pub(super) clauses: usize,
    /// Runs of Latin letters between gaps, and those among them that are ordinary words.
    pub(super) runs: usize,
    pub(super) ordinary: usize,
}

impl Likeness<'_> {
    /// Whether this is no accident.
    pub(super) fn is_plausible(&self) -> bool {
        let units = self.units;
        let latin = units
            .iter()
            .filter(|unit| Letter::of(unit.char).kind == Kind::Latin)
            .count();
        let has_han = units
            .iter()
            .any(|unit| Letter::of(unit.char).kind == Kind::Han);
        if self.tricks.has(Trick::Leet) && latin == 0 && !has_han {
            return false;
        }
        if self.tricks.has(Trick::Pinyin) {
            if !has_han && (latin < MIN_SPELT || self.ordinary == self.runs) {
                return false;
            }
        } else if self.gaps > 0 && !has_han && (latin < 3 || latin < MANY && self.ordinary > 0) {
            return false;
        }
        if self.clauses > 0
            && !(self.gaps + 1 == self.letters && (self.letters > 2 || self.is_alone()))
        {
            return false;
        }
        if self.gaps > 0 && self.letters < 3 && !self.tricks.is_within(EXPLICIT) {
            return false;
        }
        !self.is_reduplicated() && !self.is_chance()
    }

    /// Whether no letter stands beside it.
    fn is_alone(&self) -> bool {
        !before(self.text, self.start).is_some_and(is_letter)
            && !after(self.text, self.end).is_some_and(is_letter)
    }

    /// Whether it repeats a Chinese character as people do: once, and one that is said so. What begins with the second of
    /// two is no word either.
    fn is_reduplicated(&self) -> bool {
        if is_second_of_two(self.text, self.start) {
            return true;
        }
        let is_same = |one: &Unit, other: &Unit| one.char == other.char && one.end == other.start;
        let mut runs = self.units.chunk_by(is_same);
        self.tricks.has(Trick::Repeat)
            && runs
                .clone()
                .any(|run| run.len() == 2 && SAID_TWICE.contains(run[0].char))
            && !runs.any(|run| run.len() > 2)
    }

    /// Whether Chinese characters only sound or look like the word's by chance: they are ordinary words, with each
    /// other or with what stands beside them.
    fn is_chance(&self) -> bool {
        if !self.tricks.has(Trick::Homophone) && !self.tricks.has(Trick::Shape) {
            return false;
        }
        let mut chars = self.word.iter().copied().filter(|&char| is_letter(char));
        let mut others = Vec::with_capacity(self.units.len());
        let mut before = None;
        for unit in self.units {
            let base = Letter::of(unit.char).base;
            if before == Some(base)
                && Letter::of(unit.char).kind == Kind::Han
                && self.tricks.has(Trick::Repeat)
            {
                continue;
            }
            before = Some(base);
            if Letter::of(unit.char).kind != Kind::Han {
                return false; // in part pinyin, which is no accident
            }
            let own = chars.next().map_or(base, |char| Letter::of(char).base);
            others.push((base, own != base));
        }
        if others.len() == 2
            && others
                .iter()
                .any(|&(char, is_other)| is_other && is_common(char))
        {
            return true;
        }
        let han = |char: char| Some(Letter::of(char)).filter(|letter| letter.kind == Kind::Han);
        let beside = |char: Option<char>| char.and_then(han).map(|letter| (letter.base, false));
        let before = beside(self.text[..self.start].chars().next_back());
        let after = beside(self.text[self.end..].chars().next());
        let all: Vec<_> = before.into_iter().chain(others).chain(after).collect();
        all.windows(2)
            .any(|pair| (pair[0].1 || pair[1].1) && is_ordinary_pair(pair[0].0, pair[1].0))
    }
}

/// The letters at the ends of a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) first: Kind,
    pub(super) last: Kind,
    /// How many letters there are.
    pub(super) letters: usize,
}

impl Ends {
    pub(super) fn of(word: &str) -> Self {
        let kind = |char: Option<char>| char.map_or(Kind::Symbol, |char| Letter::of(char).kind);
        Self {
            first: kind(word.chars().find(|&char| is_letter(char))),
            last: kind(word.chars().rfind(|&char| is_letter(char))),
            letters: word.chars().count(),
        }
    }

    /// Whether Latin letters at the ends are those of whole words where the word stands in a text.
    pub(super) fn have_borders(self, text: &str, start: usize, end: usize) -> bool {
        let is_within = |kind: Kind, beside: Option<char>| {
            kind.is_latin()
                && match beside.map(|char| Letter::of(char).kind) {
                    Some(Kind::Latin) => true,
                    Some(Kind::Digit) => kind == Kind::Digit || self.letters < 4,
                    _ => false,
                }
        };
        !is_within(self.first, before(text, start)) && !is_within(self.last, after(text, end))
    }
}

/// Whether a word would begin with the second of two Chinese characters that are said twice: 妈的 in 妈妈的.
pub(super) fn is_second_of_two(text: &str, start: usize) -> bool {
    let mut chars = text[..start].chars();
    let first = text[start..].chars().next();
    let before = chars.next_back();
    first == before && first.is_some_and(|char| SAID_TWICE.contains(char))
}

/// The character before a byte, unseen ones aside.
fn before(text: &str, at: usize) -> Option<char> {
    let mut chars = text[..at].chars().rev().take(MAX_LOOK);
    chars.find(|&char| Letter::of(char).kind != Kind::Invisible)
}

fn after(text: &str, at: usize) -> Option<char> {
    let mut chars = text[at..].chars().take(MAX_LOOK);
    chars.find(|&char| Letter::of(char).kind != Kind::Invisible)
}
