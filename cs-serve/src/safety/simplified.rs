//! Traditional characters as simplified ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use hanconv::RawDictionary;

/// From traditional characters to simplified ones.
const PAIRS: &str = RawDictionary::TSCharacters.text();

/// The common characters, which nearly all texts are of.
const COMMON: std::ops::RangeInclusive<char> = '\u{4e00}'..='\u{9fff}';

static ALL: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let pair = |line: &str| {
        let mut chars = line
            .split_whitespace()
            .filter_map(|word| word.chars().next());
        Some((chars.next()?, chars.next()?))
    };
    let lines = PAIRS.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(pair).collect()
});

/// Gives the simplified form of a character, which mostly is itself.
pub(super) fn simplified(char: char) -> char {
    static TABLE: LazyLock<Vec<char>> = LazyLock::new(|| {
        COMMON
            .map(|it| ALL.get(&it).copied().unwrap_or(it))
            .collect()
    });
    match COMMON.contains(&char) {
        true => TABLE[char as usize - *COMMON.start() as usize],
        false => ALL.get(&char).copied().unwrap_or(char),
    }
}
