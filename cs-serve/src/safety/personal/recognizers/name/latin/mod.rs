//! Names in Latin letters, mostly by their capitals.

mod contexts;
mod lower_case;
mod words;

use super::super::pattern::{Pattern, pattern};
use super::super::{Search, Span};
use super::is_of_person;
use contexts::{AFTER, AFTER_WORDS, PARTICLE, WORD, first, rest};
use words::{
    capitalised, is_also_word, is_chinese, is_family, is_family_name, is_family_too, is_given_name,
    is_in, is_no_name, is_pinyin_surname, is_place, is_place_or_brand, is_syllables, is_vietnamese,
};

/// What leads to a word that may be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lead {
    /// Nothing.
    None,
    /// What anything may follow.
    Vague,
    /// What a person mostly follows.
    Personal,
    /// What a name follows.
    Strong,
    /// What calls it a name.
    Label,
}

/// What stands before the last word of some, with a capital.
const BEFORE_FAMILIES: &str = "Van Von De Der Den Du La Le Del Della Di Da Dos Al El Bin";

/// What titles are of that are no persons.
const NO_TITLED: [&str; 8] = [
    "Clean", "Pepper", "Martens", "Muscle", "Bean", "Kipling", "Potato", "Coffee",
];

/// Given names that alone are months.
const MONTHS: &str =
    "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec March April May June July August";

/// What begins a question, and is no name there.
const ASKING: &str =
    "Will Does Do Did Has Have Had Is Are Was Were Can Could Would Should May Might Shall Am";

/// What begins the name of a place.
const BEFORE_PLACES: &str =
    "Saint St San Santa Los Las Mount Lake Fort Port Cape Isle Queen King Prince Princess";

/// What ends the name of a place or a company.
const AFTER_PLACES: &str = "Street Road Avenue Lane Drive Square Station Bridge Museum Hall Hospital Airport University College School \
    Stadium Park Memorial Inc Ltd LLC GmbH Group Company Corporation Corp Foundation Library Theatre Theater Centre Center Mall Tower Hotel Bank Store \
    Shop Outlet Perfume Parfum Collection Cottage House Estate Award Festival Airlines Line Edition Boulevard Blvd Terminal Plaza";

/// The most bytes between a name and what is beside it.
const LONGEST_GAP: usize = 4;

/// Gives the bytes of each.
pub(super) fn find(search: &Search<'_>) -> Vec<(usize, usize)> {
    let text = &search.view.text;
    let mut found: Vec<(usize, usize)> = Vec::new();
    found.extend(pairs(text));
    if text.contains('/') {
        found.extend(with_slash(text));
    }
    if search.view.has_chinese {
        found.extend(after_chinese(text));
    }
    found.extend(lower_case::find(text));
    if has_capital_word(text) {
        found.extend(after_words(text));
        if text
            .as_bytes()
            .windows(2)
            .any(|it| it.iter().all(u8::is_ascii_uppercase))
        {
            found.extend(shouted(text));
        }
        found.extend(capitals(text, &search.spans));
        found.extend(titled(text));
        if text.contains(". ") {
            found.extend(with_initials(text));
        }
    }
    found
        .retain(|it| !is_place_or_brand(&text[it.0..it.1]) && !is_after_title_of_place(text, it.0));
    found
}

/// Names after what leads to one.
fn after_words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(captures) = AFTER_WORDS.captures_at(text, at) {
        let (Some(all), Some(name)) = (captures.get(0), captures.name("name")) else {
            break;
        };
        let strong = captures.name("strong").map(|it| it.as_str());
        let lead = match (strong, captures.name("personal")) {
            (Some(strong), _) if strong.to_ascii_lowercase().contains("name") => Lead::Label,
            (Some(_), _) => Lead::Strong,
            (None, Some(_)) => Lead::Personal,
            _ => Lead::Vague,
        };
        let length = own_length(name.as_str(), lead);
        let length = length.max(turned_length(&text[name.start()..], lead));
        // What is no name may be what another one follows.
        at = if length > 0 {
            all.end().max(name.start() + length)
        } else {
            name.start()
        };
        let end = name.start() + length;
        let is_shop = lead < Lead::Personal && text[end..].starts_with("'s")
            || is_place_or_brand(&text[all.start()..end]);
        if length > 0 && !is_shop {
            found.push((name.start(), name.start() + length));
        }
    }
    found
}

