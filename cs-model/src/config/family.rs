//! What a family of encoders answers about itself.

use serde_json::{Map, Value};

use super::names::{Names, Role};
use super::stack::BlockSizes;
use crate::error::Result;

/// The part of a `config.json` that its family knows.
pub(super) trait Family {
    /// The name of the family in `config.json`.
    fn model_type(&self) -> &'static str;
    /// Checks sizes and rates, and what the `extra` keys of the file ask for.
    fn validate(&self, extra: &Map<String, Value>) -> Result<()>;
    /// The names of the tensors.
    fn names(&self) -> Names;
    /// The width of the output.
    fn hidden_size(&self) -> usize;
    /// The number of rows of the word embeddings.
    fn vocab_size(&self) -> usize;
    /// The longest sequence in tokens, if there is a limit.
    fn max_positions(&self) -> Option<usize>;
    /// The id of the padding token.
    fn pad_token_id(&self) -> u32;
    /// The standard deviation of the fresh weights of a layer.
    fn initial_deviation(&self, role: Option<Role>) -> f64;
    /// The dropout rate of what the heads read, in training.
    fn head_dropout(&self) -> f64;
    /// Sets the sizes of the blocks, in a family that has blocks.
    fn set_blocks(&mut self, blocks: &[BlockSizes]);
    /// The fields as `config.json` has them.
    fn to_json(&self) -> serde_json::Result<Value>;
}
