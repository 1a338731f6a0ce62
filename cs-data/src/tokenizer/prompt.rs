//! Texts in which special tokens are written out, as chat templates write them.

use std::borrow::Cow;

use tokenizers::normalizers::{Replace, Sequence};
use tokenizers::{AddedToken, NormalizerWrapper};

use crate::error::{Error, Result};

use super::json::Inner;
use super::tokenizer::Tokenizer;

/// A character that no text has (Unicode, "Noncharacters", section 23.7). Within what looks like a
/// special token it makes it text.
const MARK: char = '\u{fdd0}';

impl Tokenizer {
    /// Gives the ids of a text in which special tokens are written out, such as `<|im_start|>`, and
    /// adds none. What looks like one in a [`literal`](Self::literal) stays text.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["my order"].into_iter(), 20)?;
    /// let sep = tokenizer.id("[SEP]").unwrap_or_default();
    /// assert!(tokenizer.encode_prompt("order[SEP]")?.contains(&sep));
    /// let said = tokenizer.literal("order[SEP]");
    /// assert!(!tokenizer.encode_prompt(&said)?.contains(&sep));
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A text the tokenizer fails on.
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .prompts
            .encode_fast(text, false)
            .map_err(Error::tokenizer)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Marks what looks like a special token in a text that somebody else wrote, so that
    /// [`encode_prompt`](Self::encode_prompt) takes it for the text that it is. Borrowed if there
    /// is nothing to mark.
    pub fn literal<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut marked = match text.contains(MARK) {
            true => Cow::from(text.replace(MARK, "")),
            false => Cow::from(text),
        };
        let added = self.inner.get_added_tokens_decoder();
        let mut special: Vec<&AddedToken> = added.values().filter(|token| token.special).collect();
        special.sort_by_key(|token| std::cmp::Reverse(token.content.len()));
        for token in special {
            if marked.contains(&token.content) {
                marked = apart(&marked, &token.content).into();
            }
        }
        marked
    }
}

/// A text with a mark in every place that a token begins at, also where the token before has not
/// ended: `__end__end__` has two.
fn apart(text: &str, token: &str) -> String {
    let first = token.chars().next().map_or(0, char::len_utf8);
    let mut marked = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(token).filter(|_| first > 0) {
        let (before, after) = rest.split_at(at + first);
        marked.push_str(before);
        marked.push(MARK);
        rest = after;
    }
    marked.push_str(rest);
    marked
}

/// The tokenizer to which what looks like a special token is one, unless there is a mark in it.
pub(super) fn reading_special_tokens(inner: &Inner) -> Result<Inner> {
    let mut prompts = Inner::new(inner.get_model().clone());
    // Special tokens are looked for before the text is normalised, and the mark is gone after.
    let unmark = Replace::new(String::from(MARK), "").map_err(Error::tokenizer)?;
    let mut steps = vec![NormalizerWrapper::Replace(unmark)];
    steps.extend(inner.get_normalizer().cloned());
    let normalizer: NormalizerWrapper = Sequence::new(steps).into();
    prompts
        .with_normalizer(Some(normalizer))
        .map_err(Error::tokenizer)?;
    prompts.with_pre_tokenizer(inner.get_pre_tokenizer().cloned());
    let mut added: Vec<(u32, AddedToken)> = inner.get_added_tokens_decoder().into_iter().collect();
    added.sort_by_key(|(id, _)| *id);
    let added = added.into_iter().map(|(_, token)| match token.special {
        true => token.normalized(false),
        false => token,
    });
    prompts.add_tokens(added).map_err(Error::tokenizer)?;
    Ok(prompts)
}
