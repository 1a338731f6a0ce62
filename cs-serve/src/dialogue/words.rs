//! What customers say to the conversation itself: yes, no, never mind.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::knowledge::value::fold;
use crate::letters::is_ideograph;

static WORDS: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let lines = include_str!("words.txt").lines();
    let lines = lines.filter_map(|line| line.split_once(": "));
    let lines = lines.filter(|(name, _)| !name.starts_with('#'));
    let words = |list: &'static str| {
        let mut words: Vec<&str> = list.split('|').map(str::trim).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    };
    lines.map(|(name, list)| (name, words(list))).collect()
});

fn list(name: &str) -> &'static [&'static str] {
    WORDS.get(name).map_or(&[], Vec::as_slice)
}

/// What a text says to the conversation itself, if no more than that is in a part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signals {
    pub(super) yes: bool,
    pub(super) no: bool,
    pub(super) cancel: bool,
    /// There is no such value.
    pub(super) none: bool,
    pub(super) undo: bool,
    pub(super) person: bool,
}

impl Signals {
    pub(super) fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

/// The text in lower case and half width, character by character.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// What a folded text says. Each part of it between punctuation counts that has nothing else in it.
pub(super) fn signals(folded: &str) -> Signals {
    let mut signals = Signals::default();
    for Part { text, is_question } in parts(folded) {
        let in_part = |name| is_made_of(text, &[list(name), list("filler")], list(name));
        let yes = in_part("yes");
        let cancel = in_part("cancel");
        // "Yes, cancel it" and "确认取消" agree to what is asked.
        let agreed = !yes
            && !cancel
            && is_made_of(
                text,
                &[list("yes"), list("cancel"), list("filler")],
                list("yes"),
            );
        signals.yes |= (yes || agreed) && !is_question;
        signals.cancel |= cancel;
        signals.no |= in_part("no") && !is_question;
        signals.none |= in_part("none");
        signals.undo |= in_part("undo");
        signals.person |= in_part("person");
    }
    signals
}

/// Whether a folded text says yes in the words of a folded question: "确认退款" to whether to refund, "cancel" to
/// whether to cancel.
pub(super) fn agrees(folded: &str, question: &str) -> bool {
    let repeats = |rest: &str| !rest.is_empty() && question.contains(rest);
    let mut said = parts(folded).filter(|part| !part.is_question);
    said.any(|Part { text: part, .. }| {
        let mut yes = list("yes").iter();
        let agreed = yes.any(|word| {
            let rest = part.strip_prefix(word);
            rest.is_some_and(|rest| is_apart(part, 0, word.len()) && repeats(rest.trim()))
        });
        agreed || (list("cancel").contains(&part) && repeats(part))
    })
}

/// Gives the place, in characters, of what a folded text wants in place of something: "change it to 5".
pub(super) fn replacement(folded: &str) -> Option<usize> {
    let ends = list("replace")
        .iter()
        .flat_map(|word| find_words(folded, word).map(|(_, end)| end));
    let end = ends.max()?;
    Some(folded[..end].chars().count())
}

/// Whether a folded text has a word that corrects what was said before.
pub(super) fn corrects(folded: &str) -> bool {
    list("correct")
        .iter()
        .any(|word| find_words(folded, word).next().is_some())
}

/// Whether what stands in a folded text before a value says that it is not the one.
pub(super) fn denies(before: &str) -> bool {
    // "Is it": a question, not a denial.
    let before = before.replace("是不是", "");
    list("not")
        .iter()
        .any(|word| find_words(&before, word).next().is_some())
}

/// Whether what stands in a folded text after a value says that it is not the one.
pub(super) fn refutes(after: &str) -> bool {
    is_made_of(
        after.trim(),
        &[list("refute"), list("filler")],
        list("refute"),
    )
}

/// Whether a folded text has nothing but what may stand beside an answer.
pub(super) fn is_framing(folded: &str) -> bool {
    parts(folded).all(|part| {
        is_made_of(
            part.text,
            &[list("frame"), list("filler"), list("yes"), list("no")],
            &[],
        )
    })
}

/// Whether a folded text is no more than a yes or a no.
pub(super) fn is_reaction(folded: &str) -> bool {
    let words = [list("yes"), list("no"), list("filler")];
    let needed: Vec<&str> = [list("yes"), list("no")].concat();
    let mut parts = parts(folded).peekable();
    parts.peek().is_some() && parts.all(|part| is_made_of(part.text, &words, &needed))
}

/// The places of a word in a folded text, as bytes. A word of letters is not found inside another one.
pub(super) fn find_words<'a>(
    folded: &'a str,
    word: &'a str,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let places = folded.match_indices(word);
    places
        .map(|(start, it)| (start, start + it.len()))
        .filter(|&(start, end)| is_apart(folded, start, end))
}

/// Whether a piece of a text begins and ends where a word does.
pub(super) fn is_apart(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_ideograph(c));
    let piece = &text[start..end];
    let (before, after) = (
        text[..start].chars().next_back(),
        text[end..].chars().next(),
    );
    let cut_before = is_word(before) && is_word(piece.chars().next());
    let cut_after = is_word(after) && is_word(piece.chars().next_back());
    !cut_before && !cut_after
}

/// A piece of a text between punctuation.
struct Part<'a> {
    text: &'a str,
    is_question: bool,
}

