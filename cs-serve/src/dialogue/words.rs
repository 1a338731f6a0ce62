//! What customers say to the conversation itself: yes, no, never mind.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::knowledge::value::fold;
use crate::letters::is_ideograph;

/// The most wishes that a text is taken apart into.
const MOST_WISHES: usize = 8;

static WORDS: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let lines = include_str!("words.txt").lines();
    let lines = lines.filter_map(|line| line.split_once(": "));
    let lines = lines.filter(|(name, _)| !name.starts_with('#'));
    lines.map(|(name, list)| (name, words(list))).collect()
});

/// The words of a line, the longest first.
fn words(list: &str) -> Vec<&str> {
    let mut words: Vec<&str> = list.split('|').map(str::trim).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

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
        signals.yes |= in_part("yes") && !is_question;
        signals.cancel |= in_part("cancel") || (is_cancel(text) && !is_question);
        signals.no |= in_part("no") && !is_question;
        signals.none |= in_part("none");
        signals.undo |= in_part("undo");
        signals.person |= in_part("person");
    }
    signals
}

/// Whether a part wants to stop: "cancel it", and also "yes, cancel".
fn is_cancel(part: &str) -> bool {
    let words = [list("cancel"), list("yes"), list("filler")];
    is_made_of(part, &words, list("cancel"))
}

/// Whether a folded text says yes in the words of a folded question: "确认退款" to whether to refund.
pub(super) fn agrees(folded: &str, question: &str) -> bool {
    let repeats = |rest: &str| !rest.is_empty() && question.contains(rest);
    let mut said = parts(folded).filter(|part| !part.is_question);
    said.any(|Part { text: part, .. }| {
        let mut yes = list("yes").iter();
        yes.any(|word| {
            let rest = part.strip_prefix(word);
            rest.is_some_and(|rest| is_apart(part, 0, word.len()) && repeats(rest.trim()))
        })
    })
}

/// Whether a folded text wants to stop what a folded question asks whether to stop: "cancel it" to whether to cancel.
pub(super) fn agrees_to_cancel(folded: &str, question: &str) -> bool {
    let mut said = parts(folded).filter(|part| !part.is_question && is_cancel(part.text));
    said.any(|part| {
        let mut words = list("cancel").iter();
        words.any(|word| has_word(part.text, word) && has_word(question, word))
    })
}

/// Whether a folded question is one whether to stop something.
pub(super) fn asks_to_cancel(question: &str) -> bool {
    has_any(question, "cancel")
}

/// Whether a folded text wants something else in place of what is under way.
pub(super) fn wants_instead(folded: &str) -> bool {
    has_any(folded, "instead")
}

/// Whether a folded text has one of a list's words.
fn has_any(folded: &str, name: &str) -> bool {
    list(name).iter().any(|word| has_word(folded, word))
}

fn has_word(folded: &str, word: &str) -> bool {
    find_words(folded, word).next().is_some()
}

/// Whether a folded text holds back in one part what another part may agree to: "OK, don't cancel it".
pub(super) fn holds_back(folded: &str) -> bool {
    let yes = [list("yes"), list("filler")];
    let mut others = parts(folded).filter(|part| !is_made_of(part.text, &yes, list("yes")));
    others.any(|part| has_reserve(part.text))
}

fn has_reserve(part: &str) -> bool {
    let harmless = list("harmless").iter();
    let rest = harmless.fold(part.to_owned(), |text, word| text.replace(word, " "));
    has_any(&rest, "reserve")
}

/// Gives the place, in characters, of what a folded text wants in place of something, after "change it to" say; without
/// the thanks after it.
pub(super) fn replacement(folded: &str) -> Option<(usize, usize)> {
    let words = list("replace").iter();
    let ends = words.flat_map(|word| find_words(folded, word).map(|(_, end)| end));
    value_after(folded, ends.max()?)
}

/// Whether a folded text up to a value names a part of a longer one: the recipient of an address, say. Where only what
/// leads to the value stands right before it, as in "the name is wrong, change it to", what comes before that counts.
pub(super) fn names_a_part(before: &str) -> bool {
    let parts: Vec<Part<'_>> = parts(before).collect();
    let mut parts = parts.iter().rev().skip_while(|part| only_leads(part.text));
    parts.next().is_some_and(|part| has_any(part.text, "part"))
}

/// Whether a part has nothing but what leads to a value, without its name.
fn only_leads(part: &str) -> bool {
    is_framing(part) && !has_any(part, "whole") && !has_any(part, "part")
}

