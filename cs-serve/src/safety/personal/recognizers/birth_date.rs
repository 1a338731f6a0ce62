//! Days of birth: dates of which the text says so.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;

const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";

static CHINESE: Pattern = Pattern::new(|| {
    let year = r"(?:\d{4}|\d{2}|[零一二三四五六七八九幺]{4}|[零一二三四五六七八九]{2}) ?年 ?";
    let month = r"闰?(?:\d{1,2}|[零一二三四五六七八九十]{1,3}|[正冬腊]) ?月";
    let day = r" ?初?(?:\d{1,2}|[零一二三四五六七八九十廿]{1,3}) ?[日号]?";
    let calendar = "(?:[农阴阳公新旧]历的?|民国|昭和|平成)?";
    pattern(&format!(
        "{calendar}(?:{year}的?{calendar}{month}(?:{day})?|{month}份? ?的?{day}|{year})"
    ))
});

static IN_DIGITS: Pattern = Pattern::new(|| {
    pattern(
        r"\d{4} ?[-/.,_|、·] ?\d{1,2} ?[-/.,_|、·] ?\d{1,2}|\d{1,2} ?[-/.] ?\d{1,2} ?[-/.] ?(?:\d{4}|\d{2})|\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|(?:19|20)\d{6}|\d{2}(?:0[1-9]|1[0-2])(?:19|20)\d{2}|(?:0[1-9]|1[0-2])\d{2}(?:19|20)\d{2}|\d{1,2} \d{1,2} (?:19|20)\d{2}|(?:19|20)\d{2} \d{1,2} \d{1,2}|\d{1,2}[-/.](?i:[IVX]{1,4})[-/.]\d{2,4}|\d{1,2} \d{1,2} \d{2}|(?:19|20)\d{2}[-/.]\d{1,2}|\d{6}",
    )
});

static ENGLISH: Pattern = Pattern::new(|| {
    let tens = "(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)";
    let ones = "(?:one|two|three|four|five|six|seven|eight|nine)";
    let teens =
        "(?:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)";
    let ordinal = "(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|twenty[ -](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirtieth|thirty[ -]first)";
    let day = format!(r"(?:the )?(?:\d{{1,2}} ?(?:st|nd|rd|th)?|{ordinal})");
    let year = format!(
        r"(?:\d{{4}}|'?\d{{2}}|nineteen[ -](?:{tens}(?:[ -]{ones})?|{teens}|(?:oh|o)[ -]{ones})|two thousand(?: (?:and )?(?:{ones}|{teens}))?|twenty[ -](?:{teens}|(?:oh|o)[ -]{ones}|{tens}(?:[ -]{ones})?))(?-u:\b)"
    );
    pattern(&format!(
        r"(?i){MONTH}\.?[ /\-,]? ?{day}(?:,? ?(?:in )?[/\-.]?{year})?|{day}(?: of)?[ /\-.]?{MONTH}\.?(?:,?[ /\-.]?(?:in )?{year}|\d{{4}}(?-u:\b))?|\d{{4}},?[ /\-.]{MONTH}\.?[ /\-.]{day}|{MONTH}\.?,? (?:of )?\d{{4}}"
    ))
});

/// What says after a date that somebody was born then.
const AFTER: &[&str] = &[
    "出生",
    "生日",
    "生的",
    "生人",
    "的生日",
    "诞生",
    "出世",
    "降生",
    "我出生",
    "的寿星",
    "那天生",
    "这天生",
    "那年生",
];

/// What 生 begins and is no birth.
const NO_BIRTH: [&str; 7] = ["生产", "生效", "生成", "生意", "生鲜", "生活", "生病"];

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !search.clues.has(Clue::Birth) && !view.text.contains('生') {
        return;
    }
    let has_month = view.text.contains(['月', '年']);
    let patterns = [
        (has_month, &CHINESE),
        (view.has_digit, &IN_DIGITS),
        (true, &ENGLISH),
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
    let is_of_document = matches!(
        search.clue(start),
        Some(Clue::Birth | Clue::Passport | Clue::Id)
    );
    is_of_document && search.clues.is_next(Clue::Birth, start)
        || is_birth
        || AFTER.iter().any(|it| after.starts_with(it))
        || is_named(search, end)
}

/// Says whether a date "is my birthday", or 是我妈妈的生日.
fn is_named(search: &Search<'_>, end: usize) -> bool {
    let after = search.view.head(end, 12);
    let after = after.trim_start_matches([' ', ',']);
    let is_about = match search.view.has_chinese {
        true => ["是", "就是", "这天", "那天", "当天", "才"]
            .iter()
            .any(|it| after.starts_with(it)),
        false => ["is ", "was ", "as ", "i was", "I was", "(", "- "]
            .iter()
            .any(|it| after.starts_with(it)),
    };
    is_about && search.clues.after(end) == Some(Clue::Birth)
}
