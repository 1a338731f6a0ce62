//! Which of the names that overlap stand.

use super::search::Match;

/// The number of right characters that an error takes away.
const ERROR: usize = 2;

/// The most characters by which two readings of the same words differ, at both ends together.
const NEAR: usize = 2;

/// A match that stands, and what it keeps others from.
#[derive(Debug)]
pub(super) struct Reading {
    /// The match, and other names that the same words may be.
    pub(super) matches: Vec<Match>,
    /// Names that stand within.
    pub(super) nested: Vec<Match>,
}

/// Lets the longest stand, errors taken off, and of equal ones the leftmost. `len` is the number of
/// characters of the name of a match. Gives the readings in the text's order.
pub(super) fn resolve(mut matches: Vec<Match>, len: impl Fn(&Match) -> usize) -> Vec<Reading> {
    matches.sort_by_key(|found| {
        let right = len(found).saturating_sub(ERROR * found.errors);
        (std::cmp::Reverse(right), found.errors, found.start)
    });
    let mut readings: Vec<Reading> = Vec::new();
    for found in matches {
        let over = readings
            .iter_mut()
            .find(|reading| overlap(&reading.matches[0], &found));
        match over {
            None => readings.push(Reading {
                matches: vec![found],
                nested: Vec::new(),
            }),
            Some(reading) if is_same(&reading.matches[0], &found) => reading.matches.push(found),
            Some(reading) if found.errors == 0 && contains(&reading.matches[0], &found) => {
                reading.nested.push(found);
            }
            Some(_) => {}
        }
    }
    readings.sort_by_key(|reading| (reading.matches[0].start, reading.matches[0].end));
    readings
}

/// Whether two matches cannot both stand. Phrases may share their first part: "nearby sights and
/// hotels" are two.
fn overlap(one: &Match, other: &Match) -> bool {
    let are_phrases = one.is_apart && other.is_apart && one.end != other.end;
    one.start < other.end && other.start < one.end && !are_phrases
}

fn contains(outer: &Match, inner: &Match) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Whether two matches are of the same words, give or take what typing errors add or leave out.
fn is_same(one: &Match, other: &Match) -> bool {
    let apart = one.start.abs_diff(other.start) + one.end.abs_diff(other.end);
    apart == 0 || (one.errors + other.errors > 0 && apart <= NEAR)
}
