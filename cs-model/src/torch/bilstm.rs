//! The recurrent encoder.
//!
//! In the shapes, `N` is the number of packed tokens, `B` that of sequences, `E` the embedding
//! width, and `U` the number of units of one direction (`H = 2·U`).

use tch::{Kind, Tensor};

use super::PackedInput;
use super::embeddings::Embedding;
use super::layers::dropout;
use super::parameters::Scope;
use crate::config::BiLstmConfig;
use crate::config::names::{Part, Role};
use crate::error::Result;
use crate::ops::{Autocast, Device, on_device};

/// Word embeddings and a stacked bidirectional LSTM (Hochreiter and Schmidhuber 1997; Graves and
/// Schmidhuber 2005), which starts and ends at each sequence's own ends.
#[derive(Debug)]
pub(super) struct BiLstm {
    word_embeddings: Embedding,
    lstm: Lstm,
    dropout: f64,
    word_dropout: f64,
    unknown: i64,
}

impl BiLstm {
    pub(super) fn new(scope: Scope<'_>, config: &BiLstmConfig) -> Result<Self> {
        Ok(Self {
            word_embeddings: Embedding::new(scope, Role::WordEmbeddings)?,
            lstm: Lstm::new(scope, config)?,
            dropout: config.dropout,
            word_dropout: config.word_dropout,
            unknown: i64::from(config.unk_token_id),
        })
    }

    /// Computes the word vectors and the last hidden states, in f32 under autocast as well: a
    /// recurrence adds its rounding errors up.
    ///
    /// # Shapes
    /// `N` tokens give `[N, E]` and `[N, 2·U]`.
    pub(super) fn forward(&self, input: &PackedInput, train: bool) -> Result<(Tensor, Tensor)> {
        let _guard = Autocast::off(input.device())?;
        let steps = Steps::new(input.lengths(), input.device())?;
        // The ids are moved to the order of steps rather than their vectors.
        let ids = input.ids().f_index_select(0, &steps.rows)?;
        let embedded = self.word_embeddings.forward(&self.forget(ids, train)?)?;
        let embedded = dropout(embedded, self.dropout, train)?; // [N, E]
        let hidden = self.lstm.forward(&embedded, &steps, train)?;
        let packed = |x: Tensor| x.f_index_select(0, &steps.restore);
        Ok((packed(embedded)?, packed(hidden)?))
    }

    /// Replaces some of the tokens by unknown ones, in training.
    ///
    /// # Shapes
    /// `[N]` gives `[N]`.
    fn forget(&self, ids: Tensor, train: bool) -> Result<Tensor> {
        if !train || self.word_dropout == 0.0 {
            return Ok(ids);
        }
        let chance = Tensor::f_rand(ids.size(), (Kind::Float, ids.device()))?; // [N]
        Ok(ids.f_masked_fill(&chance.f_lt(self.word_dropout)?, self.unknown)?)
    }
}

/// PyTorch's `nn.LSTM`, with its names and its gates in the order i, f, g, o.
#[derive(Debug)]
struct Lstm {
    /// The weights, four tensors for each direction of each layer.
    weights: Vec<Tensor>,
    units: i64,
    layers: i64,
    dropout: f64,
}

impl Lstm {
    fn new(scope: Scope<'_>, config: &BiLstmConfig) -> Result<Self> {
        let mut weights = Vec::with_capacity(8 * config.num_layers);
        for layer in 0..config.num_layers {
            let scope = scope.layer(layer);
            for gates in [
                [Role::LstmInput, Role::LstmHidden],
                [Role::LstmInputReverse, Role::LstmHiddenReverse],
            ] {
                for part in [Part::Weight, Part::Bias] {
                    for role in gates {
                        weights.push(scope.get(role, part)?);
                    }
                }
            }
        }
        let lstm = Self {
            weights,
            units: config.hidden_size as i64,
            layers: config.num_layers as i64,
            dropout: config.dropout,
        };
        lstm.flatten(config.embedding_size as i64)?;
        Ok(lstm)
    }