/// Names in capitals after what calls them names, and as papers have them.
fn shouted(text: &str) -> Vec<(usize, usize)> {
    static SHOUTED: Pattern = Pattern::new(|| {
        pattern(
            r"(?-u:\b)(?i:name|names|surname|holder|cardholder|passengers?|guests?|recipient|customer|client|owner|driver|sender|payee|beneficiary|insured|patient|attn|signed|regards,?|mr|mrs|ms|miss|dr)(?i: is| was| on (?:the |my )?(?:card|ticket|passport|account|booking)| in (?:the |my )?passport(?: is)?)?[:.,=]?\s{1,2}([A-Z][A-Z'\-]+(?:,? [A-Z][A-Z'\-]*\.?){1,3})(?-u:\b)",
        )
    });
    let named = SHOUTED.captures_iter(text).filter_map(|it| it.get(1));
    let named = named.filter(|name| {
        let words = name.as_str().split([' ', ',']).filter(|it| it.len() > 1);
        words.map(capitalised).all(|it| !is_no_name(&it))
            && !is_place_or_brand(
                &name
                    .as_str()
                    .split(' ')
                    .map(capitalised)
                    .collect::<Vec<_>>()
                    .join(" "),
            )
    });
    named.map(|name| (name.start(), name.end())).collect()
}

/// Names that nothing leads to, but perhaps a telephone, an address and the like beside them.
fn capitals(text: &str, spans: &[Span]) -> Vec<(usize, usize)> {
    static CAPITALS: Pattern = Pattern::new(|| {
        let rest = rest();
        pattern(&format!(r"(?-u:\b){WORD}{rest}{{1,3}}"))
    });
    let named = CAPITALS.find_iter(text).filter_map(|all| {
        let start = all.start() + capital_start(text, all.start(), all.as_str());
        let is_piece = start > all.start() || is_beginning(text, start);
        let is_named = || {
            AFTER.iter().any(|it| text[all.end()..].starts_with(it))
                || is_signature(text, all.start(), all.end())
        };
        let lead = match () {
            () if is_piece && is_beginning(text, start) && is_named() => Lead::Strong,
            () if is_piece && is_beside_others(text, start, all.end(), spans) => Lead::Personal,
            () => Lead::None,
        };
        let length = own_length(&text[start..all.end()], lead);
        let end = start + length;
        let is_whole = lead != Lead::Personal || end == all.end();
        (length > 0 && is_whole && !is_of_place(text, start, end)).then_some((start, end))
    });
    named.collect()
}

/// Says whether words are beside what a person has, with a mark between them at most.
fn is_beside_others(text: &str, start: usize, end: usize, spans: &[Span]) -> bool {
    let is_gap = |from: usize, to: usize| {
        from <= to && to - from <= LONGEST_GAP && !text[from..to].contains(char::is_alphanumeric)
    };
    let is_beside = |it: &Span| is_gap(end, it.start) || is_gap(it.end, start);
    let mut personal = spans.iter().filter(|it| is_of_person(it.kind));
    personal.any(is_beside)
}

/// Whether what begins a place's name stands before a byte, as in "Queen Elizabeth Hall".
fn is_after_title_of_place(text: &str, start: usize) -> bool {
    let before = text[..start].strip_suffix(' ').unwrap_or_default();
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next();
    word.is_some_and(|it| !it.is_empty() && is_in(BEFORE_PLACES, it))
}

