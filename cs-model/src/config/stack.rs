//! What a transformer has to know to be built.

use serde::{Deserialize, Serialize};

use super::names::{Names, Part, Role};
use super::rotary::Rotary;
use super::tensor_list::TensorList;

/// The activation between the linear layers of a transformer block.
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
    /// `x σ(x)`, with the logistic function (Elfwing, Uchibe and Doya 2018).
    #[serde(alias = "swish")]
    Silu,
}

/// What a transformer has to know to be built, whichever family's `config.json` it comes from:
/// embeddings, and a stack of blocks of attention and feed-forward layers.
///
/// ```
/// use cs_model::{BertConfig, NormPlace};
///
/// let stack = BertConfig { num_hidden_layers: 2, ..Default::default() }.stack();
/// assert_eq!((stack.head_size, stack.blocks[1].heads), (64, 12));
/// assert_eq!(stack.embeddings.words, 30522);
/// assert_eq!(stack.norms.place, NormPlace::After);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The width `H` of the hidden states.
    pub hidden_size: usize,
    /// The width `D` of an attention head.
    pub head_size: usize,
    /// How tokens become vectors.
    pub embeddings: Embeddings,
    /// The sizes of each block that has weights of its own, from the embeddings on.
    pub blocks: Vec<BlockSizes>,
    /// How often the blocks are run, each time on what they gave before: 1, but for ALBERT's one
    /// block.
    pub passes: usize,
    /// What is normalised, and how.
    pub norms: Norms,
    /// Whether a token attends only to itself and to those before it.
    pub causal: bool,
    /// Whether each block attends to the hidden states of an encoder as well.
    pub cross_attention: bool,
    /// The activation between a block's feed-forward layers.
    pub activation: Activation,
    /// Whether the activated layer is multiplied by another one of the same input (Shazeer 2020,
    /// "GLU Variants Improve Transformer").
    pub gated: bool,
    /// Which of a block's linear layers add a bias.
    pub biases: Biases,
    /// Whether linear layers are stored as GPT-2 has them: `[inputs, outputs]`, with queries, keys
    /// and values in one.
    pub conv1d: bool,
    /// The dropout rate after the embeddings and after each sublayer, in training.
    pub dropout: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attention_dropout: f64,
}

/// How tokens become vectors: the sum of vectors of their word, position and token type.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// The number `V` of words.
    pub words: usize,
    /// The width `E` of the vectors; where it is not the hidden width, a linear layer leads there.
    pub width: usize,
    /// The factor of word vectors.
    pub scale: f64,
    /// How positions are told.
    pub positions: Positions,
    /// The number of token types, of which the first is used; 0 for none.
    pub token_types: usize,
}

/// How a transformer knows the order of tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum Positions {
    /// By a table of vectors.
    Learned {
        /// The number `P` of the table's rows.
        rows: usize,
        /// The row of the first position.
        offset: usize,
    },
    /// By sines and cosines of the position (Vaswani et al. 2017, section 3.5), the sines in the
    /// first half of the vector. Checkpoints may hold them, and they are not read.
    Sinusoidal {
        /// The number of positions.
        rows: usize,
    },
    /// By turning queries and keys.
    Rotary(Rotary),
}

impl Positions {
    /// Computes the vectors of [sinusoidal](Self::Sinusoidal) positions, `[rows, width]`.
    pub fn sinusoids(rows: usize, width: usize) -> Vec<f32> {
        let sines = width.div_ceil(2);
        let mut vectors = Vec::with_capacity(rows * width);
        for row in 0..rows {
            vectors.extend((0..width).map(|column| {
                let pair = column % sines;
                let exponent = 2.0 * pair as f64 / width as f64;
                let angle = row as f64 / 10_000_f64.powf(exponent);
                (if column < sines {
                    angle.sin()
                } else {
                    angle.cos()
                }) as f32
            }));
        }
        vectors
    }
}

/// What is normalised, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norms {
    /// The formula.
    pub kind: NormKind,
    /// Where in a block norms are.
    pub place: NormPlace,
    /// The number that every norm adds to the variance.
    pub eps: f64,
    /// Which of the embeddings are normalised.
    pub embeddings: EmbeddingNorm,
    /// Whether the queries and keys of each head are.
    pub heads: bool,
}

/// The formula of a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Mean and variance (Ba et al. 2016), with factors and a bias.
    Layer,
    /// The root of the mean square (Zhang and Sennrich 2019), with factors alone.
    Rms,
}

/// Which of the embeddings are normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingNorm {
    /// None of them.
    None,
    /// The sum of all.
    Sum,
    /// The vectors of words, before positions are added.
    Words,
}

/// Where in a block norms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormPlace {
    /// Before each sublayer, and once more after the last block.
    Before,
    /// After each sublayer was added to its input.
    After,
}

/// Which of a block's linear layers add a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Biases {
    /// Queries, keys and values.
    pub projections: bool,
    /// The layer after the attention heads.
    pub attention_output: bool,
    /// The feed-forward layers.
    pub feed_forward: bool,
}

