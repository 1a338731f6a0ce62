//! Tables of our own: what resembles what, and what is ordinary.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// For each emoji the character that it is read as.
pub(super) static EMOJI: LazyLock<HashMap<char, char>> =
    LazyLock::new(|| pairs(include_str!("emoji.txt")));

/// For each digit or symbol the letter that it resembles.
pub(super) static LEET: LazyLock<HashMap<char, char>> =
    LazyLock::new(|| pairs(include_str!("leet.txt")));

/// For each Chinese character that looks like others the one that stands for all, itself too.
pub(super) static SHAPES: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for line in lines(include_str!("shapes.txt")) {
        let alike = || line.chars().filter(|char| !char.is_whitespace());
        if let Some(first) = alike().next() {
            table.extend(alike().map(|char| (char, first)));
        }
    }
    table
});

/// For each two parts that are written side by side the character.
pub(super) static SPLITS: LazyLock<HashMap<(char, char), char>> = LazyLock::new(|| {
    let triple = |line: &str| {
        let mut chars = line.chars().filter(|char| !char.is_whitespace());
        Some(((chars.next()?, chars.next()?), chars.next()?))
    };
    lines(include_str!("splits.txt"))
        .filter_map(triple)
        .collect()
});

/// Whether two Chinese characters are an ordinary word.
pub(super) fn is_ordinary_pair(one: char, other: char) -> bool {
    static PAIRS: LazyLock<HashSet<(char, char)>> = LazyLock::new(|| {
        let pair = |word: &str| {
            let mut chars = word.chars();
            Some((chars.next()?, chars.next()?))
        };
        lines(include_str!("ordinary_zh.txt"))
            .flat_map(str::split_whitespace)
            .filter_map(pair)
            .collect()
    });
    PAIRS.contains(&(one, other))
}

/// Whether small Latin letters are an ordinary word.
pub(super) fn is_ordinary_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        lines(include_str!("ordinary_en.txt"))
            .flat_map(str::split_whitespace)
            .collect()
    });
    WORDS.contains(word)
}

/// Whether a Chinese character is so common between others that it says nothing.
pub(super) fn is_common(char: char) -> bool {
    const COMMON: &str = "的了吗呢吧啊是在和有你我他她它这那不就也都还要会能去来到把被给让对于与或但而且很太最更又再才只没\
        个们么什怎哪谁几多少好上下里外前后中一二三四五六七八九十两请想看说做用为以从向比等地得着过";
    COMMON.contains(char)
}

fn lines(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

fn pairs(table: &str) -> HashMap<char, char> {
    let pair = |line: &str| {
        let mut chars = line.chars().filter(|char| !char.is_whitespace());
        Some((chars.next()?, chars.next()?))
    };
    lines(table).filter_map(pair).collect()
}
