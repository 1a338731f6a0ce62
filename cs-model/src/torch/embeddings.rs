//! Vectors for tokens.
//!
//! `N` packed tokens, `V` words, `H` hidden (or embedding size).

use tch::Tensor;

use super::PackedInput;
use super::layers::{LayerNorm, dropout};
use super::parameters::Scope;
use crate::config::TransformerConfig;
use crate::config::names::Role;
use crate::error::Result;

/// A vector for each row of a table.
#[derive(Debug)]
pub(super) struct Embedding {
    /// `[V, H]`
    weight: Tensor,
}

impl Embedding {
    pub(super) fn new(scope: Scope<'_>, role: Role) -> Result<Self> {
        Ok(Self {
            weight: scope.weight(role)?,
        })
    }

    /// # Shapes
    /// `[N]` to `[N, H]`. The indices must be below the number of rows.
    pub(super) fn forward(&self, index: &Tensor) -> Result<Tensor> {
        // No padding index: a packed batch has no pad tokens.
        Ok(Tensor::f_embedding(&self.weight, index, -1, false, false)?)
    }
}

/// The sum of word, position and token type vectors, normalised (Devlin et al. 2019, figure 2).
/// The token type is 0 throughout.
#[derive(Debug)]
pub(super) struct TransformerEmbeddings {
    word_embeddings: Embedding,
    position_embeddings: Embedding,
    token_type_embeddings: Embedding,
    layer_norm: LayerNorm,
    dropout: f64,
}

impl TransformerEmbeddings {
    pub(super) fn new(scope: Scope<'_>, config: &TransformerConfig) -> Result<Self> {
        Ok(Self {
            word_embeddings: Embedding::new(scope, Role::WordEmbeddings)?,
            position_embeddings: Embedding::new(scope, Role::PositionEmbeddings)?,
            token_type_embeddings: Embedding::new(scope, Role::TokenTypeEmbeddings)?,
            layer_norm: LayerNorm::new(scope, Role::EmbeddingNorm, config.layer_norm_eps)?,
            dropout: config.hidden_dropout_prob,
        })
    }

    /// # Shapes
    /// `N` tokens to `[N, H]`.
    pub(super) fn forward(&self, input: &PackedInput, train: bool) -> Result<Tensor> {
        let words = self.word_embeddings.forward(input.ids())?;
        let types = self.token_type_embeddings.weight.f_narrow(0, 0, 1)?; // [1, H]
        let positions = self.position_embeddings.forward(input.positions())?;
        let sum = words.f_add(&types)?.f_add(&positions)?;
        dropout(self.layer_norm.forward(&sum)?, self.dropout, train)
    }
}
