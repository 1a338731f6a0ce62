//! Names in small letters.

use super::super::super::pattern::{Pattern, pattern};
use super::words::{
    capitalised, is_also_word, is_chinese, is_family_name, is_family_too, is_given_name, is_in,
    is_no_name,
};

static IN_LOWER_CASE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i:(?-u:\b)(?:(?P<sure>my (?:full |real |legal )?name(?: is|'s))|(?P<titled>mr\.?|mrs\.?|miss|dear|named|cardholder name|patient name|recipient name|customer name|guest name|name on (?:the |my )?(?:card|account|order|booking|parcel)|account name|in the name of|call me|colleague|wife|husband|son|daughter|mother|father|mom|mum|dad|brother|sister|friend|boss|agent|driver|courier|cheers,|regards,|thanks,)|name's|i am|i'm|im|this is|cardholder|account holder|customer|recipient|passenger|guest|patient|name|colleague|regards,|cheers,|thanks,|sincerely,|(?P<any>for|to|of|by))(?: name)?(?: is|:)?)\s{1,2}(?P<name>[a-z]{2,15}(?: [a-z]{2,15})?)(?-u:\b)",
    )
});

/// Words in lower case that follow "my name is" and are no name.
const NO_LOWER: &str = "not on spelled spelt wrong incorrect misspelled and in the a an missing different correct still too \
    also already now listed showing printed written my i but or so at with from can please to is as it for that this who about when if instead telling saying and he she they we you was has had be by of";

/// Gives the bytes of each.
pub(super) fn find(text: &str) -> Vec<(usize, usize)> {
    let named = IN_LOWER_CASE.captures_iter(text).filter_map(|captures| {
        let name = captures.name("name")?;
        let length = match captures.name("sure") {
            Some(_) => own_length(name.as_str()),
            None => known_length(
                name.as_str(),
                captures.name("titled").is_some(),
                captures.name("any").is_some(),
            ),
        };
        (length > 0).then_some((name.start(), name.start() + length))
    });
    named.collect()
}

/// Gives the length of the words that may be a name, where one is to be expected.
fn own_length(words: &str) -> usize {
    let is_own = |it: &&str| !is_in(NO_LOWER, it) && !is_no_name(&capitalised(it));
    let own = words.split(' ').take_while(is_own);
    own.map(|it| it.len() + 1).sum::<usize>().saturating_sub(1)
}

/// Gives the length of what is known as a name: a given name and another one, or either of them after a title.
fn known_length(words: &str, is_titled: bool, may_be_any: bool) -> usize {
    let (first, last) = words.split_once(' ').unwrap_or((words, ""));
    let is_given = |it: &str| is_given_name(&capitalised(it)) && !is_also_word(it);
    let is_family = |it: &str| {
        is_family_name(&capitalised(it))
            && !is_family_too(it)
            && !is_also_word(it)
            && !is_no_name(&capitalised(it))
    };
    let is_word = first.len() < 3 || is_family_too(first);
    let is_pinyin = || {
        last.len() > if is_word { 3 } else { 1 }
            && is_chinese(&[&capitalised(first), &capitalised(last)])
    };
    match () {
        () if is_given(first) && is_family(last) || !may_be_any && is_pinyin() => words.len(),
        () if is_titled && (is_given(first) || is_family(first)) => first.len(),
        () => 0,
    }
}
