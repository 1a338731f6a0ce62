//! Conversations of a decoder that come and go by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cs_model::Matrix;
use cs_model::generate::{Conversations, Page, Part};

use super::cache::Cached;
use super::causal_lm::{Model, NativeCausalLm};
use super::decoder_space::DecoderSpace;
use super::text_reader::Reading;
use crate::error::{Error, Result};
use crate::kernel::cached::PAGE;

/// The conversations of a [`NativeCausalLm`] for a
/// [`ContinuousBatch`](cs_model::generate::ContinuousBatch): they join and leave between steps, and
/// all go through the network together, those that read their prompts as well.
///
/// ```no_run
/// use cs_model::generate::{BatchLimits, ContinuousBatch, GenerateConfig, Generator, Prompt};
/// use cs_quant::{NativeCausalLm, RuntimeConfig};
///
/// let dir = "models/smollm2".as_ref();
/// let model = NativeCausalLm::open(dir, &RuntimeConfig::default())?;
/// let generator = Generator::new(GenerateConfig::open(dir)?, model.config().vocab_size())?;
/// let limits = BatchLimits { sequences: 8, prompt_tokens: 64, cache_bytes: 1 << 28 };
/// let mut batch = ContinuousBatch::new(model.continuous(), limits)?;
/// batch.join(generator.begin(&Prompt::new(&[1, 2, 3]), model.config().max_positions())?)?;
/// while !batch.is_empty() {
///     for advance in batch.step() {
///         println!("{}: {}", advance.id, advance.text); // others may join here
///     }
/// }
/// # Ok::<(), cs_quant::Error>(())
/// ```
#[derive(Debug)]
pub struct NativeConversations {
    model: Arc<Model>,
    all: BTreeMap<u64, Cached>,
    space: DecoderSpace,
}

impl NativeCausalLm {
    /// Gives the model without its conversations, for others that come and go by themselves; the
    /// weights are shared.
    #[must_use]
    pub fn continuous(&self) -> NativeConversations {
        NativeConversations {
            model: Arc::clone(&self.model),
            all: BTreeMap::new(),
            space: self.model.reader.space(),
        }
    }
}

impl NativeConversations {
    fn read_into(
        &mut self,
        conversations: &mut [Cached],
        texts: &[&[u32]],
        wanted: &[usize],
    ) -> Result<Matrix> {
        let reader = &self.model.reader;
        reader.check(conversations, texts, usize::MAX)?;
        let mut pairs = texts.iter().zip(wanted);
        if let Some((text, wanted)) = pairs.find(|(text, wanted)| **wanted > text.len()) {
            let most = text.len();
            let problem = format!("logits after {wanted} tokens, expected at most the {most} read");
            return Err(Error::Batch { problem });
        }
        let reading = Reading {
            texts,
            sources: None,
            wanted,
        };
        reader.read(conversations, reading, &mut self.space)
    }
}

impl Conversations for NativeConversations {
    fn vocab_size(&self) -> usize {
        self.model.config.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.model.config.max_positions()
    }

    fn page(&self) -> Page {
        Page {
            tokens: PAGE,
            bytes: self.model.reader.token_bytes() * PAGE,
        }
    }

    fn fork(&mut self, of: u64, new: u64, tokens: usize) -> cs_model::Result<()> {
        let source = self.all.get(&of);
        let Some(source) = source.filter(|source| source.tokens().len() >= tokens) else {
            let problem = format!("conversation {of}, expected one of {tokens} tokens or more");
            return Err(Error::Batch { problem }.into());
        };
        self.all.insert(new, source.beginning(tokens));
        Ok(())
    }

    fn read(&mut self, parts: &[Part<'_>]) -> cs_model::Result<Matrix> {
        let ids: BTreeSet<u64> = parts.iter().map(|part| part.conversation).collect();
        if ids.len() < parts.len() {
            let problem = "a conversation with two parts, expected one of each".to_owned();
            return Err(Error::Batch { problem }.into());
        }
        let texts: Vec<&[u32]> = parts.iter().map(|part| part.tokens).collect();
        let wanted: Vec<usize> = parts.iter().map(|part| part.logits).collect();
        let own = parts.iter().map(|part| self.all.remove(&part.conversation));
        let mut own: Vec<Cached> = own.map(Option::unwrap_or_default).collect();
        let rows = self.read_into(&mut own, &texts, &wanted);
        let read = parts.iter().zip(own);
        let read = read.filter(|(_, own)| !own.tokens().is_empty());
        self.all
            .extend(read.map(|(part, own)| (part.conversation, own)));
        Ok(rows?)
    }

    fn rewind(&mut self, conversation: u64, tokens: usize) -> cs_model::Result<()> {
        let own = self.all.get_mut(&conversation);
        let Some(own) = own.filter(|own| own.tokens().len() >= tokens) else {
            let problem =
                format!("conversation {conversation}, expected one of {tokens} tokens or more");
            return Err(Error::Batch { problem }.into());
        };
        own.truncate(tokens);
        Ok(())
    }

    fn end(&mut self, conversation: u64) {
        self.all.remove(&conversation);
    }
}
