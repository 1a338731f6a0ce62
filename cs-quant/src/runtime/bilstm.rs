//! A stack of bidirectional LSTMs with the arithmetic of PyTorch's `nn.LSTM`.
//!
//! In the shapes, `N` is the number of tokens, `E` the embedding width, `h` the width of one
//! direction, and `p` that rounded up to a multiple of 16.

use std::sync::{Mutex, PoisonError};

use cs_model::BiLstmConfig;
use cs_model::names::Role;

use super::embedding::Embedding;
use super::scratch::{BatchPart, Extent, Scratch, Widths, lock, take};
use crate::error::Result;
use crate::format::source::Scope;
use crate::kernel::TILE;
use crate::kernel::gemm::Weights;
use crate::kernel::lstm::{Recurrence, recur};
use crate::kernel::math::Act;
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct BiLstm {
    word_embeddings: Embedding,
    layers: Vec<Layer>,
    /// The width `h` of one direction.
    size: usize,
}

#[derive(Debug)]
struct Layer {
    /// The matrix `W_ih` of both directions, with the sum of both biases: `[8 p, E or 2 h]`.
    input: Weights,
    /// The matrices `W_hh`, forward and backward: `[4 p, h]` each.
    hidden: [Weights; 2],
}

impl BiLstm {
    pub(crate) fn load(config: &BiLstmConfig, scope: Scope<'_>) -> Result<Self> {
        let layers = (0..config.num_layers).map(|i| Layer::load(config, scope, i));
        let shape = [config.vocab_size, config.embedding_size];
        Ok(Self {
            word_embeddings: Embedding::load(scope, Role::WordEmbeddings, shape)?,
            layers: layers.collect::<Result<_>>()?,
            size: config.hidden_size,
        })
    }

    /// Computes the last hidden states.
    ///
    /// # Shapes
    ///
    /// `out` is `[N, 2 h]`.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: BatchPart<'_>,
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
        let embedded = take(context, tokens * self.word_embeddings.width); // [N, E]
        for (row, &id) in embedded
            .chunks_exact_mut(self.word_embeddings.width)
            .zip(batch.ids)
        {
            self.word_embeddings.copy(team, id, row);
        }
        for (i, layer) in self.layers.iter().enumerate() {
            let gates = take(wide, tokens * layer.input.outputs()); // [N, 8 p]
            let input: &[f32] = if i == 0 { embedded } else { out };
            layer.input.apply(team, input, Act::None, gates, quant);
            let weights = &layer.hidden;
            let input = Recurrence {
                input: gates,
                weights,
                offsets: batch.offsets,
            };
            recur(team, input, lstm, out);
        }
    }

    /// Lists the weights of every linear layer.
    pub(crate) fn linears(&self) -> impl Iterator<Item = &Weights> {
        self.layers.iter().flat_map(|layer| {
            let [forward, backward] = &layer.hidden;
            [&layer.input, forward, backward]
        })
    }

    /// Makes room for a forward.
    pub(crate) fn reserve(&self, extent: Extent, scratch: &mut Scratch) -> Result<()> {
        let embedded = self.word_embeddings.width;
        let widths = Widths {
            wide: 8 * self.size.next_multiple_of(TILE),
            context: embedded,
            update: 0,
            inputs: embedded.max(2 * self.size),
        };
        scratch.reserve(extent.tokens, widths)?;
        for direction in &mut scratch.lstm {
            let direction = direction.get_mut().unwrap_or_else(PoisonError::into_inner);
            direction.reserve(extent.sequences, self.size)?;
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.word_embeddings.rows.bytes() + self.linears().map(Weights::bytes).sum::<usize>()
    }
}

impl Layer {
    fn load(config: &BiLstmConfig, model: Scope<'_>, index: usize) -> Result<Self> {
        let (scope, size) = (model.layer(index), config.hidden_size);
        let inputs = if index == 0 {
            config.embedding_size
        } else {
            2 * size
        };
        let mut bias = Vec::with_capacity(8 * size);
        for (input, hidden) in [
            (Role::LstmInput, Role::LstmHidden),
            (Role::LstmInputReverse, Role::LstmHiddenReverse),
        ] {
            let input = scope.bias(input, 4 * size)?;
            let hidden = scope.bias(hidden, 4 * size)?;
            bias.extend(input.iter().zip(hidden).map(|(a, b)| a + b));
        }
        let input = [Role::LstmInput, Role::LstmInputReverse];
        let zeros = vec![0.0; 4 * size];
        let hidden = |role| scope.gates(&[role], [size, size], &zeros);
        Ok(Self {
            input: scope.gates(&input, [size, inputs], &bias)?,
            hidden: [hidden(Role::LstmHidden)?, hidden(Role::LstmHiddenReverse)?],
        })
    }
}
