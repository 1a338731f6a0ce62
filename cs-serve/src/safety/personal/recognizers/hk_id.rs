//! Identity cards of Hong Kong: one or two letters, six digits and a check digit, mostly in brackets: the
//! letters count from 10 on, a missing one 36, and the sum of all by weights of 9 to 1 is divided by 11.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

/// How many characters before and after a number are looked through for the place.
const NEAR: usize = 48;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"([A-Za-z]{1,2})((?:[ \-·./]?\d){6})[ \-./]?(?:(?:[(\[{<] ?|括号)([0-9Aa])(?: ?[)\]}>])?|([0-9Aa]))",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    let mut at = 0;
    while let Some(found) = PATTERN.captures_at(&view.text, at) {
        let (Some(all), Some(check)) = (found.get(0), found.get(3).or(found.get(4))) else {
            break;
        };
        // Of "IDA123456(3)" the last letter is the first of the number.
        at = all.start() + 1;
        if found.get(3).is_none() && is_word(&found[1], &found[2]) {
            continue;
        }
        let goes_on = matches!(view.at(all.end()), Some('(' | '['))
            && view.head(all.end(), 3).ends_with([')', ']']);
        if goes_on || !view.is_apart(all.start(), all.end()) {
            continue;
        }
        let is_checked = is_checked(&found[1], &found[2], check.as_str());
        let in_brackets = found.get(3).is_some();
        let is_id = search.clue(all.start()) == Some(Clue::Id);
        let is_passport = !is_id && search.clues.mentions(Clue::Passport, all.start());
        let is_said = is_id;
        let is_said = is_said || !is_passport && is_of_hong_kong(search, all.start(), all.end());
        let certainty = match (is_checked, in_brackets, is_said) {
            (true, true, _) | (true, _, true) => Certainty::Checked,
            (false, true, true) => Certainty::Said,
            _ => continue,
        };
        search.add(Kind::HkId, all.start(), all.end(), certainty);
        at = all.end();
    }
}

/// Says whether the letters are a word before the digits, as in "is 7591577".
fn is_word(letters: &str, digits: &str) -> bool {
    let is_small = letters.bytes().all(|it| it.is_ascii_lowercase());
    digits.starts_with(' ') && (is_small || ["ID", "NO", "No", "Id"].contains(&letters))
}

/// Says whether Hong Kong is named before or after.
fn is_of_hong_kong(search: &Search<'_>, start: usize, end: usize) -> bool {
    let around = [search.view.tail(start, NEAR), search.view.head(end, NEAR)];
    let is_named = |text: &str| {
        [
            "香港",
            "港籍",
            "港人",
            "港澳",
            "hong kong",
            "hkid",
            "hk id",
            "hkic",
            "h.k.i.d",
            "hksar",
        ]
        .iter()
        .any(|it| text.contains(it))
    };
    around
        .map(str::to_ascii_lowercase)
        .iter()
        .any(|it| is_named(it))
}

fn is_checked(letters: &str, digits: &str, check: &str) -> bool {
    let value = |c: char| c.to_digit(36).unwrap_or(0);
    let mut values: Vec<u32> = letters
        .chars()
        .chain(digits.chars().filter(char::is_ascii_digit))
        .chain(check.chars())
        .map(value)
        .collect();
    if letters.len() == 1 {
        values.insert(0, 36);
    }
    let sum: u32 = values
        .iter()
        .zip((1..=9).rev())
        .map(|(value, weight)| value * weight)
        .sum();
    sum.is_multiple_of(11)
}
