//! A text as words are looked for in it.

use std::ops::Range;

use super::alphabet::{Kind, Letter, MAX_READ, parts};
use super::index::HEAD;
use super::splits::Splits;

/// A letter of a text, or what is read as one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// The first of its bytes in the view.
    pub(super) at: u32,
    /// Its first byte in the text.
    pub(super) start: u32,
    /// The byte after its last one there.
    pub(super) end: u32,
    /// The letter.
    pub(super) char: char,
}

impl Unit {
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place where a word may begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// The number of its unit.
    pub(super) unit: u32,
    /// How many Latin letters and digits stand there without a gap.
    run: u32,
}

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Letters alone.
    Plain,
    /// Symbols and pictures as letters, where they stand among letters.
    Symbols,
    /// The parts of Chinese characters as these.
    Parts,
}

/// The letters of a text, and bytes that are the same for all letters that may stand for each other: pinyin
/// for Chinese characters, Latin letters for what looks like them. No byte follows its like.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The bytes, as many as are in use, and room for more.
    bytes: Vec<u8>,
    len: usize,
    /// The last of them.
    last: u8,
    pub(super) units: Vec<Unit>,
    /// Where a word may begin: not at Latin letters after others.
    pub(super) starts: Vec<Start>,
    /// Where symbols or pictures are that may be read as letters.
    pub(super) symbols: Vec<usize>,
    /// Where the second one is of characters side by side that may be parts of one.
    pub(super) parts: Vec<usize>,
}

/// The fewest Latin letters that may be the first ones of a word's pinyin, and the most.
const MIN_RUN: u32 = 3;
const MAX_RUN: u32 = 12;

/// Bytes after the last one, so that a head can be taken from anywhere.
const PADDING: usize = HEAD;

impl View {
    /// Reads a part of a text, which begins and ends between characters.
    pub(super) fn read(
        &mut self,
        text: &str,
        part: Range<usize>,
        reading: Reading,
        splits: &Splits,
    ) {
        self.len = 0;
        self.last = 0;
        self.make_room(2 * part.len());
        self.units.clear();
        self.starts.clear();
        self.symbols.clear();
        self.parts.clear();
        let ascii = Letter::page(0);
        let (mut at, last) = (part.start, part.end);
        let mut before = text[..part.start].chars().next_back().unwrap_or_default();
        let mut is_latin = Letter::of(before).kind == Kind::Latin;
        let mut skipped = match reading {
            Reading::Parts if part.start > 0 => splits
                .whole(text, part.start - before.len_utf8())
                .map_or(0, |(_, end)| end),
            _ => 0,
        };
        for char in text[part].chars() {
            let (start, end) = (at, at + char.len_utf8());
            at = end;
            if start < skipped {
                continue;
            }
            let letter = match char.is_ascii() {
                true => &ascii[char as usize],
                false => Letter::of(char),
            };
            if letter.kind.is_latin() {
                self.push(char, letter, start..end, is_latin);
                is_latin = letter.kind == Kind::Latin;
                before = char;
                continue;
            }
            let read = match letter.kind {
                Kind::Other => Some((char, letter, end)),
                Kind::Han if reading == Reading::Parts => {
                    let whole = splits.whole(text, start);
                    skipped = whole.map_or(0, |(_, end)| end);
                    let whole = whole.map(|(whole, end)| (whole, Letter::of(whole), end));
                    Some(whole.unwrap_or((char, letter, end)))
                }
                Kind::Han => {
                    if splits.may_be(before, char) {
                        self.parts.push(start);
                    }
                    Some((char, letter, end))
                }
                Kind::Joined => {
                    // One such character is read as up to eighteen letters.
                    let read: usize = parts(char).map(char::len_utf8).sum();
                    self.make_room(self.len + 2 * (read + last - end));
                    for part in parts(char) {
                        self.push(part, Letter::of(part), start..end, is_latin);
                    }
                    None
                }
                Kind::Emoji => Some((letter.base, letter, end)),
                Kind::Leet if is_among_letters(text, start..end) => {
                    Some((letter.base, letter, end))
                }
                _ => None,
            };
            match read {
                Some(_)
                    if matches!(letter.kind, Kind::Emoji | Kind::Leet)
                        && reading != Reading::Symbols =>
                {
                    self.symbols.push(start);
                }
                Some((char, letter, end)) => self.push(char, letter, start..end, is_latin),
                None => {}
            }
            is_latin = false;
            before = char;
        }
        self.make_room(self.len);
        self.bytes[self.len..self.len + PADDING].fill(0);
    }

    /// The bytes.
    pub(super) fn letters(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The bytes from one on, and zeros.
    pub(super) fn padded(&self, at: usize) -> &[u8] {
        &self.bytes[at..self.len + PADDING]
    }

    /// The bytes of the Latin letters and digits at a start, without a gap: none if they are fewer than three, or many.
    #[inline]
    pub(super) fn latin_run(&self, start: Start) -> &[u8] {
        if !(MIN_RUN..=MAX_RUN).contains(&start.run) {
            return &[];
        }
        let last = &self.units[(start.unit + start.run - 1) as usize];
        &self.bytes[self.units[start.unit as usize].at as usize..=last.at as usize]
    }

    /// Makes room for what may be read of so many bytes of a text, each of which is read as two at most.
    fn make_room(&mut self, bytes: usize) {
        if self.bytes.len() < bytes + MAX_READ + PADDING {
            self.bytes.resize(bytes + 64, 0);
        }
    }

    /// Adds a letter, which may stand after a Latin one.
    #[inline]
    fn push(&mut self, char: char, letter: &Letter, part: Range<usize>, is_after_latin: bool) {
        let is_latin = letter.kind.is_latin();
        let again = match letter.kind {
            Kind::Han | Kind::Emoji => self.units.last().filter(|unit| unit.char == char),
            _ => None,
        };
        let at = match again {
            Some(unit) => unit.at as usize,
            None => {
                let (read, len) = letter.read();
                let at = self.len - usize::from(self.last == read[0]);
                self.bytes[at..at + MAX_READ].copy_from_slice(&read);
                self.len = at + len;
                self.last = read[len - 1];
                at
            }
        };
        match self.starts.last_mut() {
            Some(start) if is_after_latin && is_latin => start.run += 1,
            _ if is_after_latin && Letter::of(char).kind.is_latin() => {}
            _ => self.starts.push(Start {
                unit: self.units.len() as u32,
                run: u32::from(is_latin),
            }),
        }
        self.units.push(Unit {
            at: at as u32,
            start: part.start as u32,
            end: part.end as u32,
            char,
        });
    }
}

/// Whether a symbol stands where a letter may: after one, or before one.
fn is_among_letters(text: &str, symbol: Range<usize>) -> bool {
    let is_letter =
        |char: char| Letter::of(char).kind.is_latin() || matches!(char, '@' | '$' | '€');
    let is_after = text[..symbol.start]
        .chars()
        .next_back()
        .is_some_and(is_letter);
    let is_before = text[symbol.end..].chars().next().is_some_and(is_letter);
    match text[symbol].chars().next() {
        Some('@' | '$' | '€') => is_after || is_before,
        _ => is_before,
    }
}
