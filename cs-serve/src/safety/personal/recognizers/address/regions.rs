//! Regions of China: provinces, and cities of prefectures.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Their names without 省 and 市.
static NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("regions.txt").split_whitespace().collect());

/// The numbers of characters of names.
const LENGTHS: [usize; 4] = [2, 3, 4, 5];

/// Says whether a name is a region's.
pub(in super::super) fn is_region(name: &str) -> bool {
    NAMES.contains(name)
}

/// Gives the first byte of the first region that a text names.
pub(super) fn first_of(text: &str) -> Option<usize> {
    text.char_indices()
        .map(|it| it.0)
        .find(|&at| starts_with(&text[at..]))
}

fn starts_with(text: &str) -> bool {
    let prefix = |length: usize| {
        text.char_indices()
            .nth(length)
            .map_or(text, |it| &text[..it.0])
    };
    LENGTHS.iter().any(|&it| is_region(prefix(it)))
}
