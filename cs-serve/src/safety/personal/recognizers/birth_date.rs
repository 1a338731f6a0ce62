//! Days of birth: dates of which the text says so.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

const MONTHS: &str = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";

static PATTERN: Pattern = Pattern::new(|| {
    pattern(&format!(
        r"(?i)(?:农历|阴历|阳历|公历)?(?:\d{{4}}|\d{{2}}|[零一二三四五六七八九]{{4}}|[零一二三四五六七八九]{{2}}) ?年 ?(?:\d{{1,2}}|[零一二三四五六七八九十]{{1,3}}) ?月 ?(?:初?(?:\d{{1,2}}|[零一二三四五六七八九十廿]{{1,3}}) ?[日号]?)?|(?:农历|阴历)?(?:\d{{1,2}}|[一二三四五六七八九十]{{1,3}}) ?月 ?初?(?:\d{{1,2}}|[一二三四五六七八九十廿]{{1,3}}) ?[日号]?|\d{{4}} ?[-/.] ?\d{{1,2}} ?[-/.] ?\d{{1,2}}|\d{{1,2}} ?[-/.] ?\d{{1,2}} ?[-/.] ?(?:\d{{4}}|\d{{2}})|(?:{MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? ?(?:\d{{4}}|'\d{{2}}))?|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{MONTHS})\.?(?:,? ?\d{{4}})?|(?:19|20)\d{{6}}"
    ))
});

/// What says after a date that somebody was born then.
const AFTER: [&str; 8] = [
    "出生",
    "生日",
    "生的",
    "生人",
    "的生日",
    "is my birthday",
    "is my date of birth",
    "is my dob",
];

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit && !view.text.contains('月') {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let after = view.head(found.end(), 24).to_ascii_lowercase();
        let after = after.trim_start_matches([' ', ',']);
        let after = after.strip_prefix('是').unwrap_or(after);
        let after = after.strip_prefix('我').unwrap_or(after);
        let is_said = search.clue(found.start()) == Some(Clue::Birth)
            || AFTER.iter().any(|it| after.starts_with(it));
        if is_said && view.is_apart(found.start(), found.end()) {
            let text = found.as_str().trim_end();
            search.add(
                Kind::BirthDate,
                found.start(),
                found.start() + text.len(),
                Certainty::Said,
            );
        }
    }
}
