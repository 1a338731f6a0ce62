//! Structured pruning: attention heads and feed-forward neurons are removed for good, so that the
//! matrices get smaller (Michel et al. 2019, <https://arxiv.org/abs/1905.10650>).
//!
//! In the shapes, `H` is the hidden width, `D` the head size, `A` the number of heads of a layer
//! and `I` its inner width.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::names::{Part, Role, TensorRole};
use cs_model::{Bundle, EncoderConfig, TransformerConfig};
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
/// use cs_model::TransformerConfig;
/// use cs_quant::PrunePlan;
///
/// let config = TransformerConfig { num_hidden_layers: 2, ..Default::default() };
/// let mut plan = PrunePlan::whole(&config);
/// plan.heads[1] = vec![0, 7];
/// plan.neurons[0].truncate(1000);
/// let pruned = plan.apply(&config)?;
/// assert_eq!(pruned.layer_num_attention_heads, Some(vec![12, 2]));
/// assert_eq!(pruned.inner_size(0), 1000);
/// assert_eq!(pruned.head_size(), 64);
/// # Ok::<(), cs_quant::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunePlan {
    /// The indices of the heads that stay, as `heads[layer]`.
    pub heads: Vec<Vec<usize>>,
    /// The indices of the neurons that stay, as `neurons[layer]`.
    pub neurons: Vec<Vec<usize>>,
}

impl PrunePlan {
    /// Makes a plan in which everything stays.
    #[must_use]
    pub fn whole(config: &TransformerConfig) -> Self {
        let layers = 0..config.num_hidden_layers;
        Self {
            heads: layers
                .clone()
                .map(|i| (0..config.heads(i)).collect())
                .collect(),
            neurons: layers
                .map(|i| (0..config.inner_size(i)).collect())
                .collect(),
        }
    }

    /// Gives the configuration of the pruned model.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the plan is not one for this configuration.
    pub fn apply(&self, config: &TransformerConfig) -> Result<TransformerConfig> {
        for (setting, kept) in [("heads", &self.heads), ("neurons", &self.neurons)] {
            if kept.len() != config.num_hidden_layers {
                let found = format!("{} layers", kept.len());
                return Err(refused(setting, found, "one list a layer"));
            }
        }
        for layer in 0..config.num_hidden_layers {
            check("heads", layer, &self.heads[layer], config.heads(layer))?;
            check(
                "neurons",
                layer,
                &self.neurons[layer],
                config.inner_size(layer),
            )?;
        }
        let sizes = |kept: &[Vec<usize>], whole: usize| {
            let sizes: Vec<usize> = kept.iter().map(Vec::len).collect();
            sizes.iter().any(|&size| size != whole).then_some(sizes)
        };
        Ok(TransformerConfig {
            layer_num_attention_heads: sizes(&self.heads, config.num_attention_heads),
            layer_intermediate_size: sizes(&self.neurons, config.intermediate_size),
            ..config.clone()
        })
    }
}

fn refused(setting: &'static str, found: String, expected: &'static str) -> Error {
    Error::Config {
        setting,
        found,
        expected,
    }
}

fn check(setting: &'static str, layer: usize, kept: &[usize], count: usize) -> Result<()> {
    let ascending = kept.is_sorted_by(|a, b| a < b);
    if !kept.is_empty() && ascending && kept.last().is_none_or(|&last| last < count) {
        return Ok(());
    }
    let found = format!("{kept:?} of {count} in layer {layer}");
    Err(refused(setting, found, "ascending indices, at least one"))
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
    let config = transformer(bundle)?;
    let pruned = plan.apply(config)?;
    refuse_own_folder(bundle, out)?;
    require_fp32(bundle, "fp32")?;
    let weights = bundle.weights()?;
    let mut kept = BTreeMap::new();
    for (name, shape) in tensors(bundle) {
        let data = weights.f32(&name, &shape)?;
        kept.insert(
            name.clone(),
            slice(&name, &shape, data, (plan, config.head_size())),
        );
    }
    let changed = EditedBundle {
        config: EncoderConfig::from(pruned),
        tokenizer: tokenizer_json(bundle)?,
        tensors: kept,
    };
    changed.write(bundle, out)
}

pub(crate) fn transformer(bundle: &Bundle) -> Result<&TransformerConfig> {
    match bundle.config() {
        EncoderConfig::Transformer(config) => Ok(config),
        other => {
            let found = other.model_type().to_owned();
            Err(refused(
                "model_type",
                found,
                "bert, which has heads and neurons",
            ))
        }
    }
}

/// Gives what stays of a tensor.
fn slice(
    name: &str,
    shape: &[usize],
    data: Vec<f32>,
    (plan, head_size): (&PrunePlan, usize),
) -> Vec<f32> {
    let Some(TensorRole {
        role,
        layer: Some(layer),
        part,
    }) = TensorRole::parse(name)
    else {
        return data;
    };
    let heads = || {
        let heads = plan.heads[layer].iter();
        heads.flat_map(|&head| head * head_size..(head + 1) * head_size)
    };
    let neurons = || plan.neurons[layer].iter().copied();
    let width = shape.get(1).copied().unwrap_or(1);
    match (role, part) {
        (Role::Query | Role::Key | Role::Value, _) => rows(&data, width, heads()),
        (Role::AttentionOutput, Part::Weight) => {
            columns(&data, width, &heads().collect::<Vec<_>>())
        }
        (Role::FeedForwardIn, _) => rows(&data, width, neurons()),
        (Role::FeedForwardOut, Part::Weight) => {
            columns(&data, width, &neurons().collect::<Vec<_>>())
        }
        _ => data,
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
