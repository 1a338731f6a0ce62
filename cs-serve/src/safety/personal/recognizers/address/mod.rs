//! Postal addresses: what has a place and the number of a house, Chinese from the largest part to the smallest and
//! English the other way round.

mod chinese;
mod english;
mod regions;

pub(super) use regions::is_region;

use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

pub(super) fn find(search: &mut Search<'_>) {
    let mut found = Vec::new();
    if search.view.has_chinese {
        found.extend(chinese::find(search.view));
    }
    if search.view.has_digit {
        found.extend(english::find(search.view));
    }
    for (start, end) in found {
        search.add(Kind::Address, start, end, Certainty::Form);
    }
}
