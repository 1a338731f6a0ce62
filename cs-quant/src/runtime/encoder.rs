//! The encoders on packed rows. `N` tokens, `B` sequences, `H` width.

use cs_model::EncoderConfig;

use super::bilstm::BiLstm;
use super::loader::Loader;
use super::scratch::{BatchPart, Common, Extent, Scratch, Spaces};
use super::transformer::Transformer;
use crate::error::Result;
use crate::format::source::WeightSource;
use crate::kernel::attention::HeadScratch;
use crate::kernel::gemm::Weights;
use crate::kernel::memory::grow;
use crate::kernel::team::Team;

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
        source: &WeightSource,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let names = config.names();
        Ok(match config {
            EncoderConfig::Transformer(config) => {
                Self::Transformer(Transformer::load((config, names), source, loader)?)
            }
            EncoderConfig::BiLstm(config) => Self::BiLstm(BiLstm::load((config, names), source)?),
        })
    }

    /// Writes the last hidden states `[N, H]` to `out`.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: BatchPart<'_>,
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
    /// [`crate::Error::Memory`]
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
    /// [`crate::Error::Memory`]
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
    /// [`crate::Error::Memory`]
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
