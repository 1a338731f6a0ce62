//! What a stack of transformer blocks is told.

use serde::{Deserialize, Serialize};

use super::names::{Names, Role};
use super::tensor_list::TensorList;

/// The activation between the two linear layers of a transformer block.
///
/// ```
/// use cs_model::Activation;
/// assert_eq!(Activation::default(), Activation::Gelu);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x Φ(x)` with the error function (Hendrycks and Gimpel 2016).
    #[default]
    Gelu,
    /// The tanh approximation of it.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// `max(x, 0)`.
    Relu,
}

/// What a stack of transformer blocks is told, whatever family's `config.json` it comes from.
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
    /// Width `H` of the hidden states.
    pub hidden_size: usize,
    /// Width `D` of an attention head.
    pub head_size: usize,
    /// The sizes of each block, from the embeddings on.
    pub blocks: Vec<BlockSizes>,
    /// The activation between a block's feed-forward layers.
    pub activation: Activation,
    /// Added to the variance in every layer norm.
    pub norm_eps: f64,
    /// Dropout after each sublayer, in training.
    pub dropout: f64,
    /// Dropout of attention probabilities, in training.
    pub attention_dropout: f64,
}

/// The sizes of one block, which differ where parts were pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSizes {
    /// Attention heads `A`.
    pub heads: usize,
    /// Width `M` between the feed-forward layers.
    pub inner_size: usize,
}

impl Stack {
    /// Adds the blocks' tensors to a list, by the family's `names`.
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