/// Whether words are part of what a place or a company is called.
fn is_of_place(text: &str, start: usize, end: usize) -> bool {
    let after = &text[end..];
    let next = after
        .trim_start()
        .split(|c: char| !c.is_alphabetic())
        .next();
    let first = text[start..end].split(' ').next().unwrap_or_default();
    after.starts_with("'s")
        || after.starts_with(" & ")
        || text[..start].ends_with("& ")
        || is_in(BEFORE_PLACES, first)
        || next.is_some_and(|it| !it.is_empty() && is_in(AFTER_PLACES, it))
}

/// Names after a title, which is enough for a family name that nobody has heard.
fn titled(text: &str) -> Vec<(usize, usize)> {
    static TITLED: Pattern = Pattern::new(|| {
        let rest = rest();
        pattern(&format!(
            r"(?-u:\b)(?i:mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|herr|frau|señora?|madame|monsieur|mme|mlle|sra?)\.? ((?:{PARTICLE})?(?:{WORD}|[A-Z]\.){rest}{{0,3}})"
        ))
    });
    let names = TITLED.captures_iter(text).filter_map(|it| it.get(1));
    let own = names.filter_map(|name| {
        let words = name.as_str().split(' ');
        let is_own = |it: &&str| !is_no_name(it) && !NO_TITLED.contains(it);
        let length: usize = words.take_while(is_own).map(|it| it.len() + 1).sum();
        let end = name.start() + length.checked_sub(1)?;
        (!text[end..].starts_with("'s")).then_some((name.start(), end))
    });
    own.collect()
}

/// Names of which the first is a letter alone: R. Eriksen.
fn with_initials(text: &str) -> Vec<(usize, usize)> {
    static INITIALS: Pattern = Pattern::new(|| {
        pattern(&format!(
            r"(?-u:\b)(?:[A-Z]\.? ?){{1,2}} ?(?P<particle>(?:{PARTICLE}|Van |De |Von ){{1,2}})?(?P<name>{WORD})"
        ))
    });
    let named = INITIALS.captures_iter(text).filter_map(|it| {
        let (all, name) = (it.get(0)?, it.name("name")?);
        let is_name = is_family(name.as_str(), "X") && !is_no_name(name.as_str());
        let is_marked = all.as_str().contains(". ");
        let is_name = is_marked && (is_name || it.name("particle").is_some());
        is_name.then_some((all.start(), all.end()))
    });
    named.collect()
}

/// Names as tickets have them: KAPOOR/NIKHIL.
fn with_slash(text: &str) -> Vec<(usize, usize)> {
    static SLASH: Pattern =
        Pattern::new(|| pattern(r"(?-u:\b)([A-Za-z]{2,})/([A-Za-z]{2,})(?: [A-Z]{2,})?(?-u:\b)"));
    let named = SLASH.captures_iter(text).filter_map(|it| {
        let (family, given) = (capitalised(&it[1]), capitalised(&it[2]));
        let is_name = is_given_name(&given) && !is_also_word(&it[2])
            || is_family_name(&family)
                && it[1].bytes().all(|it| it.is_ascii_uppercase())
                && it[2].len() > 3
            || is_chinese(&[&family, &given]);
        is_name.then(|| it.get(0).map(|it| (it.start(), it.end())))?
    });
    named.collect()
}

