//! Vectors for tokens.
//!
//! In the shapes, `N` is the number of packed tokens, `V` that of words, and `H` the hidden (or
//! embedding) width.

use tch::Tensor;

use super::PackedInput;
use super::layers::{LayerNorm, dropout};
use super::parameters::Scope;
use crate::config::Stack;
use crate::config::names::Role;
use crate::error::Result;

/// A table of vectors, which are looked up by their row.
#[derive(Debug)]
pub(super) struct Embedding {
    /// The table, `[V, H]`.
    weight: Tensor,
}

impl Embedding {
    pub(super) fn new(scope: Scope<'_>, role: Role) -> Result<Self> {
        Ok(Self {
            weight: scope.weight(role)?,
        })
    }

    /// Looks the vectors up.
    ///
    /// # Shapes
    /// `[N]` gives `[N, H]`. The indices must be below the number of rows.
    pub(super) fn forward(&self, index: &Tensor) -> Result<Tensor> {
        // There is no padding index: a packed batch has no pad tokens.
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
    pub(super) fn new(scope: Scope<'_>, stack: &Stack) -> Result<Self> {
        Ok(Self {
            word_embeddings: Embedding::new(scope, Role::WordEmbeddings)?,
            position_embeddings: Embedding::new(scope, Role::PositionEmbeddings)?,
            token_type_embeddings: Embedding::new(scope, Role::TokenTypeEmbeddings)?,
            layer_norm: LayerNorm::new(scope, Role::EmbeddingNorm, stack.norm_eps)?,
            dropout: stack.dropout,
        })
    }

    /// Computes the vectors of a batch's tokens.
    ///
    /// # Shapes
    /// `N` tokens give `[N, H]`.
    pub(super) fn forward(&self, input: &PackedInput, train: bool) -> Result<Tensor> {
        let words = self.word_embeddings.forward(input.ids())?;
        let types = self.token_type_embeddings.weight.f_narrow(0, 0, 1)?; // [1, H]
        let positions = self.position_embeddings.forward(input.positions())?;
        let sum = words.f_add(&types)?.f_add(&positions)?;
        dropout(self.layer_norm.forward(&sum)?, self.dropout, train)
    }
}
