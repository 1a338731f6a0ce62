//! Which characters are written without spaces between words.

/// Han characters, kana, and the iteration marks and zero among the CJK symbols.
fn is_han_or_kana(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3105}'..='\u{312f}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
        && c != '\u{30fb}' // the middle dot
}

/// A Chinese, Japanese or Korean letter, punctuation excluded.
pub(crate) fn is_cjk(c: char) -> bool {
    is_han_or_kana(c) || matches!(c, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}')
}

/// A character of a script without spaces between words (Korean has them), or the wide
/// punctuation that goes with it.
pub(crate) fn is_unspaced(c: char) -> bool {
    is_han_or_kana(c) || matches!(c, '\u{3001}'..='\u{303f}' | '\u{30fb}' | '\u{ff01}'..='\u{ff65}')
}
