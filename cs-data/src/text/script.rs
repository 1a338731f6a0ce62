//! Which script a character belongs to, and whether that script sets words apart by spaces.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// A Chinese character: Unicode's blocks of CJK ideographs, and 々 and 〇. Planes 2 and 3 are taken
/// as a whole, which Unicode keeps for ideographs.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Hiragana and katakana of full width, with their marks, but not the middle dot ・.
pub(crate) fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}')
}

/// A composed Korean syllable.
#[cfg(feature = "arrow")]
pub(crate) fn is_hangul_syllable(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

/// A letter of the Latin script (Unicode blocks, full-width forms among them).
#[cfg(feature = "arrow")]
pub(crate) fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c,
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}'
            | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
            && c.is_alphabetic()
}

/// Han and kana of any width, bopomofo, and the closing mark 〆.
fn is_han_or_kana(c: char) -> bool {
    is_han(c)
        || is_kana(c)
        || matches!(c, '\u{3006}' | '\u{3105}'..='\u{312f}' | '\u{ff66}'..='\u{ff9f}')
}

/// A Chinese, Japanese or Korean letter, punctuation excluded.
#[cfg(feature = "arrow")]
pub(crate) fn is_cjk(c: char) -> bool {
    is_han_or_kana(c) || is_hangul_syllable(c) || matches!(c, '\u{1100}'..='\u{11ff}')
}

/// A character of a script without spaces between words (Korean has them), or the wide
/// punctuation that goes with it.
#[cfg(feature = "arrow")]
pub(crate) fn is_unspaced(c: char) -> bool {
    is_han_or_kana(c) || matches!(c, '\u{3001}'..='\u{303f}' | '\u{30fb}' | '\u{ff01}'..='\u{ff65}')
}

/// A letter or digit of a script that sets words apart by spaces, so that a run of them is a word.
pub(crate) fn is_spaced_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric() && !is_han_or_kana(c) && !is_thai_or_like(c)
}

/// Thai, Lao, Myanmar and Khmer.
fn is_thai_or_like(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// A combining mark.
pub(crate) fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

/// What never begins a word: a combining mark, or a joiner.
pub(crate) fn is_attached(c: char) -> bool {
    is_mark(c) || matches!(c, '\u{200c}' | '\u{200d}')
}
