//! Which tokens of an encoding make up a word.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::text::{is_attached, is_spaced_letter};

/// Which tokens make up a word, and so share one tag.
///
/// What a pre-tokenizer calls a word differs: BERT's parts at spaces, punctuation and Chinese
/// characters, SentencePiece's at spaces alone, so that a Chinese sentence would be one word with
/// room for one tag.
///
/// ```
/// use cs_data::{Tokenizer, WordRule};
/// let tokenizer = Tokenizer::train(["100€ 退款"].into_iter(), 50)?;
/// let words = |rule| {
///     let encoding = tokenizer.clone().with_words(rule).encode("100€", 9);
///     encoding.map(|encoding| encoding.word_list().len())
/// };
/// assert_eq!(words(WordRule::PreTokenizer)?, 1);
/// assert_eq!(words(WordRule::Script)?, 2); // 100, €
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WordRule {
    /// Words are the tokenizer's own, whatever they are.
    PreTokenizer,
    /// Words are the tokenizer's own, parted further by script: a run of letters and digits is one
    /// word, and where nothing separates words (Chinese, Japanese, Thai and the like), in
    /// punctuation and in symbols each token is one. White space belongs to no word.
    #[default]
    Script,
}

/// Numbers the words of a text's tokens, one token after the other.
pub(crate) struct Numbering<'a> {
    rule: WordRule,
    text: &'a str,
    count: u32,
    /// The pre-tokenizer's number of the last word, and the bytes of its last token.
    last: Option<(u32, Range<usize>)>,
}

/// A token's word, and its bytes in the text.
pub(crate) type Numbered = (Option<u32>, Range<usize>);

impl<'a> Numbering<'a> {
    pub(crate) fn new(rule: WordRule, text: &'a str) -> Self {
        Numbering {
            rule,
            text,
            count: 0,
            last: None,
        }
    }

    /// The next token, `word` being the pre-tokenizer's number.
    pub(crate) fn number(&mut self, word: u32, range: Range<usize>) -> Numbered {
        if self.rule == WordRule::PreTokenizer {
            return (Some(word), range);
        }
        let range = trimmed(self.text, range);
        if range.is_empty() {
            self.last = None;
            return (None, 0..0);
        }
        let last = self.last.as_ref();
        if !last.is_some_and(|(before, end)| *before == word && self.joined(end, &range)) {
            self.count += 1;
        }
        self.last = Some((word, range.clone()));
        (Some(self.count - 1), range)
    }

    /// Whether two tokens of one pre-tokenizer's word belong together.
    fn joined(&self, before: &Range<usize>, after: &Range<usize>) -> bool {
        if after.start < before.end {
            return true; // pieces of one character
        }
        let between = &self.text[before.end..after.start];
        if between.contains(char::is_whitespace) {
            return false;
        }
        let Some(first) = self.text[after.clone()].chars().next() else {
            return true;
        };
        let base = self.text[before.clone()].chars();
        let base = base.rev().find(|&char| !is_attached(char));
        is_attached(first) || (is_spaced_letter(first) && base.is_some_and(is_spaced_letter))
    }
}

/// The range without white space at its ends: SentencePiece counts the space before a word to it.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let start = range.end - text[range.clone()].trim_start().len();
    start..start + text[start..range.end].trim_end().len()
}
