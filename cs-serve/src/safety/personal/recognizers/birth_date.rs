//! Days of birth: dates of which the text says so.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";

static CHINESE: Pattern = Pattern::new(|| {
    let year = r"(?:\d{4}|\d{2}|[零一二三四五六七八九]{4}|[零一二三四五六七八九]{2}) ?年 ?";
    let month = r"闰?(?:\d{1,2}|[零一二三四五六七八九十]{1,3}|[正冬腊]) ?月";
    let day = r" ?初?(?:\d{1,2}|[零一二三四五六七八九十廿]{1,3}) ?[日号]?";
    pattern(&format!(
        "(?:[农阴阳公新]历)?(?:{year}(?:[农阴阳公新]历)?{month}(?:{day})?|{month}{day})"
    ))
});

static IN_DIGITS: Pattern = Pattern::new(|| {
    pattern(
        r"\d{4} ?[-/.] ?\d{1,2} ?[-/.] ?\d{1,2}|\d{1,2} ?[-/.] ?\d{1,2} ?[-/.] ?(?:\d{4}|\d{2})|\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|(?:19|20)\d{6}|\d{2} \d{2} (?:19|20)\d{2}",
    )
});

static ENGLISH: Pattern = Pattern::new(|| {
    let day = r"\d{1,2}(?:st|nd|rd|th)?";
    let year = r"(?:\d{4}|'?\d{2})(?-u:\b)";
    pattern(&format!(
        r"(?i){MONTH}\.?[ /\-]{day}(?:,? ?[/\-]?{year})?|{day}(?: of)?[ /\-]{MONTH}\.?(?:,?[ /\-]?{year})?|\d{{4}}[ /\-]{MONTH}\.?[ /\-]{day}"
    ))
});

/// What says after a date that somebody was born then.
const AFTER: [&str; 6] = ["出生", "生日", "生的", "生人", "的生日", "诞生"];

/// What 生 begins and is no birth.
const NO_BIRTH: [&str; 7] = ["生产", "生效", "生成", "生意", "生鲜", "生活", "生病"];

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    let has_month = view.text.contains('月');
    if !view.has_digit && !has_month {
        return;
    }
    let patterns = [
        (has_month, &CHINESE),
        (view.has_digit, &IN_DIGITS),
        (view.has_digit, &ENGLISH),
    ];
    for (_, pattern) in patterns.into_iter().filter(|it| it.0) {
        for found in pattern.find_iter(&view.text) {
            let text = found.as_str().trim_end();
            let end = found.start() + text.len();
            if view.is_apart(found.start(), end) && is_said(search, found.start(), end) {
                search.add(Kind::BirthDate, found.start(), end, Certainty::Said);
            }
        }
    }
}

fn is_said(search: &Search<'_>, start: usize, end: usize) -> bool {
    let after = search.view.head(end, 8).trim_start_matches([' ', ',']);
    let after = after.strip_prefix('是').unwrap_or(after);
    let after = after.strip_prefix('我').unwrap_or(after);
    let is_birth = after.starts_with('生') && !NO_BIRTH.iter().any(|it| after.starts_with(it));
    search.clue(start) == Some(Clue::Birth)
        || is_birth
        || AFTER.iter().any(|it| after.starts_with(it))
        || is_named(search, end)
}

/// Says whether a date "is my birthday".
fn is_named(search: &Search<'_>, end: usize) -> bool {
    let after = search.view.head(end, 4);
    after.starts_with(" is ") && search.clues.after(end) == Some(Clue::Birth)
}
