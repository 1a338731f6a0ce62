//! A text as personal data are looked for in it.

use unicode_normalization::UnicodeNormalization;

use super::placeholder;
use crate::letters::is_invisible;
use crate::safety::simplified::simplified;

/// What stands in the place of a placeholder: no recogniser takes it for anything.
const OPAQUE: char = '\u{fffc}';

/// Words that people write a number to without a space.
const LABELS: [&str; 22] = [
    "ip", "tel", "id", "no", "phone", "mobile", "iban", "mail", "email", "card", "cell", "mob",
    "fax", "wechat", "wx", "vx", "order", "passport", "hkid", "uscc", "dob", "plate",
];

/// A text in half width and simplified characters, with plain dashes and spaces and without what is not seen, that
/// knows where each of its bytes was.
#[derive(Default)]
pub(super) struct View {
    pub(super) text: String,
    /// For each byte, the character of the original text that it is of.
    places: Vec<u32>,
    /// The number of characters of the original.
    length: usize,
    pub(super) has_digit: bool,
    pub(super) has_chinese: bool,
}

impl View {
    pub(super) fn of(text: &str) -> Self {
        let mut view = Self::default();
        view.text.reserve(text.len());
        let mut chars = (0..).zip(text.char_indices());
        while let Some((place, (at, c))) = chars.next() {
            view.length = place as usize + 1;
            match placeholder::length_at(&text[at..]) {
                // A placeholder is of as many characters as bytes.
                Some(length) => {
                    view.push(OPAQUE, place);
                    chars.nth(length - 2);
                    view.length += length - 1;
                }
                None if is_chinese(c) => view.push(simplified(c), place),
                None if is_invisible(c) && c != '\n' || c == '\u{20e3}' => {}
                None => view.push(folded(c), place),
            }
        }
        view
    }

    fn push(&mut self, c: char, place: u32) {
        self.has_digit |= c.is_ascii_digit();
        self.has_chinese |= is_chinese(c);
        self.text.push(c);
        self.places.resize(self.text.len(), place);
    }

    /// Gives the first character of the original of some bytes, and the one after the last, with what
    /// follows it and is not seen.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        let next = self.places.get(end).map_or(self.length, |it| *it as usize);
        (self.places[start] as usize, next)
    }

    /// Gives the character before a byte.
    pub(super) fn before(&self, at: usize) -> Option<char> {
        self.text[..at].chars().next_back()
    }

    /// Gives the character at a byte.
    pub(super) fn at(&self, at: usize) -> Option<char> {
        self.text[at..].chars().next()
    }

    /// Gives the last `most` characters before a byte.
    pub(super) fn tail(&self, at: usize, most: usize) -> &str {
        let before = &self.text[..at];
        let start = before.char_indices().rev().take(most).last();
        &before[start.map_or(at, |it| it.0)..]
    }

    /// Gives the first `most` characters from a byte on.
    pub(super) fn head(&self, at: usize, most: usize) -> &str {
        let rest = &self.text[at..];
        let end = rest.char_indices().nth(most);
        &rest[..end.map_or(rest.len(), |it| it.0)]
    }

    /// Says whether no Latin word or number goes on before or after some bytes, but for a word that says
    /// what follows.
    pub(super) fn is_apart(&self, start: usize, end: usize) -> bool {
        !is_latin(self.at(end)) && (!is_latin(self.before(start)) || self.is_label(start))
    }

    /// Says whether a word ends before a byte that says what follows, as in "IP10.0.0.1".
    fn is_label(&self, end: usize) -> bool {
        let before = &self.text[..end];
        let letters = before.bytes().rev().take_while(u8::is_ascii_alphabetic);
        let word = &before[end - letters.count()..];
        LABELS.iter().any(|it| word.eq_ignore_ascii_case(it))
            && !is_latin(self.before(end - word.len()))
    }
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn is_latin(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Gives the common form of a character; a character stays one.
fn folded(c: char) -> char {
    match c {
        ' '..='~' | '\n' | '、' | '。' => c,
        '\u{ff5e}' | '〜' | '—' | '–' | '−' | '‐' | '‑' | '―' | '\u{ff0d}' | '─' => {
            '-'
        }
        '•' | '・' | '‧' | '∙' => '·',
        '【' | '〔' | '［' => '[',
        '】' | '〕' | '］' => ']',
        '‘' | '’' | '＇' => '\'',
        '〇' | '○' | '◯' => '零',
        c if c.is_whitespace() => ' ',
        c => {
            let mut parts = std::iter::once(c).nfkc();
            match (parts.next(), parts.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}
