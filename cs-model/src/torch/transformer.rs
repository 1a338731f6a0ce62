//! The transformer encoder.
//!
//! In the shapes, `N` is the number of packed tokens and `H` the hidden width.

use tch::Tensor;

use super::attention::{Attending, AttentionPlan, Cache, Frequencies, Pass, Sources};
use super::block::Block;
use super::embeddings::TransformerEmbeddings;
use super::layers::Norm;
use super::parameters::Scope;
use super::{InnerStates, PackedInput};
use crate::config::names::Role;
use crate::config::{NormPlace, Positions, Stack};
use crate::error::Result;
use crate::ops::{Device, flash_attention_supports};

/// Embeddings and a stack of blocks.
#[derive(Debug)]
pub(super) struct Transformer {
    embeddings: TransformerEmbeddings,
    blocks: Vec<Block>,
    /// How often the blocks are run.
    passes: usize,
    final_norm: Option<Norm>,
    attending: Attending,
}

impl Transformer {
    pub(super) fn new(scope: Scope<'_>, stack: &Stack, device: Device) -> Result<Self> {
        let blocks = (0..stack.blocks.len()).map(|layer| Block::new(scope, stack, layer));
        let final_norm = (stack.norms.place == NormPlace::Before)
            .then(|| Norm::new(scope, Role::FinalNorm, stack.norms));
        let frequencies = match &stack.embeddings.positions {
            Positions::Rotary(rotary) => Some(Frequencies::new(rotary, stack.head_size, device)?),
            _ => None,
        };
        Ok(Self {
            embeddings: TransformerEmbeddings::new(scope, stack)?,
            blocks: blocks.collect::<Result<_>>()?,
            passes: stack.passes,
            final_norm: final_norm.transpose()?,
            attending: Attending {
                heads: stack.hidden_size / stack.head_size,
                frequencies,
                flash: flash_attention_supports(device, stack.head_size),
                kind: scope.weight(Role::WordEmbeddings)?.kind(),
            },
        })
    }

    /// The blocks in the order in which they are run.
    fn blocks(&self) -> impl Iterator<Item = &Block> {
        (0..self.passes).flat_map(|_| &self.blocks)
    }

    /// Computes what the blocks attend to of sources, of which an encoder made `hidden` states.
    ///
    /// # Shapes
    /// `hidden` is `[M, H]`, `M` the number of tokens of all sources.
    pub(super) fn sources(&self, hidden: &Tensor, input: &PackedInput) -> Result<Sources> {
        let layers = self.blocks().map(|block| block.read(hidden));
        let layers = layers.filter_map(Result::transpose);
        let flash = self.attending.flashes_spans();
        Sources::new(layers.collect::<Result<_>>()?, input, flash)
    }

    /// Computes the last hidden states, of a decoder with an encoder by its `sources`, and leaves
    /// the inner states in `states`, if there is such a list.
    ///
    /// # Shapes
    /// `N` tokens give `[N, H]`.
    pub(super) fn forward(
        &self,
        input: &PackedInput,
        sources: Option<&Sources>,
        train: bool,
        mut states: Option<&mut InnerStates>,
    ) -> Result<Tensor> {
        let plan = &AttentionPlan::new(input, &self.attending, states.is_some())?;
        let mut x = self.embeddings.forward(input, train)?;
        for (layer, block) in self.blocks().enumerate() {
            let pass = Pass {
                plan,
                layer,
                sources,
                train,
            };
            let (output, scores) = block.forward(&x, pass)?;
            if let Some(states) = &mut states {
                states.hidden.push(x);
                states.attention.extend(scores);
            }
            x = output;
        }
        let x = self.finish(x)?;
        if let Some(states) = states {
            states.hidden.push(x.shallow_clone());
        }
        Ok(x)
    }

    /// Computes the last hidden states of new tokens of sequences of a cache, which has room for
    /// them, and writes their keys and values there. Each sequence's last token alone has a row.
    ///
    /// # Shapes
    /// `N` tokens of `B` sequences give `[B, H]`.
    pub(super) fn extend(
        &self,
        input: &PackedInput,
        sources: Option<&Sources>,
        cache: &Cache,
    ) -> Result<Tensor> {
        let mut x = self.embeddings.forward(input, false)?;
        if input.lengths().is_empty() {
            return Ok(x);
        }
        let plan = &AttentionPlan::cached(input, &self.attending, cache)?;
        for (layer, block) in self.blocks().enumerate() {
            let pass = Pass {
                plan,
                layer,
                sources,
                train: false,
            };
            (x, _) = block.forward(&x, pass)?;
        }
        if input.lengths().iter().any(|&length| length > 1) {
            x = x.f_index_select(0, &input.last_rows()?)?;
        }
        self.finish(x)
    }

    fn finish(&self, x: Tensor) -> Result<Tensor> {
        match &self.final_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }
}