/// The parts of a folded text, without those that have no letter or digit.
fn parts(folded: &str) -> impl Iterator<Item = Part<'_>> {
    let ends = |c: char| !(c.is_alphanumeric() || matches!(c, ' ' | '\'' | '/'));
    let mut rest = folded;
    let parts = std::iter::from_fn(move || {
        rest = rest.trim_start_matches(ends);
        let end = rest.find(ends).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        rest = after;
        let mark = after.trim_start_matches(|c: char| c != '?' && (ends(c) || c == ' '));
        let text = text.trim();
        let is_question = mark.starts_with('?') || text.ends_with(['吗', '么', '呢']);
        (end > 0).then_some(Part { text, is_question })
    });
    parts.filter(|part| part.text.contains(char::is_alphanumeric))
}

/// Whether words of the lists, one after the other, make up a part, one of `needed` among them unless
/// that is empty.
fn is_made_of(part: &str, lists: &[&[&str]], needed: &[&str]) -> bool {
    // For each byte, whether words lead to it, and whether a needed one is among them.
    let mut reached = vec![(false, false); part.len() + 1];
    reached[0] = (true, needed.is_empty());
    for at in 0..part.len() {
        let (is_reached, has) = reached[at];
        if !is_reached {
            continue;
        }
        let mut reach = |end: usize, has: bool| reached[end] = (true, reached[end].1 || has);
        if part[at..].starts_with(' ') {
            reach(at + 1, has);
        }
        for word in lists.iter().copied().flatten() {
            let end = at + word.len();
            if part[at..].starts_with(word) && is_apart(part, at, end) {
                reach(end, has || needed.contains(word));
            }
        }
    }
    reached[part.len()] == (true, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Signals {
        signals(&folded(text))
    }

    #[test]
    fn what_customers_say_is_known_in_both_languages() {
        for text in [
            "是的",
            "对，谢谢",
            "好的吧",
            "嗯嗯 没错",
            "Yes please!",
            "OK",
            "that's right, thanks",
        ] {
            assert!(of(text).yes && !of(text).no, "{text}");
        }
        for text in ["不对", "不是的，是54321", "No, thanks", "nope", "嗯，不对"] {
            assert!(of(text).no, "{text}");
        }
        for text in [
            "算了",
            "那就算了吧",
            "不用了，谢谢",
            "Never mind.",
            "please cancel it",
        ] {
            assert!(of(text).cancel, "{text}");
        }
        for text in ["撤销", "回到上一步", "Go back please"] {
            assert!(of(text).undo, "{text}");
        }
        for text in ["转人工", "我要找人工客服", "I want to talk to a human!"] {
            assert!(of(text).person, "{text}");
        }
    }

    #[test]
    fn a_question_is_no_answer() {
        for text in [
            "可以吗？",
            "可以么",
            "是吗？",
            "是吗",
            "确定？",
            "确定 ？！",
            "好呢",
            "ok?",
            "Sure…?",
            "yes?!",
            "不行吗？",
            "no?",
            "确认取消？",
        ] {
            let found = of(text);
            assert!(!found.yes && !found.no, "{text}");
            assert!(!agrees(&folded(text), "确定取消订单a1吗？可以么"), "{text}");
        }
        assert!(!agrees("取消?", "要取消a1吗?") && !agrees("yes cancel it?", "shall i cancel it?"));
        for text in [
            "好的，什么时候到？",
            "ok. is it free?",
            "可以",
            "要不要发票？要",
        ] {
            assert!(of(text).yes, "{text}");
        }
    }

    #[test]
    fn what_says_more_is_no_signal() {
        for text in [
            "取消订单A123",
            "cancel my order",
            "是什么",
            "对方没收到",
            "no idea what you mean",
            "好吃吗",
            "人工智能音箱多少钱",
            "返回的运费谁出",
        ] {
            let found = of(text);
            let none = Signals {
                none: found.none,
                ..Signals::default()
            };
            assert_eq!(found, none, "{text}");
        }
        assert!(of("确认取消").yes && !of("确认取消").cancel);
        assert!(of("取消").cancel);
        assert!(agrees("确认退款", "为a1申请退款，对吗？") && agrees("取消", "要取消a1吗？"));
        assert!(agrees("yes refund it", "shall i refund it?"));
        assert!(!agrees("退货", "为a1申请退货吗？") && !agrees("确认一下", "为a1退款吗？"));
        assert_eq!(replacement("地址改成上海"), Some(4));
    }

    #[test]
    fn a_denied_value_is_told_from_a_question() {
        assert!(denies("不是"));
        assert!(denies("it is not "));
        assert!(!denies("是不是"));
        assert!(!denies("我的订单号是"));
        assert!(corrects("sorry, i meant 5") && corrects("改成上海") && !corrects("12345"));
        assert!(is_reaction("好的，没错") && is_reaction("yes please") && is_reaction("no"));
        assert!(!is_reaction("好的，放门口") && !is_reaction("") && !is_reaction("谢谢"));
        assert!(is_framing("我的订单号是") && is_framing("it's ") && !is_framing("查询物流"));
    }

    #[test]
    fn each_word_stands_once_in_its_list_and_in_its_common_form() {
        for (name, words) in &*WORDS {
            let mut sorted = words.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), words.len(), "{name}");
            assert!(words.iter().all(|word| folded(word) == **word), "{name}");
        }
    }
}
