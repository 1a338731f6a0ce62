//! Persons' names, where words around them say that one is meant, or by a given name that many have.

mod chinese;
mod english;

use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

pub(super) fn find(search: &mut Search<'_>) {
    let mut found = Vec::new();
    if search.view.has_chinese {
        found.extend(chinese::find(search));
    }
    if search.view.text.bytes().any(|it| it.is_ascii_alphabetic()) {
        found.extend(english::find(search));
    }
    for (start, end) in found {
        search.add(Kind::Name, start, end, Certainty::Form);
    }
}
