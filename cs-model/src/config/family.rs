//! What every family of encoders answers about itself.

use serde_json::{Map, Value};

use super::names::{Names, Role};
use crate::error::Result;

/// A family's configuration.
pub(super) trait Family {
    /// The family as `config.json` names it.
    fn model_type(&self) -> &'static str;
    /// Checks sizes and rates.
    fn validate(&self) -> Result<()>;
    /// Width of the output.
    fn hidden_size(&self) -> usize;
    /// Rows of the word embeddings.
    fn vocab_size(&self) -> usize;
    /// Longest sequence in tokens, if there is a limit.
    fn max_positions(&self) -> Option<usize>;
    /// The padding token.
    fn pad_token_id(&self) -> u32;
    /// What the family calls its tensors.
    fn names(&self) -> Names;
    /// Name and shape of every tensor, in order of use.
    fn tensors(&self) -> Vec<(String, Vec<usize>)>;
    /// Standard deviation of the fresh weights of a layer.
    fn initial_deviation(&self, role: Option<Role>) -> f64;
    /// Dropout of what the heads see, in training.
    fn head_dropout(&self) -> f64;
    /// The fields of `config.json` that this crate uses.
    fn known_fields(&self) -> serde_json::Result<Value>;
    /// The other fields of `config.json`.
    fn extra(&self) -> &Map<String, Value>;
    /// The other fields of `config.json`, to change.
    fn extra_mut(&mut self) -> &mut Map<String, Value>;
}
