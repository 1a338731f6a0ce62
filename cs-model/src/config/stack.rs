//! What a transformer has to know to be built.

use serde::{Deserialize, Serialize};

use super::names::{Names, Part, Role};
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

/// What a transformer has to know to be built, whichever family's `config.json` it comes from:
/// embeddings of words, positions and token types, added up and normalised, and a stack of blocks,
/// each with its norms after its sublayers.
///
/// ```
/// use cs_model::BertConfig;
///
/// let config = BertConfig {
///     num_hidden_layers: 2,
///     layer_num_attention_heads: Some(vec![12, 7]),
///     ..Default::default()
/// };
/// let stack = config.stack();
/// assert_eq!((stack.head_size, stack.blocks[1].heads), (64, 7));
/// assert_eq!(stack.embeddings.words, 30522);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The width `H` of the hidden states.
    pub hidden_size: usize,
    /// The width `D` of an attention head.
    pub head_size: usize,
    /// The sizes of the tables of embeddings.
    pub embeddings: EmbeddingRows,
    /// The sizes of each block, from the embeddings on.
    pub blocks: Vec<BlockSizes>,
    /// The activation between a block's feed-forward layers.
    pub activation: Activation,
    /// The number that every layer norm adds to the variance.
    pub norm_eps: f64,
    /// The dropout rate after the embeddings and after each sublayer, in training.
    pub dropout: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attention_dropout: f64,
}

/// The numbers of rows of the tables of embeddings, which are added up for each token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddingRows {
    /// The number `V` of words.
    pub words: usize,
    /// The number `P` of learned positions.
    pub positions: usize,
    /// The number of token types, of which the first is used.
    pub token_types: usize,
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
    /// Lists name and shape of every tensor of the encoder by the family's `names`, in order of
    /// use.
    pub(super) fn tensors(&self, names: Names) -> Vec<(String, Vec<usize>)> {
        let (hidden, rows) = (self.hidden_size, self.embeddings);
        let mut list = TensorList::new(names);
        list.table(Role::WordEmbeddings, rows.words, hidden);
        list.table(Role::PositionEmbeddings, rows.positions, hidden);
        list.table(Role::TokenTypeEmbeddings, rows.token_types, hidden);
        list.norm(Role::EmbeddingNorm, hidden);
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
        list.tensors
    }

    /// Lists name and shape of every tensor that predicting masked words adds to the encoder's. Its
    /// last layer is the table of word embeddings.
    pub(super) fn masked_lm_tensors(&self, names: Names) -> Vec<(String, Vec<usize>)> {
        let mut list = TensorList::new(names);
        list.linear(Role::MaskedLmDense, self.hidden_size, self.hidden_size);
        list.norm(Role::MaskedLmNorm, self.hidden_size);
        list.push(Role::MaskedLmBias, Part::Bias, vec![self.embeddings.words]);
        list.tensors
    }
}
