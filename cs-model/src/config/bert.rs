//! The configuration of BERT encoders (Devlin et al. 2019).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checks::{divides, only, rate, size};
use super::family::{EncoderFacts, EncoderFamily, Facts, Family};
use super::names::BERT;
use super::pruned_layers::PrunedLayers;
use super::stack::{
    Activation, Biases, BlockSizes, EmbeddingNorm, Embeddings, NormKind, NormPlace, Norms,
    Positions, Stack,
};
use crate::error::{Error, Result};

/// The configuration of a BERT encoder: blocks with the norm after each sublayer, and absolute
/// positions. Names and defaults are Hugging Face's.
///
/// ```
/// use cs_model::{BertConfig, EncoderConfig};
///
/// let config = BertConfig { hidden_size: 384, num_hidden_layers: 6, ..Default::default() };
/// assert_eq!(config.stack().head_size, 32);
/// assert_eq!(EncoderConfig::from(config).hidden_size(), 384);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BertConfig {
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
    /// The activation between the two feed-forward layers of a block.
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
    /// The standard deviation of fresh weights.
    pub initializer_range: f64,
    /// The id of the padding token.
    pub pad_token_id: u32,
}

impl Default for BertConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            pruned: PrunedLayers::default(),
            hidden_act: Activation::Gelu,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            initializer_range: 0.02,
            pad_token_id: 0,
        }
    }
}

impl BertConfig {
    /// Makes the configuration of a small encoder to train from scratch or distil into: 4 blocks of
    /// width 256 with 4 heads, the shape of BERT-mini (Turc et al. 2019, table 1). Beside the word
    /// embeddings it has 3.3 million weights, and a token takes three tenths of MiniLM-L6's
    /// arithmetic. Set `num_hidden_layers` for fewer blocks: 2 take half of that.
    ///
    /// ```
    /// use cs_model::BertConfig;
    ///
    /// let config = BertConfig { num_hidden_layers: 2, ..BertConfig::mini(8000) };
    /// assert_eq!((config.hidden_size, config.vocab_size), (256, 8000));
    /// assert_eq!(config.stack().head_size, 64);
    /// ```
    pub fn mini(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 256,
            num_hidden_layers: 4,
            num_attention_heads: 4,
            intermediate_size: 1024,
            ..Self::default()
        }
    }

    /// Gives what the encoder has to know to be built.
    pub fn stack(&self) -> Stack {
        Stack {
            hidden_size: self.hidden_size,
            head_size: self.hidden_size / self.num_attention_heads.max(1),
            embeddings: Embeddings {
                words: self.vocab_size,
                width: self.hidden_size,
                scale: 1.0,
                positions: Positions::Learned {
                    rows: self.max_position_embeddings,
                    offset: 0,
                },
                token_types: self.type_vocab_size,
            },
            blocks: (self.pruned).blocks(self.num_hidden_layers, self.whole_block()),
            passes: 1,
            norms: Norms {
                kind: NormKind::Layer,
                place: NormPlace::After,
                eps: self.layer_norm_eps,
                embeddings: EmbeddingNorm::Sum,
                heads: false,
            },
            causal: false,
            cross_attention: false,
            activation: self.hidden_act,
            gated: false,
            biases: Biases::ALL,
            conv1d: false,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
        }
    }

    /// The sizes of a block of which nothing was removed.
    pub(super) fn whole_block(&self) -> BlockSizes {
        BlockSizes {
            heads: self.num_attention_heads,
            key_value_heads: self.num_attention_heads,
            inner_size: self.intermediate_size,
        }
    }
}

impl Family for BertConfig {
    fn facts(&self) -> Facts {
        Facts {
            model_type: "bert",
            names: BERT,
            vocab_size: self.vocab_size,
            max_positions: Some(self.max_position_embeddings),
            deviation: self.initializer_range,
        }
    }

