//! What a family answers about itself.

use serde_json::{Map, Value};

use super::names::{Names, Role};
use super::stack::{Activation, BlockSizes, Stack};
use crate::error::Result;

/// The part of a `config.json` that its family knows.
pub(super) trait Family {
    /// Gives what is asked of every family.
    fn facts(&self) -> Facts;
    /// Checks sizes and rates, and what the `extra` keys of the file ask for.
    fn validate(&self, extra: &Map<String, Value>) -> Result<()>;
}

/// What is asked of every family. Of an encoder-decoder, words and names are its decoder's.
pub(super) struct Facts {
    /// The name of the family in `config.json`.
    pub(super) model_type: &'static str,
    /// The names of the tensors.
    pub(super) names: Names,
    /// The number of rows of the word embeddings.
    pub(super) vocab_size: usize,
    /// The longest sequence in tokens, if there is a limit.
    pub(super) max_positions: Option<usize>,
    /// The standard deviation of fresh weights.
    pub(super) deviation: f64,
}

/// A family of encoders.
pub(super) trait EncoderFamily: Family {
    /// Gives what is asked of encoders alone.
    fn encoder_facts(&self) -> EncoderFacts;
    /// Sets the sizes of the blocks, in a family that has blocks.
    fn set_blocks(&mut self, blocks: &[BlockSizes]);
}

/// What is asked of encoders alone.
pub(super) struct EncoderFacts {
    /// The width of the output.
    pub(super) hidden_size: usize,
    /// The id of the padding token.
    pub(super) pad_token_id: u32,
    /// The dropout rate of what the heads read, in training.
    pub(super) head_dropout: f64,
    /// The standard deviation of fresh heads.
    pub(super) head_deviation: f64,
    /// The activation of the head for masked words.
    pub(super) masked_lm_activation: Activation,
}

/// A family of decoders, which continue texts.
pub(super) trait DecoderFamily: Family {
    /// What the blocks are told to be.
    fn stack(&self) -> Stack;
    /// Whether the words' logits are computed with the table of word embeddings.
    fn tied(&self) -> bool;
    /// Lists name and shape of every tensor of the blocks and, unless it is tied, of the head.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (stack, facts) = (self.stack(), self.facts());
        let mut tensors = stack.tensors(facts.names);
        if !self.tied() {
            let shape = vec![facts.vocab_size, stack.hidden_size];
            tensors.push((facts.names.weight(Role::LmHead), shape));
        }
        tensors
    }
}
