//! How one character stands for another.

use super::alphabet::{Kind, Letter, narrow, sound};
use super::trick::{Trick, Tricks};

/// Whether words are written with a character.
pub(super) fn is_letter(char: char) -> bool {
    Letter::of(char).kind.is_letter()
}

/// The first letter of a character, or of its pinyin.
pub(super) fn initial(char: char) -> Option<char> {
    let letter = Letter::of(char);
    match letter.kind {
        Kind::Han => sound(letter.base)?.chars().next(),
        _ => Some(letter.shape),
    }
}

/// What a character between two of a word is.
pub(super) fn filler(char: char) -> Trick {
    match Letter::of(char).kind {
        Kind::Space => Trick::Spaces,
        Kind::Invisible => Trick::Invisible,
        _ => Trick::Symbols,
    }
}

/// Whether a clause ends between two letters: with a mark that Chinese has, or one and a space, or a line.
pub(super) fn has_clause_end(gap: &str) -> bool {
    let is_mark = |char: char| Letter::of(char).kind == Kind::Clause || matches!(char, '!' | '！');
    let has_space = gap.contains(char::is_whitespace);
    gap.contains('\n')
        || gap
            .chars()
            .any(|char| is_mark(char) && (has_space || !char.is_ascii()))
}

/// Whether a character of a text may be that of a word which comes next, and so is no repetition.
pub(super) fn may_be_next(next: char, found: char) -> bool {
    match Letter::of(found).kind {
        Kind::Latin => Letter::of(next).shape == Letter::of(found).shape,
        _ => relation(next, found).is_some(),
    }
}

/// How one character stands for another, if it does.
pub(super) fn relation(word: char, found: char) -> Option<Tricks> {
    if word == found {
        return Some(Tricks::NONE);
    }
    let (own, other) = (Letter::of(word), Letter::of(found));
    if own.base == other.base {
        return Some(match () {
            () if word.to_lowercase().eq(found.to_lowercase()) => Trick::Case.into(),
            () if narrow(word) == narrow(found) => Trick::Width.into(),
            () => Trick::Traditional.into(),
        });
    }
    if own.shape == other.shape || matches!((word, found), ('i' | 'I', 'l') | ('l' | 'L', 'I')) {
        return Some(Trick::Shape.into());
    }
    if own.kind == Kind::Latin && other.kind == Kind::Digit && own.reads_like(other) {
        return Some(Trick::Leet.into());
    }
    let is_han = own.kind == Kind::Han && other.kind == Kind::Han;
    (is_han && own.sounds_like(other)).then_some(Trick::Homophone.into())
}
