//! `config.json` of an encoder-decoder, which turns a source into a target.

use std::path::Path;

use super::bart::BartConfig;
use super::config_file::ConfigFile;
use super::names::{Names, Role};
use super::stack::{Positions, Stack};
use crate::error::Result;
use crate::file;

/// The configuration of an encoder-decoder, of the family that `model_type` names: `bart`,
/// `blenderbot`, `blenderbot-small` or `marian`. The keys of `config.json` that this crate does not
/// use are kept for [`to_json`](Seq2SeqConfig::to_json).
///
/// ```
/// use cs_model::Seq2SeqConfig;
/// use std::path::Path;
///
/// let json = br#"{"model_type": "bart", "vocab_size": 100, "d_model": 64,
///     "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 128,
///     "decoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 128,
///     "max_position_embeddings": 128, "pad_token_id": 1, "decoder_start_token_id": 2}"#;
/// let config = Seq2SeqConfig::from_json(json, Path::new("config.json"))?;
/// assert_eq!(config.tensors()[0], ("shared.weight".into(), vec![100, 64]));
/// assert_eq!(config.decoder_start_token_id(), 2);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Seq2SeqConfig {
    file: ConfigFile<BartConfig>,
}

impl From<BartConfig> for Seq2SeqConfig {
    fn from(config: BartConfig) -> Self {
        let file = ConfigFile::new(config);
        Self { file }
    }
}

