//! Vocabulary trimming: words that a service's texts never use leave the model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cs_model::{Bundle, EncoderConfig};
use serde::Serialize;

use crate::error::Result;
use crate::folder::{Changed, another, need_weights, tensors};

const WORDS: &str = "embeddings.word_embeddings.weight";

/// What trimming did.
///
/// ```
/// let report = cs_quant::TrimReport { words_before: 30522, words_after: 4000, ..Default::default() };
/// assert!(report.words_after < report.words_before);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TrimReport {
    /// Rows of the word embeddings before.
    pub words_before: usize,
    /// And after.
    pub words_after: usize,
    /// Numbers in the embeddings that are gone.
    pub parameters_removed: usize,
}

/// Writes the model with the tokens that `texts` need to `out`, a bundle in fp32: `tokenizer.json`
/// numbers them anew, and the word embeddings have a row for each. On these texts it answers exactly
/// as before. Special tokens stay, and, if `keep_characters`, every token of a single character, so
/// that another word is cut into shorter pieces rather than unknown, as far as its characters are in
/// the vocabulary.
///
/// Half of a small model is word embeddings: of 30,522, some thousands are used in a service's texts.
///
/// # Errors
///
/// A tokenizer other than WordPiece; weights that are missing or damaged; `out` being the model's own
/// folder, or not writable.
pub fn trim_vocabulary<'a>(
    bundle: &Bundle,
    out: &Path,
    texts: impl IntoIterator<Item = &'a str>,
    keep_characters: bool,
) -> Result<TrimReport> {
    another(bundle, out)?;
    need_weights(bundle, "fp32")?;
    let tokenizer = bundle.tokenizer()?;
    let mut kept = BTreeSet::from([bundle.config().pad_token_id()]);
    for text in texts {
        let encoding = tokenizer.encode(text, usize::MAX);
        kept.extend(encoding.map_err(cs_model::Error::from)?.ids);
    }
    if keep_characters {
        let single = |&id: &u32| {
            tokenizer
                .token(id)
                .is_some_and(|token| is_character(&token))
        };
        kept.extend((0..tokenizer.vocab_size() as u32).filter(single));
    }
    let (trimmed, old) = tokenizer.trim(&kept).map_err(cs_model::Error::from)?;
    let weights = bundle.weights()?;
    let mut changed = BTreeMap::new();
    let mut report = TrimReport::default();
    for (name, shape) in tensors(bundle) {
        let mut data = weights.f32(&name, &shape)?;
        if name == WORDS {
            let rows = old
                .iter()
                .map(|&id| &data[id as usize * shape[1]..][..shape[1]]);
            let left: Vec<f32> = rows.flatten().copied().collect();
            report = TrimReport {
                words_before: shape[0],
                words_after: old.len(),
                parameters_removed: data.len() - left.len(),
            };
            data = left;
        }
        changed.insert(name, data);
    }
    let changed = Changed {
        config: smaller(bundle.config(), &old),
        tokenizer: trimmed.to_json().map_err(cs_model::Error::from)?,
        tensors: changed,
    };
    changed.write(bundle, out)?;
    Ok(report)
}

/// Whether a token is one character, at a word's beginning or within.
fn is_character(token: &str) -> bool {
    let within = token.strip_prefix("##").filter(|rest| !rest.is_empty());
    within.unwrap_or(token).chars().count() == 1
}

/// The configuration with as many words as there are old ids.
fn smaller(config: &EncoderConfig, old: &[u32]) -> EncoderConfig {
    let mut config = config.clone();
    let (words, pad) = match &mut config {
        EncoderConfig::Transformer(config) => (&mut config.vocab_size, &mut config.pad_token_id),
        EncoderConfig::BiLstm(config) => (&mut config.vocab_size, &mut config.pad_token_id),
    };
    *words = old.len();
    // A padding id without a token is as good as any: batches are not padded.
    *pad = old.iter().position(|id| id == pad).unwrap_or(0) as u32;
    config
}
