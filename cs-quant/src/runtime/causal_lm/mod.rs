//! A loaded decoder, and its conversations.

mod open;

use std::sync::Arc;

use cs_model::generate::{Decoder, RowJob, Verifier};
use cs_model::{DecoderConfig, Matrix};

pub(crate) use open::measured;

use super::cache::Cached;
use super::config::Precision;
use super::decoder_space::DecoderSpace;
use super::prefix::{rests, resume, shared_prefixes};
use super::text_reader::{Reading, TextReader};
use crate::Kernel;
use crate::error::{Error, Result};

/// A decoder that continues texts on this machine's CPU: GPT-2, Llama, Qwen2 or Qwen3. It is a
/// [`Decoder`] for the [`Generator`](cs_model::generate::Generator).
///
/// Prompts are read packed, several at once and without padding; at a step all conversations go
/// through the network together, so that each weight is read once. What a conversation gets depends
/// neither on the number of threads nor on the conversations beside it, and is the same whether its
/// tokens were read at once or one by one.
///
/// Keys and values are kept in f16 beside quantised weights and in `f32` beside those in fp32, whose
/// logits stay libtorch's to the fourth decimal so: [`token_bytes`](Self::token_bytes) for each
/// token, in pages of 32 tokens. What f16 does not hold is kept as its largest number, 65,504.
/// Conversations that [`reorder`](Decoder::reorder) or [`prefill`](Decoder::prefill)
/// makes of one share its pages. A beginning of a page or more that several prompts of a `prefill`
/// have in common is read once. If a prompt does not fit, the conversations are as they were.
///
/// A clone shares the weights and begins with the same conversations, without copying their pages.
#[derive(Debug)]
pub struct NativeCausalLm {
    pub(super) model: Arc<Model>,
    conversations: Vec<Cached>,
    /// The most tokens that all conversations together may have, rounded up to pages.
    most_tokens: usize,
    space: DecoderSpace,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) config: DecoderConfig,
    pub(super) reader: TextReader,
    precision: Precision,
}

impl NativeCausalLm {
    /// Limits the tokens that all conversations together may have, and with them the memory for keys
    /// and values, to `most_tokens` times [`token_bytes`](Self::token_bytes), rounded up to pages;
    /// what is [proposed](Verifier) after them is not counted.
    #[must_use]
    pub fn with_most_tokens(self, most_tokens: usize) -> Self {
        Self {
            most_tokens,
            ..self
        }
    }

    /// Computes a row of logits for the token after each token of some texts, `[N, V]`, apart from
    /// the conversations.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] for a text that does not fit the model, [`Error::Memory`].
    pub fn logits(&mut self, texts: &[&[u32]]) -> Result<Matrix> {
        let mut apart = vec![Cached::default(); texts.len()];
        self.model.reader.check(&apart, texts, self.most_tokens)?;
        let all: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        self.read(&mut apart, texts, &all)
    }

    /// The size in bytes of all weights as they lie in memory.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.model.reader.bytes()
    }

    /// The size in bytes of the keys and values of a token.
    #[must_use]
    pub fn token_bytes(&self) -> usize {
        self.model.reader.token_bytes()
    }

    /// The configuration of the decoder.
    #[must_use]
    pub fn config(&self) -> &DecoderConfig {
        &self.model.config
    }

    /// The kernel that is in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.model.reader.kernel()
    }

    /// The precision that is in use; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.model.precision
    }

    /// Reads texts that were checked into conversations, and gives the logits after the last
    /// `wanted[i]` tokens of each.
    fn read(
        &mut self,
        conversations: &mut [Cached],
        texts: &[&[u32]],
        wanted: &[usize],
    ) -> Result<Matrix> {
        let reader = &self.model.reader;
        let reading = Reading {
            texts,
            sources: None,
            wanted,
        };
        reader.read(conversations, reading, &mut self.space)
    }
}

impl Clone for NativeCausalLm {
    fn clone(&self) -> Self {
        Self {
            model: Arc::clone(&self.model),
            conversations: self.conversations.clone(),
            most_tokens: self.most_tokens,
            space: self.model.reader.space(),
        }
    }
}

