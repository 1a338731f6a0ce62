//! Identity cards of Macao: seven digits that begin with 1, 5 or 7, and one more in brackets or after a
//! slash. How that one is made is not published.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"[157](?:(?:[ \-/.·]?\d){6} ?[(\[{] ?\d ?[)\]}]|(?: ?[/\-.·] ?| )\d{3} ?\d{3}(?: ?[/\-.·] ?| )\d|\d{7}|\d{6} ?[/\-.] ?\d|\d{3}[ \-]\d{4})",
    )
});

/// Says whether a telephone is spoken of.
fn is_telephone(before: &str) -> bool {
    let before = before.to_ascii_lowercase();
    ["电话", "手机", "phone", "tel", "mobile", "call "]
        .iter()
        .any(|it| before.contains(it))
}

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let (start, end) = (found.start(), found.end());
        let is_marked = found.as_str().contains([')', ']', '}', '/', '-']);
        let is_said = search.clue(start) == Some(Clue::Id);
        let around = [view.tail(start, 40), view.head(end, 48)].map(str::to_ascii_lowercase);
        let is_named = |text: &String| {
            ["澳门", "港澳", "macau", "macao"]
                .iter()
                .any(|it| text.contains(it))
        };
        let of_macao = around.iter().any(is_named);
        let certainty = match () {
            () if !view.is_apart(start, end) || is_telephone(view.tail(start, 12)) => continue,
            () if is_said || of_macao => Certainty::Said,
            () if found.as_str().contains([')', ']', '}'])
                || found.as_str().matches(['/', '-']).count() == 2 =>
            {
                Certainty::Form
            }
            () => continue,
        };
        if is_marked || of_macao {
            search.add(Kind::MoId, start, end, certainty);
        }
    }
}
