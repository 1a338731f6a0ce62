//! What single characters are.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What is written without spaces: Chinese characters, kana, Hangul and the like.
pub(crate) fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{4e00}'..='\u{9fff}')
        || matches!(char, '\u{2e80}'..='\u{4dff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
            && char.is_alphanumeric()
}

/// Whether a character shows nothing: format and control characters, variation selectors, fillers.
pub(crate) fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}'
    ) || (!char.is_ascii_graphic()
        && matches!(
            char.general_category(),
            GeneralCategory::Format | GeneralCategory::Control
        )
        && !char.is_whitespace())
}