/// Names after a Chinese word that says so, as in 姓名拼音 ZENG Zixuan.
fn after_chinese(text: &str) -> Vec<(usize, usize)> {
    static LABELLED: Pattern = Pattern::new(|| {
        pattern(
            r"(?:姓名|名字|拼音|户名|英文名|持卡人|联系人|收件人|收货人|寄件人|乘客|旅客|乘机人|入住人|住客|预订人|机主|[我他她]叫|我是|我系|叫我|本人)(?:姓名|拼音|名字)?[是为叫写填的:, ]{0,3}((?:[A-Z]\.|[A-Za-zÀ-ÿ]+(?:['\-][A-Za-zÀ-ÿ]+)*)(?:[ /,·]{1,2}(?:[A-Z]\.|[A-Za-zÀ-ÿ]+(?:['\-][A-Za-zÀ-ÿ]+)*)){0,4})",
        )
    });
    let named = LABELLED.captures_iter(text).filter_map(|it| {
        let name = it.get(1)?;
        let end = name
            .as_str()
            .split([' ', ','])
            .take_while(|it| !is_label(it));
        let length: usize = end.map(|it| it.len() + 1).sum();
        let name = name
            .as_str()
            .get(..length.saturating_sub(1).min(name.len()))
            .map(|it| (name.start(), it))?;
        let is_name = name.1.contains([' ', '/'])
            || is_given_name(&capitalised(name.1))
            || is_family_name(&capitalised(name.1));
        is_name.then_some((name.0, name.0 + name.1.trim_end_matches([',', ' ']).len()))
    });
    named.collect()
}

/// Says whether a word tells what follows it, and is of no name.
fn is_label(word: &str) -> bool {
    [
        "phone", "tel", "mobile", "email", "order", "from", "and", "id", "ip", "vip", "app",
        "passport", "dob", "born", "card", "iphone", "plus", "pro",
    ]
    .iter()
    .any(|it| word.eq_ignore_ascii_case(it))
}

/// Says whether words end a text after a sentence, as a signature does.
fn is_signature(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].trim_end();
    let is_end = text[end..].trim_start().is_empty();
    is_end && before.ends_with(['.', '!', '?', '-', '\n'])
}

/// A given name and a family name, in whatever case.
fn pairs(text: &str) -> Vec<(usize, usize)> {
    static WORDS: Pattern = Pattern::new(|| pattern(r"[A-Za-zÀ-ſẠ-ỹ]+(?:['\-][A-Za-zÀ-ſẠ-ỹ]+)*"));
    let words: Vec<(usize, usize)> = WORDS
        .find_iter(text)
        .map(|it| (it.start(), it.end()))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < words.len() {
        let (first, mut next) = (words[at], at + 1);
        let has_initial = words[next].1 - words[next].0 == 1 && next + 1 < words.len();
        if has_initial {
            next += 1;
        }
        let second = words[next];
        let between = text[first.1..second.0].replace(
            |c: char| has_initial && (c.is_ascii_alphabetic() || c == '.'),
            "",
        );
        let (one, two) = (&text[first.0..first.1], &text[second.0..second.1]);
        let is_name = match between.as_str() {
            " " | "  " => is_pair(one, two) || is_shouted_chinese(one, two),
            ", " if !has_initial => {
                !is_no_name(one)
                    && is_family(one, two)
                    && is_given_name(&capitalised(two))
                    && !is_also_word(two)
            }
            _ => false,
        };
        if is_name && !is_asking(text, first.0, one) {
            found.push((first.0, second.1));
            at = next;
        }
        at += 1;
    }
    found
}

/// Says whether two words are a Chinese name of which at least the surname is in capitals.
fn is_shouted_chinese(one: &str, two: &str) -> bool {
    let is_shouted = |it: &str| it.len() > 1 && it.bytes().all(|it| it.is_ascii_uppercase());
    let starts = two.starts_with(|c: char| c.is_ascii_uppercase());
    is_shouted(one)
        && starts
        && two.len() > 3
        && is_pinyin_surname(&capitalised(one))
        && is_syllables(two)
}

/// Whether words are a family name and a given one of two syllables, as in "Park Ji-woo".
fn is_korean(words: &[&str]) -> bool {
    let is_given = |it: &&str| {
        it.split_once('-')
            .is_some_and(|(_, it)| it.starts_with(char::is_lowercase))
    };
    is_family_name(words[0]) && words.get(1).is_some_and(is_given)
}

/// Whether a word after a given name is a family name, or what stands before one.
fn is_of_family(word: &str) -> bool {
    is_in(BEFORE_FAMILIES, word) || is_family_name(word)
}

fn is_pair(given: &str, family: &str) -> bool {
    given.len() > 1 && is_given_name(&capitalised(given)) && is_family(family, given)
}