impl Biases {
    /// Every linear layer has a bias.
    pub const ALL: Self = Self {
        projections: true,
        attention_output: true,
        feed_forward: true,
    };
}

/// The sizes of one block, which differ where parts were pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSizes {
    /// The number `A` of attention heads.
    pub heads: usize,
    /// The number `K` of heads of keys and values, which divides `heads`: as many query heads share
    /// one (Ainslie et al. 2023, "GQA"). `K = A` where none is shared.
    pub key_value_heads: usize,
    /// The width `M` between the feed-forward layers.
    pub inner_size: usize,
}

impl Stack {
    /// The number of times that a block is run: that of layers, as papers count them.
    pub fn depth(&self) -> usize {
        self.blocks.len() * self.passes
    }

    /// Lists name and shape of every tensor by the family's `names`, in order of use.
    pub(super) fn tensors(&self, names: Names) -> Vec<(String, Vec<usize>)> {
        let mut list = TensorList::new(names);
        self.list_embeddings(&mut list);
        for (layer, sizes) in self.blocks.iter().enumerate() {
            list.names = names.layer(layer);
            self.list_block(&mut list, sizes);
        }
        list.names = names;
        if self.norms.place == NormPlace::Before {
            self.list_norm(&mut list, Role::FinalNorm, self.hidden_size);
        }
        list.tensors
    }

    fn list_embeddings(&self, list: &mut TensorList) {
        let (embeddings, width) = (&self.embeddings, self.embeddings.width);
        list.table(Role::WordEmbeddings, embeddings.words, width);
        if let Positions::Learned { rows, .. } = embeddings.positions {
            list.table(Role::PositionEmbeddings, rows, width);
        }
        if embeddings.token_types > 0 {
            list.table(Role::TokenTypeEmbeddings, embeddings.token_types, width);
        }
        if self.norms.embeddings != EmbeddingNorm::None {
            self.list_norm(list, Role::EmbeddingNorm, width);
        }
        if width != self.hidden_size {
            list.linear(Role::EmbeddingProjection, [self.hidden_size, width], true);
        }
    }

    fn list_block(&self, list: &mut TensorList, sizes: &BlockSizes) {
        let hidden = self.hidden_size;
        let queries = sizes.heads * self.head_size;
        let keys = sizes.key_value_heads * self.head_size;
        let biases = self.biases;
        if self.conv1d {
            let all = queries + 2 * keys;
            self.list_linear(list, Role::QueryKeyValue, [all, hidden], biases.projections);
        } else {
            for (role, width) in [
                (Role::Query, queries),
                (Role::Key, keys),
                (Role::Value, keys),
            ] {
                self.list_linear(list, role, [width, hidden], biases.projections);
            }
        }
        if self.norms.heads {
            self.list_norm(list, Role::QueryNorm, self.head_size);
            self.list_norm(list, Role::KeyNorm, self.head_size);
        }
        let output = [hidden, queries];
        self.list_linear(list, Role::AttentionOutput, output, biases.attention_output);
        self.list_norm(list, Role::AttentionNorm, hidden);
        if self.cross_attention {
            for role in [Role::CrossQuery, Role::CrossKey, Role::CrossValue] {
                self.list_linear(list, role, [queries, hidden], biases.projections);
            }
            let role = Role::CrossAttentionOutput;
            self.list_linear(list, role, output, biases.attention_output);
            self.list_norm(list, Role::CrossAttentionNorm, hidden);
        }
        let inner = [sizes.inner_size, hidden];
        if self.gated {
            self.list_linear(list, Role::FeedForwardGate, inner, biases.feed_forward);
        }
        self.list_linear(list, Role::FeedForwardIn, inner, biases.feed_forward);
        let outer = [hidden, sizes.inner_size];
        self.list_linear(list, Role::FeedForwardOut, outer, biases.feed_forward);
        self.list_norm(list, Role::FeedForwardNorm, hidden);
    }

    fn list_linear(&self, list: &mut TensorList, role: Role, shape: [usize; 2], bias: bool) {
        if self.conv1d {
            list.conv1d(role, shape, bias);
        } else {
            list.linear(role, shape, bias);
        }
    }

    fn list_norm(&self, list: &mut TensorList, role: Role, width: usize) {
        match self.norms.kind {
            NormKind::Layer => list.norm(role, width),
            NormKind::Rms => list.push(role, Part::Weight, vec![width]),
        }
    }

    /// Lists name and shape of every tensor that predicting masked words adds to the encoder's. Its
    /// last layer is the table of word embeddings.
    pub(super) fn masked_lm_tensors(&self, names: Names) -> Vec<(String, Vec<usize>)> {
        let (hidden, width) = (self.hidden_size, self.embeddings.width);
        let mut list = TensorList::new(names);
        list.linear(Role::MaskedLmDense, [width, hidden], true);
        list.norm(Role::MaskedLmNorm, width);
        list.push(Role::MaskedLmBias, Part::Bias, vec![self.embeddings.words]);
        list.tensors
    }
}
