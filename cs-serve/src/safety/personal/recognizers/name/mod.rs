//! Persons' names, where words around them say that one is meant, or by a given name that many have.

mod chinese;
mod latin;

use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

pub(super) fn find(search: &mut Search<'_>) {
    let mut found = Vec::new();
    if search.view.has_chinese {
        found.extend(chinese::find(search));
    }
    if search.view.text.bytes().any(|it| it.is_ascii_alphabetic()) {
        found.extend(latin::find(search));
    }
    for (start, end) in found {
        // "Zhang, ximena@…" is no name, nor is 于民 in 于民国40年.
        let is_other = search.spans.iter().any(|it| {
            matches!(it.kind, Kind::Email | Kind::Url | Kind::BirthDate)
                && it.start < end
                && start < it.end
        });
        if !is_other {
            search.add(Kind::Name, start, end, Certainty::Form);
        }
    }
}

/// Whether a person's name may stand beside something of a kind.
fn is_of_person(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Mobile
            | Kind::Landline
            | Kind::Address
            | Kind::CnId
            | Kind::HkId
            | Kind::MoId
            | Kind::TwId
            | Kind::Passport
            | Kind::BankCard
            | Kind::Iban
            | Kind::Plate
            | Kind::Email
            | Kind::BirthDate
    )
}
