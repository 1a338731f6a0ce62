//! The sizes of layers of which heads or neurons were removed.

use serde::{Deserialize, Serialize};

use super::checks::size;
use super::stack::BlockSizes;
use crate::error::{Error, Result};

/// The sizes of layers of which heads or neurons were removed: keys of this project's own in
/// `config.json`, which are not there where nothing was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PrunedLayers {
    /// The number of attention heads of each layer; those left keep their width
    /// ([`Stack::head_size`](super::Stack)). `None`: that of the whole model in every layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_num_attention_heads: Option<Vec<usize>>,
    /// The inner width of each layer. `None`: that of the whole model in every layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_intermediate_size: Option<Vec<usize>>,
}

impl PrunedLayers {
    /// Notes the sizes of blocks, of which `whole` is the size before.
    pub(super) fn new(blocks: &[BlockSizes], whole: BlockSizes) -> Self {
        let heads = blocks.iter().map(|block| block.heads).collect();
        let inner = blocks.iter().map(|block| block.inner_size).collect();
        Self {
            layer_num_attention_heads: unless_whole(heads, whole.heads),
            layer_intermediate_size: unless_whole(inner, whole.inner_size),
        }
    }

    /// Gives the sizes of `count` layers.
    pub(super) fn blocks(&self, count: usize, whole: BlockSizes) -> Vec<BlockSizes> {
        let left = |layers: &Option<Vec<usize>>, layer: usize, whole| {
            let left = layers.as_ref().and_then(|layers| layers.get(layer));
            left.copied().unwrap_or(whole)
        };
        let block = |layer| {
            let heads = left(&self.layer_num_attention_heads, layer, whole.heads);
            BlockSizes {
                heads,
                key_value_heads: heads,
                inner_size: left(&self.layer_intermediate_size, layer, whole.inner_size),
            }
        };
        (0..count).map(block).collect()
    }

    /// Checks that there is one size for each of `count` layers, none larger than before.
    pub(super) fn validate(&self, count: usize, whole: BlockSizes) -> Result<()> {
        let heads = self.layer_num_attention_heads.as_deref();
        check("layer_num_attention_heads", heads, count, whole.heads)?;
        let inner = self.layer_intermediate_size.as_deref();
        check("layer_intermediate_size", inner, count, whole.inner_size)
    }
}

fn check(field: &str, sizes: Option<&[usize]>, count: usize, most: usize) -> Result<()> {
    let Some(sizes) = sizes else { return Ok(()) };
    if sizes.len() != count {
        let expected = format!("{count}, one for each layer with weights of its own");
        return Err(Error::field(
            format!("{field}'s length"),
            sizes.len(),
            expected,
        ));
    }
    let mut layers = sizes.iter().enumerate();
    layers.try_for_each(|(layer, &found)| size(&format!("{field}[{layer}]"), found, most))
}

/// Gives the layers' sizes, if any of them is not the whole size.
fn unless_whole(sizes: Vec<usize>, whole: usize) -> Option<Vec<usize>> {
    sizes.iter().any(|&size| size != whole).then_some(sizes)
}
