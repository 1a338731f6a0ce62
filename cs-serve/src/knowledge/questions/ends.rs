//! The thing with the least or the most of something, by a text's own words.

use std::collections::HashSet;

use super::answer::{Answer, Unknown};
use super::answering::{Answered, Known};
use super::asked::Asked;
use super::compare::{at_end, valued};
use super::template::Order;
use crate::knowledge::check::denies;
use crate::knowledge::value::{Value, fold};
use crate::knowledge::{Fact, Iri, Predicate};
use crate::letters::is_ideograph;

/// What may stand beside what is asked for and asks for nothing more.
const BESIDE: [&str; 4] = [
    "which what what's whats is are the a an one ones of all your you u do does have has got sell there tell show give me \
     i i'd i'm would like want need to know could can please pls buy get find see looking look for in from at shop store \
     and so hi hello hey thanks thank s es",
    "你好 您好 谢谢 请问 请 麻烦 告诉我 帮我 给我 我想知道 我想 想知道 我要 想要 想买 我 要 买 找 看看 看 推荐 介绍 查一下 一下 \
     有没有 是什么 什么 是 有 的 吗 呢 啊 呀 吧 么 嘛 哦",
    "哪一款 哪一个 哪一种 哪款 哪个 哪种 哪 一款 一个 一种 款 个 种 那款 那个 那 这",
    "你们家 你们 您们 您 你 店里 本店 店 家里 家 里面 当中 中 里 在 卖",
];

/// An end of the order that a property has, in a text.
pub(super) struct End<'a> {
    pub(super) predicate: &'a Iri,
    order: Order,
    /// Where it is named, in characters.
    pub(super) place: (usize, usize),
}

/// Finds the longest word of a text for what has the least or the most of something.
pub(super) fn end_named<'a>(
    predicates: impl Iterator<Item = &'a Predicate>,
    text: &str,
) -> Option<End<'a>> {
    let folded: String = text.chars().map(fold).collect();
    let mut found: Option<End<'a>> = None;
    for of in predicates {
        let lowest = of.lowest.iter().map(|word| (word, Order::Lowest));
        let highest = of.highest.iter().map(|word| (word, Order::Highest));
        for (word, order) in lowest.chain(highest) {
            let length = |end: &End<'_>| end.place.1 - end.place.0;
            let Some(place) = word_place(&folded, word) else {
                continue;
            };
            let end = End {
                predicate: &of.iri,
                order,
                place,
            };
            let rank = |end: &End<'a>| (length(end), std::cmp::Reverse(end.predicate));
            if found.as_ref().is_none_or(|it| rank(it) < rank(&end)) {
                found = Some(end);
            }
        }
    }
    found
}

/// Where a word stands in a folded text, in characters. One of letters does not stand within another one.
fn word_place(folded: &str, word: &str) -> Option<(usize, usize)> {
    let word: String = word.trim().chars().map(fold).collect();
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_apart = |&(start, _): &(usize, &str)| {
        let before = folded[..start].chars().next_back();
        let after = folded[start + word.len()..].chars().next();
        let (first, last) = (word.chars().next(), word.chars().next_back());
        let is_within = is_letter(before) && is_letter(first);
        !(is_within || is_letter(last) && is_letter(after))
    };
    let mut places = folded.match_indices(&word).filter(is_apart);
    let (start, _) = places.next().filter(|_| !word.is_empty())?;
    let start = folded[..start].chars().count();
    Some((start, start + word.chars().count()))
}

/// Gives the things of a class at an end of an order, of those of which all is true that the text names besides. There is
/// no answer if it asks for anything else: a colour, the second one, how heavy the cheapest is.
pub(super) fn of_class(known: Known, asked: &Asked, class: &Iri, end: &End) -> Answered {
    let text = asked.text();
    let (conditions, places) = asked.beside(class, end);
    let is_understood = says_nothing_more(text, &places)
        && (conditions.is_empty() || !denies(&text.to_lowercase()));
    if !is_understood {
        return Ok(Err(Unknown::Condition));
    }
    let mut facts = known.facts.of_class(class, end.predicate)?;
    let mut reasons = Vec::new();
    for condition in &conditions {
        let stated = known.facts.of_class(class, condition)?;
        let truths = stated.iter().map(|fact| truth(known, fact));
        let Some(truths) = truths.collect::<Option<Vec<bool>>>() else {
            return Ok(Err(Unknown::Condition));
        };
        let so = stated.into_iter().zip(truths).filter(|(_, is_so)| *is_so);
        let so: Vec<Fact> = so.map(|(fact, _)| fact).collect();
        let things: HashSet<&Iri> = so.iter().map(|fact| &fact.subject).collect();
        facts.retain(|fact| things.contains(&fact.subject));
        reasons.extend(so);
    }
    let answer = at_end(known, facts, end.predicate, end.order);
    Ok(answer.map(|answer| match answer {
        Answer::Things { things, mut facts } => {
            facts.extend(reasons);
            Answer::Things { things, facts }
        }
        other => other,
    }))
}

fn truth(known: Known, fact: &Fact) -> Option<bool> {
    match valued(known, fact).first()? {
        (_, Value::Truth(is_so)) => Some(*is_so),
        _ => None,
    }
}

/// Whether a text has nothing outside of these places, in characters, but what asks for nothing.
fn says_nothing_more(text: &str, places: &[(usize, usize)]) -> bool {
    let is_named = |at: usize| {
        places
            .iter()
            .any(|&(start, end)| (start..end).contains(&at))
    };
    let rest = text.chars().enumerate().map(|(at, c)| match is_named(at) {
        true => ' ',
        false => fold(c),
    });
    let rest: String = rest.collect();
    let mut words = rest.split(|c: char| !(c.is_alphanumeric() || c == '\''));
    words.all(|word| is_beside(word.trim_matches('\'')))
}

/// Whether a word, or what Chinese has between two pieces of punctuation, asks for nothing.
fn is_beside(mut word: &str) -> bool {
    let said = || BESIDE.iter().flat_map(|it| it.split_whitespace());
    while !word.is_empty() && !said().any(|it| it == word) {
        let begins = |it: &&str| it.starts_with(is_ideograph) && word.starts_with(*it);
        let Some(longest) = said().filter(begins).map(str::len).max() else {
            return false;
        };
        word = &word[longest..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_nothing_more_is_told_from_conditions() {
        // The first word of each is what was understood.
        for (text, named, expected) in [
            ("cheapest, please", 8, true),
            ("最便宜的是哪一款？", 3, true),
            ("最便宜的有哪些", 3, false),
            ("cheapest's", 8, true),
            ("cheapest black one", 8, false),
            ("最便宜的黑色款", 3, false),
            ("cheapest under 100", 8, false),
            ("最便宜的3个", 3, false),
            ("最便宜的没有的", 3, false),
            ("cheapest that isn't", 8, false),
            ("cheapest дешёвый", 8, false),
        ] {
            assert_eq!(says_nothing_more(text, &[(0, named)]), expected, "{text}");
        }
    }
}
