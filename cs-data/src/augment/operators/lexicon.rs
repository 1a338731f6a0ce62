//! The tables that are shipped: fillers, homophones, characters and keys that lie near each other.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Neutral fillers, Chinese and English, one a line.
pub(crate) const FILLERS: &str = include_str!("lexicon/fillers.txt");
const HOMOPHONES: &str = include_str!("lexicon/homophones.txt");
const SHAPES: &str = include_str!("lexicon/shapes.txt");

/// The rows of letters of a QWERTY keyboard; each is shifted by about half a key from the last.
const KEYS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// What may be typed for a character.
pub(crate) type Table = HashMap<char, Vec<char>>;

/// Characters with the same pinyin, whatever their tone.
pub(crate) static SOUND: LazyLock<Table> = LazyLock::new(|| {
    let groups = entries(HOMOPHONES).filter_map(|line| line.split_once(' '));
    table(groups.map(|(_, group)| group))
});

/// Characters of a similar shape.
pub(crate) static SHAPE: LazyLock<Table> = LazyLock::new(|| table(entries(SHAPES)));

/// Neighbours on a QWERTY keyboard, lower case.
pub(crate) static NEAR: LazyLock<Table> = LazyLock::new(|| {
    let mut near = Table::new();
    let mut join = |a: char, b: char| {
        near.entry(a).or_default().push(b);
        near.entry(b).or_default().push(a);
    };
    for (at, row) in KEYS.iter().enumerate() {
        row.chars()
            .zip(row.chars().skip(1))
            .for_each(|(a, b)| join(a, b));
        let Some(below) = KEYS.get(at + 1) else { break };
        row.chars().zip(below.chars()).for_each(|(a, b)| join(a, b));
        row.chars()
            .skip(1)
            .zip(below.chars())
            .for_each(|(a, b)| join(a, b));
    }
    near
});

/// The lines that say something.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Each character with the others of its groups.
fn table<'a>(groups: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    for group in groups {
        let chars: Vec<char> = group.chars().filter(|char| !char.is_whitespace()).collect();
        for &char in &chars {
            let others = table.entry(char).or_default();
            for &other in &chars {
                if other != char && !others.contains(&other) {
                    others.push(other);
                }
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_symmetric_and_map_nothing_to_itself() {
        for table in [&*SOUND, &*SHAPE, &*NEAR] {
            for (char, others) in table {
                assert!(!others.is_empty() && !others.contains(char), "{char}");
                assert!(
                    others.iter().all(|other| table[other].contains(char)),
                    "{char}"
                );
            }
        }
        assert!(SOUND.len() > 1000 && SHAPE.len() > 300);
        assert!(SOUND[&'在'].contains(&'再'));
        assert!(SHAPE[&'未'].contains(&'末'));
        assert_eq!(NEAR[&'s'], ['w', 'e', 'a', 'd', 'x', 'z']);
    }

    #[test]
    fn a_character_has_one_reading() {
        let groups = entries(HOMOPHONES).filter_map(|line| line.split_once(' '));
        let mut chars: Vec<char> = groups
            .flat_map(|(_, group)| group.chars().filter(|char| *char != ' '))
            .collect();
        let all = chars.len();
        chars.sort_unstable();
        chars.dedup();
        assert_eq!(chars.len(), all);
    }
}
