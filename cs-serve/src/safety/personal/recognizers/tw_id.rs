//! Identity cards of Taiwan: a letter for a place, 1 or 2 (of foreigners 8 or 9), and eight digits of which the
//! last is a check digit: the letter counts two digits, and the sum of all by weights is divided by 10.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

/// What the letters A to Z count.
const LETTERS: [u32; 26] = [
    10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30,
    31, 33,
];

static PATTERN: Pattern =
    Pattern::new(|| pattern(r"([A-Za-z])[ \-·./]?([1289](?:[ \-.·/]?\d){8})"));

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    for found in PATTERN.captures_iter(&view.text) {
        let Some(all) = found.get(0) else { continue };
        let clue = search.clue(all.start());
        let is_other = matches!(clue, Some(Clue::Order | Clue::Other));
        // "it's 123 456 789"
        let is_word = found[1].starts_with(|c: char| c.is_ascii_lowercase())
            && found[0][1..].starts_with(' ');
        let is_other = is_other || is_word;
        if !is_other && view.is_apart(all.start(), all.end()) && is_checked(&found[1], &found[2]) {
            search.add(Kind::TwId, all.start(), all.end(), Certainty::Checked);
        }
    }
}

fn is_checked(letter: &str, digits: &str) -> bool {
    let letter = letter
        .bytes()
        .next()
        .map_or(0, |it| it.to_ascii_uppercase() - b'A');
    let letter = LETTERS[usize::from(letter)];
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    let values = digits.map(|it| u32::from(it - b'0'));
    let weights = [8, 7, 6, 5, 4, 3, 2, 1, 1];
    let sum: u32 = values
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum();
    (letter / 10 + letter % 10 * 9 + sum).is_multiple_of(10)
}
