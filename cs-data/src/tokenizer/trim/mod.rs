//! A tokenizer with fewer words.

mod vocabulary;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use tokenizers::models::ModelWrapper;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};
use unicode_script::{Script, UnicodeScript};

use crate::error::{Error, Result};
use crate::tokenizer::tokenizer::{Model, Tokenizer};

use vocabulary::Vocabulary;

/// Texts encoded at a time.
const BATCH: usize = 1024;

impl Tokenizer {
    /// Counts how often `texts` need each token, special ones included. What they need and nothing
    /// else is what [`trim`](Self::trim) has to keep for them to be cut as before.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["my order", "my my"].into_iter(), 60)?;
    /// let counts = tokenizer.count_tokens(["my order", "my"])?;
    /// assert_eq!(counts[&tokenizer.id("my").unwrap_or_default()], 2);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A text the tokenizer fails on.
    pub fn count_tokens<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<u32, u64>> {
        let mut counts = BTreeMap::new();
        let mut texts = texts.into_iter().peekable();
        while texts.peek().is_some() {
            let batch: Vec<&str> = texts.by_ref().take(BATCH).collect();
            for (text, encoding) in batch.iter().zip(self.encode_batch(&batch, usize::MAX)?) {
                let unknown = self.pieces_of_unknown_words(text, &encoding.ids)?;
                for id in encoding.ids.into_iter().chain(unknown) {
                    *counts.entry(id).or_insert(0) += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Gives the tokens of one character whose script a character of the tokens `like` has too;
    /// digits, punctuation and others that belong to no script are always among them. Kept, they
    /// are what other texts of these languages are cut into where longer pieces are gone.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["退款 now!", "订单 due?"].into_iter(), 60)?;
    /// let like = tokenizer.count_tokens(["退款"])?.into_keys().collect();
    /// let characters = tokenizer.characters(&like);
    /// let has = |token| tokenizer.id(token).is_some_and(|id| characters.contains(&id));
    /// assert_eq!(["单", "!", "d", "##u"].map(has), [true, true, false, false]);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    pub fn characters(&self, like: &BTreeSet<u32>) -> BTreeSet<u32> {
        let special: BTreeSet<u32> = self.special_ids().into_iter().collect();
        let words = like.iter().filter(|id| !special.contains(id));
        let words: Vec<String> = words.filter_map(|&id| self.token(id)).collect();
        let characters = words.iter().flat_map(|word| self.bare(word).chars());
        let mut scripts: HashSet<Script> = characters.map(|char| char.script()).collect();
        scripts.extend([Script::Common, Script::Inherited]);
        let all = self.inner().get_vocab(true).into_iter();
        all.filter(|(token, _)| {
            let mut characters = self.bare(token).chars();
            let first = characters.next();
            let known = |char: char| scripts.contains(&char.script());
            first.is_some_and(known) && characters.next().is_none()
        })
        .map(|(_, id)| id)
        .collect()
    }

    /// Gives the same tokenizer with the tokens `kept` alone, numbered anew without gaps in their
    /// old order, and the old id of each new one. Special and other added tokens, the unknown
    /// token, bytes that unknown characters fall back on or that all is made of (GPT-2, RoBERTa),
    /// and what a kept token is merged of always stay. Takes WordPiece, Unigram (SentencePiece,
    /// XLM-R), BPE and WordLevel.
    ///
    /// A text is cut as before if all that [`count_tokens`](Self::count_tokens) finds in it is
    /// kept:
    ///
    /// - WordPiece takes the longest piece a word goes on with, and no longer one comes in.
    /// - Unigram takes the pieces whose scores add up to the most. What is left is a part of what
    ///   there was to choose from, and the best is in it. An unknown character scores less than the
    ///   lowest piece, so that one stays as well, lest the unknown become cheaper than what is
    ///   gone.
    /// - BPE applies the earliest merge it can. All that made the text's tokens are there, in
    ///   order.
    ///
    /// Other texts are cut into what is left.
    ///
    /// ```
    /// use std::collections::BTreeSet;
    /// use cs_data::Tokenizer;
    /// let tokenizer = Tokenizer::train(["my order is late", "where is it"].into_iter(), 60)?;
    /// let ids = |text| tokenizer.encode(text, 16).map(|encoding| encoding.ids);
    /// let kept: BTreeSet<u32> = ids("order is late")?.into_iter().collect();
    /// let (trimmed, old) = tokenizer.trim(&kept)?;
    /// assert!(trimmed.vocab_size() < tokenizer.vocab_size());
    /// let again = trimmed.encode("late order", 16)?.ids;
    /// let again: Vec<u32> = again.into_iter().map(|id| old[id as usize]).collect();
    /// assert_eq!(again, ids("late order")?);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A model of another type; ids that the tokenizer library would number otherwise.
    pub fn trim(&self, kept: &BTreeSet<u32>) -> Result<(Self, Vec<u32>)> {
        let origin = Path::new("tokenizer.json");
        let mut vocabulary = Vocabulary::parse(&self.to_json()?, origin)?;
        let mut stay = vocabulary.required();
        stay.extend(kept.iter().filter(|&&id| self.token(id).is_some()));
        vocabulary.add_parts(&mut stay);
        let old: Vec<u32> = stay.into_iter().collect();
        vocabulary.renumber(&old.iter().copied().zip(0..).collect());
        let trimmed = Self::from_json(&vocabulary.into_json(), origin)?.with_words(self.words());
        self.check_numbers(&trimmed, &old, origin)?;
        Ok((trimmed, old))
    }

    /// The library numbers added tokens itself, whatever the file says.
    fn check_numbers(&self, trimmed: &Self, old: &[u32], origin: &Path) -> Result<()> {
        for (&before, now) in old.iter().zip(0..) {
            let (expected, found) = (self.token(before), trimmed.token(now));
            if expected != found {
                return Err(Error::file(
                    origin,
                    format!("{} with the id {now}", found.unwrap_or_default()),
                    expected.unwrap_or_default(),
                ));
            }
        }
        Ok(())
    }

    /// The pieces that WordPiece found of words that are unknown all the same: without them another
    /// cut of such a word might succeed.
    fn pieces_of_unknown_words(&self, text: &str, ids: &[u32]) -> Result<Vec<u32>> {
        let Model::WordPiece(model) = self.inner().get_model() else {
            return Ok(Vec::new());
        };
        let unknown = self.id(&model.unknown);
        if unknown.is_none_or(|unknown| !ids.contains(&unknown)) {
            return Ok(Vec::new());
        }
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = self.inner().get_normalizer() {
            normalizer
                .normalize(&mut normalized)
                .map_err(Error::tokenizer)?;
        }
        let mut words = PreTokenizedString::from(normalized);
        if let Some(splitter) = self.inner().get_pre_tokenizer() {
            splitter
                .pre_tokenize(&mut words)
                .map_err(Error::tokenizer)?;
        }
        let words = words.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
        Ok(words
            .into_iter()
            .flat_map(|(word, _, _)| model.longest_pieces(word))
            .map(|(_, id)| id)
            .collect())
    }

    /// A token without what marks its position in a word.
    fn bare<'a>(&self, token: &'a str) -> &'a str {
        let (prefix, suffix) = match self.inner().get_model() {
            Model::WordPiece(model) => (&*model.prefix, ""),
            Model::Library(model) => match &**model {
                ModelWrapper::BPE(model) => (
                    model.continuing_subword_prefix.as_deref().unwrap_or(""),
                    model.end_of_word_suffix.as_deref().unwrap_or(""),
                ),
                _ => ("", ""),
            },
            Model::Unigram(_) | Model::Renumbered(_) => ("", ""),
        };
        let bare = token.strip_prefix(prefix).unwrap_or(token);
        let bare = bare.strip_suffix(suffix).unwrap_or(bare);
        if bare.is_empty() { token } else { bare }
    }
}
