//! E-mail addresses (RFC 5321), also with their signs in words.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

/// Those who give addresses to everybody: what stands "at" one of them is an address.
const PROVIDERS: &[&str] = &[
    "gmail",
    "googlemail",
    "hotmail",
    "outlook",
    "live",
    "yahoo",
    "icloud",
    "aol",
    "proton",
    "protonmail",
    "gmx",
    "qq",
    "163",
    "126",
    "139",
    "189",
    "foxmail",
    "sina",
    "sohu",
    "yeah",
    "aliyun",
    "21cn",
    "naver",
    "mail",
];

/// Words before a place "at" which something is, if that is an address.
const MAIL_WORDS: &[&str] = &[
    "mail", "邮", "address", "write", "contact", "reach", "send", "sent", "forward", "reply",
    "login", "log in", "username", "account", "cc ", "inbox",
];

/// How many characters before an address are looked through for them.
const REACH: usize = 48;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"[A-Za-z0-9_À-ÖØ-öø-ÿ][A-Za-z0-9._%+'\-À-ÖØ-öø-ÿ]{0,63} ?@ ?[A-Za-z0-9À-ÖØ-öø-ÿ](?:[A-Za-z0-9\-À-ÖØ-öø-ÿ]{0,62})(?:\.[A-Za-z0-9\-]{1,63}| ?[.。,] ?(?:com|cn|net|org|edu)(?-u:\b)){1,5}",
    )
});

/// With a sign that stands for nothing else.
static IN_BRACKETS: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)[a-z0-9][a-z0-9._%+'\-]{0,63}(?: ?[(\[{<] ?(?:at|@|a|艾特) ?[)\]}>] ?|_at_)[a-z0-9\-]{1,63}(?: ?(?:\.|[(\[{<] ?(?:dot|\.|点) ?[)\]}>]| dot |点) ?[a-z0-9\-]{2,63}){1,4}",
    )
});

static IN_WORDS: Pattern = Pattern::new(|| {
    let part = r"[a-z0-9][a-z0-9._%+'\-]{0,63}(?:(?: dot | underscore | dash | hyphen | plus | ?点 ?| ?下划线 ?| ?横?杠 ?| ?减号 ?)[a-z0-9._\-]{1,32}){0,4}";
    let at = r"(?P<at> ?[(\[{<] ?(?:at|@|a) ?[)\]}>] ?| at |_at_|-at-| ?艾特 ?| ?圈 ?a ?| ?a圈 ?| ?小老鼠 ?| ?# ?| ?@ ?)";
    let dot = r"(?: ?\. ?| ?[(\[{<] ?(?:dot|\.|点) ?[)\]}>] ?| dot | ?点 ?| ?。 ?)";
    let top = "(?:com|net|org|cn|io|edu|gov|info|co|uk|de|fr|it|es|nl|jp|kr|in|au|ca|us|eu|hk|tw|sg|me|ch|at|be|se|no|dk|fi|pl|pt|br|mx|ru|ie|nz|biz|app|dev|example|test)";
    pattern(&format!(
        r"(?i)(?P<local>{part}){at}(?P<host>[a-z0-9][a-z0-9\-]{{0,62}})(?:{dot}[a-z0-9\-]{{2,63}}){{0,3}}{dot}{top}(?-u:\b)"
    ))
});

/// An address of which the end is left out.
static WITHOUT_END: Pattern = Pattern::new(|| {
    pattern(&format!(
        r"(?i)[a-z0-9][a-z0-9._%+\-]{{2,63}} ?@ ?(?:{})(?-u:\b)",
        PROVIDERS.join("|")
    ))
});

/// What an address in words has.
const SIGNS: &[&str] = &[
    "艾特",
    "小老鼠",
    "圈",
    "#",
    "at ",
    "at)",
    "at]",
    "at}",
    "at>",
    "AT ",
    "AT)",
    "AT]",
    "@",
    "_at_",
    "_AT_",
    "-AT-",
    "-at-",
    "(a)",
    "[a]",
];

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if view.text.contains('@') {
        for found in PATTERN.find_iter(&view.text) {
            let text = found.as_str().trim_end_matches(['.', '-']);
            let (start, end) = (found.start(), found.start() + text.len());
            // "12 pcs @ 4.50"
            if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            search.add(Kind::Email, start, end, Certainty::Checked);
        }
        for found in WITHOUT_END.find_iter(&view.text) {
            search.add(Kind::Email, found.start(), found.end(), Certainty::Form);
        }
    }
    let has_dot = [".", "dot", "DOT", "点", "。"]
        .iter()
        .any(|it| view.text.contains(it));
    if has_dot && SIGNS.iter().any(|it| view.text.contains(it)) {
        for found in IN_BRACKETS.find_iter(&view.text) {
            search.add(Kind::Email, found.start(), found.end(), Certainty::Form);
        }
        for found in IN_WORDS.captures_iter(&view.text) {
            let Some(all) = found.get(0) else { continue };
            let is_address = match found["at"].trim() {
                at if at.eq_ignore_ascii_case("at") => is_meant(search, &found),
                _ => true,
            };
            // "A review at example.com/7" has no address.
            if is_address && view.at(all.end()) != Some('/') {
                search.add(Kind::Email, all.start(), all.end(), Certainty::Form);
            }
        }
    }
}

/// Says whether something "at" a place is an address, and not what somebody found there.
fn is_meant(search: &Search<'_>, found: &regex::Captures<'_>) -> bool {
    let local = &found["local"];
    let start = found.name("local").map_or(0, |it| it.start());
    let host = found["host"].to_ascii_lowercase();
    let before = search.view.tail(start, REACH).to_ascii_lowercase();
    local.contains(|c: char| !c.is_ascii_alphabetic())
        || PROVIDERS.contains(&&*host)
        || MAIL_WORDS.iter().any(|it| before.contains(it))
}
