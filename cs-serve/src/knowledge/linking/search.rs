//! All names that stand in a text, whatever overlaps.

use super::form::Form;
use super::index::{Hit, Piece};
use super::linker::Linker;
use super::typos::{Part, Stretch, align};

/// The number of comparisons with names that a text may cost, and each of its characters besides.
/// What is found by rare pieces is compared first.
const COMPARED: usize = 1000;
const COMPARED_PER_CHARACTER: usize = 20;

/// The most characters that stand between the parts of a phrase.
const MAX_BETWEEN: usize = 10;

/// A way to say a name, found in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Match {
    /// The first of its characters, in the normal form of the text.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) way: u32,
    pub(super) errors: usize,
    /// The weight of the characters that are wrong.
    pub(super) lost: f32,
    /// Whether other words stand between its parts.
    pub(super) is_apart: bool,
}

impl Linker {
    pub(super) fn search(&self, form: &Form) -> Vec<Match> {
        let mut hits = self.index.hits(&form.chars);
        hits.sort_by_key(|hit| hit.pieces.len());
        let wholes = hits
            .iter()
            .flat_map(|hit| hit.wholes().map(move |piece| (hit, piece)));
        let parts = hits
            .iter()
            .flat_map(|hit| hit.parts().map(move |piece| (hit, piece)));
        let most = COMPARED + COMPARED_PER_CHARACTER * form.chars.len();
        let mut matches: Vec<Match> = wholes
            .chain(parts.take(most))
            .filter_map(|(hit, piece)| self.compare(form, hit, piece))
            .collect();
        let phrases = self.phrases(form, &matches);
        matches.extend(phrases);
        matches.retain(|found| !self.ways[found.way as usize].owners.is_empty());
        matches.sort_by_key(|found| (found.way, found.start, found.end, found.errors));
        matches.dedup_by_key(|found| (found.way, found.start, found.end));
        matches
    }

    /// Compares the rest of a name with what is around a piece of it.
    fn compare(&self, form: &Form, hit: &Hit, piece: Piece) -> Option<Match> {
        let way = &self.ways[piece.way as usize];
        let letters = self.letters(piece.way);
        let (before, rest) = letters.split_at(usize::from(piece.offset));
        let (letters, after) = rest.split_at(usize::from(piece.len));
        let inserted = way.weight / f32::from(way.len);
        let limit = usize::from(way.limit) - piece.errors();
        let right = align(
            Part {
                letters: after,
                backwards: false,
            },
            Stretch {
                form,
                at: hit.end,
                backwards: false,
            },
            limit,
            inserted,
        )?;
        let left = align(
            Part {
                letters: before,
                backwards: true,
            },
            Stretch {
                form,
                at: hit.start,
                backwards: true,
            },
            limit - right.errors,
            inserted,
        )?;
        Some(Match {
            start: hit.start - left.taken,
            end: hit.end + right.taken,
            way: piece.way,
            errors: piece.errors() + left.errors + right.errors,
            lost: piece.lost(letters) + left.lost + right.lost,
            is_apart: false,
        })
    }

    /// Names whose parts stand apart, in one clause.
    fn phrases(&self, form: &Form, matches: &[Match]) -> Vec<Match> {
        let begun = |first: &Match| {
            self.phrases
                .get(&first.way)
                .map(|phrases| (*first, phrases))
        };
        matches
            .iter()
            .filter(|found| found.errors == 0)
            .filter_map(begun)
            .flat_map(|(first, phrases)| phrases.iter().map(move |phrase| (first, phrase)))
            .filter_map(|(first, phrase)| {
                let end = phrase
                    .rest
                    .iter()
                    .try_fold(first.end, |end, &part| next_part(form, matches, end, part))?;
                let len = usize::from(self.ways[phrase.way as usize].len);
                Some(Match {
                    end,
                    way: phrase.way,
                    is_apart: end - first.start > len,
                    ..first
                })
            })
            .collect()
    }
}

/// Where the next part of a phrase ends.
fn next_part(form: &Form, matches: &[Match], from: usize, way: u32) -> Option<usize> {
    matches
        .iter()
        .filter(|part| part.way == way && part.errors == 0)
        .filter(|part| (from..=from + MAX_BETWEEN).contains(&part.start))
        .filter(|part| form.is_clause(from..part.start))
        .min_by_key(|part| part.start)
        .map(|part| part.end)
}
