//! A test double for a backend that continues conversations.

use std::collections::BTreeMap;
use std::fmt;

use cs_model::generate::{Conversations, Page, Part};
use cs_model::{Error, Matrix, Result};

use super::GenerationBackend;
use crate::error::BackendError;

/// A test double of a generation backend: a closure says which token comes after those of a
/// conversation. A token takes a byte of its cache.
///
/// ```
/// use cs_model::generate::{Conversations, Part};
/// use cs_serve::ScriptedGeneration;
///
/// let mut counter = ScriptedGeneration::new(10, |tokens| Ok(tokens[tokens.len() - 1] + 1));
/// let part = Part { conversation: 0, tokens: &[3, 4], logits: 1 };
/// let row = counter.read(&[part])?;
/// assert_eq!(row.row(0).iter().position(|&logit| logit > 0.0), Some(5));
/// # Ok::<(), cs_model::Error>(())
/// ```
pub struct ScriptedGeneration {
    vocab_size: usize,
    max_positions: Option<usize>,
    script: Box<Script>,
    conversations: BTreeMap<u64, Vec<u32>>,
}

type Script = dyn Fn(&[u32]) -> Result<u32, BackendError> + Send;

impl ScriptedGeneration {
    const PAGE: Page = Page {
        tokens: 8,
        bytes: 8,
    };

    /// Makes a backend of this many tokens. `script` is called whenever a conversation has read all
    /// that is known of it, and for what may come after proposed tokens.
    pub fn new(
        vocab_size: usize,
        script: impl Fn(&[u32]) -> Result<u32, BackendError> + Send + 'static,
    ) -> Self {
        Self {
            vocab_size,
            max_positions: None,
            script: Box::new(script),
            conversations: BTreeMap::new(),
        }
    }

    /// Limits the positions of a conversation.
    #[must_use]
    pub fn with_positions(self, most: usize) -> Self {
        Self {
            max_positions: Some(most),
            ..self
        }
    }

    fn row(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        let next = (self.script)(tokens).map_err(Error::Runtime)?;
        let logit = |token| if token == next as usize { 1.0 } else { 0.0 };
        Ok((0..self.vocab_size).map(logit).collect())
    }
}

impl fmt::Debug for ScriptedGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedGeneration")
            .field("vocab_size", &self.vocab_size)
            .finish_non_exhaustive()
    }
}

impl Conversations for ScriptedGeneration {
    fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn max_positions(&self) -> Option<usize> {
        self.max_positions
    }

    fn page(&self) -> Page {
        Self::PAGE
    }

    fn fork(&mut self, of: u64, new: u64, tokens: usize) -> Result<()> {
        let source = self.conversations.get(&of);
        let beginning = source.and_then(|source| source.get(..tokens));
        let beginning = beginning.ok_or_else(|| {
            Error::Runtime(format!("no conversation {of} of {tokens} tokens").into())
        })?;
        self.conversations.insert(new, beginning.to_vec());
        Ok(())
    }

    fn read(&mut self, parts: &[Part<'_>]) -> Result<Matrix> {
        let whole = parts.iter().map(|part| {
            let known = self.conversations.get(&part.conversation);
            [known.map_or(&[][..], Vec::as_slice), part.tokens].concat()
        });
        let whole: Vec<Vec<u32>> = whole.collect();
        let mut rows = Vec::new();
        for (tokens, part) in whole.iter().zip(parts) {
            let first = (tokens.len() + 1).saturating_sub(part.logits);
            for end in first..=tokens.len() {
                rows.extend(self.row(&tokens[..end])?);
            }
        }
        let ids = parts.iter().map(|part| part.conversation);
        self.conversations.extend(ids.zip(whole));
        Matrix::new(rows.len() / self.vocab_size.max(1), self.vocab_size, rows)
    }

    fn rewind(&mut self, conversation: u64, tokens: usize) -> Result<()> {
        let own = self.conversations.get_mut(&conversation);
        let rest = own.as_ref().and_then(|own| own.len().checked_sub(tokens));
        let (Some(own), Some(rest)) = (own, rest) else {
            let problem = format!("no conversation {conversation} of {tokens} tokens");
            return Err(Error::Runtime(problem.into()));
        };
        own.truncate(rest);
        Ok(())
    }

    fn end(&mut self, conversation: u64) {
        self.conversations.remove(&conversation);
    }
}

impl GenerationBackend for ScriptedGeneration {
    fn name(&self) -> &str {
        "scripted"
    }
}
