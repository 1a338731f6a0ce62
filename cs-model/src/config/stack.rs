//! What a stack of transformer blocks has to know to be built.

use serde::{Deserialize, Serialize};

use super::names::{Names, Role};
use super::tensor_list::TensorList;

/// The activation between the two linear layers of a transformer block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x Φ(x)`, computed with the error function (Hendrycks and Gimpel 2016). This is the default.
    #[default]
    Gelu,
    /// The tanh approximation of [`Activation::Gelu`].
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// The rectified linear unit, `max(x, 0)`.
    Relu,
}

/// What a stack of transformer blocks has to know to be built, whichever family's `config.json` it
/// comes from.
///
/// ```
/// use cs_model::TransformerConfig;
///
/// let config = TransformerConfig {
///     num_hidden_layers: 2,
///     layer_num_attention_heads: Some(vec![12, 7]),
///     ..Default::default()
/// };
/// let stack = config.stack();
/// assert_eq!((stack.head_size, stack.blocks[1].heads), (64, 7));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The width `H` of the hidden states.
    pub hidden_size: usize,
    /// The width `D` of an attention head.
    pub head_size: usize,
    /// The sizes of each block, from the embeddings on.
    pub blocks: Vec<BlockSizes>,
    /// The activation between a block's feed-forward layers.
    pub activation: Activation,
    /// The number that every layer norm adds to the variance.
    pub norm_eps: f64,
    /// The dropout rate after each sublayer, in training.
    pub dropout: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attention_dropout: f64,
}

/// The sizes of one block, which differ where parts were pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSizes {
    /// The number `A` of attention heads.
    pub heads: usize,
    /// The width `M` between the feed-forward layers.
    pub inner_size: usize,
}

impl Stack {
    /// Adds the blocks' tensors to a list, under the family's `names`.
    pub(super) fn list_tensors(&self, names: Names, list: &mut TensorList) {
        let hidden = self.hidden_size;
        for (layer, sizes) in self.blocks.iter().enumerate() {
            list.names = names.layer(layer);
            let context = sizes.heads * self.head_size;
            for projection in [Role::Query, Role::Key, Role::Value] {
                list.linear(projection, context, hidden);
            }
            list.linear(Role::AttentionOutput, hidden, context);
            list.norm(Role::AttentionNorm, hidden);
            list.linear(Role::FeedForwardIn, sizes.inner_size, hidden);
            list.linear(Role::FeedForwardOut, hidden, sizes.inner_size);
            list.norm(Role::FeedForwardNorm, hidden);
        }
    }
}
