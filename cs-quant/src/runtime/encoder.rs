//! The encoders on packed rows. `N` tokens, `B` sequences, `H` width.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cs_model::EncoderConfig;

use crate::error::Result;
use crate::format::matrix::{Rows, widen_int4};
use crate::format::source::{Loader, Source};
use crate::kernel::attention::HeadScratch;
use crate::kernel::gemm::{QuantScratch, Weights};
use crate::kernel::lstm::LstmScratch;
use crate::kernel::memory::grow;
use crate::kernel::row_ops::Dequantise;
use crate::kernel::team::Team;
use crate::runtime::bilstm::BiLstm;
use crate::runtime::transformer::Transformer;

/// Some whole sequences of a batch that passed [`crate::runtime::split::check`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// `[N]`
    pub(crate) ids: &'a [u32],
    /// `[N]`
    pub(crate) positions: &'a [u32],
    /// Where sequences begin in the batch; the first is where this part begins: `[B + 1]`
    pub(crate) offsets: &'a [u32],
}

impl Packed<'_> {
    /// Some of the tokens, whatever sequences they belong to.
    pub(crate) fn rows(self, rows: Range<usize>) -> Self {
        Self {
            ids: &self.ids[rows.clone()],
            positions: &self.positions[rows],
            ..self
        }
    }
}

/// Space for the rows a thread works on, kept between calls; grows to the largest seen.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) wide: Vec<f32>,
    pub(crate) context: Vec<f32>,
    pub(crate) update: Vec<f32>,
    pub(crate) quant: QuantScratch,
    pub(crate) lstm: [Mutex<LstmScratch>; 2],
}

/// What the threads that work on a group share: queries, keys and values of two layers in turn.
pub(crate) type Common = [Vec<f32>; 2];

/// Where a forward works. Threads are told apart by their rank.
#[derive(Debug)]
pub(crate) struct Spaces<'a> {
    pub(crate) common: &'a mut Common,
    pub(crate) scratch: &'a [Mutex<Scratch>],
    pub(crate) heads: &'a [Mutex<HeadScratch>],
}

/// What a forward needs room for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) tokens: usize,
    /// Of them, what one thread works on.
    pub(crate) share: usize,
    pub(crate) sequences: usize,
    /// Tokens of the longest sequence.
    pub(crate) longest: usize,
}

/// Widths of a thread's buffers, in values per token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) wide: usize,
    pub(crate) context: usize,
    pub(crate) update: usize,
    /// The widest input of a linear layer.
    pub(crate) inputs: usize,
}

impl Scratch {
    /// Makes room for some tokens.
    pub(crate) fn reserve(&mut self, tokens: usize, widths: Widths) -> Result<()> {
        grow(&mut self.wide, tokens.saturating_mul(widths.wide))?;
        grow(&mut self.context, tokens.saturating_mul(widths.context))?;
        grow(&mut self.update, tokens.saturating_mul(widths.update))?;
        self.quant.reserve(tokens, widths.inputs)
    }
}

/// Takes a thread's own space, which nobody else holds.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first `len` places of a buffer, grown if need be.
pub(crate) fn take(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

/// Either encoder.
#[derive(Debug)]
pub(crate) enum Encoder {
    Transformer(Transformer),
    BiLstm(BiLstm),
}

impl Encoder {
    /// Reads and packs the weights, the layers side by side.
    pub(crate) fn load(
        config: &EncoderConfig,
        source: &Source,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        Ok(match config {
            EncoderConfig::Transformer(config) => {
                Self::Transformer(Transformer::load(config, source, loader)?)
            }
            EncoderConfig::BiLstm(config) => Self::BiLstm(BiLstm::load(config, source)?),
        })
    }

    /// Writes the last hidden states `[N, H]` to `out`.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: Packed<'_>,
        spaces: Spaces<'_>,
        out: &mut [f32],
    ) {
        match self {
            Self::Transformer(model) => model.forward(team, batch, spaces, out),
            Self::BiLstm(model) => model.forward(team, batch, spaces.scratch, out),
        }
    }

    /// Makes room for what a thread computes its share in.
    ///
    /// # Errors
    ///
    /// [`crate::QuantError::Memory`]
    pub(crate) fn reserve(&self, extent: Extent, scratch: &mut Scratch) -> Result<()> {
        match self {
            Self::Transformer(model) => scratch.reserve(extent.share, model.widths()),
            Self::BiLstm(model) => model.reserve(extent, scratch),
        }
    }

    /// Makes room for what the threads share.
    ///
    /// # Errors
    ///
    /// [`crate::QuantError::Memory`]
    pub(crate) fn reserve_common(&self, extent: Extent, common: &mut Common) -> Result<()> {
        let Self::Transformer(model) = self else {
            return Ok(());
        };
        let len = extent.tokens.saturating_mul(model.common_width());
        common.iter_mut().try_for_each(|buffer| grow(buffer, len))
    }

    /// Makes room for what a thread computes a head with.
    ///
    /// # Errors
    ///
    /// [`crate::QuantError::Memory`]
    pub(crate) fn reserve_head(&self, extent: Extent, scratch: &mut HeadScratch) -> Result<()> {
        match self {
            Self::Transformer(model) => scratch.reserve(extent.longest, model.head_size()),
            Self::BiLstm(_) => Ok(()),
        }
    }

    /// Multiply-adds of the linear layers per token.
    pub(crate) fn macs(&self) -> usize {
        match self {
            Self::Transformer(model) => model.linears().map(Weights::macs).sum(),
            Self::BiLstm(model) => model.linears().map(Weights::macs).sum(),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Transformer(model) => model.bytes(),
            Self::BiLstm(model) => model.bytes(),
        }
    }
}

/// A table of rows that are looked up.
#[derive(Debug)]
pub(crate) struct Embedding {
    pub(crate) rows: Rows,
    pub(crate) width: usize,
}

impl Embedding {
    pub(crate) fn load(source: &Source, name: &str, shape: [usize; 2]) -> Result<Self> {
        Ok(Self {
            rows: source.matrix(name, shape)?,
            width: shape[1],
        })
    }

    /// Copies row `id` to `out`; the id was checked.
    pub(crate) fn copy(&self, team: Team<'_>, id: u32, out: &mut [f32]) {
        let from = id as usize * self.width;
        match &self.rows {
            Rows::F32(data) => out.copy_from_slice(&data[from..][..self.width]),
            Rows::Int8 { data, scale } => team.simd.run(Dequantise {
                row: &data[from..][..self.width],
                scale: scale[id as usize],
                out,
            }),
            Rows::Int4 { data, scale, group } => {
                let steps = self.width / group;
                let row = &data[from / 2..][..self.width / 2];
                widen_int4(row, &scale[id as usize * steps..][..steps], *group, out);
            }
        }
    }
}
