//! [`Masker`]: which tokens a masked language model has to guess.

use std::ops::Range;

use cs_data::{Encoding, Span, SplitMix, Tokenizer};
use serde::{Deserialize, Serialize};

use super::segment::Segmenter;
use crate::error::{Error, Result};

/// How tokens are masked. The defaults are BERT's (Devlin et al. 2019, section 3.1) with whole
/// words.
///
/// ```
/// use cs_train::data::MaskingConfig;
/// let config: MaskingConfig = serde_json::from_str(r#"{"rate": 0.2}"#)?;
/// assert_eq!((config.rate, config.random, config.whole_words), (0.2, 0.1, true));
/// assert!(MaskingConfig { random: 0.6, keep: 0.6, ..config }.validate().is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaskingConfig {
    /// Share of the words (tokens without `whole_words`) to be guessed. Default 0.15.
    pub rate: f64,
    /// Share of the tokens to be guessed that a random token replaces. Default 0.1.
    pub random: f64,
    /// Share of the tokens to be guessed that stay as they are; the rest become `[MASK]`. Default
    /// 0.1.
    pub keep: f64,
    /// Whether all tokens of a word are masked together. Default true.
    pub whole_words: bool,
}

impl Default for MaskingConfig {
    fn default() -> Self {
        Self {
            rate: 0.15,
            random: 0.1,
            keep: 0.1,
            whole_words: true,
        }
    }
}

impl MaskingConfig {
    /// Checks the shares.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the first that cannot be used.
    pub fn validate(&self) -> Result<()> {
        if !(self.rate > 0.0 && self.rate < 1.0) {
            return Err(Error::config("rate", self.rate, "above 0 and below 1"));
        }
        for (field, share) in [("random", self.random), ("keep", self.keep)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::config(field, share, "0 to 1"));
            }
        }
        match self.random + self.keep {
            both if both <= 1.0 => Ok(()),
            both => Err(Error::config("random + keep", both, "at most 1")),
        }
    }
}

/// A row as the model sees it, and what it has to guess.
///
/// ```
/// let masked = cs_train::data::MaskedRow { ids: vec![2, 4, 3], targets: vec![None, Some(17), None] };
/// assert_eq!(masked.targets.iter().flatten().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedRow {
    /// Token ids, some of them replaced.
    pub ids: Vec<u32>,
    /// Per token what stood there, if it has to be guessed.
    pub targets: Vec<Option<u32>>,
}

/// Masks tokens, a word at a time.
///
/// Of a row's `k` words, `rate · k` are chosen, each with the same chance; the fraction is decided
/// by chance, and at least one is. (BERT's rule, a budget of tokens, would never choose a long word
/// of a short text.) Then each token of the chosen ones is masked, replaced or kept. Special tokens
/// and unknown words are never chosen.
///
/// What is chosen depends on the seed and the row's id alone; give each epoch a seed of its own.
///
/// ```
/// use cs_data::Tokenizer;
/// use cs_train::data::{Masker, MaskingConfig};
///
/// let tokenizer = Tokenizer::train(["where is my order", "my order is late"].into_iter(), 60)?;
/// let masker = Masker::new(&tokenizer, MaskingConfig::default())?;
/// let encoding = tokenizer.encode("where is my order", 16)?;
/// let units = masker.units(&encoding, &[]);
/// let masked = masker.mask(&encoding.ids, &units, 7, "row 1");
/// assert!(masked.targets.iter().flatten().count() >= 1);
/// assert_eq!((masked.targets[0], masked.ids[0]), (None, encoding.ids[0])); // [CLS]
/// assert_eq!(masked, masker.mask(&encoding.ids, &units, 7, "row 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Masker {
    config: MaskingConfig,
    mask_id: u32,
    /// Ids that stand for no text, ascending.
    special: Vec<u32>,
    /// The ids of all other tokens: what replaces a token.
    ordinary: Vec<u32>,
}

