//! What every family of encoders answers about itself.

use serde_json::{Map, Value};

use super::names::{Names, Role};
use crate::error::Result;

/// The configuration of a family of encoders.
pub(super) trait Family {
    /// The name of the family in `config.json`.
    fn model_type(&self) -> &'static str;
    /// Checks sizes and rates.
    fn validate(&self) -> Result<()>;
    /// The width of the output.
    fn hidden_size(&self) -> usize;
    /// The number of rows of the word embeddings.
    fn vocab_size(&self) -> usize;
    /// The longest sequence in tokens, if there is a limit.
    fn max_positions(&self) -> Option<usize>;
    /// The id of the padding token.
    fn pad_token_id(&self) -> u32;
    /// The names of the family's tensors.
    fn names(&self) -> Names;
    /// Lists name and shape of every tensor, in order of use.
    fn tensors(&self) -> Vec<(String, Vec<usize>)>;
    /// The standard deviation of the fresh weights of a layer.
    fn initial_deviation(&self, role: Option<Role>) -> f64;
    /// The dropout rate of what the heads read, in training.
    fn head_dropout(&self) -> f64;
    /// The fields of `config.json` that this crate uses.
    fn known_fields(&self) -> serde_json::Result<Value>;
    /// The other fields of `config.json`.
    fn extra(&self) -> &Map<String, Value>;
    /// The other fields of `config.json`, to change.
    fn extra_mut(&mut self) -> &mut Map<String, Value>;
}
