//! What single characters are read as.

use std::sync::OnceLock;

use pinyin::ToPinyin;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton;

use super::tables;
use crate::letters::{is_ideograph, is_invisible};
use crate::safety::simplified::simplified;

/// Characters of a page.
const PAGE: usize = 256;

/// The most bytes that a character is read as.
pub(super) const MAX_READ: usize = 8;

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter that is read as a Latin one.
    Latin,
    Digit,
    /// A Chinese character.
    Han,
    /// A letter of any other writing.
    Other,
    /// Several letters in one, as `ﬁ`.
    Joined,
    Space,
    Invisible,
    /// A symbol that a clause ends with or begins with.
    Clause,
    /// Any other symbol.
    Symbol,
    /// A symbol that may be read as a letter.
    Leet,
    /// A picture that may be read as a character.
    Emoji,
}

impl Kind {
    /// Whether words are written with it.
    pub(super) fn is_letter(self) -> bool {
        matches!(
            self,
            Self::Latin | Self::Digit | Self::Han | Self::Other | Self::Joined
        )
    }

    /// Whether it may be a part of a word that is written in Latin letters.
    pub(super) fn is_latin(self) -> bool {
        matches!(self, Self::Latin | Self::Digit)
    }
}

/// A character, and what it is read as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter {
    /// What it sounds or looks like, so coarse that whatever may stand for it reads the same: pinyin, or
    /// a letter for those that resemble it.
    read: [u8; MAX_READ],
    len: u8,
    pub(super) kind: Kind,
    /// The character in NFKC, small and simplified; of symbols and pictures, what they may stand for.
    pub(super) base: char,
    /// The character that stands for those that look like it.
    pub(super) shape: char,
}

impl Letter {
    /// Gives what a character is read as.
    #[inline]
    pub(super) fn of(char: char) -> &'static Self {
        &Self::page(char as usize / PAGE)[char as usize % PAGE]
    }

    /// Gives as much for all characters of a page, made when the first of them is asked for.
    #[inline]
    pub(super) fn page(number: usize) -> &'static [Self; PAGE] {
        static PAGES: [OnceLock<Box<[Letter; PAGE]>>; 0x11_0000 / PAGE] =
            [const { OnceLock::new() }; 0x11_0000 / PAGE];
        PAGES[number].get_or_init(|| {
            let char = |at| char::from_u32((number * PAGE + at) as u32).unwrap_or_default();
            Box::new(std::array::from_fn(|at| Self::new(char(at))))
        })
    }

    /// What it is read as, of which so many bytes count: one at least, if it is read.
    #[inline]
    pub(super) fn read(&self) -> ([u8; MAX_READ], usize) {
        (self.read, usize::from(self.len))
    }

    /// Whether it is read as another one is.
    pub(super) fn reads_like(&self, other: &Self) -> bool {
        (self.read, self.len) == (other.read, other.len)
    }

    /// Whether its pinyin is that of another Chinese character.
    pub(super) fn sounds_like(&self, other: &Self) -> bool {
        // Of what is read alike, only what begins with an `l` may sound otherwise: 六 and 路.
        self.reads_like(other)
            && self.read[0].is_ascii()
            && (self.read[0] != b'i' || sound(self.base) == sound(other.base))
    }

    fn new(char: char) -> Self {
        let mut all = char.nfkc().flat_map(char::to_lowercase);
        let first = all.next().unwrap_or(char);
        let is_one = all.next().is_none();
        let plain = |kind| Self {
            read: [0; MAX_READ],
            len: 0,
            kind,
            base: char,
            shape: char,
        };
        if let Some(letter) = squared(char) {
            return Self::read_as(first, letter);
        }
        if let Some(&base) = tables::EMOJI.get(&char) {
            let letter = Self::read_as(base, shape(base));
            return Self {
                kind: Kind::Emoji,
                ..letter
            };
        }
        if !char.is_alphanumeric() || is_combining_mark(char) {
            if is_invisible(char) {
                return plain(Kind::Invisible);
            }
            if char.is_whitespace() {
                return plain(Kind::Space);
            }
            if is_one && is_clause(first) {
                return plain(Kind::Clause);
            }
            if let Some(&base) = tables::LEET.get(&first).filter(|_| is_one) {
                return Self {
                    kind: Kind::Leet,
                    ..Self::read_as(base, base)
                };
            }
            if !is_one && parts(char).next().is_some() {
                return plain(Kind::Joined);
            }
            return plain(Kind::Symbol);
        }
        if !is_one && parts(char).next().is_some() {
            return plain(Kind::Joined);
        }
        let base = simplified(first);
        Self::read_as(base, shape(base))
    }

    fn read_as(base: char, shape: char) -> Self {
        let mut letter = Self {
            read: [0; MAX_READ],
            len: 0,
            kind: match shape {
                'a'..='z' => Kind::Latin,
                '0'..='9' => Kind::Digit,
                _ if is_ideograph(shape) => Kind::Han,
                _ => Kind::Other,
            },
            base,
            shape,
        };
        match (letter.kind, sound(base)) {
            (Kind::Han, Some(sound)) => sound.bytes().for_each(|byte| letter.push(byte)),
            (Kind::Latin, _) => letter.push(shape as u8),
            (Kind::Digit, _) => {
                letter.push(tables::LEET.get(&shape).map_or(b'o', |&like| like as u8))
            }
            _ => {
                let mut bytes = [0; 4];
                shape
                    .encode_utf8(&mut bytes)
                    .bytes()
                    .for_each(|byte| letter.push(byte));
            }
        }
        letter
    }

    fn push(&mut self, byte: u8) {
        let byte = match byte {
            b'l' => b'i',
            b'v' => b'u',
            byte => byte,
        };
        let len = usize::from(self.len);
        if len < self.read.len() && self.read[..len].last() != Some(&byte) {
            self.read[len] = byte;
            self.len += 1;
        }
    }
}

