//! Words that a question does without.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::question::words;

/// Greetings, thanks, excuses: whoever leaves them out asks the same.
const COURTESIES: &str = "hi|hello|hey|hi there|hello there|good morning|good afternoon|good evening|dear all\
    |please|kindly|thanks|thank you|thank you very much|thank you so much|thanks a lot|thanks so much|many thanks\
    |thanks in advance|thank you in advance|cheers|sorry|excuse me|pardon me|sorry to bother you|i'm sorry\
    |no rush|no hurry|no worries|whenever you can|quick question|one question|one quick question|just a question\
    |i have a question|a quick question|um|uh|well\
    |你好|您好|哈喽|嗨|早上好|下午好|晚上好|请|请问|麻烦|麻烦了|麻烦您|麻烦你|麻烦您了|谢谢|谢谢您|谢谢你|谢谢啦|谢谢了|多谢|多谢了|感谢\
    |非常感谢|十分感谢|辛苦|辛苦了|辛苦您了|劳驾|拜托|拜托了|打扰|打扰了|打扰一下|打扰您|不好意思|抱歉|对不起|不着急|不急|没事\
    |您|亲|客服|在吗|吧|啊|呀|呢|哦|嗯|哈|嘛|啦|那个|帮忙|问一下|想问一下|我想问一下|咨询一下|我想咨询一下|想问下|问下";

/// Chinese expressions with a character that negates elsewhere.
const AFFIRMATIVE: &str = "没关系|没事|无线|未来|特别|分别|区别|级别|类别|别人|别的|不错|差不多";

/// Expressions by their first word, the longest first.
type Expressions = HashMap<&'static str, Vec<Vec<&'static str>>>;

static LEFT_OUT: LazyLock<Expressions> = LazyLock::new(|| by_first_word(COURTESIES));
static NOT_NEGATIVE: LazyLock<Expressions> = LazyLock::new(|| by_first_word(AFFIRMATIVE));

fn by_first_word(list: &'static str) -> Expressions {
    let mut expressions = Expressions::new();
    for expression in list.split('|').map(|it| words(it.trim())) {
        if let Some(first) = expression.first() {
            expressions.entry(first).or_default().push(expression);
        }
    }
    for alike in expressions.values_mut() {
        alike.sort_by_key(|expression| std::cmp::Reverse(expression.len()));
    }
    expressions
}

/// Gives the words of a text in normal form without courtesies.
pub(super) fn without_courtesies(form: &str) -> Vec<&str> {
    without(&words(form), &LEFT_OUT)
}

/// Gives the words without expressions that only look like a negation.
pub(super) fn without_affirmative<'a>(words: &[&'a str]) -> Vec<&'a str> {
    without(words, &NOT_NEGATIVE)
}

fn without<'a>(words: &[&'a str], expressions: &Expressions) -> Vec<&'a str> {
    let mut kept = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let alike = expressions.get(word).into_iter().flatten();
        match alike.into_iter().find(|it| words[at..].starts_with(it)) {
            Some(expression) => at += expression.len(),
            None => {
                kept.push(*word);
                at += 1;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courtesies_are_left_out_and_nothing_else() {
        for (text, kept) in [
            (
                "hi there, no rush, where is it, thanks a lot",
                "where is it",
            ),
            ("no refund please", "no refund"),
            ("你好，请问怎么退款，谢谢您", "怎 么 退 款"),
            ("不要着急退款", "不 要 着 急 退 款"),
            ("a lot of thanks", "a lot of"),
        ] {
            assert_eq!(without_courtesies(text).join(" "), kept);
        }
    }
}
