//! Identity numbers of mainland China (GB 11643): a region, a day of birth, a serial number and a check
//! character by ISO 7064, MOD 11-2. The old ones of 15 digits have neither century nor check.

use super::calendar::is_day_in_digits;
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8] = b"10X98765432";

/// The first two digits of regions (GB/T 2260), from each to each.
const PROVINCES: [(u32, u32); 8] = [
    (11, 15),
    (21, 23),
    (31, 37),
    (41, 46),
    (50, 54),
    (61, 65),
    (71, 71),
    (81, 83),
];

pub(super) fn find(search: &mut Search<'_>) {
    for window in search.numbers.windows(15, 18) {
        let (digits, end) = match window.digits.len() {
            18 | 15 => (window.digits, window.end),
            17 => match letter_after(search, window.end) {
                Some(end) => (window.digits + "X", end),
                None => continue,
            },
            _ => continue,
        };
        let is_said = || search.clue(window.start) == Some(Clue::Id);
        let certainty = match digits.len() {
            _ if !search.view.is_apart(window.start, end) => continue,
            18 if is_number(&digits) && is_checked(&digits) => Certainty::Checked,
            18 if is_number(&digits) && is_said() => Certainty::Said,
            15 if is_old_number(&digits) && is_said() => Certainty::Said,
            _ => continue,
        };
        search.add(Kind::CnId, window.start, end, certainty);
    }
}

/// Gives the end of the letter that may be the last character.
fn letter_after(search: &Search<'_>, at: usize) -> Option<usize> {
    let rest = search.view.head(at, 3);
    let trimmed = rest.trim_start_matches([' ', '-', ',', '、']);
    let letter = trimmed.chars().next()?;
    let is_x = matches!(letter, 'x' | 'X' | '×' | '叉');
    is_x.then(|| at + rest.len() - trimmed.len() + letter.len_utf8())
}

fn is_number(digits: &str) -> bool {
    is_region(digits) && is_day_in_digits(&digits[6..14])
}

fn is_old_number(digits: &str) -> bool {
    is_region(digits) && is_day_in_digits(&format!("19{}", &digits[6..12]))
}

fn is_region(digits: &str) -> bool {
    let region = digits[..2].parse().unwrap_or(0);
    PROVINCES
        .iter()
        .any(|(from, to)| (*from..=*to).contains(&region))
}

fn is_checked(digits: &str) -> bool {
    let values = digits.bytes().map(|it| u32::from(it.wrapping_sub(b'0')));
    let sum: u32 = values
        .zip(WEIGHTS)
        .map(|(value, weight)| value * weight)
        .sum();
    digits.as_bytes()[17] == CHECKS[sum as usize % 11]
}
