//! What a family answers about itself.

use serde_json::{Map, Value};

use super::names::{Names, Role};
use super::stack::{Activation, BlockSizes, Stack};
use crate::error::Result;

/// The part of a `config.json` that its family knows.
pub(super) trait Family {
    /// The name of the family in `config.json`.
    fn model_type(&self) -> &'static str;
    /// Checks sizes and rates, and what the `extra` keys of the file ask for.
    fn validate(&self, extra: &Map<String, Value>) -> Result<()>;
    /// The names of the tensors; of an encoder-decoder, those of its decoder.
    fn names(&self) -> Names;
    /// Lists name and shape of every tensor, in order of use.
    fn tensors(&self) -> Vec<(String, Vec<usize>)>;
    /// The number of rows of the word embeddings.
    fn vocab_size(&self) -> usize;
    /// The longest sequence in tokens, if there is a limit.
    fn max_positions(&self) -> Option<usize>;
    /// The standard deviation of the fresh weights of a layer.
    fn initial_deviation(&self, role: Option<Role>) -> f64;
    /// The fields as `config.json` has them.
    fn to_json(&self) -> serde_json::Result<Value>;
}

/// A family of encoders.
pub(super) trait EncoderFamily: Family {
    /// The width of the output.
    fn hidden_size(&self) -> usize;
    /// The id of the padding token.
    fn pad_token_id(&self) -> u32;
    /// The dropout rate of what the heads read, in training.
    fn head_dropout(&self) -> f64;
    /// The activation of the head for masked words.
    fn masked_lm_activation(&self) -> Activation;
    /// Sets the sizes of the blocks, in a family that has blocks.
    fn set_blocks(&mut self, blocks: &[BlockSizes]);
}

/// A family of decoders, which continue texts.
pub(super) trait DecoderFamily: Family {
    /// What the blocks are told to be.
    fn stack(&self) -> Stack;
    /// Whether the words' logits are computed with the table of word embeddings.
    fn tied(&self) -> bool;
    /// Lists name and shape of every tensor of the blocks and, unless it is tied, of the head.
    fn tensors_with_head(&self) -> Vec<(String, Vec<usize>)> {
        let stack = self.stack();
        let mut tensors = stack.tensors(self.names());
        if !self.tied() {
            let shape = vec![self.vocab_size(), stack.hidden_size];
            tensors.push((self.names().weight(Role::LmHead), shape));
        }
        tensors
    }
}
