//! Structured pruning: attention heads and feed-forward neurons are removed for good, so that the
//! matrices get smaller (Michel et al. 2019, <https://arxiv.org/abs/1905.10650>).
//!
//! In the shapes, `H` is the hidden width, `D` the head size, `A` the number of heads of a layer
//! and `I` its inner width.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::names::{Part, Role, TensorRole};
use cs_model::{BlockSizes, Bundle, EncoderConfig, Stack};
use serde::{Deserialize, Serialize};

use crate::compress::edited::{EditedBundle, refuse_own_folder, tensors, tokenizer_json};
use crate::error::{Error, Result};
use crate::format::source::require_fp32;

pub(crate) mod latency;
mod magnitude;
pub(crate) mod target;

pub use magnitude::magnitude;

/// The parts that stay of each layer: indices of heads and neurons, ascending, at least one of
/// each.
///
/// ```
/// use cs_model::{BertConfig, EncoderConfig};
/// use cs_quant::PrunePlan;
///
/// let config = BertConfig { num_hidden_layers: 2, ..Default::default() };
/// let mut plan = PrunePlan::whole(&config.stack());
/// plan.heads[1] = vec![0, 7];
/// plan.neurons[0].truncate(1000);
/// let pruned = plan.apply(&EncoderConfig::from(config))?.stack().unwrap();
/// assert_eq!((pruned.blocks[0].heads, pruned.blocks[1].heads), (12, 2));
/// assert_eq!(pruned.blocks[0].inner_size, 1000);
/// assert_eq!(pruned.head_size, 64);
/// # Ok::<(), cs_quant::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunePlan {
    /// The indices of the heads that stay, as `heads[layer]`.
    pub heads: Vec<Vec<usize>>,
    /// The indices of the neurons that stay, as `neurons[layer]`.
    pub neurons: Vec<Vec<usize>>,
}

/// Numbers of heads and neurons in all layers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) heads: usize,
    pub(crate) neurons: usize,
}

impl PrunePlan {
    /// Makes a plan in which everything stays.
    #[must_use]
    pub fn whole(stack: &Stack) -> Self {
        let blocks = || stack.blocks.iter();
        Self {
            heads: blocks().map(|block| (0..block.heads).collect()).collect(),
            neurons: blocks()
                .map(|block| (0..block.inner_size).collect())
                .collect(),
        }
    }

    /// Counts heads and neurons in all layers together.
    pub(crate) fn counts(&self) -> Counts {
        let count = |kept: &[Vec<usize>]| kept.iter().map(Vec::len).sum();
        Counts {
            heads: count(&self.heads),
            neurons: count(&self.neurons),
        }
    }

    /// Gives the configuration of the pruned model.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the plan is not one for this configuration; [`Error::NoBlocks`] if the
    /// model is no transformer.
    pub fn apply(&self, config: &EncoderConfig) -> Result<EncoderConfig> {
        let Stack { blocks, passes, .. } = blocks_of(config)?;
        for (setting, kept) in [("heads", &self.heads), ("neurons", &self.neurons)] {
            if kept.len() != blocks.len() {
                let found = format!("{} layers", kept.len());
                let expected = match passes {
                    1 => "one list a layer",
                    _ => "one list, as all layers have one's weights",
                };
                return Err(Error::config(setting, found, expected));
            }
        }
        let mut left = Vec::with_capacity(blocks.len());
        for (layer, block) in blocks.iter().enumerate() {
            let (heads, neurons) = (&self.heads[layer], &self.neurons[layer]);
            check("heads", layer, heads, block.heads)?;
            check("neurons", layer, neurons, block.inner_size)?;
            left.push(BlockSizes {
                heads: heads.len(),
                key_value_heads: heads.len(),
                inner_size: neurons.len(),
            });
        }
        Ok(config.with_blocks(&left)?)
    }
}

fn check(setting: &'static str, layer: usize, kept: &[usize], count: usize) -> Result<()> {
    let ascending = kept.is_sorted_by(|a, b| a < b);
    if !kept.is_empty() && ascending && kept.last().is_none_or(|&last| last < count) {
        return Ok(());
    }
    let found = format!("{kept:?} of {count} in layer {layer}");
    Err(Error::config(
        setting,
        found,
        "ascending indices, at least one",
    ))
}

/// Writes the model without what `plan` leaves out to `out`, a bundle in fp32 whose `config.json`
/// has the layers' sizes. It computes what the whole model would with the weights of the missing
/// heads and neurons at zero, and can be quantised like any other.
///
/// Takes about three times the weights file's size in memory.
///
/// # Errors
///
/// The plan does not fit; the model is a BiLSTM, which has neither heads nor neurons; weights are
/// missing or damaged; or `out` is the model's own folder, or not writable.
pub fn prune(bundle: &Bundle, out: &Path, plan: &PrunePlan) -> Result<()> {
    let head_size = blocks_of(bundle.config())?.head_size;
    let pruned = plan.apply(bundle.config())?;
    refuse_own_folder(bundle, out)?;
    require_fp32(bundle, "fp32")?;
    let weights = bundle.weights()?;
    let mut kept = BTreeMap::new();
    for (name, shape) in tensors(bundle) {
        let data = weights.f32(&name, &shape)?;
        let left = match TensorRole::parse(&name) {
            Some(tensor) => plan.slice(tensor, &shape, data, head_size),
            None => data,
        };
        kept.insert(name, left);
    }
    let changed = EditedBundle {
        config: pruned,
        tokenizer: tokenizer_json(bundle)?,
        tensors: kept,
    };
    changed.write(bundle, out)
}

/// Gives the stack of a model that has heads and neurons.
pub(crate) fn blocks_of(config: &EncoderConfig) -> Result<Stack> {
    let model_type = config.model_type();
    config.stack().ok_or(Error::NoBlocks { model_type })
}

impl PrunePlan {
    /// Gives what stays of a tensor.
    fn slice(
        &self,
        tensor: TensorRole,
        shape: &[usize],
        data: Vec<f32>,
        head_size: usize,
    ) -> Vec<f32> {
        let Some(layer) = tensor.layer else {
            return data;
        };
        let heads = self.heads[layer].iter();
        let heads = heads.flat_map(|&head| head * head_size..(head + 1) * head_size);
        let neurons = self.neurons[layer].iter().copied();
        let width = shape.get(1).copied().unwrap_or(1);
        match (tensor.role, tensor.part) {
            (Role::Query | Role::Key | Role::Value, _) => rows(&data, width, heads),
            (Role::AttentionOutput, Part::Weight) => columns(&data, width, &Vec::from_iter(heads)),
            (Role::FeedForwardIn, _) => rows(&data, width, neurons),
            (Role::FeedForwardOut, Part::Weight) => columns(&data, width, &Vec::from_iter(neurons)),
            _ => data,
        }
    }
}

fn rows(data: &[f32], width: usize, kept: impl Iterator<Item = usize>) -> Vec<f32> {
    kept.flat_map(|row| &data[row * width..][..width])
        .copied()
        .collect()
}

fn columns(data: &[f32], width: usize, kept: &[usize]) -> Vec<f32> {
    data.chunks_exact(width)
        .flat_map(|row| kept.iter().map(move |&column| row[column]))
        .collect()
}