impl Decoder for NativeCausalLm {
    fn vocab_size(&self) -> usize {
        self.model.config.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.model.config.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> cs_model::Result<Matrix> {
        let mut held = resume(&self.conversations, prompts);
        self.model
            .reader
            .check(&held, &rests(&held, prompts), self.most_tokens)?;
        // What no prompt begins with makes room for what is read.
        self.conversations.clear();
        let shared = shared_prefixes(&held, prompts);
        let mut beginnings = resume(&held, &shared);
        let left = rests(&beginnings, &shared);
        self.read(&mut beginnings, &left, &vec![0; shared.len()])?;
        held.append(&mut beginnings);
        let mut conversations = resume(&held, prompts);
        // A page that nobody else has is written on where it ends, without a copy.
        drop(held);
        let left = rests(&conversations, prompts);
        let logits = self.read(&mut conversations, &left, &vec![1; prompts.len()])?;
        self.conversations = conversations;
        Ok(logits)
    }

    fn step(&mut self, tokens: &[u32]) -> cs_model::Result<Matrix> {
        let count = self.conversations.len();
        if tokens.len() != count {
            let problem = format!(
                "{} tokens, expected {count}, one for each conversation",
                tokens.len()
            );
            return Err(Error::Batch { problem }.into());
        }
        let texts: Vec<&[u32]> = tokens.chunks(1).collect();
        self.model
            .reader
            .check(&self.conversations, &texts, self.most_tokens)?;
        let mut conversations = std::mem::take(&mut self.conversations);
        let logits = self.read(&mut conversations, &texts, &vec![1; count]);
        self.conversations = conversations;
        Ok(logits?)
    }

    fn for_rows(&self, rows: &mut Matrix, job: &RowJob<'_>) {
        self.model.reader.for_rows(rows, job);
    }

    fn reorder(&mut self, sources: &[usize]) -> cs_model::Result<()> {
        let count = self.conversations.len();
        if let Some(source) = sources.iter().find(|&&source| source >= count) {
            let problem = format!("conversation {source}, expected less than {count}");
            return Err(Error::Batch { problem }.into());
        }
        let named = sources
            .iter()
            .map(|&source| self.conversations[source].clone());
        self.conversations = named.collect();
        Ok(())
    }

    fn verifier(&mut self) -> Option<&mut dyn Verifier> {
        Some(self)
    }
}

impl Verifier for NativeCausalLm {
    fn verify(&mut self, sequences: &[&[u32]], counts: &[usize]) -> cs_model::Result<Matrix> {
        let beginnings = beginnings(sequences, counts)?;
        let mut conversations = resume(&self.conversations, &beginnings);
        let left = rests(&conversations, sequences);
        let reader = &self.model.reader;
        reader.check(&conversations, &left, usize::MAX)?;
        // What may be taken back is no reason to refuse the rest.
        let sure = rests(&conversations, &beginnings);
        reader.check(&conversations, &sure, self.most_tokens)?;
        self.conversations.clear();
        let logits = self.read(&mut conversations, &left, counts)?;
        self.conversations = conversations;
        Ok(logits)
    }
}

/// Gives the sequences up to the first token after which logits are wanted.
fn beginnings<'a>(sequences: &[&'a [u32]], counts: &[usize]) -> Result<Vec<&'a [u32]>> {
    if sequences.len() != counts.len() {
        let problem = format!("{} counts, expected one for each sequence", counts.len());
        return Err(Error::Batch { problem });
    }
    let pairs = sequences.iter().zip(counts).enumerate();
    pairs
        .map(|(sequence, (tokens, &count))| {
            let before = tokens.len().checked_sub(count).filter(|_| count > 0);
            before.map(|before| &tokens[..=before]).ok_or_else(|| {
                let problem = format!(
                    "{count} rows of logits of {} tokens, expected 1 at least, and no more",
                    tokens.len()
                );
                Error::Input { sequence, problem }
            })
        })
        .collect()
}
