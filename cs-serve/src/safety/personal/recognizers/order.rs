//! Numbers of orders and parcels, which are any shop's own: only where the text says that one follows.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

/// The fewest digits of one.
const FEWEST: usize = 4;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"(?-u:\b)[A-Z0-9]{1,4}(?: [A-Z]{0,2}\d[A-Z0-9]{1,4}){2,7}(?-u:\b)|[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+)*",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if view.has_digit {
        for found in PATTERN.find_iter(&view.text) {
            let digits = found.as_str().bytes().filter(u8::is_ascii_digit).count();
            let is_date = found.as_str().len() == 10 && found.as_str().matches('-').count() == 2;
            if (FEWEST..=32).contains(&digits)
                && !is_date
                && is_said(search, found.start(), found.end())
            {
                search.add(Kind::Order, found.start(), found.end(), Certainty::Said);
            }
        }
    }
    for window in search.numbers.windows(5, 24) {
        let is_spoken =
            window.groups.len() > 1 || view.at(window.start).is_some_and(|c| !c.is_ascii());
        if is_spoken && window.digits.len() >= 8 && is_said(search, window.start, window.end) {
            search.add(Kind::Order, window.start, window.end, Certainty::Said);
        }
    }
}

fn is_said(search: &Search<'_>, start: usize, end: usize) -> bool {
    search.is_order(end) || search.clue(start) == Some(Clue::Order)
}
