//! Chinese or English.

use serde::{Deserialize, Serialize};

/// The languages that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Chinese
    Zh,
    /// English
    En,
}

impl Language {
    /// Gives the language of a text: Chinese if it has a Chinese character, English if it has another
    /// letter, none if it has no letter at all, as a bare number.
    ///
    /// ```
    /// use cs_serve::reply::Language;
    /// assert_eq!(Language::of("退 iPhone"), Some(Language::Zh));
    /// assert_eq!(Language::of("A 1"), Some(Language::En));
    /// assert_eq!(Language::of("12345"), None);
    /// ```
    pub fn of(text: &str) -> Option<Self> {
        let is_chinese = |letter| matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
        if text.chars().any(is_chinese) {
            return Some(Self::Zh);
        }
        text.chars().any(char::is_alphabetic).then_some(Self::En)
    }
}