/// Whether there are Chinese characters that look like one.
pub(super) fn has_lookalikes(base: char) -> bool {
    tables::SHAPES.contains_key(&base)
}

/// Gives the Chinese characters that look like one, itself aside.
pub(super) fn lookalikes(base: char) -> impl Iterator<Item = char> {
    let first = shape(base);
    let alike = tables::SHAPES
        .iter()
        .filter(move |&(&char, &other)| other == first && char != base);
    alike.map(|(&char, _)| char)
}

/// Gives the pinyin of a Chinese character, without its tone and with `v` for `ü`.
pub(super) fn sound(char: char) -> Option<&'static str> {
    let sound = char.to_pinyin()?.plain();
    Some(match sound {
        "lü" => "lv",
        "nü" => "nv",
        "lüe" => "lve",
        "nüe" => "nve",
        "ê" => "e",
        sound if sound.is_ascii() => sound,
        _ => return None,
    })
}

/// The character in NFKC and small letters, without more.
pub(super) fn narrow(char: char) -> char {
    let mut parts = char.nfkc().flat_map(char::to_lowercase);
    match (parts.next(), parts.next()) {
        (Some(part), None) => part,
        _ => char,
    }
}

/// Gives the letters of one that is several in one.
pub(super) fn parts(char: char) -> impl Iterator<Item = char> {
    let parts = char.nfkc().flat_map(char::to_lowercase);
    parts.filter(|&part| part.is_alphanumeric() && !is_combining_mark(part))
}

/// Gives the character that stands for those that look like it.
fn shape(base: char) -> char {
    if base.is_ascii() {
        return base;
    }
    if is_ideograph(base) {
        return tables::SHAPES.get(&base).copied().unwrap_or(base);
    }
    let bare = base.nfd().next().unwrap_or(base);
    let mut text = [0; 4];
    let mut like = skeleton(bare.encode_utf8(&mut text));
    match (like.next(), like.next()) {
        (Some(like), None) if like.is_ascii_alphanumeric() => like.to_ascii_lowercase(),
        _ => bare,
    }
}

/// Gives the letter in a square, a circle or of a flag, which Unicode does not hold compatible.
fn squared(char: char) -> Option<char> {
    let first = match char {
        '\u{1f150}'..='\u{1f169}' => 0x1f150,
        '\u{1f170}'..='\u{1f189}' => 0x1f170,
        '\u{1f1e6}'..='\u{1f1ff}' => 0x1f1e6,
        _ => return None,
    };
    Some((b'a' + (char as u32 - first) as u8) as char)
}

fn is_clause(char: char) -> bool {
    matches!(
        char,
        ',' | '.'
            | '?'
            | ';'
            | ':'
            | '。'
            | '、'
            | '“'
            | '”'
            | '"'
            | '('
            | ')'
            | '《'
            | '》'
            | '「'
            | '」'
            | '…'
            | '—'
    )
}
