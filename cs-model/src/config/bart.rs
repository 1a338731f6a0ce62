//! The configuration of BART (Lewis et al. 2020) and its kin: Blenderbot, BlenderbotSmall (Roller et
//! al. 2021) and Marian (Junczys-Dowmunt et al. 2018), which differ in norms and positions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checks::{divides, only, rate, size, token};
use super::family::{Facts, Family};
use super::names::{
    BART_DECODER, BART_ENCODER, Names, Part, Role, UNTIED_BART_DECODER, UNTIED_BART_ENCODER,
};
use super::stack::{
    Activation, Biases, BlockSizes, EmbeddingNorm, Embeddings, NormKind, NormPlace, Norms,
    Positions, Stack,
};
use super::tensor_list::TensorList;
use crate::error::{Error, Result};

/// The configuration of BART, Blenderbot, BlenderbotSmall or Marian: an encoder, and a decoder whose
/// blocks attend to what the encoder read. Names are Hugging Face's; what has no default there for
/// all of them has to be given.
///
/// ```
/// use cs_model::{Positions, Seq2SeqConfig};
/// use std::path::Path;
///
/// let json = br#"{"model_type": "marian", "vocab_size": 100, "d_model": 64,
///     "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 128,
///     "decoder_layers": 2, "decoder_attention_heads": 8, "decoder_ffn_dim": 128,
///     "max_position_embeddings": 512, "pad_token_id": 99, "decoder_start_token_id": 99}"#;
/// let config = Seq2SeqConfig::from_json(json, Path::new("config.json"))?;
/// assert_eq!(config.encoder().blocks.len(), 6);
/// assert!(matches!(config.decoder().embeddings.positions, Positions::Sinusoidal { .. }));
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BartConfig {
    /// The family.
    pub model_type: BartFamily,
    /// The number of rows of the word embeddings; where the decoder has its own, the encoder's.
    pub vocab_size: usize,
    /// The number of rows of the decoder's word embeddings, where it has its own; `None`:
    /// `vocab_size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder_vocab_size: Option<usize>,
    /// Whether a Marian's encoder and decoder share the word embeddings; those of the others do.
    #[serde(default = "yes")]
    pub share_encoder_decoder_embeddings: bool,
    /// Whether the words' logits are computed with the table of word embeddings. If not, no table
    /// is shared at all.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
    /// The width `H` of the hidden states.
    pub d_model: usize,
    /// The number of the encoder's blocks.
    pub encoder_layers: usize,
    /// The number `A` of the encoder's attention heads, which divides `d_model`.
    pub encoder_attention_heads: usize,
    /// The width between the encoder's feed-forward layers.
    pub encoder_ffn_dim: usize,
    /// The number of the decoder's blocks.
    pub decoder_layers: usize,
    /// The number `A` of the decoder's attention heads, which divides `d_model`.
    pub decoder_attention_heads: usize,
    /// The width between the decoder's feed-forward layers.
    pub decoder_ffn_dim: usize,
    /// The longest source, and the longest target, in tokens.
    pub max_position_embeddings: usize,
    /// The activation between the feed-forward layers.
    #[serde(default)]
    pub activation_function: Activation,
    /// Whether word vectors are multiplied by the root of `d_model`.
    #[serde(default)]
    pub scale_embedding: bool,
    /// The dropout rate after the embeddings and after each sublayer, in training.
    #[serde(default = "tenth")]
    pub dropout: f64,
    /// The dropout rate of attention probabilities, in training.
    #[serde(default)]
    pub attention_dropout: f64,
    /// The standard deviation of fresh weights.
    #[serde(default = "fiftieth")]
    pub init_std: f64,
    /// The id of the padding token.
    pub pad_token_id: u32,
    /// The token that every target begins with.
    pub decoder_start_token_id: u32,
}

/// Which of the families a [`BartConfig`] is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BartFamily {
    /// BART: norms after the embeddings and after each sublayer, learned positions.
    Bart,
    /// Blenderbot: norms before each sublayer and after the last block, learned positions.
    Blenderbot,
    /// BlenderbotSmall: as BART, but the decoder's norm comes before positions are added.
    BlenderbotSmall,
    /// Marian: norms after each sublayer, sinusoidal positions.
    Marian,
}

fn yes() -> bool {
    true
}

fn tenth() -> f64 {
    0.1
}

fn fiftieth() -> f64 {
    0.02
}

impl BartConfig {
    /// What the encoder's blocks are told to be.
    pub fn encoder(&self) -> Stack {
        let block = BlockSizes {
            heads: self.encoder_attention_heads,
            key_value_heads: self.encoder_attention_heads,
            inner_size: self.encoder_ffn_dim,
        };
        Stack {
            blocks: vec![block; self.encoder_layers],
            ..self.stack(block.heads)
        }
    }

    /// What the decoder's blocks are told to be.
    pub fn decoder(&self) -> Stack {
        let block = BlockSizes {
            heads: self.decoder_attention_heads,
            key_value_heads: self.decoder_attention_heads,
            inner_size: self.decoder_ffn_dim,
        };
        let mut stack = Stack {
            blocks: vec![block; self.decoder_layers],
            causal: true,
            cross_attention: true,
            ..self.stack(block.heads)
        };
        stack.embeddings.words = self.vocab_size();
        if self.model_type == BartFamily::BlenderbotSmall {
            stack.norms.embeddings = EmbeddingNorm::Words;
        }
        stack
    }

