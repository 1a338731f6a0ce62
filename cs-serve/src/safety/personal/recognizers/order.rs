//! Numbers of orders and parcels, which are any shop's own: only where the text says that one follows.

use super::mobile::is_amount;
use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

/// The fewest digits of one.
const FEWEST: usize = 4;

/// The fewest digits of one that only a parcel or a purchase is spoken of with.
const FEWEST_VAGUE: usize = 9;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"(?-u:\b)[A-Z0-9]{1,4}(?: [A-Z]{0,2}\d[A-Z0-9]{1,4}){2,7}(?-u:\b)|[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+| [-/] [A-Z0-9]*\d[A-Z0-9]*|\.[A-Z]*\d[A-Z0-9]*)*",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if view.has_digit {
        for found in PATTERN.find_iter(&view.text) {
            let text = found.as_str();
            let (start, end) = (found.start(), found.end());
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            if (FEWEST..=32).contains(&digits)
                && !is_other_number(search, start, end)
                && (is_said(search, start, end) || is_of_parcel(search, start, end))
            {
                search.add(Kind::Order, start, end, Certainty::Said);
            }
        }
    }
    for window in search.numbers.windows(5, 24) {
        let is_spoken =
            window.groups.len() > 1 || view.at(window.start).is_some_and(|c| !c.is_ascii());
        let is_long = window.digits.len() >= 8 || window.groups.len() == 1;
        if is_spoken && is_long && is_said(search, window.start, window.end) {
            search.add(Kind::Order, window.start, window.end, Certainty::Said);
        }
    }
}

fn is_said(search: &Search<'_>, start: usize, end: usize) -> bool {
    let is_named = search.clue(start).is_none()
        && search.clues.after(end) == Some(Clue::Order)
        && is_called(search, end);
    search.is_order(end) || is_named || search.clue(start) == Some(Clue::Order)
}

/// Says whether what stands before a byte "is the order".
fn is_called(search: &Search<'_>, end: usize) -> bool {
    let after = search.view.head(end, 8);
    let after = after.trim_start_matches([' ', ',']);
    ["is ", "was ", "= ", "(", "- ", "是"]
        .iter()
        .any(|it| after.starts_with(it))
}

/// Says whether a long number or one with letters stands where a parcel or a purchase is spoken of, and nothing
/// says what it is.
fn is_of_parcel(search: &Search<'_>, start: usize, end: usize) -> bool {
    let text = &search.view.text[start..end];
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let has_letters = text.bytes().any(|it| it.is_ascii_uppercase());
    let is_beside = search.clues.is_beside(Clue::Parcel, start) && digits > 5;
    let is_long = is_beside || digits >= FEWEST_VAGUE + usize::from(!has_letters);
    let is_mobile = digits == 11 && text.starts_with('1');
    is_long
        && !text.contains(' ')
        && !is_mobile
        && search.clue(start).is_none()
        && search.clues.mentions(Clue::Parcel, start)
}

/// Says whether a number is a day, a year, an amount or a time.
fn is_other_number(search: &Search<'_>, start: usize, end: usize) -> bool {
    static OTHER: Pattern = Pattern::new(|| {
        pattern(
            r"^(?:(?:19|20)\d{2}(?: ?[-/.] ?\d{1,2}){0,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d{2}|\d+\.\d{1,2}|\d{1,3}(?:\.\d{1,3}){3})$",
        )
    });
    let view = search.view;
    let text = &view.text[start..end];
    let before = view.tail(start, 4).trim_end();
    let is_marked = before.ends_with(['#', '号', ':']);
    let is_priced = before.ends_with(['$', '£', '€', '¥', '￥']);
    is_priced
        || text.starts_with("IBAN")
        || is_amount(search, start, end)
        || !is_marked && OTHER.is_match(text)
}
