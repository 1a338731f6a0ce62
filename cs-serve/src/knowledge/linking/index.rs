//! Where names may stand in a text.
//!
//! A name that is found with up to `k` errors is cut into `k + 1` pieces, one of which stands in the
//! text as it is (Wu and Manber 1992). All pieces are looked for at once (Aho and Corasick 1975).

use std::cmp::Ordering;
use std::ops::Range;

use daachorse::CharwiseDoubleArrayAhoCorasick;

use super::typos::Letter;
use crate::knowledge::KnowledgeError;

/// The most characters of a piece; more would hardly make it rarer.
const MAX_PIECE: usize = 8;

/// Where a piece is in its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The way of saying a name that it is of.
    pub(super) way: u32,
    /// The place in it, in characters.
    pub(super) offset: u16,
    /// Its length in characters.
    pub(super) len: u16,
    /// Whether the two characters in its middle have changed places.
    swapped: bool,
}

impl Piece {
    pub(super) fn errors(self) -> usize {
        usize::from(self.swapped)
    }

    /// The weight of what is wrong in it, given its letters.
    pub(super) fn lost(self, letters: &[Letter]) -> f32 {
        let middle = letters.len() / 2;
        match self.swapped {
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

#[derive(Default)]
pub(super) struct Builder {
    letters: Vec<char>,
    entries: Vec<Entry>,
}

impl Builder {
    /// Adds a way to say a name, to be found with up to `limit` errors.
    pub(super) fn add(&mut self, way: u32, letters: &[Letter], limit: usize) {
        let len = letters.len();
        let count = limit + 1;
        for piece in 0..count {
            let (start, end) = (piece * len / count, (piece + 1) * len / count);
            self.push(way, letters, start..end.min(start + MAX_PIECE), false);
        }
        if limit == 1 {
            // The only error that breaks both pieces.
            let middle = len / 2;
            self.push(way, letters, middle - 2..middle + 2, true);
        }
    }

    fn push(&mut self, way: u32, letters: &[Letter], range: Range<usize>, swapped: bool) {
        let start = self.letters.len();
        self.letters.extend(letters[range.clone()].iter().map(|letter| letter.char));
        if swapped {
            self.letters.swap(start + 1, start + 2);
        }
        let piece = Piece {
            way,
            offset: range.start as u16,
            len: range.len() as u16,
            swapped,
        };
        self.entries.push(Entry { start: start as u32, piece });
    }

    fn chars(&self, entry: &Entry) -> &[char] {
        let start = entry.start as usize;
        &self.letters[start..start + usize::from(entry.piece.len)]
    }

    fn order(&self, one: &Entry, other: &Entry) -> Ordering {
        self.chars(one).cmp(self.chars(other))
    }

    /// # Errors
    /// There are more names than the automaton holds.
    pub(super) fn build(mut self) -> Result<Index, KnowledgeError> {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_unstable_by(|one, other| {
            self.order(one, other).then(one.piece.way.cmp(&other.piece.way))
        });
        let mut ends = Vec::new();
        let groups = entries.chunk_by(|one, other| self.order(one, other).is_eq());
        let texts = groups.map(|group| {
            let end = ends.last().copied().unwrap_or(0) + group.len() as u32;
            ends.push(end);
            self.chars(&group[0]).iter().collect::<String>()
        });
        let texts: Vec<String> = texts.collect();
        let automaton = match texts.is_empty() {
            true => None,
            false => Some(CharwiseDoubleArrayAhoCorasick::new(texts).map_err(|error| {
                KnowledgeError::Names { problem: error.to_string() }
            })?),
        };
        let pieces = entries.into_iter().map(|entry| entry.piece).collect();
        Ok(Index { automaton, ends, pieces })
    }
}

pub(super) struct Index {
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    /// For each text that is looked for, the end of its pieces.
    ends: Vec<u32>,
    pieces: Vec<Piece>,
}

impl Index {
    /// Gives the hits in order of their ends.
    pub(super) fn hits(&self, chars: &[char]) -> Vec<Hit<'_>> {
        let text: String = chars.iter().collect();
        let mut at = 0;
        let mut bytes = 0;
        let found = self.automaton.iter().flat_map(|found| found.find_overlapping_iter(&text));
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