    /// What encoder and decoder have in common.
    fn stack(&self, heads: usize) -> Stack {
        let scale = if self.scale_embedding {
            (self.d_model as f64).sqrt()
        } else {
            1.0
        };
        Stack {
            hidden_size: self.d_model,
            head_size: self.d_model / heads.max(1),
            embeddings: Embeddings {
                words: self.vocab_size,
                width: self.d_model,
                scale,
                positions: self.positions(),
                token_types: 0,
            },
            blocks: Vec::new(),
            passes: 1,
            norms: self.norms(),
            causal: false,
            cross_attention: false,
            activation: self.activation_function,
            gated: false,
            biases: Biases::ALL,
            conv1d: false,
            dropout: self.dropout,
            attention_dropout: self.attention_dropout,
        }
    }

    fn positions(&self) -> Positions {
        let rows = self.max_position_embeddings;
        match self.model_type {
            BartFamily::Bart => Positions::Learned {
                rows: rows + 2,
                offset: 2,
            },
            BartFamily::Blenderbot | BartFamily::BlenderbotSmall => {
                Positions::Learned { rows, offset: 0 }
            }
            BartFamily::Marian => Positions::Sinusoidal { rows },
        }
    }

    fn norms(&self) -> Norms {
        let (place, embeddings) = match self.model_type {
            BartFamily::Bart | BartFamily::BlenderbotSmall => {
                (NormPlace::After, EmbeddingNorm::Sum)
            }
            BartFamily::Blenderbot => (NormPlace::Before, EmbeddingNorm::None),
            BartFamily::Marian => (NormPlace::After, EmbeddingNorm::None),
        };
        Norms {
            kind: NormKind::Layer,
            place,
            eps: 1e-5,
            embeddings,
            heads: false,
        }
    }

    /// Whether encoder and decoder read one table of word embeddings.
    pub fn shares_words(&self) -> bool {
        self.tie_word_embeddings && self.share_encoder_decoder_embeddings
    }

    /// Lists the names of the layers that share the decoder's table of words.
    pub(super) fn sharing(&self) -> Vec<String> {
        let mut names = Vec::new();
        if self.shares_words() {
            let own = [UNTIED_BART_ENCODER, UNTIED_BART_DECODER];
            names.extend(own.map(|names| names.weight(Role::WordEmbeddings)));
        }
        if self.tie_word_embeddings {
            names.push(self.decoder_names().weight(Role::LmHead));
        }
        names
    }

    /// The names of the encoder's tensors.
    pub(super) fn encoder_names(&self) -> Names {
        if self.shares_words() {
            BART_ENCODER
        } else {
            UNTIED_BART_ENCODER
        }
    }

    /// The names of the tensors of the decoder and of the words' logits.
    pub(super) fn decoder_names(&self) -> Names {
        if self.shares_words() {
            BART_DECODER
        } else {
            UNTIED_BART_DECODER
        }
    }

    /// The number of words that a target is made of.
    pub(super) fn vocab_size(&self) -> usize {
        let own = self
            .decoder_vocab_size
            .filter(|_| !self.share_encoder_decoder_embeddings);
        own.unwrap_or(self.vocab_size)
    }

    /// Lists name and shape of every tensor: the encoder's, the decoder's without what it shares, and
    /// what the words' logits take besides.
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = self.encoder().tensors(self.encoder_names());
        let mut decoder = self.decoder().tensors(self.decoder_names());
        if self.shares_words() {
            let words = self.decoder_names().weight(Role::WordEmbeddings);
            decoder.retain(|(name, _)| *name != words);
        }
        tensors.extend(decoder);
        let mut head = TensorList::new(self.decoder_names());
        if !self.tie_word_embeddings {
            head.table(Role::LmHead, self.vocab_size(), self.d_model);
        }
        head.push(Role::LogitsBias, Part::Bias, vec![1, self.vocab_size()]);
        tensors.extend(head.tensors);
        tensors
    }
}

impl Family for BartConfig {
    fn facts(&self) -> Facts {
        let model_type = match self.model_type {
            BartFamily::Bart => "bart",
            BartFamily::Blenderbot => "blenderbot",
            BartFamily::BlenderbotSmall => "blenderbot-small",
            BartFamily::Marian => "marian",
        };
        Facts {
            model_type,
            names: self.decoder_names(),
            vocab_size: self.vocab_size(),
            max_positions: Some(self.max_position_embeddings),
            deviation: self.init_std,
        }
    }

    fn validate(&self, extra: &Map<String, Value>) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size("decoder_vocab_size", self.vocab_size(), 1 << 24)?;
        size("d_model", self.d_model, 1 << 16)?;
        size("encoder_layers", self.encoder_layers, 1 << 10)?;
        size("decoder_layers", self.decoder_layers, 1 << 10)?;
        size("encoder_ffn_dim", self.encoder_ffn_dim, 1 << 18)?;
        size("decoder_ffn_dim", self.decoder_ffn_dim, 1 << 18)?;
        let positions = self.max_position_embeddings;
        size("max_position_embeddings", positions, 1 << 20)?;
        for (field, heads) in [
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("decoder_attention_heads", self.decoder_attention_heads),
        ] {
            divides(field, heads, "d_model", self.d_model)?;
        }
        rate("dropout", self.dropout)?;
        rate("attention_dropout", self.attention_dropout)?;
        rate("init_std", self.init_std)?;
        token("pad_token_id", self.pad_token_id, self.vocab_size)?;
        let start = self.decoder_start_token_id;
        token("decoder_start_token_id", start, self.vocab_size())?;
        if self.model_type != BartFamily::Marian && !self.share_encoder_decoder_embeddings {
            let field = "share_encoder_decoder_embeddings";
            return Err(Error::field(field, false, "true, but for \"marian\""));
        }
        only(extra, "is_encoder_decoder", true)?;
        only(extra, "is_decoder", false)
    }
}
