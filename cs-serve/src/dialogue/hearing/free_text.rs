//! Values that may be any text: which part of what a customer says is one.

use super::super::words;
use crate::letters::is_ideograph;

/// The longest value that may be any text, in characters.
const MOST_TEXT: usize = 1_000;
/// The most words, or characters of Chinese, of a value of which a part is corrected: what both share takes time with
/// their third power.
const MOST_TOKENS: usize = 100;
/// How much two texts have to share before one is a correction of a part of the other: letters of Chinese, or words.
const LEAST_SHARED_IDEOGRAPHS: usize = 3;
const LEAST_SHARED_WORDS: usize = 2;

/// Whether a text can be a value: neither a question nor a yes or a no, nor too long.
pub(super) fn is_value(value: &str) -> bool {
    let folded = words::folded(value);
    value.chars().any(char::is_alphanumeric)
        && !words::is_asking(&folded)
        && !words::is_reaction(&folded)
        && value.chars().count() <= MOST_TEXT
}

/// The value in which a customer corrects a part: what was said has the place of what is like it. None if nothing is.
///
/// What both have in common tells the place: `文三路19号` corrects `文三路9号`, `21 Baker Street` corrects
/// `12 Baker Street`, and what stands around it stays.
pub(super) fn amended(value: &str, said: &str) -> Option<String> {
    let said = said.trim_matches(|c: char| !c.is_alphanumeric());
    let (of_value, of_said) = (tokens(value), tokens(said));
    if of_value.len().max(of_said.len()) > MOST_TOKENS {
        return None;
    }
    let place = after_shared_head(value, &of_value, &of_said)
        .or_else(|| before_shared_tail(value, &of_value, &of_said))?;
    let amended = format!("{}{said}{}", &value[..place.0], &value[place.1..]);
    (amended != value).then_some(amended)
}

/// A word, or a character of Chinese: where it stands, as bytes, and how it is compared.
#[derive(Debug, PartialEq)]
struct Token {
    start: usize,
    end: usize,
    folded: String,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (start, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let end = start + c.len_utf8();
        let before = text[..start].chars().next_back();
        let goes_on = |last: &Token| {
            last.end == start && !is_ideograph(c) && !before.is_some_and(is_ideograph)
        };
        match tokens.last_mut() {
            Some(last) if goes_on(last) => {
                last.end = end;
                last.folded = words::folded(&text[last.start..end]);
            }
            _ => tokens.push(Token {
                start,
                end,
                folded: words::folded(&text[start..end]),
            }),
        }
    }
    tokens
}

/// The piece that begins as the text does, up to where the text's last word stands or else its part of the value ends.
fn after_shared_head(value: &str, of: &[Token], said: &[Token]) -> Option<(usize, usize)> {
    let (shared, at) = (1..said.len())
        .rev()
        .find_map(|count| Some((count, only_place(of, &said[..count])?)))?;
    let rest = &of[at + shared..];
    let last = said.last()?;
    let end = match rest.iter().find(|it| it.folded == last.folded) {
        Some(same) => same.end,
        None => part_end(value, of[at + shared - 1].end),
    };
    Some((of[at].start, end))
}

/// The piece that ends as the text does, from where its part of the value begins.
fn before_shared_tail(value: &str, of: &[Token], said: &[Token]) -> Option<(usize, usize)> {
    let (shared, at) = (1..said.len())
        .find_map(|from| Some((said.len() - from, only_place(of, &said[from..])?)))?;
    let start = part_start(value, of[at].start);
    Some((start, of[at + shared - 1].end))
}

/// Where these words stand in a value, if that is at one place, and they are enough to tell it.
fn only_place(of: &[Token], shared: &[Token]) -> Option<usize> {
    let is_ideographic = |token: &Token| token.folded.chars().all(is_ideograph);
    let least = match shared.iter().all(is_ideographic) {
        true => LEAST_SHARED_IDEOGRAPHS,
        false => LEAST_SHARED_WORDS,
    };
    if shared.len() < least {
        return None;
    }
    let is_same = |(one, other): (&Token, &Token)| one.folded == other.folded;
    let windows = of.windows(shared.len()).enumerate();
    let mut places = windows.filter(|(_, window)| window.iter().zip(shared).all(is_same));
    let (at, _) = places.next()?;
    places.next().is_none().then_some(at)
}

fn part_end(text: &str, from: usize) -> usize {
    text[from..]
        .find(ends_part)
        .map_or(text.len(), |at| from + at)
}

fn part_start(text: &str, to: usize) -> usize {
    let parts = text[..to].char_indices().rev();
    let mut ends = parts.filter(|&(_, c)| ends_part(c));
    let start = ends.next().map_or(0, |(at, c)| at + c.len_utf8());
    start + text[start..to].len() - text[start..to].trim_start().len()
}

fn ends_part(c: char) -> bool {
    matches!(c, ',' | '，' | ';' | '；' | '。' | '、' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_value_is_corrected_in_its_place() {
        let zh = "杭州市文三路9号，张三收";
        let en = "12 Baker Street, London, Joe Smith";
        for (value, said, expected) in [
            (zh, "文三路19号。", Some("杭州市文三路19号，张三收")),
            (zh, "上海市文三路9号", Some("上海市文三路9号，张三收")),
            (zh, "杭州市文三路19号李四收", Some("杭州市文三路19号李四收")),
            (
                en,
                "21 Baker Street",
                Some("21 Baker Street, London, Joe Smith"),
            ),
            (
                en,
                "12 baker road",
                Some("12 baker road, London, Joe Smith"),
            ),
            (zh, zh, None),
            (zh, "张三", None),
            (zh, "你们太慢了", None),
            (en, "to another street", None),
            ("路一路一路一", "路一路二", None),
            ("", "", None),
        ] {
            assert_eq!(amended(value, said).as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn no_part_of_a_long_text_is_corrected() {
        let of = |count: usize| format!("{}，文三路9号", "乙".repeat(count - 5));
        let said = "文三路19号";
        let corrected = amended(&of(MOST_TOKENS), said).unwrap();
        assert!(corrected.ends_with("，文三路19号"));
        assert_eq!(amended(&of(MOST_TOKENS + 1), said), None);
        assert_eq!(amended("文三路9号", &of(MOST_TOKENS + 1)), None);
    }

    #[test]
    fn neither_a_question_nor_a_yes_is_a_value() {
        for value in [
            "杭州市文三路9号，几何小区",
            "Will Smith, 12 Baker Street",
            "不知道为什么就坏了",
            "How Road 5",
        ] {
            assert!(is_value(value), "{value}");
        }
        for value in [
            "保修多久",
            "请问几点关门",
            "你们几点下班",
            "这个能退吗",
            "what are your opening hours",
            "do you ship abroad",
            "真的？",
            "好的",
            "…",
        ] {
            assert!(!is_value(value), "{value}");
        }
    }
}
