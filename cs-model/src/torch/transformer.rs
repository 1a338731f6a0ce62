//! The transformer encoder.
//!
//! In the shapes, `N` is the number of packed tokens and `H` the hidden width.

use tch::Tensor;

use super::attention::AttentionPlan;
use super::block::Block;
use super::embeddings::TransformerEmbeddings;
use super::parameters::Scope;
use super::{InnerStates, PackedInput};
use crate::config::Stack;
use crate::error::Result;
use crate::ops::{Device, flash_attention_supports};

/// Embeddings and a stack of blocks.
#[derive(Debug)]
pub(super) struct Transformer {
    embeddings: TransformerEmbeddings,
    blocks: Vec<Block>,
    /// The number of attention heads of a block from which none were removed.
    heads: usize,
    /// Whether the device has flash attention for the head size.
    flash: bool,
}

impl Transformer {
    pub(super) fn new(scope: Scope<'_>, stack: &Stack, device: Device) -> Result<Self> {
        let blocks = (0..stack.blocks.len()).map(|layer| Block::new(scope, stack, layer));
        Ok(Self {
            embeddings: TransformerEmbeddings::new(scope, stack)?,
            blocks: blocks.collect::<Result<_>>()?,
            heads: stack.hidden_size / stack.head_size,
            flash: flash_attention_supports(device, stack.head_size),
        })
    }

    /// Computes the last hidden states, and leaves the inner states in `states`, if there is such a
    /// list.
    ///
    /// # Shapes
    /// `N` tokens give `[N, H]`.
    pub(super) fn forward(
        &self,
        input: &PackedInput,
        train: bool,
        mut states: Option<&mut InnerStates>,
    ) -> Result<Tensor> {
        let plan = AttentionPlan::new(input, self.heads, self.flash, states.is_some())?;
        let mut x = self.embeddings.forward(input, train)?;
        for block in &self.blocks {
            let (output, scores) = block.forward(&x, &plan, train)?;
            if let Some(states) = &mut states {
                states.hidden.push(x);
                states.attention.extend(scores);
            }
            x = output;
        }
        if let Some(states) = states {
            states.hidden.push(x.shallow_clone());
        }
        Ok(x)
    }
}
