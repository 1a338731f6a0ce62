//! How a transformer is told positions. In the shapes, `N` is the number of rows, `P` that of
//! positions, `E` the width of the embeddings, and `D` that of a head.

use cs_model::names::Role;
use cs_model::{Positions, Stack};

use super::scratch::take;
use crate::error::Result;
use crate::format::source::Scope;

/// How positions are told.
#[derive(Debug)]
pub(crate) enum PositionTable {
    /// By vectors that are added to those of words, from the first position on, each with the
    /// vector of the one token type that is used, where there are types: `[P, E]`.
    Vectors(Vec<f32>),
    /// By turning queries and keys.
    Rotary {
        /// The angle of each pair in radians a position, `[D / 2]`.
        frequencies: Vec<f32>,
        /// The factor of turned queries and keys.
        factor: f32,
    },
}

impl PositionTable {
    pub(crate) fn load(stack: &Stack, scope: Scope<'_>) -> Result<Self> {
        let (embeddings, width) = (&stack.embeddings, stack.embeddings.width);
        let table =
            |role, rows| Ok::<_, crate::Error>(scope.table(role, [rows, width])?.into_f32(width));
        let mut vectors = match &embeddings.positions {
            Positions::Learned { rows, offset } => {
                let mut vectors = table(Role::PositionEmbeddings, *rows)?;
                vectors.drain(..offset * width);
                vectors
            }
            Positions::Sinusoidal { rows } => Positions::sinusoids(*rows, width),
            Positions::Rotary(rotary) => {
                return Ok(Self::Rotary {
                    frequencies: rotary.frequencies(stack.head_size),
                    factor: rotary.attention_factor() as f32,
                });
            }
        };
        if embeddings.token_types > 0 {
            let types = table(Role::TokenTypeEmbeddings, embeddings.token_types)?;
            for row in vectors.chunks_exact_mut(width) {
                row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
            }
        }
        Ok(Self::Vectors(vectors))
    }

    /// Writes the positions' vectors, `[N, E]`, and says whether there are any.
    pub(crate) fn copy(&self, positions: &[u32], out: &mut [f32]) -> bool {
        let Self::Vectors(table) = self else {
            return false;
        };
        let width = out.len() / positions.len().max(1);
        for (row, &position) in out.chunks_exact_mut(width.max(1)).zip(positions) {
            row.copy_from_slice(&table[position as usize * width..][..width]);
        }
        true
    }

    /// Computes the cosines and sines of the positions' turns, `[N, D]`, if they turn.
    pub(crate) fn turns(&self, positions: &[u32], head_size: usize, out: &mut Vec<f32>) {
        let Self::Rotary {
            frequencies,
            factor,
        } = self
        else {
            return;
        };
        let out = take(out, positions.len() * head_size);
        for (row, &position) in out.chunks_exact_mut(head_size).zip(positions) {
            let (cosines, sines) = row.split_at_mut(head_size / 2);
            for ((cos, sin), frequency) in cosines.iter_mut().zip(sines).zip(frequencies) {
                let angle = position as f32 * frequency;
                (*cos, *sin) = (angle.cos() * factor, angle.sin() * factor);
            }
        }
    }

    /// Whether positions turn queries and keys.
    pub(crate) fn is_rotary(&self) -> bool {
        matches!(self, Self::Rotary { .. })
    }

    pub(crate) fn bytes(&self) -> usize {
        let numbers = match self {
            Self::Vectors(table) => table.len(),
            Self::Rotary { frequencies, .. } => frequencies.len(),
        };
        numbers * size_of::<f32>()
    }
}