/// Says whether a word begins with a capital, and is longer than that.
fn has_capital_word(text: &str) -> bool {
    let is_capital =
        |pair: &[u8]| (pair[0].is_ascii_uppercase() || pair[0] >= 0xc3) && pair[1] != b' ';
    text.as_bytes().windows(2).any(is_capital)
}

/// Gives where a name begins in words with capitals of which the first may be none of it.
fn capital_start(text: &str, at: usize, words: &str) -> usize {
    let mut start = 0;
    for word in words.split(' ') {
        let is_none = is_no_name(word) || start == 0 && is_asking(text, at, word);
        if !is_none {
            break;
        }
        start += word.len() + 1;
    }
    if start > words.len() { 0 } else { start }
}

/// Says whether a word begins a question, as "Will May be too late?" does.
fn is_asking(text: &str, at: usize, word: &str) -> bool {
    text.contains('?') && is_in(ASKING, word) && is_beginning(text, at)
}

fn is_beginning(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end();
    before.is_empty() || before.ends_with(['.', '!', '?', ':', ',', '-', ';', '(', '<', '"', '\n'])
}

/// Gives the length of the name with which words begin; where nothing says that they are one, its first word tells.
fn own_length(name: &str, lead: Lead) -> usize {
    let words: Vec<&str> = name.split(' ').collect();
    let is_led_by_given = is_given_name(words[0]);
    let is_own = |at: usize, word: &str| {
        word.len() == 1
            || at > 0 && (word.ends_with('.') || is_led_by_given && is_of_family(word))
            || !is_no_name(word)
            || at == 0 && is_korean(&words)
    };
    let count = words
        .iter()
        .enumerate()
        .take_while(|(at, word)| is_own(*at, word))
        .count();
    let own = &words[..count];
    let Some(&first) = own.first() else { return 0 };
    let length = own.iter().map(|it| it.len() + 1).sum::<usize>() - 1;
    let is_given = is_given_name(first)
        || is_chinese(own)
        || is_vietnamese(own)
        || !first.is_ascii() && is_family_name(first);
    let is_name = match own.len() {
        1 => is_alone(first, lead, is_given, words.len() == 1),
        _ => {
            lead >= Lead::Personal
                || is_given
                || own.last().is_some_and(|it| {
                    is_family_name(it) && !is_family_too(&it.to_ascii_lowercase())
                })
        }
    };
    match is_name && !is_place_or_brand(&name[..length]) {
        true => length,
        false => 0,
    }
}

/// Whether a word alone is a name.
fn is_alone(word: &str, lead: Lead, is_given: bool, is_all: bool) -> bool {
    if word.len() < 3 || is_in(MONTHS, word) || is_place(word) && lead < Lead::Strong {
        return false;
    }
    match lead {
        Lead::None => false,
        Lead::Vague | Lead::Personal => is_given && is_all,
        Lead::Strong => is_given,
        Lead::Label => true,
    }
}

/// Gives the length of "Smith, John" with which a text begins.
fn turned_length(text: &str, lead: Lead) -> usize {
    static TURNED: Pattern = Pattern::new(|| {
        let first = first();
        pattern(&format!("^({first}(?: {WORD})?), ({WORD})(?: {WORD})?"))
    });
    let Some(captures) = TURNED.captures(text) else {
        return 0;
    };
    let (all, family, given) = (&captures[0], &captures[1], &captures[2]);
    let is_known = is_given_name(given);
    let last = family.split(' ').next_back().unwrap_or_default();
    let is_said = lead >= Lead::Strong && !is_place_or_brand(family)
        || lead >= Lead::Personal && is_family_name(last);
    if family.split(' ').any(is_no_name) || is_no_name(given) || !(is_known || is_said) {
        return 0;
    }
    let end = captures.get(2).map_or(all.len(), |it| it.end());
    match is_no_name(all[end..].trim_start()) {
        true => end,
        false => all.len(),
    }
}
