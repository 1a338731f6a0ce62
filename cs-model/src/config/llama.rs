//! The configuration of Llama (Touvron et al. 2023), Qwen2 and Qwen3, which differ in biases and
//! norms.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checks::{divides, only, rate, size};
use super::family::{DecoderFamily, Facts, Family};
use super::names::LLAMA;
use super::rope::RopeParameters;
use super::rotary::{Rotary, RotaryScaling};
use super::stack::{
    Activation, Biases, BlockSizes, EmbeddingNorm, Embeddings, NormKind, NormPlace, Norms,
    Positions, Stack,
};
use crate::error::{Error, Result};

/// The configuration of Llama, Qwen2 or Qwen3: gated blocks with the root mean square norm before
/// each sublayer, rotary positions, and heads of keys and values that several heads of queries
/// share. Names are Hugging Face's; what has no default there for all of them has to be given.
///
/// ```
/// use cs_model::DecoderConfig;
/// use std::path::Path;
///
/// let json = br#"{"model_type": "qwen2", "vocab_size": 100, "hidden_size": 64,
///     "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
///     "num_key_value_heads": 2, "max_position_embeddings": 512, "hidden_act": "silu"}"#;
/// let stack = DecoderConfig::from_json(json, Path::new("config.json"))?.stack();
/// assert!(stack.biases.projections && !stack.biases.feed_forward);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// The family.
    pub model_type: LlamaFamily,
    /// The number of rows of the word embeddings.
    pub vocab_size: usize,
    /// The width `H` of the hidden states.
    pub hidden_size: usize,
    /// The width between the feed-forward layers.
    pub intermediate_size: usize,
    /// The number of blocks.
    pub num_hidden_layers: usize,
    /// The number `A` of heads of queries.
    pub num_attention_heads: usize,
    /// The number `K` of heads of keys and values, which divides `A`; `None`: `A`.
    #[serde(default)]
    pub num_key_value_heads: Option<usize>,
    /// The width `D` of a head; `None`: `H / A`, and 128 for Qwen3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// The longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// The activation of the gate.
    #[serde(default = "silu")]
    pub hidden_act: Activation,
    /// The number that every norm adds to the mean square.
    #[serde(default = "millionth")]
    pub rms_norm_eps: f64,
    /// Whether the layers of attention have biases; of Qwen2, those of queries, keys and values have
    /// them in any case.
    #[serde(default)]
    pub attention_bias: bool,
    /// Whether the feed-forward layers of a Llama have biases.
    #[serde(default)]
    pub mlp_bias: bool,
    /// Whether the words' logits are computed with the table of word embeddings.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// The dropout rate of attention probabilities, in training.
    #[serde(default)]
    pub attention_dropout: f64,
    /// The standard deviation of fresh weights.
    #[serde(default = "fiftieth")]
    pub initializer_range: f64,
    /// The base of the rotary frequencies, where `rope_parameters` has none; 10,000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_theta: Option<f64>,
    /// The rotary positions, in files of `transformers` 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_parameters: Option<RopeParameters>,
    /// The rotary positions, in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<RopeParameters>,
}

/// Which of the families a [`LlamaConfig`] is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LlamaFamily {
    /// Llama, and those like it, as SmolLM2.
    Llama,
    /// Qwen2 and Qwen2.5, whose queries, keys and values have biases.
    Qwen2,
    /// Qwen3, which normalises the queries and keys of each head.
    Qwen3,
}

fn silu() -> Activation {
    Activation::Silu
}

fn millionth() -> f64 {
    1e-6
}

fn fiftieth() -> f64 {
    0.02
}

impl LlamaConfig {
    fn key_value_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    fn head_size(&self) -> usize {
        let default = match self.model_type {
            LlamaFamily::Qwen3 => 128,
            _ => self.hidden_size / self.num_attention_heads.max(1),
        };
        self.head_dim.unwrap_or(default)
    }

    /// Gives the parameters of rotary positions and their name.
    fn rope(&self) -> Option<(&'static str, &RopeParameters)> {
        let new = self
            .rope_parameters
            .as_ref()
            .map(|rope| ("rope_parameters", rope));
        new.or(self
            .rope_scaling
            .as_ref()
            .map(|rope| ("rope_scaling", rope)))
    }

    fn rotary(&self) -> Rotary {
        let rope = self.rope().map(|(_, rope)| rope);
        let theta = rope.and_then(|rope| rope.rope_theta).or(self.rope_theta);
        let scaling = rope.map(|rope| rope.scaling(self.max_position_embeddings));
        Rotary {
            theta: theta.unwrap_or(10_000.0),
            scaling: scaling.unwrap_or(RotaryScaling::None),
        }
    }

