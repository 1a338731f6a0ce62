//! [`Segmenter`]: where words are in a text that does not separate them.

use std::ops::Range;
use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::error::{Error, Result};

/// Finds words that whole-word masking should keep together beyond what the tokenizer's own words
/// are: in Chinese these are single characters. Pure: the same text gives the same words.
///
/// [`WordList`] is one; with the feature `jieba`, so is `jieba_rs::Jieba`; so is a closure.
///
/// ```
/// use cs_train::data::Segmenter;
/// let pairs = |text: &str| vec![0..text.len().min(6)];
/// assert_eq!(pairs.words("退款吧"), [0..6]);
/// ```
pub trait Segmenter {
    /// Words as bytes of `text`, in order, without overlap. What none of them covers stays as the
    /// tokenizer splits it.
    fn words(&self, text: &str) -> Vec<Range<usize>>;
}

impl<F: Fn(&str) -> Vec<Range<usize>>> Segmenter for F {
    fn words(&self, text: &str) -> Vec<Range<usize>> {
        self(text)
    }
}

/// Words from a list; the longest that begins at a position wins, left to right. O(text).
///
/// ```
/// use cs_train::data::{Segmenter, WordList};
/// let words = WordList::new(["退款", "退款申请", "订单"])?;
/// assert_eq!(words.words("订单的退款申请"), [0..6, 9..21]);
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WordList(AhoCorasick);

impl WordList {
    /// A list of words; empty ones are skipped. Takes some 50 bytes of memory for each byte of the
    /// list.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] without words; [`Error::WordList`] for a list of gigabytes.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Err(Error::Empty { what: "word" });
        }
        let list = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(words)?;
        Ok(Self(list))
    }

    /// Reads a file of one word a line; what follows white space is left out, so that jieba's
    /// dictionaries (`word frequency tag`) will do.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the file, and as [`WordList::new`].
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::new(
            text.lines()
                .filter_map(|line| line.split_whitespace().next()),
        )
    }
}

impl Segmenter for WordList {
    fn words(&self, text: &str) -> Vec<Range<usize>> {
        self.0.find_iter(text).map(|found| found.range()).collect()
    }
}

/// The words that jieba cuts, with its hidden Markov model for unknown ones.
#[cfg(feature = "jieba")]
impl Segmenter for jieba_rs::Jieba {
    fn words(&self, text: &str) -> Vec<Range<usize>> {
        let mut end = 0;
        let cut = self.cut(text, true).into_iter();
        cut.map(|word| {
            let start = end;
            end += word.word.len();
            start..end
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_carry_frequencies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dict.txt");
        std::fs::write(&path, "退款 120 v\n\n订单\n").unwrap();
        let words = WordList::open(&path).unwrap();
        assert_eq!(words.words("退款订单"), [0..6, 6..12]);
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(WordList::open(&path), Err(Error::Empty { .. })));
        let missing = WordList::open(&folder.path().join("none"));
        assert!(missing.unwrap_err().to_string().contains("none: "));
    }

    #[cfg(feature = "jieba")]
    #[test]
    fn jieba_cuts_into_the_words_of_its_dictionary() {
        let mut dictionary = "退款 100 v\n申请 100 v\n".as_bytes();
        let jieba = jieba_rs::Jieba::with_dict(&mut dictionary).unwrap();
        assert_eq!(Segmenter::words(&jieba, "申请退款"), [0..6, 6..12]);
    }
}
