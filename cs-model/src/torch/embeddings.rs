//! Vectors for tokens.
//!
//! In the shapes, `N` is the number of packed tokens, `V` that of words, and `H` the hidden (or
//! embedding) width.

use tch::Tensor;

use super::PackedInput;
use super::layers::{Linear, Norm, dropout};
use super::parameters::Scope;
use crate::config::names::Role;
use crate::config::{EmbeddingNorm, Positions, Stack};
use crate::error::Result;
use crate::ops::on_device;

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

/// The sum of word, position and token type vectors (Devlin et al. 2019, figure 2). The token type
/// is 0 throughout.
#[derive(Debug)]
pub(super) struct TransformerEmbeddings {
    words: Embedding,
    scale: f64,
    /// The vectors of positions, where they have vectors.
    positions: Option<Embedding>,
    /// The row of the first position.
    first_position: i64,
    token_types: Option<Embedding>,
    /// The norm of the vectors of words, before anything is added.
    word_norm: Option<Norm>,
    /// The norm of the sum.
    norm: Option<Norm>,
    /// The layer to the hidden width, where the vectors have another one.
    projection: Option<Linear>,
    dropout: f64,
}

impl TransformerEmbeddings {
    pub(super) fn new(scope: Scope<'_>, stack: &Stack) -> Result<Self> {
        let (embeddings, norms) = (&stack.embeddings, stack.norms);
        let words = Embedding::new(scope, Role::WordEmbeddings)?;
        let mut first_position = 0;
        let positions = match embeddings.positions {
            Positions::Learned { offset, .. } => {
                first_position = offset as i64;
                Some(Embedding::new(scope, Role::PositionEmbeddings)?)
            }
            Positions::Sinusoidal { rows } => {
                let (width, like) = (embeddings.width, &words.weight);
                let vectors = Positions::sinusoids(rows, width);
                let table = on_device(&vectors, like.device())?.f_to_kind(like.kind())?;
                let weight = table.f_reshape([rows as i64, width as i64])?;
                Some(Embedding { weight })
            }
            Positions::Rotary(_) => None,
        };
        let token_types =
            (embeddings.token_types > 0).then(|| Embedding::new(scope, Role::TokenTypeEmbeddings));
        let norm_of =
            |part| (norms.embeddings == part).then(|| Norm::new(scope, Role::EmbeddingNorm, norms));
        let projection = (embeddings.width != stack.hidden_size)
            .then(|| Linear::new(scope, Role::EmbeddingProjection));
        Ok(Self {
            words,
            scale: embeddings.scale,
            positions,
            first_position,
            token_types: token_types.transpose()?,
            word_norm: norm_of(EmbeddingNorm::Words).transpose()?,
            norm: norm_of(EmbeddingNorm::Sum).transpose()?,
            projection: projection.transpose()?,
            dropout: stack.dropout,
        })
    }

    /// Computes the vectors of a batch's tokens.
    ///
    /// # Shapes
    /// `N` tokens give `[N, H]`.
    pub(super) fn forward(&self, input: &PackedInput, train: bool) -> Result<Tensor> {
        let mut x = self.words.forward(input.ids())?; // [N, E]
        if self.scale != 1.0 {
            x = x.f_mul_scalar(self.scale)?;
        }
        if let Some(norm) = &self.word_norm {
            x = norm.forward(&x)?;
        }
        if let Some(types) = &self.token_types {
            x = x.f_add(&types.weight.f_narrow(0, 0, 1)?)?;
        }
        if let Some(positions) = &self.positions {
            let mut rows = input.positions().shallow_clone();
            if self.first_position > 0 {
                rows = rows.f_add_scalar(self.first_position)?;
            }
            x = x.f_add(&positions.forward(&rows)?)?;
        }
        if let Some(norm) = &self.norm {
            x = norm.forward(&x)?;
        }
        let x = dropout(x, self.dropout, train)?;
        match &self.projection {
            Some(projection) => projection.forward(&x), // [N, H]
            None => Ok(x),
        }
    }
}
