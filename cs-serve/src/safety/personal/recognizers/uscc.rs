//! Unified social credit codes of mainland China (GB 32100): 18 characters, the last of which is a check
//! character by weights that are powers of 3, modulo 31.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

/// The characters by their value: no I, O, S, V and Z.
const CHARACTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"(?-u:\b)[1-9ANYany] ?\d(?: ?[ \-./·,_]? ?\d){6}(?: ?[ \-./·,_]? ?[0-9A-Ya-y]){10}(?-u:\b)",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        // One of 31 numbers of an order is as if it were checked.
        let is_order = is_other(search, found.as_str(), found.start(), found.end());
        let is_code = !is_order && !has_words(found.as_str()) && is_checked(found.as_str());
        if is_code && view.is_apart(found.start(), found.end()) {
            search.add(Kind::Uscc, found.start(), found.end(), Certainty::Checked);
        }
    }
}

/// Says whether a number is an order's or a card's.
fn is_other(search: &Search<'_>, text: &str, start: usize, end: usize) -> bool {
    let before = search.view.tail(start, 12).to_ascii_lowercase();
    let is_said = ["代码", "税号", "code", "tax"]
        .iter()
        .any(|it| before.contains(it));
    let is_card = !text.contains(|c: char| c.is_ascii_alphabetic());
    !is_said
        && match search.clue(start) {
            Some(Clue::Order) => true,
            Some(Clue::Card) => is_card,
            _ => search.is_order(end),
        }
}

/// Says whether a part of it is a word of small letters.
fn has_words(code: &str) -> bool {
    let is_word = |it: &str| it.len() > 2 && it.bytes().all(|it| it.is_ascii_lowercase());
    code.split([' ', '.', ',']).any(is_word)
}

fn is_checked(code: &str) -> bool {
    let chars = code.chars().filter(char::is_ascii_alphanumeric);
    let values: Option<Vec<usize>> = chars
        .map(|c| CHARACTERS.find(c.to_ascii_uppercase()))
        .collect();
    let Some([values @ .., check]) = values.as_deref() else {
        return false;
    };
    // The first tells the authority and the second the kind of organisation; six digits tell the region.
    let is_organisation =
        matches!(values[0], 1..=9 | 10 | 30) && values[2..8].iter().all(|it| *it < 10);
    let weighted = values.iter().scan(1, |weight, value| {
        let sum = value * *weight;
        *weight = *weight * 3 % 31;
        Some(sum)
    });
    is_organisation && (weighted.sum::<usize>() + check).is_multiple_of(31)
}