/// Gives the place, in characters, of that to which a folded text wants something sent or changed, if that is where things
/// are sent to: it has a number, or what is sent is what the conversation is about, as in "send it to York".
pub(super) fn destination(folded: &str) -> Option<(usize, usize)> {
    let Sending { what, to } = sending(folded)?;
    let end = without_ends(folded, to);
    let place = folded[to..end].trim();
    let first = place.split(' ').next().unwrap_or_default();
    let is_name = list("sent").contains(&what) && !list("no_place").contains(&first);
    let is_place = is_name || place.contains(|c: char| c.is_ascii_digit());
    (is_place && !place.contains('@')).then(|| value_after(folded, to))?
}

/// The place, in characters, of what stands from a byte on, without the thanks after it.
fn value_after(folded: &str, start: usize) -> Option<(usize, usize)> {
    let end = without_ends(folded, start);
    let count = |end: usize| folded[..end].chars().count();
    (start < end).then(|| (count(start), count(end)))
}

/// What a text wants sent or changed, and the byte from which on it says to what.
struct Sending<'a> {
    what: &'a str,
    to: usize,
}

/// What stands before and after the first "to" behind what says that something is changed or sent.
fn sending(folded: &str) -> Option<Sending<'_>> {
    let sent = list("send").iter();
    let sent = sent.flat_map(|word| find_words(folded, word).map(|(_, end)| end));
    let after = sent.min()?;
    let mut found = find_words(folded, "to").filter(|&(start, _)| start >= after);
    let what = |(start, to)| Sending {
        what: folded[after..start].trim(),
        to,
    };
    found.next().map(what)
}

/// Where a folded text ends without the words and the punctuation that follow a value.
fn without_ends(folded: &str, start: usize) -> usize {
    let mut end = folded.len();
    loop {
        let rest = &folded[start..end];
        let trimmed = rest.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        let text = &rest[..trimmed];
        let mut words = list("after").iter();
        match words.find(|word| ends_in_word(text, word)) {
            Some(word) => end = start + trimmed - word.len(),
            None => return start + trimmed,
        }
    }
}

/// The place, in bytes, from which on a folded text is more than a yes, a no and what stands beside a value.
pub(super) fn unframed(folded: &str) -> usize {
    let words = [list("frame"), list("filler"), list("yes"), list("no")].concat();
    let mut at = 0;
    loop {
        let rest = &folded[at..];
        let text = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let start = at + rest.len() - text.len();
        let leads =
            |word: &&&str| text.starts_with(**word) && is_apart(folded, start, start + word.len());
        match words.iter().filter(leads).map(|word| word.len()).max() {
            Some(length) => at = start + length,
            None => return start,
        }
    }
}

/// The place, in bytes, up to which a folded text is more than what leads to a value that comes next.
pub(super) fn without_frame(folded: &str) -> usize {
    let words = [list("frame"), list("filler")].concat();
    let mut end = folded.trim_end().len();
    loop {
        let text = &folded[..end];
        let ends = words.iter().filter(|word| ends_in_word(text, word));
        match ends.map(|word| word.len()).max() {
            Some(length) => end = text[..end - length].trim_end().len(),
            None => break,
        }
    }
    folded[..end]
        .trim_end_matches(|c: char| !c.is_alphanumeric())
        .len()
}

/// Whether a folded text ends with a yes: "5 High Street is right".
pub(super) fn ends_in_yes(folded: &str) -> bool {
    let text = &folded[..without_ends(folded, 0)];
    list("yes").iter().any(|word| ends_in_word(text, word))
}

/// Whether a folded text asks something: by a question mark, or as questions begin or end.
pub(super) fn is_asking(folded: &str) -> bool {
    let Some(last) = parts(folded).last() else {
        return false;
    };
    let asks = |word: &&str| last.text.ends_with(word);
    folded.trim_end().ends_with('?')
        || list("asks_last").iter().any(asks)
        || parts(folded).any(|part| begins_question(part.text))
}

fn begins_question(part: &str) -> bool {
    let mut askers = list("asker").iter();
    let asked = askers
        .find_map(|word| part.strip_prefix(word))
        .unwrap_or(part);
    let first = |word: &&str| asked.starts_with(word);
    let mut words = part.split(' ');
    list("asks_first").iter().any(first)
        || (is_among(words.next(), "asks_in_english") && is_among(words.next(), "asked_in_english"))
}

fn is_among(word: Option<&str>, name: &str) -> bool {
    word.is_some_and(|word| list(name).contains(&word))
}

