//! Web addresses (RFC 3986) with a scheme, with `www.`, with a path after a domain, or where the text says that one follows.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::letters::is_ideograph;
use crate::safety::personal::kind::Kind;

/// A character of an address, with accents too, or Chinese words in one between its signs.
const INTERNATIONAL: &str =
    r"[/=_\-?&#%](?:[一-鿿ぁ-ヿ가-힣]{1,16}[/?#&=_\-.%])+|[!-~À-ÖØ-öø-ɏа-яА-Я]";

/// Chinese words that end an address.
const LAST_WORDS: usize = 12;

static PATTERN: Pattern = Pattern::new(|| {
    let top = "(?:com|net|org|cn|io|edu|gov|info|co|uk|de|fr|it|es|nl|jp|kr|au|ca|us|eu|hk|tw|sg|me|cc|top|shop|store|xyz|vip|club|site|online|link|app|dev|ly|to|gl|biz|example|test)";
    pattern(&format!(
        r"(?i)(?:[a-z][a-z0-9+\-]{{1,15}}:(?://|\\\\) ?|www\d?\.)(?:{INTERNATIONAL})+|[a-z0-9](?:[a-z0-9\-]{{0,62}}\.){{1,4}}{top}(?::\d{{1,5}})?(?:[/?#](?:{INTERNATIONAL})*|(?-u:\b))"
    ))
});

/// What a domain alone follows if it is meant as an address.
const SAID: &[&str] = &[
    "网址", "链接", "网站", "官网", "打开", "访问", "登录", "域名", "页面", "url", "link",
    "website", "web site", "site", "visit", "page", "domain", "browse", "go to", "open",
    "homepage",
];

/// How many characters before a domain are looked through for them.
const REACH: usize = 24;

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.text.contains(['.', '/']) {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let text = found.as_str();
        let end = text.find(['<', '>', '"', '\'']).unwrap_or(text.len());
        let text = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ']', '}']);
        // A bracket that was opened before belongs to the sentence.
        let text = match text.contains('(') {
            true => text,
            false => text.trim_end_matches([')', '.', ',', '!', '?']),
        };
        let (start, end) = (found.start(), found.start() + text.len());
        let end = end + last_words(&view.text[end..], text);
        let before = view.before(start);
        let is_apart = before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '@' && c != '.');
        if is_apart && view.at(end) != Some('@') && (!is_bare(text) || is_said(search, start)) {
            search.add(Kind::Url, start, end, Certainty::Checked);
        }
    }
}

/// Gives the length of the Chinese words that end an address and nothing else, as in https://example.org/wiki/北京.
fn last_words(rest: &str, address: &str) -> usize {
    let words = rest.chars().take_while(|c| is_ideograph(*c));
    let (count, length) = words.fold((0, 0), |(count, length), c| {
        (count + 1, length + c.len_utf8())
    });
    let ends = rest[length..]
        .chars()
        .next()
        .is_none_or(|c| matches!(c, ' ' | ')' | '"' | '>' | '\n'));
    let goes_on = address.contains("://") && address.ends_with(['/', '=', '_', '-']);
    if ends && goes_on && count <= LAST_WORDS {
        length
    } else {
        0
    }
}

/// Says whether an address is a domain of two or three names, as companies call themselves.
fn is_bare(text: &str) -> bool {
    !text.contains(['/', '?', '#', ':']) && !text.to_ascii_lowercase().starts_with("www")
}

fn is_said(search: &Search<'_>, start: usize) -> bool {
    let before = search.view.tail(start, REACH).to_ascii_lowercase();
    SAID.iter().any(|it| before.contains(it))
}
