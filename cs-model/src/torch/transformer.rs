//! The transformer encoder.
//!
//! In the shapes, `N` is the number of packed tokens and `H` the hidden width.

use tch::Tensor;

use super::attention::{Attending, AttentionPlan, Frequencies, Sources};
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
    /// The blocks that have weights of their own.
    blocks: Vec<Block>,
    /// The number of blocks that compute; where the weights are shared, all are the first.
    depth: usize,
    final_norm: Option<Norm>,
    attending: Attending,
}

impl Transformer {
    pub(super) fn new(scope: Scope<'_>, stack: &Stack, device: Device) -> Result<Self> {
        let depth = stack.blocks.len();
        let apart = if stack.shared { 1 } else { depth };
        let blocks = (0..apart).map(|layer| Block::new(scope, stack, layer));
        let final_norm = (stack.norms.place == NormPlace::Before)
            .then(|| Norm::new(scope, Role::FinalNorm, stack.norms));
        let frequencies = match &stack.embeddings.positions {
            Positions::Rotary(rotary) => Some(Frequencies::new(rotary, stack.head_size, device)?),
            _ => None,
        };
        Ok(Self {
            embeddings: TransformerEmbeddings::new(scope, stack)?,
            blocks: blocks.collect::<Result<_>>()?,
            depth,
            final_norm: final_norm.transpose()?,
            attending: Attending {
                heads: stack.hidden_size / stack.head_size,
                frequencies,
                flash: flash_attention_supports(device, stack.head_size),
                kind: scope.weight(Role::WordEmbeddings)?.kind(),
            },
        })
    }

    /// The blocks in the order in which they compute.
    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().cycle().take(self.depth)
    }

    /// Computes what the blocks keep of sources, of which an encoder made `hidden` states.
    ///
    /// # Shapes
    /// `hidden` is `[M, H]`, `M` the number of tokens of all sources.
    pub(super) fn sources(&self, hidden: &Tensor, input: &PackedInput) -> Result<Sources> {
        let keys = self.blocks().map(|block| block.source_keys(hidden));
        let keys = keys.filter_map(Result::transpose);
        Ok(Sources::new(keys.collect::<Result<_>>()?, input))
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
        let plan = AttentionPlan::new(input, &self.attending, states.is_some())?;
        let mut x = self.embeddings.forward(input, train)?;
        for block in self.blocks() {
            let (output, scores) = block.forward(&x, &plan, sources, train)?;
            if let Some(states) = &mut states {
                states.hidden.push(x);
                states.attention.extend(scores);
            }
            x = output;
        }
        if let Some(norm) = &self.final_norm {
            x = norm.forward(&x)?;
        }
        if let Some(states) = states {
            states.hidden.push(x.shallow_clone());
        }
        Ok(x)
    }
}
