//! Tokens as noise sees them: a Chinese character, or a run of other letters and digits.

use std::ops::Range;

use crate::text::{is_han, is_hangul_syllable, is_kana};

/// What a character counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Chinese, Japanese or Korean: stands for itself.
    Cjk,
    /// A letter or digit of a script with words.
    Word,
    /// White space, punctuation, symbols.
    Other,
}

pub(crate) fn kind(c: char) -> Kind {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Kind::Word,
        '\0'..='\x7f' => Kind::Other,
        c if is_han(c) || is_kana(c) || is_hangul_syllable(c) => Kind::Cjk,
        '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{2000}'..='\u{206f}' => Kind::Other,
        c if c.is_alphanumeric() => Kind::Word,
        '\u{300}'..='\u{36f}' => Kind::Word, // combining marks stay with their letter
        _ => Kind::Other,
    }
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) range: Range<usize>,
    pub(crate) cjk: bool,
}

/// The tokens of a piece of a text.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

/// The tokens within `segment`, which starts and ends between characters.
pub(crate) fn tokens(text: &str, segment: Range<usize>) -> Tokens<'_> {
    Tokens {
        text,
        at: segment.start,
        end: segment.end,
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let mut word: Option<usize> = None;
        for (offset, char) in self.text[self.at..self.end].char_indices() {
            let (start, end) = (self.at + offset, self.at + offset + char.len_utf8());
            match (kind(char), word) {
                (Kind::Word, None) => word = Some(start),
                (Kind::Word, Some(_)) | (Kind::Other, None) => {}
                (Kind::Cjk, None) => {
                    self.at = end;
                    let range = start..end;
                    return Some(Token { range, cjk: true });
                }
                (_, Some(from)) => {
                    self.at = start;
                    let range = from..start;
                    return Some(Token { range, cjk: false });
                }
            }
        }
        self.at = self.end;
        word.map(|from| Token {
            range: from..self.end,
            cjk: false,
        })
    }
}

/// Whether an edge of a piece that starts or ends with a letter or digit lies inside a word.
pub(crate) fn cuts_word(text: &str, range: &Range<usize>) -> bool {
    let is_word = |char: Option<char>| char.is_some_and(|char| kind(char) == Kind::Word);
    let inside = &text[range.clone()];
    let starts = is_word(inside.chars().next()) && is_word(text[..range.start].chars().next_back());
    let ends = is_word(inside.chars().next_back()) && is_word(text[range.end..].chars().next());
    starts || ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_characters_or_words() {
        let text = "我的iPhone 12坏了，ok?";
        let all: Vec<&str> = tokens(text, 0..text.len())
            .map(|t| &text[t.range])
            .collect();
        assert_eq!(all, ["我", "的", "iPhone", "12", "坏", "了", "ok"]);
        assert_eq!(tokens(text, 6..12).count(), 1);
        assert!(cuts_word(text, &(6..9)) && !cuts_word(text, &(6..12)));
        assert!(!cuts_word(text, &(3..6)));
    }
}
