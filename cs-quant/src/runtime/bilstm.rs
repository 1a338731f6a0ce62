//! A stack of bidirectional LSTMs with the arithmetic of PyTorch's `nn.LSTM`.
//! `N` tokens, `E` embedding width, `h` width of one direction.

use std::sync::{Mutex, PoisonError};

use cs_model::BiLstmConfig;

use super::embedding::Embedding;
use super::scratch::{Extent, Packed, Scratch, Widths, lock, take};
use crate::error::Result;
use crate::format::source::Source;
use crate::kernel::gemm::Weights;
use crate::kernel::lstm::{Recurrence, recur};
use crate::kernel::math::Act;
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct BiLstm {
    words: Embedding,
    layers: Vec<Layer>,
    /// h
    size: usize,
}

#[derive(Debug)]
struct Layer {
    /// `W_ih` of both directions, with the sum of both biases: `[8 h, E or 2 h]`
    input: Weights,
    /// `W_hh`, forward and backward: `[4 h, h]`
    hidden: [Weights; 2],
}

impl BiLstm {
    pub(crate) fn load(config: &BiLstmConfig, source: &Source) -> Result<Self> {
        let words = [config.vocab_size, config.embedding_size];
        let layers = (0..config.num_layers).map(|i| Layer::load(config, source, i));
        Ok(Self {
            words: Embedding::load(source, "embeddings.word_embeddings.weight", words)?,
            layers: layers.collect::<Result<_>>()?,
            size: config.hidden_size,
        })
    }

    /// # Shapes
    ///
    /// `out`: `[N, 2 h]`
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: Packed<'_>,
        scratch: &[Mutex<Scratch>],
        out: &mut [f32],
    ) {
        let Scratch {
            wide,
            context,
            quant,
            lstm,
            ..
        } = &mut *lock(&scratch[team.rank()]);
        let tokens = batch.ids.len();
        let words = take(context, tokens * self.words.width); // [N, E]
        for (row, &id) in words.chunks_exact_mut(self.words.width).zip(batch.ids) {
            self.words.copy(team, id, row);
        }
        for (i, layer) in self.layers.iter().enumerate() {
            let gates = take(wide, tokens * 8 * self.size); // [N, 8 h]
            let input: &[f32] = if i == 0 { words } else { out };
            layer.input.apply(team, input, Act::None, (gates, quant));
            let weights = &layer.hidden;
            let input = Recurrence {
                input: gates,
                weights,
                offsets: batch.offsets,
            };
            recur(team, input, lstm, out);
        }
    }

    /// Every linear layer.
    pub(crate) fn linears(&self) -> impl Iterator<Item = &Weights> {
        self.layers.iter().flat_map(|layer| {
            let [forward, backward] = &layer.hidden;
            [&layer.input, forward, backward]
        })
    }

    /// Makes room for a forward.
    pub(crate) fn reserve(&self, extent: Extent, scratch: &mut Scratch) -> Result<()> {
        let words = self.words.width;
        let widths = Widths {
            wide: 8 * self.size,
            context: words,
            update: 0,
            inputs: words.max(2 * self.size),
        };
        scratch.reserve(extent.tokens, widths)?;
        for direction in &mut scratch.lstm {
            let direction = direction.get_mut().unwrap_or_else(PoisonError::into_inner);
            direction.reserve(extent.sequences, self.size)?;
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.rows.bytes() + self.linears().map(Weights::bytes).sum::<usize>()
    }
}

impl Layer {
    fn load(config: &BiLstmConfig, source: &Source, index: usize) -> Result<Self> {
        let size = config.hidden_size;
        let inputs = if index == 0 {
            config.embedding_size
        } else {
            2 * size
        };
        let name = |part: &str, suffix: &str| format!("encoder.lstm.{part}_l{index}{suffix}");
        let mut bias = Vec::with_capacity(8 * size);
        for suffix in ["", "_reverse"] {
            let input = source.vector(&name("bias_ih", suffix), 4 * size)?;
            let hidden = source.vector(&name("bias_hh", suffix), 4 * size)?;
            bias.extend(input.iter().zip(hidden).map(|(a, b)| a + b));
        }
        let names = ["", "_reverse"].map(|suffix| name("weight_ih", suffix));
        let hidden = |suffix| {
            let zeros = vec![0.0; 4 * size];
            source.linear(&[name("weight_hh", suffix)], [4 * size, size], &zeros)
        };
        Ok(Self {
            input: source.linear(&names, [4 * size, inputs], &bias)?,
            hidden: [hidden("")?, hidden("_reverse")?],
        })
    }
}
