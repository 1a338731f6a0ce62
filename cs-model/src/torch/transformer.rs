//! The transformer encoder.
//!
//! `N` packed tokens, `H` hidden.

use tch::Tensor;

use super::attention::Plan;
use super::block::Block;
use super::embeddings::TransformerEmbeddings;
use super::parameters::Scope;
use super::{PackedInput, Taps};
use crate::config::TransformerConfig;
use crate::error::Result;
use crate::ops::{Device, flash_attention_supports};

/// Embeddings and a stack of blocks.
#[derive(Debug)]
pub(super) struct Transformer {
    embeddings: TransformerEmbeddings,
    blocks: Vec<Block>,
    heads: usize,
    /// Whether the device has flash attention for the head size.
    flash: bool,
}

impl Transformer {
    pub(super) fn new(
        scope: Scope<'_>,
        config: &TransformerConfig,
        device: Device,
    ) -> Result<Self> {
        let stack = config.stack();
        let blocks = (0..stack.blocks.len()).map(|layer| Block::new(scope, &stack, layer));
        Ok(Self {
            embeddings: TransformerEmbeddings::new(scope, config)?,
            blocks: blocks.collect::<Result<_>>()?,
            heads: config.num_attention_heads,
            flash: flash_attention_supports(device, stack.head_size),
        })
    }

    /// Leaves its inner states in `taps`, if there are any.
    ///
    /// # Shapes
    /// `N` tokens to `[N, H]`.
    pub(super) fn forward(
        &self,
        input: &PackedInput,
        train: bool,
        mut taps: Option<&mut Taps>,
    ) -> Result<Tensor> {
        let plan = Plan::new(input, self.heads, self.flash, taps.is_some())?;
        let mut x = self.embeddings.forward(input, train)?;
        for block in &self.blocks {
            let (output, scores) = block.forward(&x, &plan, train)?;
            if let Some(taps) = &mut taps {
                taps.hidden.push(x);
                taps.attention.extend(scores);
            }
            x = output;
        }
        if let Some(taps) = taps {
            taps.hidden.push(x.shallow_clone());
        }
        Ok(x)
    }
}
