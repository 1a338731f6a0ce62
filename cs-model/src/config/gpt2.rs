//! The configuration of GPT-2 (Radford et al. 2019), of which DialoGPT is one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checks::{divides, only, rate, size};
use super::family::{DecoderFamily, Facts, Family};
use super::names::GPT2;
use super::stack::{
    Activation, Biases, BlockSizes, EmbeddingNorm, Embeddings, NormKind, NormPlace, Norms,
    Positions, Stack,
};
use crate::error::{Error, Result};

/// The configuration of GPT-2: blocks with the norm before each sublayer, and learned positions.
/// Names and defaults are Hugging Face's.
///
/// ```
/// use cs_model::{DecoderConfig, Gpt2Config};
///
/// let config = DecoderConfig::from(Gpt2Config::default());
/// assert_eq!(config.stack().head_size, 64);
/// assert!(config.tied());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gpt2Config {
    /// The number of rows of the word embeddings.
    pub vocab_size: usize,
    /// The longest sequence, in tokens.
    pub n_positions: usize,
    /// The width `H` of the hidden states.
    pub n_embd: usize,
    /// The number of blocks.
    pub n_layer: usize,
    /// The number `A` of attention heads, which divides `n_embd`.
    pub n_head: usize,
    /// The width between the feed-forward layers; `None`: four times `n_embd`.
    pub n_inner: Option<usize>,
    /// The activation between the feed-forward layers.
    pub activation_function: Activation,
    /// The dropout rate after each sublayer, in training.
    pub resid_pdrop: f64,
    /// The dropout rate of attention probabilities, in training.
    pub attn_pdrop: f64,
    /// The number that every layer norm adds to the variance.
    pub layer_norm_epsilon: f64,
    /// The standard deviation of fresh weights.
    pub initializer_range: f64,
    /// Whether the words' logits are computed with the table of word embeddings.
    pub tie_word_embeddings: bool,
}

impl Default for Gpt2Config {
    fn default() -> Self {
        Self {
            vocab_size: 50257,
            n_positions: 1024,
            n_embd: 768,
            n_layer: 12,
            n_head: 12,
            n_inner: None,
            activation_function: Activation::GeluNew,
            resid_pdrop: 0.1,
            attn_pdrop: 0.1,
            layer_norm_epsilon: 1e-5,
            initializer_range: 0.02,
            tie_word_embeddings: true,
        }
    }
}

impl Family for Gpt2Config {
    fn facts(&self) -> Facts {
        Facts {
            model_type: "gpt2",
            names: GPT2,
            vocab_size: self.vocab_size,
            max_positions: Some(self.n_positions),
            deviation: self.initializer_range,
        }
    }

    fn validate(&self, extra: &Map<String, Value>) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size("n_positions", self.n_positions, 1 << 20)?;
        size("n_embd", self.n_embd, 1 << 16)?;
        size("n_layer", self.n_layer, 1 << 10)?;
        size("n_head", self.n_head, 1 << 10)?;
        size("n_inner", self.n_inner.unwrap_or(1), 1 << 18)?;
        divides("n_head", self.n_head, "n_embd", self.n_embd)?;
        if !(self.layer_norm_epsilon > 0.0 && self.layer_norm_epsilon < 1.0) {
            let found = self.layer_norm_epsilon;
            return Err(Error::field("layer_norm_epsilon", found, "0 < eps < 1"));
        }
        rate("resid_pdrop", self.resid_pdrop)?;
        rate("attn_pdrop", self.attn_pdrop)?;
        rate("initializer_range", self.initializer_range)?;
        only(extra, "scale_attn_weights", true)?;
        only(extra, "scale_attn_by_inverse_layer_idx", false)?;
        only(extra, "add_cross_attention", false)
    }
}

impl DecoderFamily for Gpt2Config {
    fn stack(&self) -> Stack {
        let block = BlockSizes {
            heads: self.n_head,
            key_value_heads: self.n_head,
            inner_size: self.n_inner.unwrap_or(4 * self.n_embd),
        };
        Stack {
            hidden_size: self.n_embd,
            head_size: self.n_embd / self.n_head.max(1),
            embeddings: Embeddings {
                words: self.vocab_size,
                width: self.n_embd,
                scale: 1.0,
                positions: Positions::Learned {
                    rows: self.n_positions,
                    offset: 0,
                },
                token_types: 0,
            },
            blocks: vec![block; self.n_layer],
            passes: 1,
            norms: Norms {
                kind: NormKind::Layer,
                place: NormPlace::Before,
                eps: self.layer_norm_epsilon,
                embeddings: EmbeddingNorm::None,
                heads: false,
            },
            causal: true,
            cross_attention: false,
            activation: self.activation_function,
            gated: false,
            biases: Biases::ALL,
            conv1d: true,
            dropout: self.resid_pdrop,
            attention_dropout: self.attn_pdrop,
        }
    }

    fn tied(&self) -> bool {
        self.tie_word_embeddings
    }
}
