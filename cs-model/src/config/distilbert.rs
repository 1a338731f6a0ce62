//! The configuration of DistilBERT (Sanh et al. 2019).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bert::BertConfig;
use super::checks::{divides, rate, size};
use super::family::{EncoderFacts, EncoderFamily, Facts, Family};
use super::names::DISTILBERT;
use super::pruned_layers::PrunedLayers;
use super::stack::{Activation, BlockSizes, Stack};
use crate::error::Result;

/// The number that every layer norm of a DistilBERT adds to the variance.
const NORM_EPS: f64 = 1e-12;

/// The configuration of a DistilBERT encoder: BERT's blocks, without token types. Names and
/// defaults are Hugging Face's.
///
/// ```
/// use cs_model::{DistilBertConfig, EncoderConfig};
///
/// let config = DistilBertConfig { dim: 384, ..Default::default() };
/// assert_eq!(config.stack().embeddings.token_types, 0);
/// assert_eq!(EncoderConfig::from(config).hidden_size(), 384);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DistilBertConfig {
    /// The number of rows of the word embeddings.
    pub vocab_size: usize,
    /// The longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// The number of blocks.
    pub n_layers: usize,
    /// The number `A` of attention heads of a block, which divides `dim`.
    pub n_heads: usize,
    /// The width `H` of the hidden states.
    pub dim: usize,
    /// The inner width of a block, between its two feed-forward layers.
    pub hidden_dim: usize,
    /// The sizes of layers of which parts were removed.
    #[serde(flatten)]
    pub pruned: PrunedLayers,
    /// The activation between the two feed-forward layers of a block.
    pub activation: Activation,
    /// The dropout rate after the embeddings and after each sublayer, in training.
    pub dropout: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attention_dropout: f64,
    /// The dropout rate of what the heads read, in training.
    pub seq_classif_dropout: f64,
    /// The standard deviation of fresh weights.
    pub initializer_range: f64,
    /// The id of the padding token.
    pub pad_token_id: u32,
}

impl Default for DistilBertConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30522,
            max_position_embeddings: 512,
            n_layers: 6,
            n_heads: 12,
            dim: 768,
            hidden_dim: 3072,
            pruned: PrunedLayers::default(),
            activation: Activation::Gelu,
            dropout: 0.1,
            attention_dropout: 0.1,
            seq_classif_dropout: 0.2,
            initializer_range: 0.02,
            pad_token_id: 0,
        }
    }
}

impl DistilBertConfig {
    /// Gives what the encoder has to know to be built.
    pub fn stack(&self) -> Stack {
        self.as_bert().stack()
    }

    /// The BERT without token types that it is.
    fn as_bert(&self) -> BertConfig {
        BertConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.dim,
            num_hidden_layers: self.n_layers,
            num_attention_heads: self.n_heads,
            intermediate_size: self.hidden_dim,
            pruned: self.pruned.clone(),
            hidden_act: self.activation,
            max_position_embeddings: self.max_position_embeddings,
            type_vocab_size: 0,
            layer_norm_eps: NORM_EPS,
            hidden_dropout_prob: self.dropout,
            attention_probs_dropout_prob: self.attention_dropout,
            initializer_range: self.initializer_range,
            pad_token_id: self.pad_token_id,
        }
    }
}

impl Family for DistilBertConfig {
    fn facts(&self) -> Facts {
        Facts {
            model_type: "distilbert",
            names: DISTILBERT,
            vocab_size: self.vocab_size,
            max_positions: Some(self.max_position_embeddings),
            deviation: self.initializer_range,
        }
    }

    fn validate(&self, _: &Map<String, Value>) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size(
            "max_position_embeddings",
            self.max_position_embeddings,
            1 << 20,
        )?;
        size("n_layers", self.n_layers, 1 << 10)?;
        size("n_heads", self.n_heads, 1 << 10)?;
        size("dim", self.dim, 1 << 16)?;
        size("hidden_dim", self.hidden_dim, 1 << 18)?;
        divides("n_heads", self.n_heads, "dim", self.dim)?;
        self.pruned
            .validate(self.n_layers, self.as_bert().whole_block())?;
        rate("dropout", self.dropout)?;
        rate("attention_dropout", self.attention_dropout)?;
        rate("seq_classif_dropout", self.seq_classif_dropout)?;
        rate("initializer_range", self.initializer_range)
    }
}

impl EncoderFamily for DistilBertConfig {
    fn encoder_facts(&self) -> EncoderFacts {
        EncoderFacts {
            hidden_size: self.dim,
            pad_token_id: self.pad_token_id,
            head_dropout: self.seq_classif_dropout,
            head_deviation: self.initializer_range,
            masked_lm_activation: self.activation,
        }
    }

    fn set_blocks(&mut self, blocks: &[BlockSizes]) {
        self.pruned = PrunedLayers::new(blocks, self.as_bert().whole_block());
    }
}
