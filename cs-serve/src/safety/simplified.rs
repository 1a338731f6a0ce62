//! Traditional characters as simplified ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use hanconv::RawDictionary;

/// From traditional characters to simplified ones.
const PAIRS: &str = RawDictionary::TSCharacters.text();

/// Gives the simplified form of a character, which mostly is itself.
pub(super) fn simplified(char: char) -> char {
    static TABLE: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
        let pair = |line: &str| {
            let mut chars = line
                .split_whitespace()
                .filter_map(|word| word.chars().next());
            Some((chars.next()?, chars.next()?))
        };
        let lines = PAIRS.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(pair).collect()
    });
    TABLE.get(&char).copied().unwrap_or(char)
}