/// Whether what stands in a folded text between two values says that both are meant.
pub(super) fn joins(between: &str) -> bool {
    let has_mark = between.contains([',', '、', '&', '/', '+']);
    let mut joined = parts(between).peekable();
    (has_mark || joined.peek().is_some())
        && joined.all(|part| is_made_of(part.text, &[list("join")], &[]))
}

/// Whether what stands in a folded text before a value and after it says that it is meant beside another one: "and A2",
/// "A2 too".
pub(super) fn adds(before: &str, after: &str) -> bool {
    let leads = [list("join"), list("yes"), list("filler")];
    let follows = [list("too"), list("yes"), list("filler")];
    let last = before.rsplit(ends_part).next().unwrap_or_default();
    let next = after.split(ends_part).next().unwrap_or_default();
    is_made_of(last.trim(), &leads, list("adds")) || is_made_of(next.trim(), &follows, list("too"))
}

/// Gives the wishes of a text: what stands before, between and after the words that a further wish begins with, as "and"
/// or 另外. One without such a word is one wish. Which of them are any, a model has to say: [`Turn`](super::Turn) takes that.
///
/// ```
/// assert_eq!(cs_serve::dialogue::wishes("取消A1，另外A2到哪了？"), ["取消A1", "A2到哪了？"]);
/// assert_eq!(cs_serve::dialogue::wishes("Cancel A1 and send me an invoice"), ["Cancel A1", "send me an invoice"]);
/// ```
pub fn wishes(text: &str) -> Vec<&str> {
    let places = wish_places(text).into_iter();
    places.map(|place| &text[place]).collect()
}

/// The places of a text's [`wishes`], in bytes.
pub(super) fn wish_places(text: &str) -> Vec<Range<usize>> {
    let folded = folded(text);
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    for word in list("also") {
        cuts.extend(find_words(&folded, word));
    }
    for word in list("also_first") {
        let places = find_words(&folded, word);
        let begins = |&(start, _): &(usize, usize)| {
            let before = folded[..start].trim_end().chars().next_back();
            before.is_some_and(|c| !c.is_alphanumeric())
        };
        cuts.extend(places.filter(begins));
    }
    cuts.sort_unstable();
    cuts.truncate(4 * MOST_WISHES);
    let character = |byte: usize| folded[..byte].chars().count();
    let mut ends = text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
    ends.push(text.len());
    let mut places = Vec::new();
    let mut from = 0;
    for (start, end) in cuts.into_iter().chain([(folded.len(), folded.len())]) {
        let is_rest = places.len() + 1 == MOST_WISHES && start < folded.len();
        if start < from || is_rest {
            continue; // within the word before, or in the last wish
        }
        let place = trimmed(text, ends[character(from)]..ends[character(start)]);
        if text[place.clone()].contains(char::is_alphanumeric) {
            places.push(place);
        }
        from = end;
    }
    places
}

/// A place without the blanks and the punctuation around what stands there.
fn trimmed(text: &str, place: Range<usize>) -> Range<usize> {
    let is_around =
        |c: char| c.is_whitespace() || matches!(c, ',' | '，' | '。' | '.' | ';' | '；' | '、');
    let piece = &text[place.clone()];
    let start = piece.len() - piece.trim_start_matches(is_around).len();
    let length = piece.trim_matches(is_around).len();
    place.start + start..place.start + start + length
}

/// Whether a folded text has a word that corrects what was said before.
pub(super) fn corrects(folded: &str) -> bool {
    has_any(folded, "correct")
}

/// Whether what stands between two joined values joins them by an "and", and not by a mark alone.
pub(super) fn joins_by_word(between: &str) -> bool {
    has_any(between, "adds")
}

/// Whether what stands in a folded text before a value says that it is not the one.
pub(super) fn denies(before: &str) -> bool {
    // "Is it": a question, not a denial.
    let before = before.replace("是不是", "");
    has_any(&before, "not")
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
    const BESIDE: [&str; 6] = ["frame", "filler", "yes", "no", "join", "too"];
    let words = BESIDE.map(list);
    parts(folded).all(|part| is_made_of(part.text, &words, &[]))
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
pub(crate) fn is_apart(text: &str, start: usize, end: usize) -> bool {
    let piece = &text[start..end];
    let (before, after) = (
        text[..start].chars().next_back(),
        text[end..].chars().next(),
    );
    let cut_before = is_of_word(before) && is_of_word(piece.chars().next());
    let cut_after = is_of_word(after) && is_of_word(piece.chars().next_back());
    !cut_before && !cut_after
}

/// Whether there is a letter of a word that others may be part of.
fn is_of_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() && !is_ideograph(c))
}

