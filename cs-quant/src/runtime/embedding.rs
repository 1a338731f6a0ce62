//! Embeddings: vectors of tokens, from those of words and positions. In the shapes, `R` is the
//! number of tokens, `V` that of words, and `E` the width of the vectors.

use std::sync::Arc;

use cs_model::names::Role;
use cs_model::{EmbeddingNorm, Stack};

use super::positions::PositionTable;
use super::scratch::take;
use crate::error::Result;
use crate::format::matrix::{StoredMatrix, widen_int4};
use crate::format::source::Scope;
use crate::kernel::gemm::Weights;
use crate::kernel::row_ops::{Dequantise, Norm, add, add_norm, norm};
use crate::kernel::team::Team;

/// A table of rows, which are looked up by their id.
#[derive(Debug)]
pub(crate) struct Embedding {
    pub(crate) rows: StoredMatrix,
    pub(crate) width: usize,
}

impl Embedding {
    pub(crate) fn load(scope: Scope<'_>, role: Role, shape: [usize; 2]) -> Result<Self> {
        Ok(Self {
            rows: scope.table(role, shape)?,
            width: shape[1],
        })
    }

    /// Copies row `id`, which was checked, to `out`.
    pub(crate) fn copy(&self, team: Team<'_>, id: u32, out: &mut [f32]) {
        let from = id as usize * self.width;
        match &self.rows {
            StoredMatrix::F32(data) => out.copy_from_slice(&data[from..][..self.width]),
            StoredMatrix::Int8 { data, scale } => team.simd.run(Dequantise {
                row: &data[from..][..self.width],
                scale: scale[id as usize],
                out,
            }),
            StoredMatrix::Int4 { data, scale, group } => {
                let steps = self.width / group;
                let row = &data[from / 2..][..self.width / 2];
                widen_int4(row, &scale[id as usize * steps..][..steps], *group, out);
            }
        }
    }
}

/// The vectors of words, `[V, E]`.
#[derive(Debug)]
pub(crate) enum Words {
    Table(Embedding),
    /// The matrix that turns hidden states to the words' logits is their table too.
    Tied(Arc<Weights>),
}

impl Words {
    /// Reads a table that is nothing else.
    pub(crate) fn load(stack: &Stack, scope: Scope<'_>) -> Result<Self> {
        let shape = [stack.embeddings.words, stack.embeddings.width];
        let table = Embedding::load(scope, Role::WordEmbeddings, shape)?;
        Ok(Self::Table(table))
    }

    fn copy(&self, team: Team<'_>, id: u32, out: &mut [f32]) {
        match self {
            Self::Table(table) => table.copy(team, id, out),
            Self::Tied(weights) => weights.row(id as usize, out),
        }
    }
}

/// What makes vectors of tokens.
#[derive(Debug)]
pub(crate) struct Embeddings {
    words: Words,
    /// The factor of word vectors.
    scale: f32,
    /// The norm of word vectors, before positions are added.
    word_norm: Option<Norm>,
    positions: PositionTable,
    /// The norm of the sum.
    norm: Option<Norm>,
    width: usize,
}

impl Embeddings {
    pub(crate) fn load(stack: &Stack, scope: Scope<'_>, words: Words) -> Result<Self> {
        let width = stack.embeddings.width;
        let norm_of = |of| {
            (stack.norms.embeddings == of)
                .then(|| scope.norm(Role::EmbeddingNorm, width, &stack.norms))
                .transpose()
        };
        Ok(Self {
            words,
            scale: stack.embeddings.scale as f32,
            word_norm: norm_of(EmbeddingNorm::Words)?,
            positions: PositionTable::load(stack, scope)?,
            norm: norm_of(EmbeddingNorm::Sum)?,
            width,
        })
    }

    /// The width `E` of the vectors.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn positions(&self) -> &PositionTable {
        &self.positions
    }

    /// Computes the vectors of tokens that were checked, `[R, E]`. `space` grows to as many numbers.
    pub(crate) fn look_up(
        &self,
        team: Team<'_>,
        ids: &[u32],
        positions: &[u32],
        out: &mut [f32],
        space: &mut Vec<f32>,
    ) {
        let space = take(space, out.len());
        for (row, &id) in out.chunks_exact_mut(self.width).zip(ids) {
            self.words.copy(team, id, row);
            if self.scale != 1.0 {
                row.iter_mut().for_each(|x| *x *= self.scale);
            }
        }
        if let Some(own) = &self.word_norm {
            space.copy_from_slice(out);
            norm(team, own, space, out);
        }
        match (self.positions.copy(positions, space), &self.norm) {
            (true, Some(own)) => add_norm(team, own, out, space),
            (true, None) => add(team, out, space),
            (false, Some(own)) => {
                space.copy_from_slice(out);
                norm(team, own, space, out);
            }
            (false, None) => {}
        }
    }

    /// The size in bytes of what is no other layer's as well.
    pub(crate) fn bytes(&self) -> usize {
        let words = match &self.words {
            Words::Table(table) => table.rows.bytes(),
            Words::Tied(_) => 0,
        };
        words + self.positions.bytes()
    }
}
