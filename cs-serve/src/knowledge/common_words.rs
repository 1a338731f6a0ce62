//! Words that everybody uses, and that name an entity only where more than the word says so.

use std::collections::HashSet;
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("common_words.txt")
        .split_whitespace()
        .collect()
});

/// Whether a word, in lower case, is one that everybody uses, in Chinese or English.
pub(crate) fn is_common_word(word: &str) -> bool {
    WORDS.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_there_once_and_in_lower_case() {
        let words: Vec<&str> = include_str!("common_words.txt")
            .split_whitespace()
            .collect();
        assert_eq!(words.len(), WORDS.len());
        assert!(words.iter().all(|word| word.to_lowercase() == *word));
    }
}