/// Whether a text ends in a word, which begins where one does.
fn ends_in_word(text: &str, word: &str) -> bool {
    text.ends_with(word) && is_apart(text, text.len() - word.len(), text.len())
}

/// A piece of a text between punctuation.
struct Part<'a> {
    text: &'a str,
    is_question: bool,
}

/// So far after a part its question mark is looked for, in characters.
const MOST_MARKS: usize = 8;

/// The parts of a folded text, without those that have no letter or digit.
fn parts(folded: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = folded;
    let parts = std::iter::from_fn(move || {
        rest = rest.trim_start_matches(ends_part);
        let end = rest.find(ends_part).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        rest = after;
        let mut marks = after.chars().take(MOST_MARKS);
        let mark = marks.find(|&c| c == '?' || !(ends_part(c) || c == ' '));
        let text = text.trim();
        let is_question = mark == Some('?') || text.ends_with(['吗', '么', '呢']);
        (end > 0).then_some(Part { text, is_question })
    });
    parts.filter(|part| part.text.contains(char::is_alphanumeric))
}

fn ends_part(c: char) -> bool {
    !(c.is_alphanumeric() || matches!(c, ' ' | '\'' | '/'))
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
        assert!(of("确认取消").cancel && !of("确认取消").yes && !of("确认取消？").cancel);
        assert!(of("取消").cancel);
        assert!(
            agrees("确认退款", "为a1申请退款，对吗？") && agrees_to_cancel("取消", "要取消a1吗？")
        );
        assert!(agrees("yes refund it", "shall i refund it?"));
        assert!(agrees_to_cancel(
            "yes, cancel it",
            "cancel order a1, are you sure?"
        ));
        assert!(!agrees_to_cancel(
            "stop",
            "i have stopped that. a refund for a1?"
        ));
        for text in [
            "ok, don't cancel it",
            "好的，不取消了",
            "对，等一下",
            "好的，稍等",
            "ok, no refund",
        ] {
            assert!(holds_back(text), "{text}");
        }
        for text in [
            "对，没错",
            "对，不好意思",
            "yes, no problem",
            "没问题",
            "可以，能不能快点？",
            "好的，特别感谢",
        ] {
            assert!(!holds_back(text), "{text}");
        }
        assert!(!agrees("退货", "为a1申请退货吗？") && !agrees("确认一下", "为a1退款吗？"));
        for (place, text, expected) in [
            (replacement("地址改成上海"), "地址改成上海", "上海"),
            (
                destination("change the address of a1 to 5 high street, york, please"),
                "change the address of a1 to 5 high street, york, please",
                " 5 high street, york",
            ),
            (
                destination("send it to york instead. thank you!"),
                "send it to york instead. thank you!",
                " york",
            ),
        ] {
            let (start, end) = place.unwrap();
            let found: String = text.chars().skip(start).take(end - start).collect();
            assert_eq!(found, expected);
        }
        for text in [
            "i want to change my address",
            "改成谢谢",
            "send it",
            "send the invoice to anna7@example.com",
            "send a text to my phone",
            "deliver it to the door",
            "ship it back to you",
        ] {
            assert_eq!(replacement(text).or(destination(text)), None, "{text}");
        }
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
    fn wishes_are_told_by_what_joins_them() {
        for (text, expected) in [
            (
                "我要退款OR-301188，再开张发票",
                &["我要退款OR-301188", "开张发票"] as &[&str],
            ),
            ("取消A1，另外A2到哪了？", &["取消A1", "A2到哪了？"]),
            (
                "Refund A1, it broke, and send me an invoice.",
                &["Refund A1, it broke", "send me an invoice"],
            ),
            ("Cancel A1 and also cancel A2", &["Cancel A1", "cancel A2"]),
            ("不再需要了", &["不再需要了"]),
            ("Android", &["Android"]),
            ("，再", &[]),
        ] {
            assert_eq!(wishes(text), expected, "{text}");
        }
        assert!(joins("和") && joins(", ") && joins(" and order ") && joins("、订单"));
        assert!(!joins("，电话") && !joins(" ") && !joins("还是") && !joins(""));
        assert_eq!(
            &"不对，应该是文三路"[unframed("不对，应该是文三路")..],
            "文三路"
        );
        assert_eq!(
            &"no, it's baker street"[unframed("no, it's baker street")..],
            "baker street"
        );
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
