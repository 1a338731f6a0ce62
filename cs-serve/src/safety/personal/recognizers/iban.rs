//! International bank account numbers (ISO 13616): a country, two check digits, and up to 30 characters; as a
//! number they leave 1 when divided by 97 (ISO 7064, MOD 97-10).

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

/// The countries that have them, with their numbers of characters (SWIFT's registry).
const COUNTRIES: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 \
     EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 \
     LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 \
     SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

static PATTERN: Pattern =
    Pattern::new(|| pattern(r"(?i)[a-z] ?[a-z][ \-]?\d ?\d(?: ?[ .\-/_·,]? ?[a-z0-9]){11,30}"));

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    let mut at = 0;
    while let Some(found) = PATTERN.find_at(&view.text, at) {
        // Words may follow, which look as if they went on with it.
        let ends = found
            .as_str()
            .char_indices()
            .map(|(at, c)| found.start() + at + c.len_utf8());
        let ends: Vec<usize> = ends
            .filter(|&end| view.is_apart(found.start(), end))
            .collect();
        let is_iban = |end: &usize| {
            let text = &view.text[found.start()..*end];
            is_checked(text) && !has_words(text)
        };
        // Another one may follow, or begin in what is none.
        at = match ends.into_iter().rev().find(is_iban) {
            Some(end) => {
                search.add(Kind::Iban, found.start(), end, Certainty::Checked);
                end
            }
            None => found.start() + 1,
        };
    }
}

/// Says whether a part of it is a word of small letters, but for a bank's four.
fn has_words(text: &str) -> bool {
    let parts: Vec<&str> = text.split([' ', ',']).collect();
    let is_word = |it: &str| it.len() > 1 && it.bytes().all(|it| it.is_ascii_lowercase());
    let bank = parts.get(1).is_some_and(|it| it.len() == 4);
    parts
        .iter()
        .enumerate()
        .any(|(at, part)| is_word(part) && !(at == 1 && bank))
}

fn is_checked(text: &str) -> bool {
    let chars: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let country: String = chars.iter().take(2).map(char::to_ascii_uppercase).collect();
    let known = COUNTRIES
        .split_whitespace()
        .find(|it| it.starts_with(&country));
    if known.is_none_or(|it| it[2..] != chars.len().to_string())
        || !text.ends_with(|c: char| c.is_ascii_alphanumeric())
    {
        return false;
    }
    let turned = chars[4..].iter().chain(&chars[..4]);
    let rest = turned.fold(0, |rest, c| match c.to_digit(36) {
        Some(value) if value > 9 => (rest * 100 + value) % 97,
        value => (rest * 10 + value.unwrap_or(0)) % 97,
    });
    rest == 1
}