    fn validate_rotary(&self) -> Result<()> {
        let theta = self.rotary().theta;
        if !(theta > 1.0 && theta.is_finite()) {
            return Err(Error::field("rope_theta", theta, "above 1"));
        }
        if !self.head_size().is_multiple_of(2) {
            let expected = "an even number, as pairs are turned";
            return Err(Error::field("head_dim", self.head_size(), expected));
        }
        self.rope()
            .map_or(Ok(()), |(field, rope)| rope.validate(field))
    }

    fn biases(&self) -> Biases {
        let qwen2 = self.model_type == LlamaFamily::Qwen2;
        Biases {
            projections: self.attention_bias || qwen2,
            attention_output: self.attention_bias && !qwen2,
            feed_forward: self.mlp_bias && self.model_type == LlamaFamily::Llama,
        }
    }
}

impl Family for LlamaConfig {
    fn facts(&self) -> Facts {
        Facts {
            model_type: match self.model_type {
                LlamaFamily::Llama => "llama",
                LlamaFamily::Qwen2 => "qwen2",
                LlamaFamily::Qwen3 => "qwen3",
            },
            names: LLAMA,
            vocab_size: self.vocab_size,
            max_positions: Some(self.max_position_embeddings),
            deviation: self.initializer_range,
        }
    }

    fn validate(&self, extra: &Map<String, Value>) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size("hidden_size", self.hidden_size, 1 << 16)?;
        size("intermediate_size", self.intermediate_size, 1 << 18)?;
        size("num_hidden_layers", self.num_hidden_layers, 1 << 10)?;
        size("num_attention_heads", self.num_attention_heads, 1 << 10)?;
        size("num_key_value_heads", self.key_value_heads(), 1 << 10)?;
        size(
            "max_position_embeddings",
            self.max_position_embeddings,
            1 << 24,
        )?;
        let (heads, of) = (self.num_attention_heads, "num_attention_heads");
        divides("num_key_value_heads", self.key_value_heads(), of, heads)?;
        if self.head_dim.is_none() {
            divides(of, heads, "hidden_size", self.hidden_size)?;
        }
        size("head_dim", self.head_size(), 1 << 12)?;
        if !(self.rms_norm_eps > 0.0 && self.rms_norm_eps < 1.0) {
            let found = self.rms_norm_eps;
            return Err(Error::field("rms_norm_eps", found, "0 < eps < 1"));
        }
        rate("attention_dropout", self.attention_dropout)?;
        rate("initializer_range", self.initializer_range)?;
        self.validate_rotary()?;
        only(extra, "use_sliding_window", false)?;
        whole_heads_are_turned(extra)?;
        every_layer_attends_fully(extra)
    }
}

/// Refuses heads of which a share is turned, as `rope_parameters` or, in older files, the
/// configuration itself says.
fn whole_heads_are_turned(extra: &Map<String, Value>) -> Result<()> {
    let field = "partial_rotary_factor";
    match extra.get(field) {
        Some(found) if !found.is_null() && found.as_f64() != Some(1.0) => {
            Err(Error::field(field, found, "1"))
        }
        _ => Ok(()),
    }
}

/// Refuses layers that attend to a window of tokens.
fn every_layer_attends_fully(extra: &Map<String, Value>) -> Result<()> {
    let types = extra.get("layer_types").and_then(Value::as_array);
    let other = types
        .into_iter()
        .flatten()
        .find(|found| *found != "full_attention");
    match other {
        None => Ok(()),
        Some(found) => Err(Error::field(
            "layer_types",
            found,
            "\"full_attention\" alone",
        )),
    }
}

impl DecoderFamily for LlamaConfig {
    fn stack(&self) -> Stack {
        let block = BlockSizes {
            heads: self.num_attention_heads,
            key_value_heads: self.key_value_heads(),
            inner_size: self.intermediate_size,
        };
        Stack {
            hidden_size: self.hidden_size,
            head_size: self.head_size(),
            embeddings: Embeddings {
                words: self.vocab_size,
                width: self.hidden_size,
                scale: 1.0,
                positions: Positions::Rotary(self.rotary()),
                token_types: 0,
            },
            blocks: vec![block; self.num_hidden_layers],
            passes: 1,
            norms: Norms {
                kind: NormKind::Rms,
                place: NormPlace::Before,
                eps: self.rms_norm_eps,
                embeddings: EmbeddingNorm::None,
                heads: self.model_type == LlamaFamily::Qwen3,
            },
            causal: true,
            cross_attention: false,
            activation: self.hidden_act,
            gated: true,
            biases: self.biases(),
            conv1d: false,
            dropout: 0.0,
            attention_dropout: self.attention_dropout,
        }
    }

    fn tied(&self) -> bool {
        self.tie_word_embeddings
    }
}
