//! The transformer encoder.
//!
//! `N` packed tokens, `H` hidden.

use tch::Tensor;

use super::PackedInput;
use super::block::Block;
use super::embeddings::TransformerEmbeddings;
use super::grouping::Grouping;
use super::parameters::Parameters;
use crate::config::TransformerConfig;
use crate::error::Result;

/// Embeddings and a stack of blocks.
#[derive(Debug)]
pub(super) struct Transformer {
    embeddings: TransformerEmbeddings,
    blocks: Vec<Block>,
    heads: usize,
}

impl Transformer {
    pub(super) fn new(parameters: &Parameters, config: &TransformerConfig) -> Result<Self> {
        let layers = parameters.scope("encoder.layer");
        let blocks = (0..config.num_hidden_layers).map(|i| Block::new(&layers.sub(i), config));
        Ok(Self {
            embeddings: TransformerEmbeddings::new(&parameters.scope("embeddings"), config)?,
            blocks: blocks.collect::<Result<_>>()?,
            heads: config.num_attention_heads,
        })
    }

    /// # Shapes
    /// `N` tokens to `[N, H]`.
    pub(super) fn forward(&self, input: &PackedInput, train: bool) -> Result<Tensor> {
        let grouping = Grouping::new(input.lengths(), self.heads, input.device())?;
        let embedded = self.embeddings.forward(input, train)?;
        self.blocks
            .iter()
            .try_fold(embedded, |x, block| block.forward(&x, &grouping, train))
    }
}
