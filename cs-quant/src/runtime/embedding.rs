//! Embeddings: rows that are looked up and widened.

use cs_model::names::Role;

use crate::error::Result;
use crate::format::matrix::{StoredMatrix, widen_int4};
use crate::format::source::Scope;
use crate::kernel::row_ops::Dequantise;
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
