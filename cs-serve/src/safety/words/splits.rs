//! Chinese characters that are written as their parts, side by side.

use std::collections::HashMap;
use std::path::Path;

use super::super::error::ListError;
use super::super::line::Source;
use super::alphabet::{Kind, Letter};
use super::tables::{self, is_ordinary_pair};

/// The most pairs in a row that are looked at.
const MAX_ROW: usize = 8;

/// Which two characters, side by side, may be read as one.
#[derive(Debug, Clone)]
pub(super) struct Splits {
    wholes: HashMap<(char, char), char>,
    /// A bit for each of some hashes of two parts.
    pairs: Box<[u64; 1024]>,
}

impl Splits {
    /// Those of our own table.
    pub(super) fn new() -> Self {
        let mut splits = Self {
            wholes: HashMap::new(),
            pairs: Box::new([0; 1024]),
        };
        for (&(one, other), &whole) in tables::SPLITS.iter() {
            splits.insert(one, other, whole);
        }
        splits
    }

    fn insert(&mut self, one: char, other: char, whole: char) {
        self.wholes.entry((one, other)).or_insert(whole);
        let (place, bit) = place(one, other);
        self.pairs[place] |= bit;
    }

    /// Adds lines of a character and its two parts: `法⇥氵去`.
    pub(super) fn add(&mut self, bytes: &[u8], path: &Path) -> Result<(), ListError> {
        let text = Source { bytes, path }.text()?;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_start_matches('\u{feff}');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut chars = line.chars().filter(|char| !char.is_whitespace());
            match (chars.next(), chars.next(), chars.next(), chars.next()) {
                (Some(whole), Some(one), Some(other), None)
                    if Letter::of(whole).kind == Kind::Han =>
                {
                    self.insert(one, other, whole);
                }
                _ => {
                    return Err(ListError::List {
                        path: path.into(),
                        line: number,
                        column: 1,
                        found: format!("{:?}", line.chars().take(40).collect::<String>()),
                        expected: "a Chinese character and its two parts",
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether two characters may be the parts of one.
    #[inline]
    pub(super) fn may_be(&self, one: char, other: char) -> bool {
        let (place, bit) = place(one, other);
        self.pairs[place] & bit != 0 && self.wholes.contains_key(&(one, other))
    }

    /// Gives the character whose parts stand at a byte of a text, and where they end: not if either belongs to
    /// an ordinary word, or the first one to a character before it.
    pub(super) fn whole(&self, text: &str, at: usize) -> Option<(char, usize)> {
        let mut chars = text[at..].chars();
        let (one, other) = (chars.next()?, chars.next()?);
        let &whole = self.wholes.get(&(one, other))?;
        let before = text[..at].chars().next_back();
        let is_taken =
            before.is_some_and(|before| is_word(before, one)) || self.is_second(text, at);
        let is_given = chars.next().is_some_and(|after| is_word(other, after));
        (!is_taken && !is_given && !is_word(one, other))
            .then(|| (whole, at + one.len_utf8() + other.len_utf8()))
    }

    /// Whether the character at a byte is the second part of one: in a row of pairs that overlap, every other pair is a
    /// character. A look at a few before it has to do.
    fn is_second(&self, text: &str, at: usize) -> bool {
        let mut after = text[at..].chars().next();
        let pairs = text[..at]
            .chars()
            .rev()
            .take(MAX_ROW)
            .take_while(|&before| {
                let pair = after.replace(before).map(|after| (before, after));
                pair.is_some_and(|pair| self.wholes.contains_key(&pair))
            });
        pairs.count() % 2 == 1
    }
}

#[inline]
fn place(one: char, other: char) -> (usize, u64) {
    let hash = (one as u32)
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(other as u32)
        .wrapping_mul(0x85eb_ca6b)
        >> 16;
    (hash as usize / 64, 1 << (hash % 64))
}

fn is_word(one: char, other: char) -> bool {
    let (one, other) = (Letter::of(one), Letter::of(other));
    one.kind == Kind::Han && other.kind == Kind::Han && is_ordinary_pair(one.base, other.base)
}