impl Seq2SeqConfig {
    /// Reads and validates the `config.json` of a folder.
    ///
    /// # Errors
    /// The file cannot be read, or [`Seq2SeqConfig::from_json`] refuses it.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        Self::from_json(&file::read(&path)?, &path)
    }

    /// Reads and validates a `config.json`; `origin` is the name that errors give it.
    ///
    /// # Errors
    /// [`Error::Json`](crate::Error::Json) with line and column, or
    /// [`Error::Field`](crate::Error::Field) for a value that cannot be used: another `model_type`,
    /// sizes that do not fit.
    pub fn from_json(bytes: &[u8], origin: &Path) -> Result<Self> {
        let file = ConfigFile::from_json(bytes, origin)?;
        Ok(Self { file })
    }

    /// Writes the `config.json`, with the keys this crate does not use.
    ///
    /// # Errors
    /// None in practice: every field is plain data.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.file.to_json()
    }

    /// Checks the sizes and rates.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) names the first value that cannot be used.
    pub fn validate(&self) -> Result<()> {
        self.file.validate()
    }

    /// The family's name in `config.json`.
    pub fn model_type(&self) -> &'static str {
        self.file.facts().model_type
    }

    /// What the encoder's blocks are told to be.
    pub fn encoder(&self) -> Stack {
        self.family().encoder()
    }

    /// What the decoder's blocks are told to be.
    pub fn decoder(&self) -> Stack {
        self.family().decoder()
    }

    /// Whether the words' logits are computed with the decoder's table of word embeddings.
    pub fn tied(&self) -> bool {
        self.family().tie_word_embeddings
    }

    /// The number of words that a target is made of, which is the width of a row of logits.
    pub fn vocab_size(&self) -> usize {
        self.family().vocab_size()
    }

    /// The longest source, and the longest target, in tokens, if there is a limit.
    pub fn max_positions(&self) -> Option<usize> {
        self.file.facts().max_positions
    }

    /// The token that every target begins with.
    pub fn decoder_start_token_id(&self) -> u32 {
        self.family().decoder_start_token_id
    }

    /// The names of the encoder's tensors.
    pub fn encoder_names(&self) -> Names {
        self.family().encoder_names()
    }

    /// The names of the tensors of the decoder and of the words' logits.
    pub fn decoder_names(&self) -> Names {
        self.family().decoder_names()
    }

    /// Lists name and shape of every tensor: the encoder's, the decoder's without what it shares,
    /// and what the words' logits take besides.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.family().tensors()
    }

    /// Lists the names of the layers that share the decoder's table of words, under which a
    /// checkpoint may hold it too.
    pub fn sharing(&self) -> Vec<String> {
        self.family().sharing()
    }

    /// Lists the names of tensors that a checkpoint may hold and that are not read, because they
    /// are others' once more, or computed.
    pub fn unread(&self) -> Vec<String> {
        let mut names = self.sharing();
        for (stack, own) in [
            (self.encoder(), self.encoder_names()),
            (self.decoder(), self.decoder_names()),
        ] {
            if matches!(stack.embeddings.positions, Positions::Sinusoidal { .. }) {
                names.push(own.weight(Role::PositionEmbeddings));
            }
        }
        names
    }

    fn family(&self) -> &BartConfig {
        &self.file.known
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{Activation, EmbeddingNorm, NormPlace};

    /// A Marian with tables of its own for encoder and decoder, and these keys.
    fn parse(keys: &Value) -> Result<Seq2SeqConfig> {
        let mut config = json!({
            "model_type": "marian", "vocab_size": 70, "decoder_vocab_size": 60,
            "share_encoder_decoder_embeddings": false, "d_model": 16, "encoder_layers": 1,
            "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_layers": 2,
            "decoder_attention_heads": 4, "decoder_ffn_dim": 20, "max_position_embeddings": 32,
            "activation_function": "swish", "scale_embedding": true, "pad_token_id": 59,
            "decoder_start_token_id": 59, "num_beams": 4,
        });
        for (key, value) in keys.as_object().unwrap() {
            config[key] = value.clone();
        }
        Seq2SeqConfig::from_json(config.to_string().as_bytes(), Path::new("config.json"))
    }

    #[test]
    fn encoder_and_decoder_have_sizes_of_their_own() {
        let config = parse(&json!({})).unwrap();
        let (encoder, decoder) = (config.encoder(), config.decoder());
        assert_eq!(
            (encoder.embeddings.words, decoder.embeddings.words),
            (70, 60)
        );
        assert_eq!((encoder.head_size, decoder.head_size), (8, 4));
        assert_eq!((encoder.blocks.len(), decoder.blocks.len()), (1, 2));
        assert_eq!(
            (decoder.embeddings.scale, decoder.activation),
            (4.0, Activation::Silu)
        );
        assert!(decoder.causal && decoder.cross_attention);
        assert!(!encoder.causal && !encoder.cross_attention);
        let tensors = config.tensors();
        assert_eq!(
            tensors[0],
            ("encoder.embed_tokens.weight".into(), vec![70, 16])
        );
        assert_eq!(
            tensors.last(),
            Some(&("final_logits_bias".into(), vec![1, 60]))
        );
        let again = config.to_json().unwrap();
        assert_eq!(
            Seq2SeqConfig::from_json(&again, Path::new("")).unwrap(),
            config
        );
    }

    #[test]
    fn families_differ_in_norms_and_positions() {
        let learned = |rows, offset| Positions::Learned { rows, offset };
        let sinusoidal = Positions::Sinusoidal { rows: 32 };
        let (none, sum, words) = (
            EmbeddingNorm::None,
            EmbeddingNorm::Sum,
            EmbeddingNorm::Words,
        );
        for (name, positions, place, norms) in [
            ("bart", learned(34, 2), NormPlace::After, [sum, sum]),
            (
                "blenderbot",
                learned(32, 0),
                NormPlace::Before,
                [none, none],
            ),
            (
                "blenderbot-small",
                learned(32, 0),
                NormPlace::After,
                [sum, words],
            ),
            ("marian", sinusoidal, NormPlace::After, [none, none]),
        ] {
            let keys = json!({"model_type": name, "share_encoder_decoder_embeddings": true});
            let config = parse(&keys).unwrap();
            assert_eq!((config.model_type(), config.vocab_size()), (name, 70));
            let stacks = [config.encoder(), config.decoder()];
            assert_eq!(stacks.each_ref().map(|stack| stack.norms.embeddings), norms);
            for stack in stacks {
                assert_eq!(stack.embeddings.positions, positions, "{name}");
                assert_eq!(stack.norms.place, place, "{name}");
            }
            let tables = config
                .tensors()
                .into_iter()
                .filter(|(_, shape)| shape[0] == 70);
            assert_eq!(tables.count(), 1, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (keys, reason) in [
            (
                json!({"model_type": "t5"}),
                r#"model_type is "t5", expected "bart", "blenderbot""#,
            ),
            (
                json!({"model_type": "bart"}),
                "share_encoder_decoder_embeddings is false",
            ),
            (
                json!({"encoder_attention_heads": 3}),
                "encoder_attention_heads is 3, expected a",
            ),
            (
                json!({"decoder_vocab_size": 0}),
                "decoder_vocab_size is 0, expected 1 to",
            ),
            (
                json!({"decoder_layers": 0}),
                "decoder_layers is 0, expected 1 to",
            ),
            (
                json!({"decoder_start_token_id": 60}),
                "decoder_start_token_id is 60, expected",
            ),
            (json!({"pad_token_id": 70}), "pad_token_id is 70, expected"),
            (json!({"dropout": 1.5}), "dropout is 1.5, expected 0 to 1"),
            (
                json!({"is_encoder_decoder": false}),
                "is_encoder_decoder is false, expected true",
            ),
            (
                json!({"activation_function": "tanh"}),
                "unknown variant `tanh`",
            ),
            (json!({"d_model": null}), "invalid type: null"),
        ] {
            let error = parse(&keys).unwrap_err().to_string();
            assert!(
                error.starts_with("config.json:") && error.contains(reason),
                "{error}"
            );
        }
    }
}
