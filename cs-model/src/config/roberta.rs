//! The configuration of RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bert::BertConfig;
use super::family::{EncoderFacts, EncoderFamily, Facts, Family};
use super::names::ROBERTA;
use super::pruned_layers::PrunedLayers;
use super::stack::{Activation, BlockSizes, Embeddings, Positions, Stack};
use crate::error::{Error, Result};

/// The configuration of a RoBERTa or XLM-R encoder: BERT's blocks, and positions that are counted
/// from the row after the padding token's. Names and defaults are Hugging Face's.
///
/// ```
/// use cs_model::{EncoderConfig, RobertaConfig};
///
/// let config = RobertaConfig { max_position_embeddings: 514, ..Default::default() };
/// let config = EncoderConfig::from(config);
/// assert_eq!(config.max_positions(), Some(512));
/// assert_eq!(config.tensors()[1].1, [514, 768]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RobertaConfig {
    /// The family.
    pub model_type: RobertaFamily,
    /// The number of rows of the word embeddings.
    pub vocab_size: usize,
    /// The width `H` of the hidden states.
    pub hidden_size: usize,
    /// The number of blocks.
    pub num_hidden_layers: usize,
    /// The number `A` of attention heads of a block, which divides `hidden_size`.
    pub num_attention_heads: usize,
    /// The inner width of a block, between its two feed-forward layers.
    pub intermediate_size: usize,
    /// The sizes of layers of which parts were removed.
    #[serde(flatten)]
    pub pruned: PrunedLayers,
    /// The activation between the two feed-forward layers of a block. The head for masked words
    /// has [`Activation::Gelu`] in any case.
    pub hidden_act: Activation,
    /// The number of rows of the table of positions: `pad_token_id + 1` more than the longest
    /// sequence has tokens.
    pub max_position_embeddings: usize,
    /// The number of rows of the token type embeddings; type 0 is always used.
    pub type_vocab_size: usize,
    /// The number that every layer norm adds to the variance.
    pub layer_norm_eps: f64,
    /// The dropout rate after the embeddings and after each sublayer, in training.
    pub hidden_dropout_prob: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attention_probs_dropout_prob: f64,
    /// The standard deviation of fresh weights.
    pub initializer_range: f64,
    /// The id of the padding token, whose row of the positions is the last that no token has.
    pub pad_token_id: u32,
}

/// Which of the families a [`RobertaConfig`] is of. They are built alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RobertaFamily {
    /// RoBERTa, which reads English. This is the default.
    #[default]
    Roberta,
    /// XLM-R, which reads a hundred languages.
    XlmRoberta,
}

impl Default for RobertaConfig {
    fn default() -> Self {
        let bert = BertConfig::default();
        Self {
            model_type: RobertaFamily::default(),
            vocab_size: 50265,
            hidden_size: bert.hidden_size,
            num_hidden_layers: bert.num_hidden_layers,
            num_attention_heads: bert.num_attention_heads,
            intermediate_size: bert.intermediate_size,
            pruned: bert.pruned,
            hidden_act: bert.hidden_act,
            max_position_embeddings: bert.max_position_embeddings,
            type_vocab_size: bert.type_vocab_size,
            layer_norm_eps: bert.layer_norm_eps,
            hidden_dropout_prob: bert.hidden_dropout_prob,
            attention_probs_dropout_prob: bert.attention_probs_dropout_prob,
            initializer_range: bert.initializer_range,
            pad_token_id: 1,
        }
    }
}

impl RobertaConfig {
    /// Gives what the encoder has to know to be built.
    pub fn stack(&self) -> Stack {
        let stack = self.as_bert().stack();
        Stack {
            embeddings: Embeddings {
                positions: Positions::Learned {
                    rows: self.max_position_embeddings,
                    offset: self.first_position(),
                },
                ..stack.embeddings
            },
            ..stack
        }
    }

    /// The row of a text's first token in the table of positions.
    fn first_position(&self) -> usize {
        self.pad_token_id as usize + 1
    }

    /// The BERT that differs in nothing but the positions.
    fn as_bert(&self) -> BertConfig {
        BertConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
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

impl Family for RobertaConfig {
    fn facts(&self) -> Facts {
        Facts {
            model_type: match self.model_type {
                RobertaFamily::Roberta => "roberta",
                RobertaFamily::XlmRoberta => "xlm-roberta",
            },
            names: ROBERTA,
            vocab_size: self.vocab_size,
            max_positions: Some(
                self.max_position_embeddings
                    .saturating_sub(self.first_position()),
            ),
            deviation: self.initializer_range,
        }
    }

    fn validate(&self, extra: &Map<String, Value>) -> Result<()> {
        self.as_bert().validate(extra)?;
        if self.max_position_embeddings > self.first_position() {
            return Ok(());
        }
        let found = self.max_position_embeddings;
        let before = self.first_position();
        let expected = format!("more than {before}, the rows before the first token's");
        Err(Error::field("max_position_embeddings", found, expected))
    }
}

impl EncoderFamily for RobertaConfig {
    fn encoder_facts(&self) -> EncoderFacts {
        EncoderFacts {
            hidden_size: self.hidden_size,
            pad_token_id: self.pad_token_id,
            head_dropout: self.hidden_dropout_prob,
            head_deviation: self.initializer_range,
            masked_lm_activation: Activation::Gelu,
        }
    }

    fn set_blocks(&mut self, blocks: &[BlockSizes]) {
        self.pruned = PrunedLayers::new(blocks, self.as_bert().whole_block());
    }
}
