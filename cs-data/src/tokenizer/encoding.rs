//! A text as tokens, and its tokens as words.

use std::ops::Range;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// A text as the model sees it.
///
/// ```
/// use cs_data::Tokenizer;
/// let tokenizer = Tokenizer::train(["查询订单", "order order"].into_iter(), 50)?;
/// let encoding = tokenizer.encode("查 order", 16)?;
/// assert_eq!(encoding.offsets, [0..0, 0..3, 4..9, 0..0]); // [CLS] 查 order [SEP]
/// assert_eq!(encoding.words, [None, Some(0), Some(1), None]);
/// assert_eq!(encoding.ids.len(), 4);
/// assert!(!encoding.truncated);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encoding {
    /// Ids of the tokens, with the special tokens.
    pub ids: Vec<u32>,
    /// Bytes of the text that each token stands for, on character boundaries; `0..0` for tokens
    /// without a word. Pieces of one character (a syllable that the normaliser decomposed) share
    /// its range. Combining marks that the normaliser strips count to the token before them.
    pub offsets: Vec<Range<usize>>,
    /// Number of the word that each token belongs to, by the tokenizer's
    /// [`WordRule`](crate::WordRule). It is `None` for special tokens, for tokens that hold nothing
    /// but white space, and for every token of a text of which none is known: see
    /// [`Encoding::is_blank`].
    pub words: Vec<Option<u32>>,
    /// Whether tokens were dropped from the end.
    pub truncated: bool,
}

/// A word of an encoding: what carries one tag, at its first token.
///
/// ```
/// use cs_data::{Encoding, Word};
/// let encoding = Encoding {
///     ids: vec![2, 9, 10, 11, 3],
///     offsets: vec![0..0, 0..3, 3..6, 7..9, 0..0],
///     words: vec![None, Some(0), Some(0), Some(1), None],
///     truncated: false,
/// };
/// assert_eq!(
///     encoding.word_list(),
///     [Word { first: 1, range: 0..6 }, Word { first: 3, range: 7..9 }]
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Index of the word's first token in the encoding.
    pub first: usize,
    /// Bytes of the word in the text.
    pub range: Range<usize>,
}

impl Encoding {
    /// Whether there is nothing in the text that a model could answer: it is empty, or white space,
    /// control characters and unknown tokens are all that is left of it. Punctuation and emoji that
    /// the vocabulary knows are text like any other.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["where is it?"].into_iter(), 50)?;
    /// assert!(tokenizer.encode(" \t\u{200b}", 8)?.is_blank());
    /// assert!(tokenizer.encode("😀😀", 8)?.is_blank());
    /// assert!(!tokenizer.encode("?", 8)?.is_blank());
    /// assert!(!tokenizer.encode("it 😀", 8)?.is_blank());
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.words.iter().all(Option::is_none)
    }

    /// Gives the words in order. A word that truncation cut ends with its last subword kept.
    pub fn word_list(&self) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        let mut last = None;
        for (index, (word, range)) in self.words.iter().zip(&self.offsets).enumerate() {
            if word.is_some() && *word != last {
                words.push(Word {
                    first: index,
                    range: range.clone(),
                });
            } else if word.is_some()
                && let Some(open) = words.last_mut()
            {
                open.range.start = open.range.start.min(range.start);
                open.range.end = open.range.end.max(range.end);
            }
            last = *word;
        }
        words
    }

    /// Takes the words away if none of them tells anything.
    pub(crate) fn blank_unread(&mut self, text: &str, unknown: Option<u32>) {
        let told = |i: usize| {
            let seen = text.get(self.offsets[i].clone()).unwrap_or_default();
            self.words[i].is_some() && Some(self.ids[i]) != unknown && seen.chars().any(is_visible)
        };
        if !(0..self.ids.len()).any(told) {
            self.words.fill(None);
            self.offsets.fill(0..0);
        }
    }
}

/// A token before truncation.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) id: u32,
    /// The pre-tokenizer's number of the word; `None` for the special tokens around a text.
    pub(super) word: Option<u32>,
    /// The bytes of the text, perhaps within a character.
    pub(super) range: Range<usize>,
    /// Whether it is the space that SentencePiece and byte-level BPE put before a text, and nothing
    /// else.
    pub(super) is_space: bool,
}

impl Token {
    pub(super) fn new(id: u32, word: Option<u32>, range: Range<usize>) -> Self {
        Self {
            id,
            word,
            range,
            is_space: false,
        }
    }

    /// Makes a token that stands for no text.
    pub(super) fn special(id: &u32) -> Self {
        Self::new(*id, None, 0..0)
    }

    /// Moves a token of a text on, before which stand so many bytes.
    pub(super) fn after(mut self, bytes: usize) -> Self {
        if self.word.is_some() {
            self.range = self.range.start + bytes..self.range.end + bytes;
        }
        self
    }

    /// Lists the tokens of the crate's encoding of a text.
    pub(super) fn of_library(encoding: &tokenizers::Encoding, text: &str) -> Vec<Self> {
        let token = |i: usize| {
            let (start, end) = encoding.get_offsets()[i];
            let in_text = encoding.get_special_tokens_mask()[i] == 0;
            Self {
                id: encoding.get_ids()[i],
                word: encoding.get_word_ids()[i].filter(|_| in_text),
                range: start..end,
                is_space: is_space(&encoding.get_tokens()[i], text.get(start..end)),
            }
        };
        (0..encoding.len()).map(token).collect()
    }
}

/// Whether a token is SentencePiece's mark for a space (`▁`), or byte-level BPE's (`Ġ`) where the
/// text has no such letter.
fn is_space(token: &str, seen: Option<&str>) -> bool {
    match token {
        "\u{2581}" => true,
        "\u{120}" => !seen.is_some_and(|seen| seen.contains('\u{120}')),
        _ => false,
    }
}

/// Whether a character can be seen: no white space, and no control or format character.
fn is_visible(char: char) -> bool {
    let hidden = GeneralCategoryGroup::Other;
    !char.is_whitespace() && (char.is_ascii_graphic() || char.general_category_group() != hidden)
}
