//! The texts that things have as values, found in other texts.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::knowledge::value::{fold, is_filler};

/// The shortest and the longest text that is looked for, in characters without what separates them.
const SHORTEST: usize = 2;
const LONGEST: usize = 120;

/// A set of texts, kept by their hashes, each with the properties whose value it is.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    /// The lengths of those that begin with two characters, the longest first.
    lengths: HashMap<[char; 2], Vec<u8>>,
    properties: HashMap<u64, Vec<u32>>,
}

/// The letters and digits of a text, folded, with where they stand.
pub(super) struct Letters {
    letters: Vec<char>,
    places: Vec<usize>,
}

/// A text that was found, and the properties whose value it is.
pub(super) struct Phrase<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) properties: &'a [u32],
}

impl Letters {
    pub(super) fn of(text: &str) -> Self {
        let kept = |(place, c): (usize, char)| (!is_filler(c)).then_some((place, fold(c)));
        let (places, letters) = text.chars().enumerate().filter_map(kept).unzip();
        Self { letters, places }
    }

    /// Says whether letters of one word stand on both sides of a place.
    fn is_inside_word(&self, at: usize) -> bool {
        let (Some(before), Some(after)) = (at.checked_sub(1), self.letters.get(at)) else {
            return false;
        };
        let joined = self.places[at] == self.places[before] + 1;
        let word = |c: char| c.is_ascii_alphanumeric();
        joined && word(self.letters[before]) && word(*after)
    }
}

impl Phrases {
    pub(super) fn add(&mut self, text: &str, property: u32) {
        let letters = Letters::of(text).letters;
        let Ok(length) = u8::try_from(letters.len()) else {
            return;
        };
        if !(SHORTEST..=LONGEST).contains(&letters.len()) {
            return;
        }
        let lengths = self.lengths.entry([letters[0], letters[1]]).or_default();
        if let Err(at) = lengths.binary_search_by(|it| length.cmp(it)) {
            lengths.insert(at, length);
        }
        let properties = self.properties.entry(hash(&letters)).or_default();
        if !properties.contains(&property) {
            properties.push(property);
        }
    }

    /// Finds the longest texts, from left to right.
    pub(super) fn find(&self, text: &Letters) -> Vec<Phrase<'_>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.letters.len() {
            match self.longest_at(text, at) {
                Some((end, properties)) => {
                    let (start, last) = (text.places[at], text.places[end - 1]);
                    found.push(Phrase {
                        start,
                        end: last + 1,
                        properties,
                    });
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }

    fn longest_at(&self, text: &Letters, at: usize) -> Option<(usize, &[u32])> {
        let rest = &text.letters[at..];
        let lengths = self.lengths.get(&[*rest.first()?, *rest.get(1)?])?;
        if text.is_inside_word(at) {
            return None;
        }
        let fits = |&length: &u8| {
            let letters = rest.get(..usize::from(length))?;
            let end = at + letters.len();
            let properties = self.properties.get(&hash(letters))?;
            (!text.is_inside_word(end)).then_some((end, properties.as_slice()))
        };
        lengths.iter().find_map(fits)
    }
}

fn hash(letters: &[char]) -> u64 {
    let mut hasher = DefaultHasher::new();
    letters.hash(&mut hasher);
    hasher.finish()
}
