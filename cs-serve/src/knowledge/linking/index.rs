//! Where names may stand in a text.
//!
//! A name that is found with up to `k` errors is cut into `k + 1` pieces, one of which stands in the
//! text as it is (Wu and Manber 1992). All pieces are looked for at once (Aho and Corasick 1975).

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use daachorse::CharwiseDoubleArrayAhoCorasick;

use super::typos::Letter;
use crate::knowledge::KnowledgeError;

/// The most characters of a piece; more would hardly make it rarer.
const MAX_PIECE: usize = 8;

/// The most names of a piece that is sure to be compared with all of them.
const RARE: usize = 200;

/// Where a piece is in its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The way of saying a name that it is of.
    pub(super) way: u32,
    /// The place in it, in characters.
    pub(super) offset: u16,
    /// Its length in characters.
    pub(super) len: u16,
    /// Whether it is all of the name.
    pub(super) is_whole: bool,
    /// Whether the two characters in its middle have changed places.
    is_swapped: bool,
}

impl Piece {
    pub(super) fn errors(self) -> usize {
        usize::from(self.is_swapped)
    }

    /// The weight of what is wrong in it, given its letters.
    pub(super) fn lost(self, letters: &[Letter]) -> f32 {
        let middle = letters.len() / 2;
        match self.is_swapped {
            true => (letters[middle - 1].weight + letters[middle].weight) / 2.0,
            false => 0.0,
        }
    }
}

/// A piece, and where its characters are.
#[derive(Debug)]
struct Entry {
    start: u32,
    piece: Piece,
}

/// A stretch of text, in characters, and the pieces that it is.
pub(super) struct Hit<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) pieces: &'a [Piece],
}

impl Hit<'_> {
    /// The names that it is as a whole.
    pub(super) fn wholes(&self) -> impl Iterator<Item = Piece> {
        self.pieces
            .iter()
            .copied()
            .take_while(|piece| piece.is_whole)
    }

    /// The pieces of longer names that it is.
    pub(super) fn parts(&self) -> impl Iterator<Item = Piece> {
        self.pieces
            .iter()
            .copied()
            .skip_while(|piece| piece.is_whole)
    }
}

/// A way to say a name, to be found with up to `limit` errors.
pub(super) struct Searched<'a> {
    pub(super) way: u32,
    pub(super) letters: &'a [Letter],
    pub(super) limit: usize,
}

pub(super) struct Index {
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    /// For each text that is looked for, the end of its pieces.
    ends: Vec<u32>,
    pieces: Vec<Piece>,
}

impl Index {
    /// # Errors
    /// There are more names than the automaton holds.
    pub(super) fn new(names: &[Searched]) -> Result<Self, KnowledgeError> {
        let mut builder = Builder::default();
        names.iter().for_each(|name| builder.add(name));
        builder.sort();
        builder.add_wholes(names);
        builder.sort();
        builder.build()
    }

    /// Gives the hits in order of their ends.
    pub(super) fn hits(&self, chars: &[char]) -> Vec<Hit<'_>> {
        let text: String = chars.iter().collect();
        let mut at = 0;
        let mut bytes = 0;
        let found = self
            .automaton
            .iter()
            .flat_map(|found| found.find_overlapping_iter(&text));
        let mut hits = Vec::new();
        for found in found {
            while bytes < found.end() {
                bytes += chars[at].len_utf8();
                at += 1;
            }
            let group = found.value() as usize;
            let first = group.checked_sub(1).map_or(0, |before| self.ends[before]);
            let pieces = &self.pieces[first as usize..self.ends[group] as usize];
            hits.push(Hit {
                start: at - usize::from(pieces[0].len),
                end: at,
                pieces,
            });
        }
        hits
    }
}

#[derive(Default)]
struct Builder {
    letters: Vec<char>,
    entries: Vec<Entry>,
}

impl Builder {
    fn add(&mut self, name: &Searched) {
        let len = name.letters.len();
        let count = name.limit + 1;
        for piece in 0..count {
            let (start, end) = (piece * len / count, (piece + 1) * len / count);
            self.push(name, start..end.min(start + MAX_PIECE), false);
        }
        if name.limit == 1 {
            // The only error that breaks both pieces.
            let middle = len / 2;
            self.push(name, middle - 2..middle + 2, true);
        }
    }

    fn push(&mut self, name: &Searched, range: Range<usize>, is_swapped: bool) {
        let start = self.letters.len();
        self.letters
            .extend(name.letters[range.clone()].iter().map(|letter| letter.char));
        if is_swapped {
            self.letters.swap(start + 1, start + 2);
        }
        let piece = Piece {
            way: name.way,
            offset: range.start as u16,
            len: range.len() as u16,
            is_whole: range.len() == name.letters.len() && !is_swapped,
            is_swapped,
        };
        self.entries.push(Entry {
            start: start as u32,
            piece,
        });
    }

    /// Looks for names as wholes, too, if all of their pieces are common.
    fn add_wholes(&mut self, names: &[Searched]) {
        let mut sure = HashSet::new();
        for group in self.groups() {
            let compared = group
                .iter()
                .filter(|entry| entry.piece.is_whole || group.len() <= RARE);
            sure.extend(compared.map(|entry| entry.piece.way));
        }
        for name in names.iter().filter(|name| !sure.contains(&name.way)) {
            self.push(name, 0..name.letters.len(), false);
        }
    }

    /// Sorts the pieces by their characters, those that are all of a name first.
    fn sort(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_unstable_by(|one, other| {
            let rank = |entry: &Entry| (!entry.piece.is_whole, entry.piece.way);
            self.order(one, other)
                .then_with(|| rank(one).cmp(&rank(other)))
        });
        self.entries = entries;
    }

    /// Pieces of the same characters.
    fn groups(&self) -> impl Iterator<Item = &[Entry]> {
        self.entries
            .chunk_by(|one, other| self.order(one, other).is_eq())
    }

    fn chars(&self, entry: &Entry) -> &[char] {
        let start = entry.start as usize;
        &self.letters[start..start + usize::from(entry.piece.len)]
    }

    fn order(&self, one: &Entry, other: &Entry) -> Ordering {
        self.chars(one).cmp(self.chars(other))
    }

    fn build(self) -> Result<Index, KnowledgeError> {
        let texts: Vec<String> = self
            .groups()
            .map(|group| self.chars(&group[0]).iter().collect())
            .collect();
        let end = |end: &mut u32, group: &[Entry]| {
            *end += group.len() as u32;
            Some(*end)
        };
        let ends = self.groups().scan(0, end).collect();
        let automaton = match texts.is_empty() {
            true => None,
            false => Some(CharwiseDoubleArrayAhoCorasick::new(texts).map_err(|error| {
                KnowledgeError::Names {
                    problem: error.to_string(),
                }
            })?),
        };
        let pieces = self.entries.into_iter().map(|entry| entry.piece).collect();
        Ok(Index {
            automaton,
            ends,
            pieces,
        })
    }
}
