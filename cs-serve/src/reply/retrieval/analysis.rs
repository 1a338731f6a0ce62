//! The words of texts.

use unicode_normalization::UnicodeNormalization;

use crate::letters::is_ideograph;

/// The most characters of a word; what comes after them is not looked at.
const LONGEST: usize = 64;
/// The most characters of a text; likewise.
const MOST: usize = 8_000;

/// Gives the words by which a text is found, in its order: NFKC in lower case, of Chinese each two
/// characters that stand together (one, where it stands alone), else whole words.
///
/// ```
/// use cs_serve::reply::retrieval::terms;
/// assert_eq!(terms("申请退款，order Ａ12"), ["申请", "请退", "退款", "order", "a12"]);
/// ```
pub fn terms(text: &str) -> Vec<String> {
    let text: String = text
        .chars()
        .take(MOST)
        .nfkc()
        .flat_map(char::to_lowercase)
        .collect();
    let mut terms = Vec::new();
    for run in text.split(|char: char| !char.is_alphanumeric()) {
        let chars: Vec<char> = run.chars().collect();
        for part in chars.chunk_by(|one, other| is_ideograph(*one) == is_ideograph(*other)) {
            match part {
                [one, _, ..] if is_ideograph(*one) => {
                    terms.extend(part.windows(2).map(|pair| pair.iter().collect::<String>()));
                }
                _ => terms.push(part.iter().take(LONGEST).collect()),
            }
        }
    }
    terms
}

/// Gives the clauses of a text, each with its first character.
pub(in crate::reply) fn clauses(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let is_end = |char: char| "，,；;。！!？?\n".contains(char);
    let clauses = text.split_inclusive(is_end).map(move |clause| {
        let at = start;
        start += clause.chars().count();
        (at, clause)
    });
    clauses.filter(|(_, clause)| clause.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_languages() {
        for (text, expected) in [
            ("", vec![]),
            ("？！ …", vec![]),
            ("退", vec!["退"]),
            ("Don't", vec!["don", "t"]),
            ("ＷｉＦｉ密码", vec!["wifi", "密码"]),
            ("订单A12在哪", vec!["订单", "a12", "在哪"]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(terms(&"x".repeat(1_000_000)), ["x".repeat(LONGEST)]);
        assert_eq!(terms(&"退款".repeat(500_000)).len(), MOST - 1);
    }

    #[test]
    fn clauses_have_their_places() {
        let all: Vec<_> = clauses("好的，89元。 …").collect();
        assert_eq!(all, [(0, "好的，"), (3, "89元。")]);
    }
}
