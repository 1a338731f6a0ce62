//! Passports, whose numbers have no check digit: only where the text says that one follows.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"(?-u:\b)(?:[A-Za-z]{1,2}\d{6,8}|[A-Z]{1,2} \d{6,8}|\d{2}[A-Za-z]{2}\d{5}|\d{9}|[A-Za-z]\d{2}[A-Za-z]{2}\d{4})(?-u:\b)",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let is_said = search.clue(found.start()) == Some(Clue::Passport);
        if is_said && view.is_apart(found.start(), found.end()) {
            search.add(Kind::Passport, found.start(), found.end(), Certainty::Said);
        }
    }
}
