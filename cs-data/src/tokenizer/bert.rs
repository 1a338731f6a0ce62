//! BERT's tokenizing of common text: ASCII, Chinese, their punctuation and full-width forms.
//!
//! The crate's normaliser keeps for each character, and again for each word, where it came from,
//! which takes most of its time. Here normalising changes no length, so a position stays what it is.
//! Any other text is the crate's.

use std::ops::Range;

use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{NormalizerWrapper, PostProcessorWrapper};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::encoding::Token;
use super::json::Inner;
use super::model::{Model, WordPiece};

/// What BERT's normaliser and post-processor do to plain text.
#[derive(Debug, Clone)]
pub(super) struct Bert {
    lowercase: bool,
    split_cjk: bool,
    /// The special tokens before and after a text.
    head: Vec<u32>,
    tail: Vec<u32>,
    unknown: Option<u32>,
}

/// What a character is to words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    /// A word of its own.
    Word,
    Letter,
}

impl Bert {
    /// Takes the settings of a tokenizer if it is BERT's and has no added tokens but special ones.
    pub(super) fn of(inner: &Inner) -> Option<Self> {
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = inner.get_normalizer() else {
            return None;
        };
        let bert = matches!(
            inner.get_pre_tokenizer(),
            Some(PreTokenizerWrapper::BertPreTokenizer(_))
        );
        let fixed = matches!(
            inner.get_post_processor(),
            None | Some(PostProcessorWrapper::Bert(_) | PostProcessorWrapper::Template(_))
        );
        let mut added = inner.get_added_tokens_decoder().into_values();
        let Model::WordPiece(model) = inner.get_model() else {
            return None;
        };
        if !(bert && fixed && added.all(|token| token.special)) {
            return None;
        }
        let whole = inner.encode("a", true).ok()?;
        let text = inner.encode("a", false).ok()?;
        let mask = whole.get_special_tokens_mask();
        let head = mask.iter().take_while(|&&special| special == 1).count();
        let (head, rest) = whole.get_ids().split_at(head);
        let tail = rest.strip_prefix(text.get_ids())?;
        let all_special = mask[whole.len() - tail.len()..].iter().all(|&it| it == 1);
        all_special.then(|| Self {
            lowercase: normalizer.lowercase,
            split_cjk: normalizer.handle_chinese_chars,
            head: head.to_vec(),
            tail: tail.to_vec(),
            unknown: model.vocabulary.id(&model.unknown),
        })
    }

    /// Cuts a text into the tokens that the crate would give; `None` unless all of it is plain and
    /// none of its tokens is one of `control`.
    pub(super) fn tokens(
        &self,
        text: &str,
        model: &WordPiece,
        control: &[u32],
    ) -> Option<Vec<Token>> {
        let normalised = self.normalised(text)?;
        let special = self.head.len() + self.tail.len();
        let mut words = Words {
            text: &normalised,
            model,
            unknown: self.unknown,
            count: 0,
            tokens: Vec::with_capacity(text.len() / 2 + special),
        };
        words.tokens.extend(self.head.iter().map(Token::special));
        let mut start = 0;
        for (at, char) in normalised.char_indices() {
            let kind = self.kind(char);
            if kind == Kind::Letter {
                continue;
            }
            words.push(start..at)?;
            start = at + char.len_utf8();
            if kind == Kind::Word {
                words.push(at..start)?;
            }
        }
        words.push(start..text.len())?;
        let mut tokens = words.tokens;
        let is_control = |token: &Token| control.contains(&token.id);
        if tokens[self.head.len()..].iter().any(is_control) {
            return None;
        }
        tokens.extend(self.tail.iter().map(Token::special));
        Some(tokens)
    }

    /// Gives the text that words are looked for in, as long as the given one; `None` unless all of
    /// it is plain.
    fn normalised(&self, text: &str) -> Option<String> {
        let mut normalised = String::with_capacity(text.len());
        for char in text.chars() {
            let lower = match char {
                _ if !is_plain(char) => return None,
                _ if !self.lowercase => char,
                'A'..='Z' => char.to_ascii_lowercase(),
                'Ａ'..='Ｚ' => char.to_lowercase().next()?,
                _ => char,
            };
            normalised.push(lower);
        }
        Some(normalised)
    }

    fn kind(&self, char: char) -> Kind {
        match char {
            '0'..='9' | 'A'..='Z' | 'a'..='z' => Kind::Letter,
            _ if is_ideograph(char) => match self.split_cjk {
                true => Kind::Word,
                false => Kind::Letter,
            },
            _ if char.is_whitespace() => Kind::Space,
            _ if char.is_ascii_punctuation() => Kind::Word,
            _ => match char.general_category_group() {
                GeneralCategoryGroup::Punctuation => Kind::Word,
                _ => Kind::Letter,
            },
        }
    }
}

/// Whether a character is one that normalising keeps, but for its case and white space.
fn is_plain(char: char) -> bool {
    let ascii = matches!(char, ' '..='~' | '\t' | '\n' | '\r');
    // Dashes, quotes and dots; CJK punctuation before its combining marks; full-width ASCII.
    let common = matches!(char, '\u{2010}'..='\u{2027}' | '\u{3000}'..='\u{3029}' | '！'..='～');
    ascii || common || is_ideograph(char)
}

/// Whether a character is an ideograph of Unicode 3, which all tables know.
fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{3400}'..='\u{4db5}' | '\u{4e00}'..='\u{9fa5}')
}

/// The words of a text as tokens.
struct Words<'a> {
    text: &'a str,
    model: &'a WordPiece,
    unknown: Option<u32>,
    count: u32,
    tokens: Vec<Token>,
}

impl Words<'_> {
    /// Cuts one more word, unless it is empty; `None` if it is unknown and there is no token for
    /// that.
    fn push(&mut self, word: Range<usize>) -> Option<()> {
        if word.is_empty() {
            return Some(());
        }
        let number = Some(self.count);
        self.count += 1;
        let first = self.tokens.len();
        let mut found = word.start;
        for (piece, id) in self.model.longest_pieces(&self.text[word.clone()]) {
            let range = word.start + piece.start..word.start + piece.end;
            found = range.end;
            self.tokens.push(Token::new(id, number, range));
        }
        if found < word.end {
            self.tokens.truncate(first);
            self.tokens.push(Token::new(self.unknown?, number, word));
        }
        Some(())
    }
}
