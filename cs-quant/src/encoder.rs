//! The encoders on packed rows. `N` tokens, `B` sequences, `H` width.

use std::sync::Mutex;

use cs_model::EncoderConfig;

use crate::bilstm::BiLstm;
use crate::error::Result;
use crate::kernel::attention::HeadScratch;
use crate::kernel::gemm::QuantScratch;
use crate::kernel::lstm::LstmScratch;
use crate::kernel::rows::Dequantise;
use crate::kernel::team::Team;
use crate::load::{Rows, Source};
use crate::transformer::Transformer;

/// Some whole sequences of a batch that passed [`crate::plan::check`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// `[N]`
    pub(crate) ids: &'a [u32],
    /// `[N]`
    pub(crate) positions: &'a [u32],
    /// Where sequences begin in the batch; the first is where this part begins: `[B + 1]`
    pub(crate) offsets: &'a [u32],
}

/// Space for one forward, kept between calls; grows to the largest batch seen.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) wide: Vec<f32>,
    pub(crate) context: Vec<f32>,
    pub(crate) update: Vec<f32>,
    pub(crate) quant: QuantScratch,
    pub(crate) lstm: [Mutex<LstmScratch>; 2],
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
    pub(crate) fn load(config: &EncoderConfig, source: &Source) -> Result<Self> {
        Ok(match config {
            EncoderConfig::Transformer(config) => {
                Self::Transformer(Transformer::load(config, source)?)
            }
            EncoderConfig::BiLstm(config) => Self::BiLstm(BiLstm::load(config, source)?),
        })
    }

    /// Writes the last hidden states `[N, H]` to `out`. `heads` has a place per thread.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: Packed<'_>,
        (scratch, heads): (&mut Scratch, &[Mutex<HeadScratch>]),
        out: &mut [f32],
    ) {
        match self {
            Self::Transformer(model) => model.forward(team, batch, (scratch, heads), out),
            Self::BiLstm(model) => model.forward(team, batch, scratch, out),
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
        }
    }
}