    /// Moves the weights into one buffer in cuDNN's order, of which they are views from then on, as
    /// PyTorch's `flatten_parameters` does: else cuDNN is given a copy of them at every call, and
    /// libtorch warns of it.
    fn flatten(&self, inputs: i64) -> Result<()> {
        let device = self.weights[0].device();
        if !matches!(device, tch::Device::Cuda(_)) || !tch::Cuda::cudnn_is_available() {
            return Ok(());
        }
        let _guard = tch::no_grad_guard();
        let (parts, lstm, projection) = (4, 2, 0);
        let buffer = Tensor::f_internal_cudnn_rnn_flatten_weight(
            &self.weights,
            parts,
            inputs,
            lstm,
            self.units,
            projection,
            self.layers,
            false,
            true,
        )?;
        // The views keep the buffer alive.
        drop(buffer);
        Ok(())
    }

    /// Runs the recurrence.
    ///
    /// # Shapes
    /// `[N, E]` gives `[N, 2·U]`, both in the order of `steps`.
    fn forward(&self, x: &Tensor, steps: &Steps, train: bool) -> Result<Tensor> {
        let shape = [2 * self.layers, steps.sequences, self.units];
        let start = Tensor::f_zeros(shape, (Kind::Float, x.device()))?; // [2·layers, B, U]
        let (hidden, _, _) = Tensor::f_lstm_data(
            x,
            &steps.batch_sizes,
            &[&start, &start],
            &self.weights.iter().collect::<Vec<_>>(),
            true,
            self.layers,
            // Dropout acts between layers only, as in PyTorch.
            if train && self.layers > 1 {
                self.dropout
            } else {
                0.0
            },
            // cuDNN gives gradients in training mode alone; dropout apart, the modes agree.
            true,
            true,
        )?;
        Ok(hidden)
    }
}

/// The order in which a recurrence reads a packed batch: all first tokens, then all second
/// ones …, longer sequences before shorter ones, so that each step is one matrix product.
#[derive(Debug)]
struct Steps {
    sequences: i64,
    /// The packed row that is read at each position of this order, `[N]`.
    rows: Tensor,
    /// The position in this order of each packed row, `[N]`.
    restore: Tensor,
    /// The number of sequences still running at each step, `[longest]`; libtorch wants it on the
    /// CPU.
    batch_sizes: Tensor,
}

impl Steps {
    fn new(lengths: &[usize], device: Device) -> Result<Self> {
        let (rows, batch_sizes) = order(lengths);
        let mut restore = vec![0_i64; rows.len()];
        for (place, &row) in rows.iter().enumerate() {
            restore[row as usize] = place as i64;
        }
        Ok(Self {
            sequences: lengths.len() as i64,
            rows: on_device(&rows, device)?,
            restore: on_device(&restore, device)?,
            batch_sizes: Tensor::f_from_slice(&batch_sizes)?,
        })
    }
}

/// Gives the packed row at each position of the order, and the number of positions of each step.
fn order(lengths: &[usize]) -> (Vec<i64>, Vec<i64>) {
    let mut starts = Vec::with_capacity(lengths.len());
    let mut total = 0;
    for &length in lengths {
        starts.push(total);
        total += length;
    }
    let mut sorted: Vec<usize> = (0..lengths.len()).collect();
    sorted.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
    let mut rows = Vec::with_capacity(total);
    let mut batch_sizes = Vec::new();
    let mut running = sorted.len();
    for step in 0.. {
        while running > 0 && lengths[sorted[running - 1]] <= step {
            running -= 1;
        }
        if running == 0 {
            break;
        }
        rows.extend(
            sorted[..running]
                .iter()
                .map(|&sequence| (starts[sequence] + step) as i64),
        );
        batch_sizes.push(running as i64);
    }
    (rows, batch_sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_over_longer_sequences_first() {
        let (rows, batch_sizes) = order(&[2, 4, 1, 2]);
        assert_eq!(batch_sizes, [4, 3, 1, 1]);
        assert_eq!(rows, [2, 0, 7, 6, 3, 1, 8, 4, 5]);
    }
}
