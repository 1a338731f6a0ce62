//! What another wording of a row must be to be taken, and the edits that make it.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::augment::{Candidate, Row};
use crate::error::{Error, Result};
use crate::text::Edits;

use super::tokens::{Kind, kind};

/// Which paraphrases are taken.
///
/// ```
/// use cs_data::augment::ParaphraseConfig;
/// // Refuses candidates that share more of the text than usual.
/// let config = ParaphraseConfig { similarity: 0.1..=0.8, ..ParaphraseConfig::default() };
/// assert!(config.length.contains(&2.0)); // at most twice as long
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ParaphraseConfig {
    /// Allowed ratio of the candidate's length to that of the text, in characters.
    pub length: RangeInclusive<f64>,
    /// Allowed Jaccard similarity of the sets of character bigrams (lower case) of both: below,
    /// another thing is said; above, the same in the same words.
    pub similarity: RangeInclusive<f64>,
}

impl Default for ParaphraseConfig {
    fn default() -> Self {
        ParaphraseConfig {
            length: 0.5..=2.0,
            similarity: 0.1..=0.95,
        }
    }
}

impl ParaphraseConfig {
    pub(super) fn validate(&self) -> Result<()> {
        let ranges = [("length", &self.length), ("similarity", &self.similarity)];
        match ranges.into_iter().find(|(_, range)| range.is_empty()) {
            None => Ok(()),
            Some((name, range)) => Err(Error::argument(
                name,
                format!("{range:?}"),
                "a lower and an upper bound",
            )),
        }
    }

    fn check(&self, source: &str, candidate: &str) -> std::result::Result<(), &'static str> {
        if candidate.contains(char::is_control) {
            return Err("control character");
        }
        let ratio = candidate.chars().count() as f64 / source.chars().count().max(1) as f64;
        if !self.length.contains(&ratio) {
            return Err("length");
        }
        if is_chinese(source) != is_chinese(candidate) {
            return Err("script");
        }
        match self.similarity.contains(&jaccard(source, candidate)) {
            true => Ok(()),
            false => Err("similarity"),
        }
    }
}

/// Another wording of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paraphrase<'a> {
    /// What stands before, between and after the entities.
    pub(super) gaps: Vec<&'a str>,
    /// The row's entities by number, each once, in the order in which they stand now.
    pub(super) order: Vec<usize>,
}

impl Paraphrase<'_> {
    /// Gives the edits that turn `row` into this wording, or why it is refused: no edit moves a span
    /// over one of another label.
    pub(super) fn edits(&self, row: Row<'_>, config: &ParaphraseConfig) -> Candidate {
        let Paraphrase { gaps, order } = self;
        let label = |at: usize| row.entities[at].label;
        let mut places = order.iter().enumerate();
        if places.any(|(at, &from)| label(at) != label(from)) {
            return Err("entities reordered");
        }
        let value = |at: usize| &row.text[row.entities[at].range.clone()];
        let mut text = gaps[0].to_owned();
        for (&from, gap) in order.iter().zip(&gaps[1..]) {
            text.push_str(value(from));
            text.push_str(gap);
        }
        config.check(row.text, &text)?;
        let mut edits = Edits::default();
        let mut from = 0;
        for (at, gap) in gaps.iter().enumerate() {
            let entity = row.entities.get(at);
            let range = from..entity.map_or(row.text.len(), |entity| entity.range.start);
            if &row.text[range.clone()] != *gap {
                edits.replace(range, gap);
            }
            if let Some(entity) = entity {
                if value(at) != value(order[at]) {
                    edits.replace(entity.range.clone(), value(order[at]));
                }
                from = entity.range.end;
            }
        }
        Ok(edits)
    }
}

/// Whether at least a third of the letters are Chinese: one stands for several Latin ones.
pub(super) fn is_chinese(text: &str) -> bool {
    let letters = || text.chars().filter(|char| char.is_alphabetic());
    let chinese = letters().filter(|char| kind(*char) == Kind::Cjk).count();
    chinese > 0 && 3 * chinese >= letters().count()
}

/// Shared bigrams of characters to all; of texts without any, whether they are equal.
fn jaccard(a: &str, b: &str) -> f64 {
    let bigrams = |text: &str| -> HashSet<(char, char)> {
        let chars: Vec<char> = text.to_lowercase().chars().collect();
        chars.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (left, right) = (bigrams(a), bigrams(b));
    let shared = left.intersection(&right).count();
    match left.len() + right.len() - shared {
        0 => f64::from(u8::from(a == b)),
        all => shared as f64 / all as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_that_of_bigrams() {
        assert_eq!(jaccard("abc", "ABC"), 1.0);
        assert_eq!(jaccard("abc", "abd"), 1.0 / 3.0);
        assert_eq!(jaccard("", ""), 1.0);
        assert!(is_chinese("订单12345") && !is_chinese("my order 订单") && !is_chinese(""));
    }
}
