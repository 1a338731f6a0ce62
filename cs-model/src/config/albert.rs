//! The configuration of ALBERT (Lan et al. 2020).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bert::BertConfig;
use super::checks::{only, rate, size};
use super::family::{EncoderFacts, EncoderFamily, Facts, Family};
use super::names::ALBERT;
use super::pruned_layers::PrunedLayers;
use super::stack::{Activation, BlockSizes, Embeddings, Stack};
use crate::error::{Error, Result};

/// The configuration of an ALBERT encoder: one block of BERT's, which is run several times, and
/// embeddings narrower than the hidden states. Names and defaults are Hugging Face's.
///
/// ```
/// use cs_model::{AlbertConfig, EncoderConfig};
///
/// let config = AlbertConfig { hidden_size: 768, num_attention_heads: 12, ..Default::default() };
/// let stack = config.stack();
/// assert_eq!((stack.blocks.len(), stack.passes), (1, 12));
/// assert_eq!(EncoderConfig::from(config).tensors()[0].1, [30000, 128]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlbertConfig {
    /// The number of rows of the word embeddings.
    pub vocab_size: usize,
    /// The width `E` of the embeddings, less than `hidden_size`.
    pub embedding_size: usize,
    /// The width `H` of the hidden states.
    pub hidden_size: usize,
    /// How often the block is run.
    pub num_hidden_layers: usize,
    /// The number `A` of attention heads of the block, which divides `hidden_size`.
    pub num_attention_heads: usize,
    /// The inner width of the block, between its two feed-forward layers.
    pub intermediate_size: usize,
    /// The sizes of the block if parts of it were removed: lists of one.
    #[serde(flatten)]
    pub pruned: PrunedLayers,
    /// The activation between the two feed-forward layers of the block.
    pub hidden_act: Activation,
    /// The longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// The number of rows of the token type embeddings; type 0 is always used.
    pub type_vocab_size: usize,
    /// The number that every layer norm adds to the variance.
    pub layer_norm_eps: f64,
    /// The dropout rate after the embeddings and after each sublayer, in training.
    pub hidden_dropout_prob: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attention_probs_dropout_prob: f64,
    /// The dropout rate of what the heads read, in training.
    pub classifier_dropout_prob: f64,
    /// The standard deviation of fresh weights.
    pub initializer_range: f64,
    /// The id of the padding token.
    pub pad_token_id: u32,
}

impl Default for AlbertConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30000,
            embedding_size: 128,
            hidden_size: 4096,
            num_hidden_layers: 12,
            num_attention_heads: 64,
            intermediate_size: 16384,
            pruned: PrunedLayers::default(),
            hidden_act: Activation::GeluNew,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            classifier_dropout_prob: 0.1,
            initializer_range: 0.02,
            pad_token_id: 0,
        }
    }
}

impl AlbertConfig {
    /// Gives what the encoder has to know to be built.
    pub fn stack(&self) -> Stack {
        let stack = self.as_bert().stack();
        Stack {
            embeddings: Embeddings {
                width: self.embedding_size,
                ..stack.embeddings
            },
            passes: self.num_hidden_layers,
            ..stack
        }
    }

    /// The BERT of one block that is run several times.
    fn as_bert(&self) -> BertConfig {
        BertConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: 1,
            num_attention_heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            pruned: self.pruned.clone(),
            hidden_act: self.hidden_act,
            max_position_embeddings: self.max_position_embeddings,
            type_vocab_size: self.type_vocab_size,
            layer_norm_eps: self.layer_norm_eps,
            hidden_dropout_prob: self.hidden_dropout_prob,
            attention_probs_dropout_prob: self.attention_probs_dropout_prob,
            initializer_range: self.initializer_range,
            pad_token_id: self.pad_token_id,
        }
    }
}

impl Family for AlbertConfig {
    fn facts(&self) -> Facts {
        Facts {
            model_type: "albert",
            names: ALBERT,
            vocab_size: self.vocab_size,
            max_positions: Some(self.max_position_embeddings),
            deviation: self.initializer_range,
        }
    }

    fn validate(&self, extra: &Map<String, Value>) -> Result<()> {
        size("num_hidden_layers", self.num_hidden_layers, 1 << 10)?;
        self.as_bert().validate(extra)?;
        if !(1..self.hidden_size).contains(&self.embedding_size) {
            let expected = format!("1 or more, and less than hidden_size {}", self.hidden_size);
            return Err(Error::field(
                "embedding_size",
                self.embedding_size,
                expected,
            ));
        }
        rate("classifier_dropout_prob", self.classifier_dropout_prob)?;
        only(extra, "num_hidden_groups", 1)?;
        only(extra, "inner_group_num", 1)
    }
}

impl EncoderFamily for AlbertConfig {
    fn encoder_facts(&self) -> EncoderFacts {
        EncoderFacts {
            hidden_size: self.hidden_size,
            pad_token_id: self.pad_token_id,
            head_dropout: self.classifier_dropout_prob,
            head_deviation: self.initializer_range,
            masked_lm_activation: self.hidden_act,
        }
    }

    fn set_blocks(&mut self, blocks: &[BlockSizes]) {
        self.pruned = PrunedLayers::new(blocks, self.as_bert().whole_block());
    }
}
