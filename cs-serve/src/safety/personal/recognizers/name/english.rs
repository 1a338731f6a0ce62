//! Names in English, by their capitals.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::super::pattern::{Pattern, pattern};
use super::Search;

/// Given names that many have.
static GIVEN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("given_names.txt").split_whitespace().collect());

/// A word of a name.
const WORD: &str = r"(?:O'|D'|Mc|Mac)?[A-ZÀ-Þ][a-zß-ÿ]+(?:['-][A-ZÀ-Þ]?[a-zß-ÿ]+)?";

/// What stands before the last word of some.
const PARTICLE: &str = "(?:van|von|de|der|den|bin|al|la|di) ";

/// The second word of a name and those after it.
fn rest() -> String {
    format!(r"(?: (?:{PARTICLE}){{0,2}}(?:{WORD}|[A-Z]\.|[A-Z](?-u:\b)))")
}

static AFTER_WORDS: Pattern = Pattern::new(|| {
    let rest = rest();
    pattern(&format!(
        r"(?i:(?-u:\b)(?:my (?:full |real )?name is|my name's|name's|the name is|name ?:|name on the (?:card|account|order) is|i am|i'm|this is|it's|call me|contact ?:|recipient ?:|cardholder ?:|customer ?:|attn ?:?|passenger ?:?|dear|regards,?|sincerely,?|thanks,|cheers,|mr\.?|mrs\.?|ms\.?|miss|dr\.?|prof\.?|speaking with|spoke to|spoke with|addressed to|deliver(?:ed)? to|registered to|under the name(?: of)?|booked under|ask(?: for)?|(?:parcel|package|order|booking|gift|delivery|card) (?:is|was) for|my (?:wife|husband|son|daughter|friend|colleague|boss|mother|father|brother|sister)(?: is| named)?,?))\s{{1,2}}(?:(?:Mr|Mrs|Ms|Miss|Dr)\.? )?((?:{WORD}|[A-Z]\.){rest}{{0,3}})"
    ))
});

static IN_LOWER_CASE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i:(?-u:\b)my (?:full |real )?name(?: is|'s))\s{1,2}([a-z]{2,15}(?: [a-z]{2,15})?)(?-u:\b)",
    )
});

/// A given name that many have, and at least one word more.
static CAPITALS: Pattern = Pattern::new(|| {
    let rest = rest();
    pattern(&format!(r"(?-u:\b)([A-Z][a-z]+){rest}{{1,2}}(?-u:\b)"))
});

/// Any name before what says that it writes.
static BEFORE_WORDS: Pattern = Pattern::new(|| {
    let rest = rest();
    pattern(&format!(
        r"(?:^|[.!?:] )({WORD}{rest}{{1,2}}) (?:here|speaking|writing|again)(?-u:\b)"
    ))
});

/// English words with a capital that are no names after "I am" and the like.
const NO_ENGLISH: &str = "English American Chinese British Canadian French German Spanish Not Very So Just Still Sorry Happy \
    Sad Trying Looking Having Here The A An It My Your Really Also Unable Calling Writing Customer Sir \
    Madam Team Support Service Friday Monday Tuesday Wednesday Thursday Saturday Sunday January February \
    March April May June July August September October November December Apple Android Amazon Windows \
    Premium Gold Silver Platinum VIP What Why How When Where Who Is Are Can Do Please In On At For From \
    To And But Urgent New All Great Good Fine Ok Okay Black Christmas Mr Mrs Ms Miss Dr";

/// Words in lower case that follow "my name is" and are no name.
const NO_LOWER: &str = "not on spelled spelt wrong incorrect misspelled and in the a an missing different correct still too \
    also already now listed showing printed written my i but or so at with from can please to is as it";

/// Gives the bytes of each.
pub(super) fn find(search: &Search<'_>) -> Vec<(usize, usize)> {
    let text = &search.view.text;
    let mut found: Vec<(usize, usize)> = Vec::new();
    for captures in AFTER_WORDS.captures_iter(text) {
        let (Some(all), Some(name)) = (captures.get(0), captures.get(1)) else {
            continue;
        };
        let words: Vec<&str> = name.as_str().split(' ').collect();
        let said = all.as_str().to_ascii_lowercase();
        let is_vague = ["i am", "i'm", "this is", "it's", "my "]
            .iter()
            .any(|it| said.starts_with(it))
            && !said.starts_with("my name");
        let is_name = words.len() > 1 || GIVEN.contains(words[0]) || !is_vague;
        if is_name && !is_in(NO_ENGLISH, words[0]) {
            found.push((name.start(), end_of(&words, name.start())));
        }
    }
    for captures in IN_LOWER_CASE.captures_iter(text) {
        let Some(name) = captures.get(1) else {
            continue;
        };
        let words = name
            .as_str()
            .split(' ')
            .take_while(|it| !is_in(NO_LOWER, &it.to_ascii_lowercase()));
        let words: Vec<&str> = words.collect();
        if !words.is_empty() {
            found.push((name.start(), end_of(&words, name.start())));
        }
    }
    for captures in CAPITALS.captures_iter(text) {
        let (Some(all), true) = (captures.get(0), GIVEN.contains(&captures[1])) else {
            continue;
        };
        let words: Vec<&str> = all.as_str().split(' ').collect();
        let is_name = !is_in(NO_ENGLISH, words[1]) && !is_street(words[words.len() - 1]);
        if is_name {
            found.push((all.start(), end_of(&words, all.start())));
        }
    }
    for captures in BEFORE_WORDS.captures_iter(text) {
        let Some(name) = captures.get(1) else {
            continue;
        };
        let first = name.as_str().split(' ').next().unwrap_or_default();
        if !is_in(NO_ENGLISH, first) {
            found.push((name.start(), name.end()));
        }
    }
    found
}

fn is_street(word: &str) -> bool {
    [
        "Street", "St", "Road", "Rd", "Avenue", "Ave", "Lane", "Drive", "Court", "Place", "Way",
        "Square", "Park",
    ]
    .contains(&word)
}

fn is_in(words: &str, word: &str) -> bool {
    words.split(' ').any(|it| it == word)
}

/// Gives the end of a name's words up to one that is of no name.
fn end_of(words: &[&str], start: usize) -> usize {
    let own = words
        .iter()
        .enumerate()
        .take_while(|(at, word)| *at == 0 || word.len() == 1 || !is_in(NO_ENGLISH, word));
    let length: usize = own.map(|(_, word)| word.len() + 1).sum();
    start + length - 1
}
