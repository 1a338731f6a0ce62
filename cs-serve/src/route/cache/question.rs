//! A text as the cache sees it.

use std::hash::Hash;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::letters::{is_ideograph, is_invisible};

/// What an answer is stored under: what it was made with, and the text in its normal form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) version: Arc<str>,
    pub(super) text: Arc<str>,
}

/// A text that an answer is looked up for.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub(super) raw: &'a str,
    pub(super) key: Key,
}

impl<'a> Question<'a> {
    /// Makes a question about `text` to what answers in this `version`: models, rules, knowledge,
    /// everything that an answer follows from besides the text. Answers of one version are not
    /// given in another.
    #[must_use]
    pub fn new(version: &Arc<str>, text: &'a str) -> Self {
        Self {
            raw: text,
            key: Key {
                version: Arc::clone(version),
                text: normal_form(text).into(),
            },
        }
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.raw
    }

    pub(crate) fn can_fill(&self) -> bool {
        is_plain(self.raw)
    }
}

/// Gives the form in which texts are equal: Unicode form NFKC (UAX #15), lower case, without what
/// is not seen, with single spaces, and without full stops and exclamation marks at the end.
pub(super) fn normal_form(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    let mut space = false;
    let mut push = |char: char| {
        if char.is_whitespace() {
            space = !form.is_empty();
        } else if !is_invisible(char) {
            if std::mem::take(&mut space) {
                form.push(' ');
            }
            form.push(char);
        }
    };
    if text.is_ascii() {
        text.chars()
            .for_each(|char| push(char.to_ascii_lowercase()));
    } else {
        text.nfkc().flat_map(char::to_lowercase).for_each(push);
    }
    let end = form.trim_end_matches(['.', '!', '。', ' ']).len();
    if end > 0 {
        form.truncate(end);
    }
    form
}

/// Whether a text is written as anybody would write it: it hides nothing, and its letters and
/// digits are not replaced by others that look like them. A model may read other texts differently,
/// so what it answers to them is not given to those who ask plainly: a cache could be poisoned.
fn is_plain(text: &str) -> bool {
    if text.is_ascii() {
        return !text.chars().any(is_invisible);
    }
    let is_letter =
        |char: &char| char.general_category_group() != GeneralCategoryGroup::Punctuation;
    !text.chars().any(is_invisible)
        && text
            .nfc()
            .filter(is_letter)
            .eq(text.nfkc().filter(is_letter))
}

/// Cuts a text in normal form into words: runs of letters, digits, `'` and `-`, and Chinese
/// characters one by one.
pub(super) fn words(form: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut begun = None;
    for (at, char) in form.char_indices() {
        let is_alone = is_ideograph(char);
        let goes_on = !is_alone && (char.is_alphanumeric() || matches!(char, '\'' | '’' | '-'));
        if goes_on {
            begun.get_or_insert(at);
            continue;
        }
        if let Some(start) = begun.take() {
            words.push(&form[start..at]);
        }
        if is_alone || is_symbol(char) {
            words.push(&form[at..at + char.len_utf8()]);
        }
    }
    if let Some(start) = begun {
        words.push(&form[start..]);
    }
    words
}

/// Currencies, emoji, mathematics: no letters, and yet they say something, as does a question mark.
fn is_symbol(char: char) -> bool {
    char == '?' || char.general_category_group() == GeneralCategoryGroup::Symbol || char == '%'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_read_the_same_have_one_form() {
        for (one, other) in [
            ("Where is\tmy  ORDER?", "where is my order?"),
            ("我要退款。", "我要退款"),
            ("ＡＢＣ１２３，好", "abc123,好"),
            ("re\u{ad}fund\u{200b} me!", "refund me"),
            ("ref\u{e0041}und", "refund"),
            ("cafe\u{301}", "café"),
        ] {
            assert_eq!(normal_form(one), normal_form(other));
        }
        for (one, other) in [
            ("1.5", "15"),
            ("-5", "5"),
            ("is it paid?", "is it paid"),
            ("a b", "ab"),
            ("...", ""),
        ] {
            assert_ne!(normal_form(one), normal_form(other));
        }
    }

    #[test]
    fn only_what_anybody_would_write_fills() {
        for text in [
            "Where's my order?!",
            "我要退款，谢谢！",
            "café",
            "¿dónde?",
            "5 € 😀",
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "re\u{200b}fund",
            "ｒefund",
            "refund\u{e0041}",
            "１２",
            "ﬁne",
            "\u{0}a",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn words_are_runs_or_characters() {
        assert_eq!(
            words("can't pay 5€ with x-1, 退款abc吗?"),
            [
                "can't", "pay", "5", "€", "with", "x-1", "退", "款", "abc", "吗", "?"
            ]
        );
    }
}
