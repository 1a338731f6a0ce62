//! Mobile telephones of mainland China (11 digits, the first 1, the second 3 to 9), of Hong Kong and Taiwan, and
//! telephones abroad by their country's code (ITU-T E.164) or, of North America, by their groups.

use super::landline::extension;
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;
use crate::safety::personal::numbers::Window;

/// What follows an amount.
const UNITS: &[&str] = &[
    "元", "块", "万", "件", "个", "分", "%", "人", "次", "米", "毫", "克", "斤", "减", "点",
    "dollar", "point", "euro", "pound", "usd", "unit", "piece", "mah", "mb", "gb", "kg",
];

pub(super) fn find(search: &mut Search<'_>) {
    for window in search.numbers.windows(8, 15) {
        let start = with_plus(search, &window);
        let has_plus = search.view.text[start..window.start].contains('+');
        let clue = search.clue(start);
        let is_other = matches!(
            clue,
            Some(Clue::Order | Clue::Card | Clue::Other | Clue::Passport | Clue::Id | Clue::Birth)
        );
        if (is_other || search.is_order(window.end)) && !has_plus
            || !search.view.is_apart(start, window.end)
            || is_amount(search, start, window.end)
        {
            continue;
        }
        let is_said = clue == Some(Clue::Phone);
        // Four numbers with full stops are an IP address.
        let is_dotted = window.gap == Some('.') && window.groups.iter().all(|it| *it < 4);
        if is_dotted {
            continue;
        }
        let is_foreign = has_plus && !window.digits.starts_with("86");
        if !is_foreign && is_chinese(&window.digits) || is_taiwanese(&window) {
            search.add(Kind::Mobile, start, window.end, Certainty::Said);
        } else if !search.view.has_chinese && is_british(&window.digits) {
            search.add(Kind::Mobile, start, window.end, Certainty::Checked);
        } else if is_foreign || is_abroad(&window, is_said || is_spoken(search, &window)) {
            let end = match search.view.at(window.end) {
                Some('-') => window.end,
                _ => extension(search, window.end),
            };
            search.add(Kind::Mobile, start, end, Certainty::Form);
        }
    }
}

/// Gives where a number begins whose country's code has a sign or brackets before it.
fn with_plus(search: &Search<'_>, window: &Window) -> usize {
    let start = window.start;
    let tail = search.view.tail(start, 3);
    let code = tail.trim_end_matches([' ', '(']);
    let plus = match code.ends_with('+') {
        true => start - (tail.len() - code.len()) - 1,
        false => start,
    };
    let is_closed = search.view.text[start..window.end].contains(')');
    plus - usize::from(is_closed && search.view.before(plus) == Some('('))
}

/// Says whether a number is in words: nobody says a price or a code digit by digit.
fn is_spoken(search: &Search<'_>, window: &Window) -> bool {
    search
        .view
        .at(window.start)
        .is_some_and(char::is_alphabetic)
}

fn is_amount(search: &Search<'_>, start: usize, end: usize) -> bool {
    let next = search.view.head(end, 9).to_ascii_lowercase();
    let is_counted = matches!(search.view.before(start), Some('满' | '第'));
    let latin = next.trim_start();
    let is_unit = |it: &str| next.starts_with(it) || it.is_ascii() && latin.starts_with(it);
    is_counted || UNITS.iter().any(|it| is_unit(it))
}

fn is_chinese(digits: &str) -> bool {
    let national = match digits.len() {
        11 => digits,
        13 => digits.strip_prefix("86").unwrap_or_default(),
        15 => digits.strip_prefix("0086").unwrap_or_default(),
        _ => "",
    };
    let bytes = national.as_bytes();
    bytes.len() == 11 && bytes[0] == b'1' && bytes[1] >= b'3'
}

/// 0912-345-678
fn is_taiwanese(window: &Window) -> bool {
    window.digits.len() == 10 && window.digits.starts_with("09")
}

/// 07700 900123, which in China is a landline of as many digits.
fn is_british(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with("07")
}

/// North American numbers, British mobile ones, and of Hong Kong after a word that says so.
fn is_abroad(window: &Window, is_said: bool) -> bool {
    let digits = window.digits.as_bytes();
    let from_two = |at: usize| digits.get(at).is_some_and(|it| (b'2'..=b'9').contains(it));
    let in_groups = |groups: &[usize]| window.groups == groups;
    // Companies' own, free of charge.
    let is_free = ["400", "800", "888", "877", "866"]
        .iter()
        .any(|it| window.digits.starts_with(it));
    match digits.len() {
        8 => {
            is_said
                && matches!(digits[0], b'4'..=b'7' | b'9')
                && (in_groups(&[4, 4]) || in_groups(&[8]))
        }
        10 if digits.starts_with(b"04") => in_groups(&[4, 3, 3]),
        10 => {
            !is_free
                && from_two(0)
                && from_two(3)
                && (in_groups(&[3, 3, 4]) || is_said && window.groups.len() != 3)
        }
        11 if digits[0] == b'1' => from_two(1) && from_two(4) && in_groups(&[1, 3, 3, 4]),
        11 => digits.starts_with(b"07") && (in_groups(&[5, 6]) || in_groups(&[5, 3, 3])),
        12.. => {
            let is_grouped = window.groups.len() > 2 && window.groups[0] > 2;
            digits.starts_with(b"00") && !digits.starts_with(b"0086") && (is_said || is_grouped)
        }
        _ => false,
    }
}