    fn validate(&self, extra: &Map<String, Value>) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size("hidden_size", self.hidden_size, 1 << 16)?;
        size("num_hidden_layers", self.num_hidden_layers, 1 << 10)?;
        size("num_attention_heads", self.num_attention_heads, 1 << 10)?;
        size("intermediate_size", self.intermediate_size, 1 << 18)?;
        size(
            "max_position_embeddings",
            self.max_position_embeddings,
            1 << 20,
        )?;
        size("type_vocab_size", self.type_vocab_size, 1 << 10)?;
        divides(
            "num_attention_heads",
            self.num_attention_heads,
            "hidden_size",
            self.hidden_size,
        )?;
        (self.pruned).validate(self.num_hidden_layers, self.whole_block())?;
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(Error::field(
                "layer_norm_eps",
                self.layer_norm_eps,
                "0 < eps < 1",
            ));
        }
        rate("hidden_dropout_prob", self.hidden_dropout_prob)?;
        rate(
            "attention_probs_dropout_prob",
            self.attention_probs_dropout_prob,
        )?;
        rate("initializer_range", self.initializer_range)?;
        only(extra, "position_embedding_type", "absolute")?;
        only(extra, "is_decoder", false)?;
        only(extra, "add_cross_attention", false)
    }
}

impl EncoderFamily for BertConfig {
    fn encoder_facts(&self) -> EncoderFacts {
        EncoderFacts {
            hidden_size: self.hidden_size,
            pad_token_id: self.pad_token_id,
            head_dropout: self.hidden_dropout_prob,
            head_deviation: self.initializer_range,
            masked_lm_activation: self.hidden_act,
        }
    }

    fn set_blocks(&mut self, blocks: &[BlockSizes]) {
        self.pruned = PrunedLayers::new(blocks, self.whole_block());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::EncoderConfig;

    #[test]
    fn bert_names_are_those_of_bert_model() {
        let config = BertConfig {
            num_hidden_layers: 1,
            hidden_size: 8,
            intermediate_size: 32,
            ..BertConfig::default()
        };
        let config = EncoderConfig::from(config);
        let names: Vec<_> = config.tensors().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 5 + 16);
        assert_eq!(names[4], "embeddings.LayerNorm.bias");
        assert_eq!(names[5], "encoder.layer.0.attention.self.query.weight");
        let (name, shape) = &config.tensors()[17];
        assert_eq!(
            (name.as_str(), &shape[..]),
            ("encoder.layer.0.output.dense.weight", &[8, 32][..])
        );
    }

    #[test]
    fn layers_may_have_sizes_of_their_own() {
        let config = BertConfig {
            num_hidden_layers: 2,
            hidden_size: 8,
            num_attention_heads: 4,
            intermediate_size: 32,
            pruned: PrunedLayers {
                layer_num_attention_heads: Some(vec![3, 4]),
                layer_intermediate_size: Some(vec![32, 5]),
            },
            ..BertConfig::default()
        };
        let config = EncoderConfig::from(config);
        let shapes: std::collections::BTreeMap<_, _> = config.tensors().into_iter().collect();
        let shape = |layer: usize, owner: &str| {
            shapes[&format!("encoder.layer.{layer}.{owner}.weight")].clone()
        };
        assert_eq!(shape(0, "attention.self.key"), [6, 8]);
        assert_eq!(shape(0, "attention.output.dense"), [8, 6]);
        assert_eq!(shape(0, "intermediate.dense"), [32, 8]);
        assert_eq!(shape(1, "attention.self.key"), [8, 8]);
        assert_eq!(shape(1, "output.dense"), [8, 5]);
        let json = String::from_utf8(config.to_json().unwrap()).unwrap();
        let parsed = EncoderConfig::from_json(json.as_bytes(), Path::new("config.json"));
        assert_eq!(parsed.unwrap(), config);
        let whole = EncoderConfig::from(BertConfig::default());
        let json = String::from_utf8(whole.to_json().unwrap()).unwrap();
        for key in ["layer_num_attention_heads", "layer_intermediate_size"] {
            assert!(!json.contains(key), "{json}");
        }
    }
}
