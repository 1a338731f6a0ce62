//! Passports, whose numbers have no check digit and are any country's own: only where the text says that it is one.

use super::calendar::is_day_in_digits;
use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

/// Up to three letters, and digits with letters between them or in groups.
static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"(?-u:\b)(?:[A-Z]{1,2}[ \-]|[EeGg][ \-]|[A-Za-z]{1,3})?\d[A-Za-z0-9]*(?:[ \-]\d{2,6}){0,3}(?-u:\b)",
    )
});

/// Days as no passport's number is written.
static DATE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}$|^\d{4}[-/.]\d|^\d{1,2}(?:st|nd|rd|th)|\d(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !search.clues.has(Clue::Passport) {
        return;
    }
    spoken(search);
    if !view.has_digit {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        if is_number(found.as_str()) && is_said(search, found.start(), found.end()) {
            search.add(Kind::Passport, found.start(), found.end(), Certainty::Said);
        }
    }
}

/// E七零二六五四零零, "E one six five …": a letter, and digits in words.
fn spoken(search: &mut Search<'_>) {
    for window in search.numbers.windows(7, 9) {
        let before = search.view.text[..window.start].trim_end();
        let letters = before
            .bytes()
            .rev()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let start = before.len() - letters;
        let is_in_words = search
            .view
            .at(window.start)
            .is_some_and(char::is_alphabetic);
        let is_led = (1..=2).contains(&letters)
            && before[start..].bytes().all(|it| it.is_ascii_uppercase())
            && before.len() + 2 > window.start;
        if is_in_words && is_led && is_said(search, start, window.end) {
            search.add(Kind::Passport, start, window.end, Certainty::Said);
        }
    }
}

/// Says whether a passport is spoken of, before or after, and nothing else than that or a document.
fn is_said(search: &Search<'_>, start: usize, end: usize) -> bool {
    match search.clue(start) {
        Some(Clue::Passport) => true,
        Some(Clue::Id) => search.clues.mentions(Clue::Passport, start),
        None => search.clues.after(end) == Some(Clue::Passport),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    let characters = text.bytes().filter(u8::is_ascii_alphanumeric).count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_date = DATE.is_match(text) || is_day_in_digits(text);
    (7..=10).contains(&characters) && digits >= 5 && !is_date
}
