//! The encoders on packed rows. In the shapes, `N` is the number of tokens, `B` that of sequences,
//! and `H` the hidden width.

use cs_model::{Architecture, EncoderConfig};

use super::bilstm::BiLstm;
use super::embedding::Words;
use super::loader::Loader;
use super::scratch::{BatchPart, Common, Extent, Scratch, Spaces};
use super::transformer::Transformer;
use crate::error::Result;
use crate::format::source::WeightSource;
use crate::kernel::attention::HeadScratch;
use crate::kernel::gemm::Weights;
use crate::kernel::memory::grow;
use crate::kernel::team::Team;

/// An encoder of either architecture.
#[derive(Debug)]
pub(crate) enum Encoder {
    Transformer(Box<Transformer>),
    BiLstm(BiLstm),
}

impl Encoder {
    /// Reads and packs the weights, the layers side by side.
    pub(crate) fn load(
        config: &EncoderConfig,
        source: &WeightSource,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let scope = source.named(config.names());
        Ok(match config.architecture() {
            Architecture::Transformer(stack) => {
                let words = || Words::load(&stack, scope);
                Self::Transformer(Box::new(Transformer::load(&stack, scope, words, loader)?))
            }
            Architecture::BiLstm(config) => Self::BiLstm(BiLstm::load(config, scope)?),
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

    /// Makes room for the space in which a thread computes its share.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Memory`] if the system refuses the memory.
    pub(crate) fn reserve(&self, extent: Extent, scratch: &mut Scratch) -> Result<()> {
        match self {
            Self::Transformer(model) => scratch.reserve(extent.share, model.widths()),
            Self::BiLstm(model) => model.reserve(extent, scratch),
        }
    }

    /// Makes room for the space that the threads share.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Memory`] if the system refuses the memory.
    pub(crate) fn reserve_common(&self, extent: Extent, common: &mut Common) -> Result<()> {
        let Self::Transformer(model) = self else {
            return Ok(());
        };
        let len = extent.tokens.saturating_mul(model.common_width());
        common.iter_mut().try_for_each(|buffer| grow(buffer, len))
    }

    /// Makes room for the space in which a thread computes an attention head.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Memory`] if the system refuses the memory.
    pub(crate) fn reserve_head(&self, extent: Extent, scratch: &mut HeadScratch) -> Result<()> {
        match self {
            Self::Transformer(model) => scratch.reserve(extent.longest, model.head_size()),
            Self::BiLstm(_) => Ok(()),
        }
    }

    /// The number of multiply-adds of the linear layers per token.
    pub(crate) fn macs(&self) -> usize {
        match self {
            Self::Transformer(model) => model.macs(),
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
