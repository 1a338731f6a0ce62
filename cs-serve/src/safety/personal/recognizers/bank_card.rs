//! Bank cards: 13 to 19 digits, the first of which tell the network and the last of which is a check digit
//! (ISO/IEC 7812-1, Luhn).

use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

pub(super) fn find(search: &mut Search<'_>) {
    for window in search.numbers.windows(13, 19) {
        let clue = search.clue(window.start);
        let is_said = clue == Some(Clue::Card);
        let is_other = search.is_order(window.end)
            || matches!(clue, Some(Clue::Order | Clue::Other | Clue::Phone));
        let certainty = match is_luhn(&window.digits) {
            _ if is_other || !search.view.is_apart(window.start, window.end) => continue,
            true if is_said || is_network(&window.digits) => Certainty::Checked,
            false if is_said && window.digits.len() >= 15 => Certainty::Said,
            _ => continue,
        };
        search.add(Kind::BankCard, window.start, window.end, certainty);
    }
}

/// UnionPay, Visa, Mastercard, American Express, JCB and Discover, with their lengths.
fn is_network(digits: &str) -> bool {
    let first = |length: usize| digits[..length].parse().unwrap_or(0);
    let length = digits.len();
    match first(2) {
        62 => (16..=19).contains(&length),
        40..=49 => matches!(length, 13 | 16 | 19),
        51..=55 => length == 16,
        22..=27 => length == 16 && (2221..=2720).contains(&first(4)),
        34 | 37 => length == 15,
        35 => length == 16,
        60 | 64 | 65 => (16..=19).contains(&length),
        _ => false,
    }
}

fn is_luhn(digits: &str) -> bool {
    let values = digits.bytes().rev().map(|it| u32::from(it - b'0'));
    let doubled = values.enumerate().map(|(at, value)| match at % 2 {
        0 => value,
        _ if value > 4 => value * 2 - 9,
        _ => value * 2,
    });
    doubled.sum::<u32>().is_multiple_of(10)
}