impl Masker {
    /// A masker for a tokenizer with a `[MASK]` (or `<mask>`) token.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a setting out of range, or a tokenizer without such a token or without
    /// any other.
    pub fn new(tokenizer: &Tokenizer, config: MaskingConfig) -> Result<Self> {
        config.validate()?;
        let mask_id = tokenizer.id("[MASK]").or_else(|| tokenizer.id("<mask>"));
        let mask_id = mask_id.ok_or_else(|| {
            let expected = "one with a token to mask with";
            Error::config("tokenizer", "without [MASK]", expected)
        })?;
        let special = tokenizer.special_ids();
        let ids = 0..tokenizer.vocab_size() as u32;
        let is_ordinary = |id: &u32| {
            let named = tokenizer.token(*id).is_some();
            named && *id != mask_id && special.binary_search(id).is_err()
        };
        let ordinary: Vec<u32> = ids.filter(is_ordinary).collect();
        if ordinary.is_empty() {
            return Err(Error::config(
                "tokenizer",
                "without words",
                "one with words",
            ));
        }
        Ok(Self {
            config,
            mask_id,
            special,
            ordinary,
        })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &MaskingConfig {
        &self.config
    }

    /// What is masked together: runs of token indices, ascending. With whole words these are the
    /// tokenizer's words, joined where one of `together` (bytes of the text: a segmenter's words,
    /// entities) touches several; else single tokens.
    #[must_use]
    pub fn units(&self, encoding: &Encoding, together: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut units: Vec<Range<usize>> = Vec::new();
        for (token, word) in encoding.words.iter().enumerate() {
            if word.is_none() || self.is_special(encoding.ids[token]) {
                continue;
            }
            match units.last_mut() {
                Some(unit)
                    if self.config.whole_words
                        && unit.end == token
                        && encoding.words[token - 1] == *word =>
                {
                    unit.end = token + 1;
                }
                _ => units.push(token..token + 1),
            }
        }
        if self.config.whole_words && !together.is_empty() {
            units = join(units, encoding, together);
        }
        units
    }

    fn is_special(&self, id: u32) -> bool {
        id == self.mask_id || self.special.binary_search(&id).is_ok()
    }

    /// Masks a row of these `units`. A row without units stays as it is. O(tokens).
    ///
    /// # Panics
    ///
    /// If a unit lies outside of `ids`.
    #[must_use]
    pub fn mask(&self, ids: &[u32], units: &[Range<usize>], seed: u64, row: &str) -> MaskedRow {
        let mut masked = MaskedRow {
            ids: ids.to_vec(),
            targets: vec![None; ids.len()],
        };
        if units.is_empty() {
            return masked;
        }
        let mut random = SplitMix::new(SplitMix::hash(seed, row));
        let wanted = units.len() as f64 * self.config.rate;
        let extra = usize::from(random.unit() < wanted.fract());
        let mut order: Vec<usize> = (0..units.len()).collect();
        random.shuffle(&mut order);
        order.truncate((wanted as usize + extra).max(1));
        order.sort_unstable();
        for token in order.into_iter().flat_map(|unit| units[unit].clone()) {
            masked.targets[token] = Some(ids[token]);
            masked.ids[token] = self.replacement(ids[token], &mut random);
        }
        masked
    }

    fn replacement(&self, id: u32, random: &mut SplitMix) -> u32 {
        let chance = random.unit();
        if chance < self.config.random {
            self.ordinary[random.below(self.ordinary.len())]
        } else if chance < self.config.random + self.config.keep {
            id
        } else {
            self.mask_id
        }
    }
}

/// Joins neighbouring units that the same range touches.
fn join(
    units: Vec<Range<usize>>,
    encoding: &Encoding,
    together: &[Range<usize>],
) -> Vec<Range<usize>> {
    let start = |unit: &Range<usize>| encoding.offsets[unit.start].start;
    let end = |unit: &Range<usize>| encoding.offsets[unit.end - 1].end;
    // Whether a unit belongs to the one before it.
    let mut joined = vec![false; units.len()];
    for range in together {
        let from = units.partition_point(|unit| end(unit) <= range.start);
        let to = units.partition_point(|unit| start(unit) < range.end);
        if from + 1 < to {
            joined[from + 1..to].fill(true);
        }
    }
    let mut all: Vec<Range<usize>> = Vec::with_capacity(units.len());
    for (unit, joined) in units.into_iter().zip(joined) {
        match all.last_mut() {
            Some(before) if joined && before.end == unit.start => before.end = unit.end,
            _ => all.push(unit),
        }
    }
    all
}

/// What a text's words and entities hold together, for [`Masker::units`].
#[must_use]
pub fn together(text: &str, spans: &[Span], words: Option<&dyn Segmenter>) -> Vec<Range<usize>> {
    let words = words.map_or_else(Vec::new, |words| words.words(text));
    let spans = spans.iter().map(|span| span.start..span.end);
    words.into_iter().chain(spans).collect()
}
