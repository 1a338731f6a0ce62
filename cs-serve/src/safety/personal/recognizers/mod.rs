//! What tells each kind of personal data, a file a kind.

mod address;
mod bank_card;
mod birth_date;
mod calendar;
mod cn_id;
mod email;
mod hk_id;
mod iban;
mod ip;
mod landline;
mod mo_id;
mod mobile;
mod name;
mod order;
mod passport;
mod pattern;
mod plate;
mod tw_id;
mod url;
mod uscc;

use super::clues::{Clue, Clues};
use super::kind::Kind;
use super::numbers::Numbers;
use super::view::View;

/// How sure a kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// By its form.
    Form,
    /// By its form, and by words before it.
    Said,
    /// By its check digits.
    Checked,
}

/// Bytes of a view that are of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) certainty: Certainty,
}

/// A text, and what the recognisers have found in it.
pub(super) struct Search<'a> {
    pub(super) view: &'a View,
    pub(super) numbers: &'a Numbers,
    clues: Clues,
    pub(super) spans: Vec<Span>,
}

impl Search<'_> {
    fn add(&mut self, kind: Kind, start: usize, end: usize, certainty: Certainty) {
        self.spans.push(Span {
            kind,
            start,
            end,
            certainty,
        });
    }

    fn clue(&self, at: usize) -> Option<Clue> {
        self.clues.before(at)
    }

    /// Says whether what stands before a byte is called an order or a parcel after it.
    fn is_order(&self, end: usize) -> bool {
        let head = self.view.head(end, 6);
        let after = head.trim_start_matches([' ', ',', '(']);
        // "13800138000, order number 4711"
        let goes_on = || {
            self.view
                .head(end, 24)
                .contains(|c: char| c.is_ascii_digit())
        };
        if head.starts_with(',') && goes_on() {
            return false;
        }
        let after = ["的", "这个", "那个", "这", "那"]
            .iter()
            .find_map(|it| after.strip_prefix(it))
            .unwrap_or(after);
        ["订单", "单", "包裹", "快递单"]
            .iter()
            .any(|it| after.starts_with(it))
    }
}

/// Finds what may be personal data; spans may overlap.
pub(super) fn find(view: &View, numbers: &Numbers) -> Vec<Span> {
    let mut search = Search {
        view,
        numbers,
        clues: Clues::of(view),
        spans: Vec::new(),
    };
    for find in [
        cn_id::find,
        hk_id::find,
        mo_id::find,
        tw_id::find,
        passport::find,
        mobile::find,
        landline::find,
        bank_card::find,
        uscc::find,
        plate::find,
        email::find,
        ip::find,
        url::find,
        address::find,
        iban::find,
        birth_date::find,
        order::find,
        // Last, as a name may stand beside what the others find.
        name::find,
    ] {
        find(&mut search);
    }
    search.spans
}
